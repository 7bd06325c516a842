"""What is asked of git, and what is known already."""

from pathlib import Path

import pytest

from bot.sandbox.git import diff, git
from tests.support.sandbox.commits import write_commit


async def test_commit_lookups_are_cached_and_branch_heads_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await git.init(repository := tmp_path / "a.git")
    first, second = [
        await write_commit(
            repository, {"a.txt": text}, parent=None, message="Say", when=1_800_000_000
        )
        for text in ("one\n", "two\n")
    ]
    await git.set_ref(repository, "refs/heads/main", first)
    assert await git.resolve(repository, "main") == first
    await git.set_ref(repository, "refs/heads/main", second)
    assert await git.resolve(repository, "main") == second

    [file] = await diff.changed_files(repository, first, second)
    assert (file.additions, file.deletions) == (1, 1)
    monkeypatch.setattr(git, "run", None)
    assert await diff.changed_files(repository, first, second) == [file]


async def test_a_commit_without_a_parent_follows_none(tmp_path: Path) -> None:
    await git.init(repository := tmp_path / "a.git")
    for text in ("one\n", "two\n"):
        sha = await write_commit(
            repository, {"a.txt": text}, parent=None, message="Say", when=1_800_000_000
        )
        assert (await git.commit(repository, sha)).parents == ()
    assert not await git.run(repository, "for-each-ref")
