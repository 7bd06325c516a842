"""Objects that are kept between clones: fetched once, for one tenant, and deleted in time."""

import asyncio
import os
import stat
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from bot.config.repository_config import RepoConfig
from bot.config.settings import Settings
from bot.domain.look_ups import LookUp, Operation
from bot.domain.model import PullRequestContext, Scan
from tests.support.repositories import Repository
from workers.repository.code_source import code_source
from workers.scan.repository import object_cache
from workers.scan.repository.clone import Clone, Source, clone
from workers.scan.repository.errors import CloneError
from workers.scan.repository.object_cache import make_room, remove_repositories

FILES: dict[str | bytes, str | bytes] = {
    f"d{i}/f{j}.py": f"x = {i * 100 + j}\n" for i in range(20) for j in range(10)
}


@pytest.fixture
def kept(settings: Settings, tmp_path: Path) -> Settings:
    return settings.model_copy(update={"data_dir": tmp_path / "data", "repository_cache_mb": 2048})


@asynccontextmanager
async def opened(source: Source, settings: Settings) -> AsyncIterator[Clone]:
    async with clone(source, settings, protocols=("file",)) as here:
        yield here


def of(source: Source, installation: int = 3, repository: int = 9) -> Source:
    return replace(source, installation_id=installation, repository_id=repository)


