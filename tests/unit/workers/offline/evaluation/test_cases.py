"""Reading cases, and what is said of those that can't be read."""

from collections.abc import Callable
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import pytest

from bot.domain.model import Category
from workers.offline.evaluation.cases import BadCase, Expected, load_cases, repository_of
from workers.offline.evaluation.score import NEAR_LINES
from workers.offline.review_target import git

Write = Callable[..., Path]

SHIPPED = Path(__file__).parents[4] / "eval" / "cases"
ITEM = {"path": "a.py", "lines": 1, "category": "correctness", "why": "It is wrong."}


@pytest.mark.parametrize(("lines", "read"), [(3, (3, 3)), ([3, 7], (3, 7))])
def test_lines_are_one_number_or_two(write_case: Write, lines: Any, read: tuple[int, int]) -> None:
    spec = {"title": "T", "expected": [{**ITEM, "lines": lines}]}
    folder = write_case("one", spec, base={}, head={"a.py": "x\n"})
    (case,) = load_cases(folder.parent)
    expected = Expected("a.py", *read, Category.CORRECTNESS, "It is wrong.")
    assert (case.name, case.title, case.body, case.expected) == ("one", "T", "", (expected,))


@pytest.mark.parametrize(
    ("spec", "expected_text"),
    [
        ("", "one can't be read"),
        ("title: [", "one is not valid YAML"),
        ("- a list", "one can't be read"),
        ({"expected": []}, "'title' is missing"),
        ({"title": "T", "expected": [{**ITEM, "lines": [7, 3]}]}, r"'lines' is \[7, 3\]"),
        ({"title": "T", "expected": [{**ITEM, "lines": 0}]}, "'lines' is 0"),
        ({"title": "T", "expected": [{**ITEM, "lines": "all"}]}, "'lines' is 'all'"),
        ({"title": "T", "expected": [{**ITEM, "category": "style"}]}, "'style' is not a valid"),
        ({"title": "T", "expected": [{**ITEM, "path": None}]}, "'path' is missing"),
        ({"title": "T", "expected": [{**ITEM, "why": " "}]}, "'why' is missing"),
        ({"title": "T", "expected": ["a.py"]}, "one can't be read"),
    ],
)
def test_a_case_that_cannot_be_read_is_named_with_its_mistake(
    write_case: Write, spec: Any, expected_text: str
) -> None:
    folder = write_case("one", spec, base={}, head={})
    with pytest.raises(BadCase, match=expected_text):
        load_cases(folder.parent)


def test_a_folder_without_cases_is_reported(tmp_path: Path) -> None:
    with pytest.raises(BadCase, match="has no cases"):
        load_cases(tmp_path)


async def test_trees_become_two_commits(write_case: Write) -> None:
    base, head = {"a.py": "x\n", "gone.py": "y\n"}, {"a.py": "z\n", "new/b.py": "b\n"}
    folder = write_case("one", {"title": "T", "body": "Because."}, base=base, head=head)
    (case,) = load_cases(folder.parent)
    async with repository_of(case) as (repo, old, new):
        changed = await git(repo, "diff", "--name-status", f"{old}...{new}")
        message = await git(repo, "log", "-1", "--format=%B", new)
    assert changed.split() == ["M", "a.py", "D", "gone.py", "A", "new/b.py"]
    assert message.split() == ["T", "Because."]


async def test_a_bundle_becomes_a_repository(write_case: Write, tmp_path: Path) -> None:
    folder = write_case("one", {"title": "T"}, base={"a": "1\n"}, head={"a": "2\n"})
    (case,) = load_cases(folder.parent)
    bundled = write_case("bundled", {"title": "T"}, base={}, head={})
    async with repository_of(case) as (repo, _, _):
        await git(repo, "bundle", "create", str(bundled / "change.bundle"), "base", "head")
    (case, _) = load_cases(folder.parent)
    assert case.name == "bundled"
    async with repository_of(case) as (repo, old, new):
        assert await git(repo, "show", f"{old}:a") == "1\n"
        assert await git(repo, "show", f"{new}:a") == "2\n"


def test_the_shipped_cases_match_their_specification() -> None:
    cases = load_cases(SHIPPED)
    clean = [case for case in cases if not case.expected]
    assert len(clean) >= 12
    assert len(cases) - len(clean) >= 30
    assert {item.category for case in cases for item in case.expected} == set(Category)
    for case in cases:
        assert case.name.startswith("clean-") is not bool(case.expected), case.name
        for item in case.expected:
            lines = (case.folder / "head" / item.path).read_text().splitlines()
            assert item.last <= len(lines), case.name


def test_an_expected_defect_is_on_added_lines() -> None:
    for case in load_cases(SHIPPED):
        for item in case.expected:
            base, head = case.folder / "base" / item.path, case.folder / "head" / item.path
            old = base.read_text().splitlines() if base.exists() else []
            blocks = SequenceMatcher(None, old, head.read_text().splitlines()).get_opcodes()
            added = {n for op, _, _, i, j in blocks if op != "equal" for n in range(i + 1, j + 1)}
            near = range(item.first - NEAR_LINES, item.last + NEAR_LINES + 1)
            assert added & set(near), case.name
