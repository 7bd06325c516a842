"""A claim becomes a finding in our words for places and names, with nothing hidden in it."""

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.diff import Side
from bot.domain.fingerprint import fingerprint
from bot.domain.look_ups import LookUp, LookUpResult, Operation
from bot.domain.model import BatchFile, Category, Finding, Place, Severity, Snippet
from bot.policy.finding_filter import FindingFilter
from tests.support.secret_shapes import SHAPES
from tests.unit.workers.analysis.conftest import batch_file, finding
from workers.analysis.model_answer import RawFinding, read_finding
from workers.analysis.redacted_view import show
from workers.analysis.validate import shows_fix, validate_finding

FILTER = FindingFilter(tuple(Category), Severity.INFO, 0)


def judged(file: BatchFile | None = None, **changed: Any) -> Finding:
    shown = show(file or batch_file())
    raw = read_finding(finding(**changed))
    assert isinstance(raw, RawFinding)
    found = validate_finding(raw, {shown.path: shown}, FILTER)
    assert isinstance(found, Finding)
    return found


def evidence(**changed: Any) -> Finding:
    values: dict[str, Any] = {
        "path": "src/search.py",
        "category": Category.SECURITY,
        "severity": Severity.MEDIUM,
        "title": "Possible SQL injection",
        "body": "",
        "confidence": 1,
        "source": "ruff:S608",
        "start_line": 4,
        "end_line": 4,
        "fingerprint": "of the analyser",
    }
    return Finding(**(values | changed))


def test_a_finding_that_confirms_an_analyzer_is_the_same_finding() -> None:
    file = replace(batch_file(), evidence=(evidence(),))
    assert judged(file, rule="ruff:S608").fingerprint == "of the analyser"


@pytest.mark.parametrize(
    ("proof", "raw_values"),
    [
        ({}, {"rule": None}),
        ({}, {"rule": "ruff:S609"}),
        ({"start_line": 9, "end_line": 9}, {"rule": "ruff:S608"}),
        (
            {"start_line": 3, "end_line": 3},  # of the new side, which has a line of that number
            {"rule": "ruff:S608", "quote": "    return []", "side": "old", "line": 3},
        ),
        ({}, {"rule": "ruff:S608", "quote": "not in the diff at all"}),
    ],
    ids=["no rule", "another rule", "other lines", "the old side", "no lines"],
)
def test_what_confirms_no_analyzer_has_a_name_of_its_own(
    proof: dict[str, Any], raw_values: dict[str, Any]
) -> None:
    found = judged(replace(batch_file(), evidence=(evidence(**proof),)), **raw_values)
    assert found.fingerprint == fingerprint(found.path, "security", found.quote)


def test_a_removed_line_is_commented_on_the_old_side_without_a_suggestion() -> None:
    found = judged(quote="    return []", side="old", line=3, suggestion="    return [1]")
    assert (found.side, found.start_line, found.end_line) == (Side.LEFT, 3, 3)
    assert found.suggestion is None


def test_the_quote_is_taken_from_the_diff() -> None:
    found = judged(quote="for   row in rows:\ncursor.execute(query % row)")
    assert found.quote == "    for row in rows:\n        cursor.execute(query % row)"
    assert (found.start_line, found.end_line) == (3, 4)


@pytest.mark.parametrize(
    ("side", "line", "lines"),
    [
        ("new", 3, (3, 3)),
        ("new", 4, (4, 4)),
        ("old", 3, (3, 3)),
        ("new", 2, None),  # unchanged
        ("old", 2, None),
        ("old", 4, None),  # there is none
    ],
)
def test_without_a_quote_the_number_of_a_changed_line_is_believed(
    side: str, line: int | None, lines: tuple[int, int] | None
) -> None:
    found = judged(quote=" ", side=side, line=line)
    assert found.anchored is (lines is not None)
    if lines is not None:
        assert (found.start_line, found.end_line) == lines
        assert found.side is (Side.LEFT if side == "old" else Side.RIGHT)


def test_the_lines_around_a_finding_are_kept_for_people() -> None:
    found = judged()
    assert found.before[-1] == "    for row in rows:"
    assert found.after == ()
    assert judged(quote="nowhere at all").before == ()


def looked_up(*paths: str) -> LookUpResult:
    look_up = LookUp(operation=Operation.READ, path=paths[0])
    places = tuple(Place(path=path, start_line=1, end_line=9) for path in paths)
    return LookUpResult(look_up=look_up, text="", places=places)


def test_a_finding_rests_on_what_it_names_of_what_was_looked_up() -> None:
    results = [looked_up("db.py"), looked_up("urls.py", "db.py")]

    def paths(**changed: Any) -> list[str]:
        shown = show(batch_file())
        raw = read_finding(finding(**changed))
        assert isinstance(raw, RawFinding)
        found = validate_finding(raw, {shown.path: shown}, FILTER, results)
        assert isinstance(found, Finding)
        return [place.path for place in found.looked_at]

    assert paths() == []
    assert paths(body="As urls.py says.") == ["urls.py"]
    assert paths(trace="row -> db.py") == ["db.py"]
    assert paths(looked_at=[1]) == ["db.py"]
    assert paths(looked_at=[2]) == ["urls.py", "db.py"]
    assert paths(looked_at=[2, 1, 2]) == ["urls.py", "db.py"]
    assert paths(looked_at=[0, 3]) == []


def test_model_output_is_shown_without_secrets_and_hidden_characters() -> None:
    secret = SHAPES["slack"]
    found = judged(
        title=f"Uses {secret}\u202e", body=f"It is\r\n{secret}\u200b.", quote=f"nowhere {secret}"
    )
    assert found.title == "Uses [redacted:slack-token]\\u{202E}"
    assert found.body == "It is\n[redacted:slack-token]\\u{200B}."
    assert found.quote == "nowhere [redacted:slack-token]"
    assert not found.anchored


def test_a_path_is_matched_as_shown_and_reported_as_is() -> None:
    found = judged(batch_file("src/\u202ea.py"), path="src/\\u{202E}a.py")
    assert found.path == "src/\u202ea.py"
    assert found.anchored


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("    for row in rows:", True),
        ("`for row in rows:`", True),
        ("- 3 +|    for row in rows:\n- 4 +|        cursor.execute(query % row)", True),
        ("    return []", True),
        ("def connect():", True),
        ("12 |RETRIES = 3", True),
        ("for row in sorted(rows):", False),
        ("    for row in rows:\n    nothing()", False),
        ("  abc", True),
        ("xy", False),
        ("}", False),
        (" ", False),
    ],
)
def test_a_fix_is_shown_by_lines_that_were_shown(line: str, shown: bool) -> None:
    context = (Snippet("definition", "db.py", 1, "def connect():\n    }\n    abc\n    xy"),)
    look_up = LookUp(operation=Operation.READ, path="settings.py")
    result = LookUpResult(look_up=look_up, text="11 |\n12 |RETRIES = 3")
    assert shows_fix(line, [show(replace(batch_file(), context=context))], [result]) is shown
