"""Callers anywhere in the clone: of which names, in which files, at what cost."""

import asyncio
from collections.abc import Container, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as runs
from hypothesis import strategies as st

from bot.config.repository_config import RepoConfig
from bot.config.settings import Settings
from bot.domain.diff import ChangedFile, FileStatus, Hunk, Line
from tests.support.repositories import Repository
from tests.support.run_scan import scanned
from workers.scan.context import callers
from workers.scan.context.changed_symbols import MAX_NAMES, changed_symbols
from workers.scan.context.outline import outline
from workers.scan.context.path_distance import PathDistance
from workers.scan.context.related import index
from workers.scan.repository.clone import Clone, Entry, Source, clone
from workers.scan.repository.errors import CloneError
from workers.scan.repository.git import Git
from workers.scan.scan import Scanned

Files = Mapping[str | bytes, str | bytes]

BEFORE = "def order_total(cart):\n    return 0\n"
AFTER = "def order_total(cart):\n    return sum(cart)\n"
CALLER = "def bill(cart):\n    return order_total(cart)\n"


def hunk(start: int, *lines: str) -> Hunk:
    """Lines with their marks, the same number on both sides at first."""
    old = new = start
    found = []
    for line in lines:
        mark, text = line[0], line[1:]
        found.append(Line(None if mark == "+" else old, None if mark == "-" else new, text))
        old, new = old + (mark != "+"), new + (mark != "-")
    return Hunk(start, start, "", tuple(found))


def changed(*hunks: Hunk) -> ChangedFile:
    return ChangedFile(path="a.py", status=FileStatus.MODIFIED, hunks=hunks)


def names(text: str, *hunks: Hunk) -> tuple[str, ...]:
    return changed_symbols(changed(*hunks), outline("python", text), "python")


TWO = "def one():\n    x = 1\n    return x\ndef two():\n    x = 2\n    return x\n"
CLASS = (
    "class Shop:\n    def __init__(self):\n        self.x = 1\n    def total(self):\n        pass\n"
)


def test_a_hunk_over_two_functions_touches_both() -> None:
    assert names(TWO, hunk(2, "+    x = 1", "     return x", " def two():", "+    x = 2")) == (
        "one",
        "two",
    )


def test_a_changed_method_is_called_by_its_name_and_a_constructor_by_its_class() -> None:
    assert names(CLASS, hunk(5, "-        return 1", "+        pass")) == ("total",)
    assert names(CLASS, hunk(3, "+        self.x = 1")) == ("Shop",)


def test_a_removed_function_is_still_called_by_others() -> None:
    removed_function = hunk(1, "-def gone(a):", "-    return a", " x = 1")
    assert names("x = 1\n", removed_function) == ("gone",)
    method = hunk(1, "     x = 1", "-    def gone(self):", "-        return a")
    assert names("    x = 1\n", method) == ("gone",)


def test_ubiquitous_names_are_not_searched() -> None:
    text = "def main():\n    x = 1\ndef f():\n    x = 2\n"
    assert names(text, hunk(2, "+    x = 1", " def f():", "+    x = 2")) == ()


def test_so_many_names_of_a_file_and_no_more() -> None:
    text = "".join(f"def name_{n}():\n    pass\n" for n in range(100))
    everything = hunk(1, *("+" + line for line in text.splitlines()))
    assert names(text, everything) == tuple(f"name_{n}" for n in range(MAX_NAMES))


def test_near_is_counted_in_folders_up_and_down() -> None:
    near = PathDistance(["a/b/x.py", "c/y.py"])
    paths = ["a/b/z.py", "c/z.py", "a/z.py", "z.py", "c/d/e/z.py", "q/r/z.py"]
    assert [near.distance(path) for path in paths] == [0, 0, 1, 1, 2, 3]


async def find_callers(
    source: Source, settings: Settings, symbols_of: Mapping[str, tuple[str, ...]], hidden: str = "-"
) -> dict[str, tuple[str, ...]]:
    async with clone(source, settings, protocols=("file",)) as here:
        known = index(await here.tree())
        return await callers.callers(
            here, symbols_of, known, lambda path: not path.startswith(hidden)
        )


async def test_code_comes_before_tests_and_near_before_far(
    repository: Repository, settings: Settings
) -> None:
    files: Files = {
        "app/core/shop.py": AFTER,
        "far/away/z.py": CALLER,
        "app/near.py": CALLER,
        "app/core/tests/test_shop.py": CALLER,
        "app/hidden.py": CALLER,
        "app/other.py": "def order_totals():\n    pass\n",
        "app/web.ts": CALLER,
        "vendor/lib.py": CALLER,
        "app/shop_pb2.py": CALLER,
        "large.py": CALLER + "x = 1\n" * 40_000,
    }
    source = repository.change({"app/core/shop.py": BEFORE}, files)
    symbols_of = {"app/core/shop.py": ("order_total",)}
    expected = ("app/near.py", "far/away/z.py", "app/core/tests/test_shop.py")
    for _ in range(2):
        found = await find_callers(source, settings, symbols_of, hidden="app/hidden")
        assert found == {"app/core/shop.py": expected}