def brought(here: Clone) -> int:
    """Objects that this clone has fetched itself."""
    out = subprocess.run(
        ["git", "count-objects", "-v"],
        env={"PATH": os.environ["PATH"], "GIT_DIR": str(here.git.directory)},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    counts = dict(line.split(": ") for line in out.splitlines())
    return int(counts["count"]) + int(counts["in-pack"])


async def read_all(source: Source, settings: Settings) -> int:
    """Read every file of the head; the number of objects that it cost."""
    async with opened(source, settings) as here:
        tree = await here.tree()
        await here.fetch([entry.blob for entry in tree])
        contents = await here.read([entry.blob for entry in tree])
        assert len(contents) == len({entry.blob for entry in tree})
        return brought(here)


def changed(repository: Repository) -> Source:
    return of(repository.change(FILES, {**FILES, "d1/f1.py": "new = 1\n"}))


async def test_the_next_review_fetches_only_what_is_new(
    repository: Repository, kept: Settings
) -> None:
    first = changed(repository)
    assert await read_all(first, kept) > 200
    assert await read_all(first, kept) == 0

    base = repository.commit({**FILES, "d3/f3.py": "main = 1\n"}, parent=first.merge_base)
    head = repository.commit({**FILES, "d2/f2.py": "newer = 1\n"}, parent=base)
    second = of(repository.pull(base, head))
    # Two commits, of each the root and a folder, three blobs that the first head had not, and
    # again the trees that the new ones came as differences to.
    assert await read_all(second, kept) <= 14


async def test_blobs_of_the_head_alone_are_fetched_again_by_nobody(
    repository: Repository, kept: Settings
) -> None:
    source = changed(repository)
    async with opened(source, kept) as here:
        blobs = [entry.blob for entry in await here.tree()]
        await here.fetch(blobs[:50])
    async with opened(source, kept) as here:
        await here.fetch(blobs[:60])
        assert brought(here) == 10
        assert len(await here.read(blobs[:60])) == 60


@pytest.mark.variations(1)
@pytest.mark.parametrize("ids", [(4, 9), (3, 10)])
async def test_nobody_else_borrows(
    repository: Repository, kept: Settings, ids: tuple[int, int]
) -> None:
    source = changed(repository)
    await read_all(source, kept)
    other = of(source, *ids)
    assert await read_all(other, kept) > 200
    async with opened(other, kept) as here:
        lent = (here.git.directory / "objects/info/alternates").read_text()
    assert lent == f"{kept.data_dir}/repositories/{ids[0]}/{ids[1]}/objects\n"


async def test_a_look_up_finds_nothing_of_another_pull_request(
    repository: Repository, kept: Settings
) -> None:
    mine = changed(repository)
    fork = repository.commit({**FILES, "secret_plan.py": "plan_of_others = 1\n"})
    theirs = of(repository.pull(mine.merge_base, fork, number=8))
    await read_all(theirs, kept)
    scan = Scan(
        merge_base="",
        pr_context=PullRequestContext(title="", body=""),
        files=(),
        skipped=(),
        evidence=(),
    )
    wishes = [
        LookUp(operation=Operation.READ, path="secret_plan.py"),
        LookUp(operation=Operation.SEARCH, pattern="plan_of_others"),
        LookUp(operation=Operation.DEFINITION, symbol="plan_of_others"),
        LookUp(operation=Operation.USES, symbol="plan_of_others"),
        LookUp(operation=Operation.READ, path=f"{fork}:secret_plan.py"),
    ]
    async with code_source(mine, kept, RepoConfig(), scan, protocols=("file",)) as source:
        results = await source.answer(wishes)
    assert all(result.problem for result in results)
    assert not any(result.text or result.places for result in results)


async def test_only_the_user_may_look_into_it(repository: Repository, kept: Settings) -> None:
    await read_all(changed(repository), kept)
    root = kept.data_dir / "repositories"
    for each in (root, *root.rglob("*")):
        assert stat.S_IMODE(each.stat().st_mode) & 0o077 == 0


async def test_nothing_is_kept_without_a_cache_or_ids(
    repository: Repository, kept: Settings
) -> None:
    source = changed(repository)
    for settings, one in (
        (kept.model_copy(update={"repository_cache_mb": 0}), source),
        (kept, of(source, 0, 0)),
    ):
        assert await read_all(one, settings) > 200
        assert not kept.data_dir.exists()


async def test_a_disk_that_refuses_costs_only_the_cache(
    repository: Repository, kept: Settings
) -> None:
    kept.data_dir.write_text("a file")
    assert await read_all(changed(repository), kept) > 200


async def test_what_is_damaged_is_forgotten_and_fetched_again(
    repository: Repository, kept: Settings
) -> None:
    source = changed(repository)
    await read_all(source, kept)
    for pack in kept.data_dir.rglob("*.pack"):
        pack.write_bytes(b"PACK" + bytes(40))
    assert await read_all(source, kept) > 200
    assert await read_all(source, kept) == 0


async def test_what_another_clone_drops_while_it_is_borrowed_is_fetched_by_the_next_try(
    repository: Repository, kept: Settings
) -> None:
    """As where GitHub does not answer one of several reviews of a repository."""
    source = changed(repository)

    async def dropped() -> None:
        async with opened(source, kept):
            raise CloneError("It could not be fetched.", transient=True)

    async def borrowed() -> None:
        async with opened(source, kept) as borrower:
            assert borrower.borrows
            with suppress(CloneError):
                await dropped()
            await borrower.names()

    await read_all(source, kept)
    with pytest.raises(CloneError) as caught:
        await borrowed()
    assert caught.value.transient, "else the review ends as failed"
    async with opened(source, kept) as again:
        assert not again.borrows
        assert len(await again.names()) == 1


async def test_a_clone_that_borrowed_what_was_dropped_since_keeps_nothing(
    repository: Repository, kept: Settings
) -> None:
    """Its commits are whole with objects that are nowhere any more."""
    source = changed(repository)
    await read_all(source, kept)
    async with opened(source, kept) as borrower:
        assert borrower.borrows
        with pytest.raises(CloneError):
            async with opened(source, kept):
                raise CloneError("It could not be fetched.", transient=True)
    async with opened(source, kept) as again:
        assert not again.borrows
        assert len(await again.names()) == 1


async def test_a_damaged_pack_of_blobs_is_seen_before_it_is_borrowed(
    repository: Repository, kept: Settings
) -> None:
    source = changed(repository)
    async with opened(source, kept) as here:  # commits and trees in one pack, blobs in another
        blobs = [entry.blob for entry in await here.tree()]
    packs = {*kept.data_dir.rglob("*.pack")}
    async with opened(source, kept) as here:
        await here.fetch(blobs)
    for pack in {*kept.data_dir.rglob("*.pack")} - packs:
        pack.write_bytes(b"PACK" + bytes(40))
    assert await read_all(source, kept) > 200


async def test_many_at_once_damage_nothing(repository: Repository, kept: Settings) -> None:
    base = repository.commit(FILES)
    sources = []
    for number in range(1, 7):
        head = repository.commit({**FILES, f"d{number}/f1.py": f"n = {number}\n"}, parent=base)
        sources.append(of(repository.pull(base, head, number=number)))
    await asyncio.gather(*(read_all(source, kept) for source in sources * 2))
    assert [await read_all(source, kept) for source in sources] == [0] * 6


async def test_the_least_recently_used_go_first_and_what_is_borrowed_stays(
    repository: Repository, kept: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = changed(repository)
    for number in (1, 2, 3, 4):
        await read_all(of(source, 3, number), kept)
    root = kept.data_dir / "repositories/3"
    small = kept.model_copy(update={"repository_cache_mb": 1})
    (root / "2/filler").write_bytes(bytes((1 << 20) - _size(root / "1") // 2))
    for number in (1, 2, 3, 4):
        os.utime(root / str(number), (time.time() - 100 * number,) * 2)
    async with opened(of(source, 3, 4), kept) as here:
        os.utime(root / "4", (time.time() - 400,) * 2)
        make_room(small)
        assert sorted(each.name for each in root.iterdir()) == ["1", "4"]
        assert await here.tree()


def _size(folder: Path) -> int:
    return sum(each.stat().st_blocks * 512 for each in folder.rglob("*") if each.is_file())


async def test_what_nobody_uses_for_a_month_goes(repository: Repository, kept: Settings) -> None:
    await read_all(changed(repository), kept)
    root = kept.data_dir / "repositories"
    os.utime(root / "3/9", (time.time() - object_cache.KEEP_SECONDS - 60,) * 2)
    make_room(kept)
    assert not (root / "3").exists()


async def test_too_many_packs_begin_anew(
    repository: Repository, kept: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_cache, "_MAX_PACKS", 1)
    await read_all(changed(repository), kept)
    assert not list(kept.data_dir.rglob("*.pack"))


async def test_a_removed_repository_does_not_come_back_with_the_clone_that_borrowed(
    repository: Repository, kept: Settings
) -> None:
    source = changed(repository)
    root = kept.data_dir / "repositories"
    await read_all(of(source, 3, 8), kept)
    async with opened(source, kept) as here:
        await here.tree()
        remove_repositories(kept, 3, [9])
        assert [each.name for each in (root / "3").iterdir()] == ["8"]
    assert [each.name for each in (root / "3").iterdir()] == ["8"]
    await read_all(of(source, 4, 9), kept)
    remove_repositories(kept, 3)
    assert [each.name for each in root.iterdir()] == ["4"]


async def test_what_a_killed_process_left_is_cleared_away(
    repository: Repository, kept: Settings
) -> None:
    source = changed(repository)
    await read_all(source, kept)
    left = kept.data_dir / "repositories/3/.gone-9-1-1"
    left.mkdir()
    (left / "x").write_text("x")
    make_room(kept)
    assert not left.exists()
    assert await read_all(source, kept) == 0
