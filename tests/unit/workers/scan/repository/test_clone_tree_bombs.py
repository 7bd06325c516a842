"""Trees of a few kilobytes that name more files than any memory holds."""

import asyncio
import threading

import pytest

from bot.config.repository_config import RepoConfig
from bot.config.settings import Settings
from tests.support.repositories import Repository
from workers.scan.repository import clone as clone_module
from workers.scan.repository import diff
from workers.scan.repository import git as git_module
from workers.scan.repository.clone import Source, clone
from workers.scan.repository.errors import CloneError
from workers.scan.selection import file_selection
from workers.scan.selection.file_selection import select_files


def bomb(repository: Repository, width: int, levels: int) -> Source:
    """A pull request that adds `width ** levels` files of one blob."""
    base = repository.commit({"a.py": "1\n"})
    oid, mode = repository.blob(b"x\n"), "100644"
    for _ in range(levels):
        oid = repository.raw_tree([(mode, f"{n:03}".encode(), oid) for n in range(width)])
        mode = "40000"
    return repository.pull(base, repository.commit_of(oid, base))


async def test_git_has_no_more_memory_than_it_may_take(
    repository: Repository, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = bomb(repository, 10, 6)
    monkeypatch.setattr(clone_module, "MAX_CHANGED", 10**9)
    monkeypatch.setattr(git_module, "MAX_MEMORY_KB", 100_000)
    async with clone(source, settings, protocols=("file",)) as opened:
        with pytest.raises(CloneError, match="too large") as caught:
            await opened.names()
    assert not caught.value.transient


async def test_ten_billion_files_are_refused_while_another_change_is_read(
    repository: Repository, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the limits as they are, but for memory: a third of a gigabyte is enough."""
    monkeypatch.setattr(git_module, "MAX_MEMORY_KB", 300_000)
    harmless = repository.change({"a.py": "1\n"}, {"a.py": "2\n"})

    async def chosen(source: Source) -> list[str]:
        async with clone(source, settings, protocols=("file",)) as opened:
            selected = await select_files(opened, settings, RepoConfig())
            return [target.path for target in selected.targets]

    refused, read = await asyncio.gather(
        chosen(bomb(repository, 10, 10)), chosen(harmless), return_exceptions=True
    )
    assert isinstance(refused, CloneError)
    assert "too large" in str(refused)
    assert not refused.transient
    assert read == ["a.py"]


@pytest.mark.parametrize("what", ["names", "tree", "base_tree"])
async def test_lists_of_files_are_read_up_to_a_number(
    repository: Repository, settings: Settings, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr(clone_module, "MAX_CHANGED", 900)
    monkeypatch.setattr(clone_module, "MAX_TREE", 900)
    source = bomb(repository, 10, 3)
    if what == "base_tree":
        source = Source(source.url, "", source.head_sha, source.merge_base, source.number)
    async with clone(source, settings, protocols=("file",)) as opened:
        with pytest.raises(CloneError, match="too large"):
            await getattr(opened, what)()
        monkeypatch.setattr(clone_module, "MAX_CHANGED", 1001)
        monkeypatch.setattr(clone_module, "MAX_TREE", 1001)
        assert len(await getattr(opened, what)()) in (1000, 1001)


async def test_lists_are_parsed_and_sifted_beside_the_event_loop(
    repository: Repository, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one change is read, others go on, and can be cancelled."""
    source = repository.change({"a.py": "1\n"}, {"a.py": "2\n"})
    here, used = threading.current_thread(), []

    def noted(name: str, real: object) -> object:
        def run(*args: object) -> object:
            used.append((name, threading.current_thread() is here))
            return real(*args)  # type: ignore[operator]

        return run

    for module, name in (
        (diff, "parse_raw"),
        (diff, "parse_numstat"),
        (diff, "parse_patch"),
        (clone_module, "_entries"),
        (clone_module, "_contents"),
        (file_selection, "riskiest_first"),
    ):
        monkeypatch.setattr(module, name, noted(name, getattr(module, name)))
    async with clone(source, settings, protocols=("file",)) as opened:
        await select_files(opened, settings, RepoConfig())
    first = dict(reversed(used))
    assert first == dict.fromkeys(first, False)
    assert len(first) == 6
