"""Reading cases, and what is said of those that can't be read."""

import json
from collections.abc import Callable
from dataclasses import replace
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import pytest

from bot.config.settings import Settings
from bot.domain.model import Category, Severity
from tests.support.repositories import Repository
from workers.offline.evaluation.cases import BadCase, Expected, load_cases
from workers.offline.evaluation.repositories import fetch_missing, repository_of, target_of
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


def listed(tmp_path: Path, text: str, name: str = "cases.yml") -> Path:
    file = tmp_path / name
    file.write_text(text)
    return file


def test_a_file_lists_changes_of_a_repository(tmp_path: Path) -> None:
    text = """
repository: ../shop
cases:
  - name: pull-12
    base: main
    head: topic
    title: Discount
    goldens:
      - issue: Applied twice.
        severity: High
        path: cart.py
        lines: [12, 14]
        category: correctness
  - repository: https://github.com/o/n
    base: "1234567"
    head: abc
"""
    one, other = load_cases(listed(tmp_path, text))
    assert (one.name, one.title, one.repository) == ("pull-12", "Discount", "../shop")
    assert (one.base, one.head, one.folder) == ("main", "topic", tmp_path)
    expected = Expected("cart.py", 12, 14, Category.CORRECTNESS, "Applied twice.", Severity.HIGH)
    assert one.expected == (expected,)
    assert (other.name, other.base, other.expected) == ("case-2", "1234567", ())
    assert other.repository == "https://github.com/o/n"


def test_a_mapping_by_name_may_be_the_whole_file_and_name_its_branches(tmp_path: Path) -> None:
    goldens = [{"severity": "Low", "issue": "Inconsistent naming."}]
    text = json.dumps({"dev01": {"title": "T", "url": "https://x", "goldens": goldens}})
    [case] = load_cases(listed(tmp_path, text, "goldens.json"), "/somewhere")
    assert (case.base, case.head, case.repository) == ("dev01-base", "dev01-head", "/somewhere")
    assert case.expected == (Expected("", 0, 0, None, "Inconsistent naming.", Severity.LOW),)


@pytest.mark.parametrize(
    ("text", "expected_text"),
    [
        ("", "lists no cases"),
        ("cases: []", "lists no cases"),
        ("cases: 3", "lists no cases"),
        ("a: [", "can't be read"),
        ("a: {base: x, head: y}", "'repository' is missing"),
        ("repository: r\ncases: [{base: 1234567, head: y}]", "'base' is 1234567"),
        ("repository: r\ncases: [{name: a}, {name: a}]", "two cases named a"),
        ("repository: r\ncases: [x]", "case-1 can't be read"),
        ("a: {repository: r, goldens: [{severity: high}]}", "'issue' is missing"),
        ("a: {repository: r, goldens: [{issue: i, severity: awful}]}", "'awful' is not a valid"),
        ("a: {repository: r, goldens: [{issue: i, lines: 3}]}", "'lines' are given without"),
    ],
)
def test_a_list_that_cannot_be_read_is_refused_with_its_mistake(
    tmp_path: Path, text: str, expected_text: str
) -> None:
    with pytest.raises(BadCase, match=expected_text):
        load_cases(listed(tmp_path, text))


@pytest.mark.parametrize(
    ("repository", "base", "expected_text"),
    [
        ("https://github.com/o/n", "main", "names 'main'"),
        ("file:///nowhere", "a" * 40, "could not fetch file:///nowhere"),
        ("ext::sh -c 'touch ran'://x", "a" * 40, "could not fetch ext::sh"),
    ],
)
async def test_an_address_is_asked_for_whole_commits_by_known_protocols(
    tmp_path: Path, repository: str, base: str, expected_text: str
) -> None:
    case = {"repository": repository, "base": base, "head": "b" * 40}
    cases = load_cases(listed(tmp_path, json.dumps({"a": case}), "cases.json"))
    with pytest.raises(BadCase, match=expected_text):
        await fetch_missing(cases, Settings(_env_file=None, data_dir=tmp_path / "data"))
    assert not (tmp_path / "ran").exists()


async def test_a_change_that_is_none_is_named(tmp_path: Path) -> None:
    source = Repository(tmp_path / "upstream.git").change({"a": "1\n"}, {"a": "2\n"})
    case = {"repository": "upstream.git", "base": source.head_sha, "head": source.head_sha}
    [same] = load_cases(listed(tmp_path, json.dumps({"same": case}), "cases.json"))
    for bad in (same, replace(same, head="nowhere"), replace(same, repository="none.git")):
        with pytest.raises(BadCase, match="The case same"):
            async with target_of(bad, Settings(_env_file=None)):
                pass


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
