"""What the pages on security and reliability promise stays true: each promise has all its parts,
and names tests that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/security.md").read_text()
README = (ROOT / "README.md").read_text()


def _rows(section: str) -> list[list[str]]:
    """The cells of a section's table."""
    text = PAGE.partition(f"## {section}\n")[2].partition("\n## ")[0]
    lines = re.findall(r"^\| (.+) \|$", text, re.MULTILINE)
    return [[cell.strip() for cell in line.split(" | ")] for line in lines[2:]]


ROWS = _rows("Threats")
ATTACKS = _rows("Attacks that the tests repeat")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]}: {row[2]}"[:60])
def test_each_threat_is_shown_by_a_test_that_exists(row: list[str]) -> None:
    assert len(row) == 5
    assert all(row)
    assert any(name for _, name in _NAMED_TEST.findall(row[4])), "no test is named"


@pytest.mark.parametrize("row", ATTACKS, ids=lambda row: row[0][:60])
def test_each_attack_that_once_worked_is_repeated_by_a_test(row: list[str]) -> None:
    attack, tests = row
    assert attack
    assert any(name for _, name in _NAMED_TEST.findall(tests)), "no test is named"


def test_what_stops_a_threat_exists() -> None:
    source_paths = [f"/{path.relative_to(ROOT)}" for path in ROOT.glob("[bw]o*/**/*.py")]
    named = [name for row in ROWS for name in re.findall(r"`([\w/]+\.py)`", row[3])]
    assert len(named) > 10
    for name in named:
        assert any(path.endswith(f"/{name}") for path in source_paths), name


RELIABILITY = (ROOT / "docs/reliability.md").read_text()
PROMISES = re.findall(r"^\| (.+) \|$", RELIABILITY, re.MULTILINE)[2:]

#: `path::test`, or a file or folder of tests.
_NAMED_TEST = re.compile(r"`(tests/[\w./]+)(?:::(\w+))?`")


#: What README.md promises, and the tests that show it.
PROMISES_OF_README = {
    "It posts one review with inline comments and one-click suggested changes, and a check run "
    "with live progress.": "`tests/flows/test_opened_pull_request.py"
    "::test_it_has_one_review_and_one_completed_check_run`",
    "Your code never leaves your infrastructure unless you choose a hosted model":
    "`tests/security/test_connections.py::test_a_review_connects_to_nothing_but_its_settings`",
    "A comment is posted only if its quoted code is in the diff":
    "`tests/unit/workers/analysis/test_suggestions.py"
    "::test_a_quote_that_is_not_found_is_reported_without_a_line`, "
    "`tests/unit/workers/reports/test_merge.py"
    "::test_only_new_anchored_findings_go_on_lines_and_only_so_many`",
    "a second pass drops findings that don't hold up":
    "`tests/unit/workers/analysis/test_read_batch_and_refute.py"
    "::test_an_unconfirmed_finding_is_dropped_and_counted`",
    "a suggestion that breaks the file's syntax is dropped":
    "`tests/unit/workers/analysis/test_read_batch.py"
    "::test_a_suggestion_that_does_not_apply_is_dropped_and_reported`",
    "Most severe first, no duplicates; skipped files, up to 1,000, are listed with the reason.":
    "`tests/unit/workers/reports/test_merge.py::test_what_ranks_highest_comes_first`, "
    "`tests/unit/workers/reports/test_merge.py"
    "::test_a_finding_of_analyzer_and_llm_is_reported_once_with_both_sources`, "
    "`tests/flows/test_policy.py"
    "::test_the_riskiest_files_of_a_large_pull_request_are_reviewed_with_a_note`",
    "State and queue change in one atomic step in Redis":
    "`tests/unit/bot/store/test_reviews.py"
    "::test_a_move_takes_its_messages_along_or_does_nothing`, "
    "`tests/chaos/test_chaos.py::test_nothing_is_lost_or_doubled_in_a_short_chaos`",
    "before a write to GitHub is retried, Glossator checks whether the first attempt succeeded.":
    "`tests/flows/test_github_failures.py"
    "::test_a_write_that_took_effect_unknown_to_us_is_not_done_again`",
    "Reviewed code is never executed or checked out":
    "`tests/security/test_hostile_repositories.py"
    "::test_a_hostile_tree_is_reviewed_and_runs_nothing`",
    "analyzers see neither the repository's configuration nor the server's environment.":
    "`tests/unit/workers/scan/analyzers/test_isolation.py::test_sees_none_of_our_environment`, "
    "`tests/security/test_hostile_repositories.py"
    "::test_a_hostile_tree_is_reviewed_and_runs_nothing`",
    "Settings come from the environment, never from a file in the clone.":
    "`tests/security/test_hostile_working_directory.py"
    "::test_a_command_takes_nothing_from_the_directory`",
}  # fmt: skip


def test_what_the_readme_promises_has_a_test() -> None:
    """Each sentence is there word for word, and no bullet of "Why this one" has no test."""
    readme = " ".join(README.split())
    assert [promise for promise in PROMISES_OF_README if promise not in readme] == []
    bullets = readme.partition("## Why this one")[2].partition(" ## ")[0].split("- **")[1:]
    assert len(bullets) >= 4
    for bullet in bullets:
        assert any(promise in bullet for promise in PROMISES_OF_README), bullet


def test_each_named_test_exists() -> None:
    pages = (PAGE, RELIABILITY, *PROMISES_OF_README.values())
    named = [match for page in pages for match in _NAMED_TEST.findall(page)]
    assert len(named) > 150
    assert len(ATTACKS) > 20
    assert all((ROOT / path).exists() for path, _ in named)
    missing = [f"{path}::{name}" for path, name in named if name and not _defines(path, name)]
    assert missing == []


def _defines(path: str, name: str) -> bool:
    text = (ROOT / path).read_text()
    return re.search(rf"^(async )?def {name}\(", text, re.MULTILINE) is not None


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise[:40])
def test_each_row_on_reliability_names_the_test_that_shows_it(promise: str) -> None:
    what, follows, shown_by = promise.split(" | ")
    assert what
    assert follows
    assert any(name for _, name in _NAMED_TEST.findall(shown_by)), "no test is named"


@pytest.mark.parametrize("section", re.split(r"^## ", RELIABILITY, flags=re.MULTILINE))
def test_each_section_on_reliability_names_a_test(section: str) -> None:
    assert _NAMED_TEST.search(section)
