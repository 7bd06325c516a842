"""A claim becomes a finding in our words for places and names, with nothing hidden in it."""

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.diff import Side
from bot.domain.fingerprint import fingerprint
from bot.domain.look_ups import LookUp, LookUpResult, Operation
from bot.domain.model import BatchFile, Category, Finding, Place, Rejected, Severity, Snippet
from bot.domain.reasons import RejectionReason
from bot.policy.finding_filter import FindingFilter
from tests.support.secret_shapes import SHAPES
from tests.unit.workers.analysis.conftest import batch_file, finding
from workers.analysis.model_answer import RawFinding, read_finding
from workers.analysis.redacted_view import show
from workers.analysis.validate import shows_fix, validate_finding

FILTER = FindingFilter(tuple(Category), Severity.INFO, 0)
FROM_THE_TOP = "def search(rows):\n    cursor = connect()\n    for row in rows:"


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
    found = judged(file, rule="ruff:S608")
    assert (found.fingerprint, found.agreement) == ("of the analyser", 2)


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
        ({"start_line": None, "end_line": None}, {"rule": "ruff:S608", "quote": FROM_THE_TOP}),
    ],
    ids=[
        "no rule",
        "another rule",
        "other lines",
        "the old side",
        "no lines",
        "evidence of no lines",
    ],
)
def test_what_confirms_no_analyzer_has_a_name_of_its_own(
    proof: dict[str, Any], raw_values: dict[str, Any]
) -> None:
    found = judged(replace(batch_file(), evidence=(evidence(**proof),)), **raw_values)
    assert found.fingerprint == fingerprint(found.path, "security", found.quote)
    assert found.agreement == 1


def test_a_removed_line_is_commented_on_the_old_side_without_a_suggestion() -> None:
    found = judged(quote="    return []", side="old", line=3, suggestion="    return [1]")
    assert (found.side, found.start_line, found.end_line) == (Side.LEFT, 3, 3)
    assert found.suggestion is None


@pytest.mark.parametrize(
    ("secrets", "raw_values", "named"),
    [
        (((4, "of the key"),), {}, ["of the key"]),
        (((3, "of the line before"), (4, "of the key")), {}, ["of the key"]),
        (((4, "of the key"), (5, "of the line after")), {}, ["of the key"]),
        (((3, "of the new side"),), {"quote": "    return []", "side": "old", "line": 3}, []),
        (((4, "of the key"),), {"quote": "not in the diff at all"}, []),
    ],
    ids=["its line", "the line before", "the line after", "the old side", "no lines"],
)
def test_another_secret_in_its_lines_is_another_finding(
    secrets: tuple[tuple[int, str], ...], raw_values: dict[str, Any], named: list[str]
) -> None:
    found = judged(replace(batch_file(), secrets=secrets), **raw_values)
    assert found.fingerprint == fingerprint(found.path, "security", found.quote, named)


@pytest.mark.parametrize(
    ("raw_values", "side", "lines", "suggestion"),
    [
        ({}, Side.RIGHT, (4, 4), "        cursor.execute(query, row)"),
        ({"suggestion": None}, Side.RIGHT, (4, 4), None),
        ({"quote": "    return []", "line": 3}, Side.LEFT, (3, 3), None),
        ({"quote": "not in the diff at all"}, Side.RIGHT, (None, None), None),
        ({"quote": "not in the diff at all", "side": "old"}, Side.LEFT, (None, None), None),
    ],
    ids=[
        "found",
        "nothing suggested",
        "found on the other side",
        "not found",
        "nor on the old side",
    ],
)
def test_a_finding_and_its_suggestion_stand_where_its_quote_is(
    raw_values: dict[str, Any],
    side: Side,
    lines: tuple[int | None, int | None],
    suggestion: str | None,
) -> None:
    found = judged(**raw_values)
    assert (found.side, (found.start_line, found.end_line)) == (side, lines)
    assert found.suggestion == suggestion


@pytest.mark.parametrize(
    ("raw_values", "reason", "detail"),
    [
        ({"path": "src/other.py"}, RejectionReason.NOT_IN_CHANGE, ""),
        ({"category": "style"}, RejectionReason.CATEGORY, "quality"),
        ({"severity": "low"}, RejectionReason.SEVERITY, "medium"),
        ({"confidence": 0.5}, RejectionReason.CONFIDENCE, "0.5 of 0.6"),
    ],
)
def test_who_reads_what_was_dropped_is_told_why(
    raw_values: dict[str, Any], reason: RejectionReason, detail: str
) -> None:
    shown = show(batch_file())
    raw = read_finding(finding(**raw_values))
    assert isinstance(raw, RawFinding)
    wanted = FindingFilter((Category.SECURITY,), Severity.MEDIUM, 0.6)
    dropped = validate_finding(raw, {shown.path: shown}, wanted)
    assert isinstance(dropped, Rejected)
    assert (dropped.reason, dropped.detail) == (reason, detail)
    assert (dropped.path, dropped.title) == (raw.path, raw.title)


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


def test_without_a_quote_or_a_number_there_is_no_place() -> None:
    raw = read_finding(finding(quote=" "))
    assert isinstance(raw, RawFinding)
    shown = show(batch_file())
    found = validate_finding(replace(raw, line=None), {shown.path: shown}, FILTER)
    assert isinstance(found, Finding)
    assert not found.anchored


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


@pytest.mark.parametrize(
    ("content", "shown"),
    [("import db\n\n\ndef search(rows):", True), (None, False)],
    ids=["the whole file is known", "the diff alone"],
)
def test_a_fix_may_be_shown_by_the_rest_of_the_file(content: str | None, shown: bool) -> None:
    assert shows_fix("1 |import db", [show(replace(batch_file(), content=content))]) is shown