async def test_no_more_than_so_many_files_are_brought_and_the_nearest_first(
    repository: Repository, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    files: Files = {"a/shop.py": AFTER, "a/b.py": CALLER, "z/far.py": CALLER}
    source = repository.change({"a/shop.py": BEFORE}, files)
    monkeypatch.setattr(callers, "MAX_FILES", 2)
    assert await find_callers(source, settings, {"a/shop.py": ("order_total",)}) == {
        "a/shop.py": ("a/b.py",)
    }


async def test_a_ubiquitous_name_is_not_evidence(
    repository: Repository, settings: Settings
) -> None:
    files: Files = {"shop.py": AFTER, **{f"m{n}.py": CALLER + f"# {n}\n" for n in range(50)}}
    source = repository.change({"shop.py": BEFORE}, {**files, "b.py": "rare_name(1)\n"})
    symbols_of = {"shop.py": ("order_total", "rare_name")}
    assert await find_callers(source, settings, symbols_of) == {"shop.py": ("b.py",)}


async def test_nothing_is_brought_for_a_change_that_defines_nothing(
    repository: Repository, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callers, "MAX_BYTES", -(1 << 30))  # no fetch would pass
    source = repository.change({"a.py": BEFORE}, {"a.py": AFTER, "b.py": CALLER})
    assert await find_callers(source, settings, {"a.py": ()}) == {}
    with pytest.raises(CloneError):
        await find_callers(source, settings, {"a.py": ("order_total",)})


HOSTILE = st.text(st.characters(exclude_characters="\0\n", exclude_categories=["Cs"]), min_size=1)


@runs(max_examples=25, deadline=None)
@given(st.lists(HOSTILE | st.sampled_from(["--open-files-in-pager=touch x", "-f/etc/passwd"])))
def test_a_name_is_never_an_option(hostile: list[str]) -> None:
    """Git is called with the same words whatever the names are, and gets those as its input."""
    git_calls: list[tuple[tuple[str, ...], bytes]] = []

    class Listening(Git):
        async def local(
            self,
            *args: str,
            stdin: bytes = b"",
            codes: Container[int] = (0,),
            max_records: int | None = None,
        ) -> bytes:
            git_calls.append((args, stdin))
            return b"0" * 40

    git = Listening(Path(), "", "", (), 0, 0)
    here = Clone(git, Source("", "", "", "", 1))
    known = index([Entry("a.py", "1" * 40)])
    asyncio.run(callers.names_in(here, ["a.py"], known.blobs, hostile))
    (_, _), (words, given_names) = git_calls
    assert words == (*callers.GREP, "0" * 40, "--")
    assert given_names.decode().split("\n") == sorted(hostile) or not hostile


FAR: Files = {
    "billing/core/shop.py": BEFORE,
    "services/mail/jobs/nightly.py": CALLER,
    "services/secret/jobs/weekly.py": CALLER.replace("bill", "weekly"),
}


def context(result: Scanned) -> list[tuple[str, str, str]]:
    ((file,),) = (batch.files for batch in result.batches)
    return [(each.role, each.path, each.text) for each in file.context]


async def test_a_caller_in_a_far_folder_is_shown_to_the_model(
    repository: Repository, settings: Settings
) -> None:
    source = repository.change(FAR, {**FAR, "billing/core/shop.py": AFTER})
    result = await scanned(source, settings, RepoConfig(paths_exclude=("services/secret/",)))
    assert context(result) == [("caller", "services/mail/jobs/nightly.py", CALLER.rstrip("\n"))]


async def test_a_failing_search_loses_only_its_own_evidence_and_is_reported(
    repository: Repository, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside: Files = {**FAR, "billing/core/near.py": CALLER}
    source = repository.change(beside, {**beside, "billing/core/shop.py": AFTER})
    monkeypatch.setattr(callers, "MAX_SECONDS", 0)
    result = await scanned(source, settings, RepoConfig())
    assert [path for _, path, _ in context(result)] == ["billing/core/near.py"]
    (note,) = result.scan.notes
    assert note.startswith("Callers in other folders were not searched for: ")


async def test_a_far_caller_that_only_moves_is_no_reason_to_read_again(
    repository: Repository, settings: Settings
) -> None:
    source = repository.change(FAR, {**FAR, "billing/core/shop.py": AFTER})
    first = await scanned(source, settings, RepoConfig())
    moved: Files = {**FAR, "services/mail/jobs/nightly.py": "# a line\n\n" + CALLER}
    source = repository.change(moved, {**moved, "billing/core/shop.py": AFTER})
    second = await scanned(source, settings, RepoConfig())
    assert first.scan.file_result_keys == second.scan.file_result_keys
