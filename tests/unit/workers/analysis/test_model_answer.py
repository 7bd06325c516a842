"""A model's answer is hostile: each part is checked by itself, and nothing raises."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.diff import Side
from bot.domain.look_ups import LookUp, Operation
from bot.domain.model import Category, CheckOutcome, Severity
from tests.support.llm_server import verdict
from tests.support.tally import Tally
from tests.unit.workers.analysis.conftest import finding
from workers.analysis.answer_schemas import (
    LATER_REVIEW_SCHEMA,
    MATCHES_SCHEMA,
    REVIEW_SCHEMA,
    VERDICTS_SCHEMA,
)
from workers.analysis.llm.json_reader import read_answer
from workers.analysis.model_answer import (
    MAX_BODY,
    MAX_FINDINGS,
    MAX_FIXED,
    MAX_LOOK_UPS,
    MAX_OVERVIEW,
    MAX_QUOTE,
    MAX_REASON,
    MAX_REQUIREMENTS,
    MAX_SUGGESTION,
    MAX_SUMMARY,
    MAX_TITLE,
    MAX_TRACE,
    RawFinding,
    RefusedFinding,
    read_finding,
    read_findings,
    read_fixed,
    read_look_ups,
    read_matches,
    read_overview,
    read_requirements,
    read_summaries,
    read_verdicts,
)

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


def read(**changed: Any) -> RawFinding:
    found = read_finding(finding(**changed))
    assert isinstance(found, RawFinding), found
    return found


def refusal(**changed: Any) -> str:
    found = read_finding(finding(**changed))
    assert isinstance(found, RefusedFinding), found
    return found.reason


def test_a_finding_in_the_right_form_is_read_whole() -> None:
    assert read() == RawFinding(
        path="src/search.py",
        category=Category.SECURITY,
        severity=Severity.HIGH,
        title="SQL is built from the row's text",
        body="A row that holds a quote changes the query.",
        confidence=0.9,
        side=Side.RIGHT,
        line=4,
        quote="        cursor.execute(query % row)",
        suggestion="        cursor.execute(query, row)",
        rule=None,
    )


@pytest.mark.parametrize("value", [None, "", "  \n", 7, {}, "\0", "x" * 100_000])
def test_a_finding_names_a_path(value: object) -> None:
    assert refusal(path=value) == '"path" is missing or empty'


def test_texts_that_are_too_long_are_cut() -> None:
    long = read(body="b" * 100_000, quote="x = 1\n" * 10_000, trace="t" * 100_000)
    assert (len(long.body), long.body[-1], len(long.trace)) == (MAX_BODY, "…", MAX_TRACE)
    assert MAX_QUOTE - 6 <= len(long.quote) <= MAX_QUOTE
    assert set(long.quote.splitlines()) == {"x = 1"}


def test_small_slips_are_forgiven() -> None:
    slips = read(category=" Security ", severity="HIGH", confidence=1, side="NEW", line=4.0)
    assert (slips.category, slips.severity, slips.confidence) == (
        Category.SECURITY,
        Severity.HIGH,
        1.0,
    )
    assert (slips.side, slips.line) == (Side.RIGHT, 4)


@pytest.mark.parametrize("side", ["old", "Old", " OLD ", "LEFT"])
def test_the_old_side_is_recognized_in_other_spellings(side: str) -> None:
    assert read(side=side).side is Side.LEFT


@pytest.mark.parametrize("line", [None, -1, True, 1e300, float("nan")])
def test_a_line_that_is_none_is_no_hint(line: object) -> None:
    assert read(line=line).line is None


def test_a_quote_keeps_its_indentation_and_a_title_is_one_short_line() -> None:
    found = read(quote="    x\n\n", title=f"\n {'t' * 200}\nsecond line ")
    assert found.quote == "    x\n\n"
    assert found.title == "t" * (MAX_TITLE - 1) + "…"
    assert read(title="first\u2028second").title == "first"


def test_a_suggestion_may_be_empty_and_is_dropped_where_it_is_too_long() -> None:
    assert read(suggestion="").suggestion == ""
    assert read(suggestion="x" * MAX_SUGGESTION).suggestion == "x" * MAX_SUGGESTION
    assert read(suggestion="x" * (MAX_SUGGESTION + 1)).suggestion is None
    assert read(suggestion=[3]).suggestion is None


def test_texts_may_be_as_long_as_their_limits() -> None:
    assert len(read(body="b" * MAX_BODY).body) == MAX_BODY
    assert len(read(quote="q" * MAX_QUOTE).quote) == MAX_QUOTE


def test_half_characters_and_nul_do_not_get_through() -> None:
    found = read(title="a\ud800b\0c", quote="\udfff", rule="\0ruff:F821")
    assert found.title == "a?bc"
    assert found.quote == "?"
    assert found.rule == "ruff:F821"


def test_a_bad_finding_costs_only_itself_and_more_than_fifty_are_not_read() -> None:
    good, refused = read_findings({"findings": [finding(), "x", finding(path=""), finding()]})
    assert len(good) == 2
    assert [each.reason for each in refused] == [
        "a finding is not an object",
        '"path" is missing or empty',
    ]
    good, _ = read_findings({"findings": [finding()] * 500})
    assert len(good) == MAX_FINDINGS


def test_summaries_are_one_line_each() -> None:
    answer = {
        "summaries": [
            {"path": "a.py", "summary": " It \n adds\ta thing. "},
            {"path": "b.py", "summary": "x" * 1000},
            {"path": "", "summary": "Nowhere."},
            {"path": "c.py", "summary": None},
            "d.py",
        ]
    }
    assert read_summaries(answer) == {"a.py": "It adds a thing.", "b.py": "x" * MAX_SUMMARY}


def test_verdicts_in_the_wrong_form_are_none() -> None:
    good = verdict(2, "refuted", 0) | {"reason": "No.\nReally."}
    wrong = [
        {**good, "verdict": "banana"},
        {**good, "id": None},
        {**good, "verdict": True},
        3,
        None,
    ]
    verdicts = read_verdicts({"verdicts": [good, *wrong]})
    assert list(verdicts) == [2]
    assert (verdicts[2].outcome, verdicts[2].reason) == (None, "No.")
    assert verdicts[2].confidence == 0
    long = read_verdicts({"verdicts": [{**good, "reason": "r" * 4000}]})[2].reason
    assert 100 <= len(long) <= MAX_REASON


def test_a_verdict_without_a_confidence_counts_and_one_refuted_by_nothing_is_undecided() -> None:
    items = [
        {"id": 1, "verdict": " Confirmed", "confidence": "yes"},
        {"id": 2, "verdict": "refuted", "evidence": "  "},
        {"id": 3, "verdict": "refuted", "evidence": "a.py:3 `if x:`"},
    ]
    read = read_verdicts({"verdicts": items})
    assert [(each.outcome, each.confidence) for each in read.values()] == [
        (CheckOutcome.CONFIRMED, None),
        (CheckOutcome.UNDECIDED, None),
        (None, None),
    ]


def test_look_ups_are_read_as_far_as_they_say_what_is_wanted() -> None:
    wanted = {"operation": "read", "path": "a.py", "start": 3, "end": 9, "side": "old"}
    search = {"operation": "Search", "pattern": " x(", "glob": None}
    items = [wanted, wanted, search, {"operation": "run", "path": "a.py"}, {"path": "a.py"}, "a.py"]
    assert read_look_ups({"look_ups": items}) == (
        LookUp(operation=Operation.READ, path="a.py", start=3, end=9, side=Side.LEFT),
        LookUp(operation=Operation.SEARCH, pattern=" x("),
    )
    many = [{"operation": "list", "path": str(n)} for n in range(1000)]
    assert len(read_look_ups({"look_ups": many})) == MAX_LOOK_UPS


def test_what_is_fixed_is_named_with_the_line_that_shows_it() -> None:
    said = [{"id": 2, "line": "x = 1"}, {"id": "3", "line": "y"}, {"id": 4, "line": ""}]
    said += [{"line": "no id"}, {"id": None, "line": "z"}]
    assert read_fixed({"fixed": [*said, "x"]}) == {2: "x = 1", 3: "y"}
    assert read_fixed({"fixed": said[0]}) == {2: "x = 1"}
    assert read_fixed({"fixed": None}) == read_fixed({}) == {}
    many = [{"id": id, "line": "x"} for id in range(MAX_FIXED + 1)]
    assert len(read_fixed({"fixed": many})) == MAX_FIXED


def test_matches_are_numbers_of_comments_by_the_number_of_an_issue() -> None:
    said = [{"issue": 1, "comments": [2, "3"]}, {"issue": "2", "comments": 4}]
    wrong = [{"issue": None, "comments": [1]}, {"issue": 5}, {"comments": [1]}, "x"]
    assert read_matches({"matches": [*said, *wrong]}) == {1: (2, 3), 2: (4,)}
    assert read_matches({"matches": said[0]}) == {1: (2, 3)}
    assert read_matches({}) == {}
    assert MATCHES_SCHEMA.problem({}) == '"matches" is missing or no list.'
    assert MATCHES_SCHEMA.problem({"matches": None}) == ""
    alone = read_answer(json.dumps(said[0]), MATCHES_SCHEMA.wanted)
    assert alone is not None
    assert alone.data == {"matches": [said[0]]}


@pytest.mark.parametrize("name", ["severity", "quote", "line"])
def test_a_finding_is_known_by_its_path_and_one_thing_more(name: str) -> None:
    one = {"path": "a.py", name: finding()[name], "title": "T"}
    read = read_answer(json.dumps(one), REVIEW_SCHEMA.wanted)
    assert read is not None
    assert read.data == {"findings": [one]}
    assert read_answer(json.dumps({**one, "path": ""}), REVIEW_SCHEMA.wanted) is None


def test_an_overview_is_one_line_and_not_too_long() -> None:
    assert read_overview({"overview": " It\n adds  x. "}) == "It adds x."
    assert read_overview({"overview": None}) == ""
    assert len(read_overview({"overview": "x" * 2000})) == MAX_OVERVIEW


@given(VALUES, VALUES)
def test_no_model_output_raises(whole: Any, inner: Any) -> None:
    items = [inner, *[finding(**{name: inner}) for name in finding()]]
    for answer in (whole if isinstance(whole, dict) else {}, {"findings": items}):
        good, refused = read_findings(answer)
        for found in good:
            assert 0 <= found.confidence <= 1
            assert found.title
            assert "\n" not in found.title
        assert all(each.reason for each in refused)
    answer_data = {
        "summaries": [inner, {"path": inner, "summary": inner}],
        "verdicts": [
            inner,
            whole,
            *({**verdict(1, "refuted"), name: inner} for name in verdict(1, "")),
        ],
        "look_ups": [
            inner,
            *({"operation": "read", name: inner} for name in ("path", "start", "side")),
        ],
        "overview": inner,
        "fixed": [inner, {"id": inner, "line": inner}],
        "requirements": [inner, {"requirement": inner, "why": inner, "status": inner}] * 9,
    }
    read_overview(answer_data)
    read_fixed(answer_data)
    required = read_requirements(answer_data)
    assert len(required) <= MAX_REQUIREMENTS
    assert all("\n" not in each.text + each.why for each in required)
    read_look_ups(answer_data)
    assert all("\n" not in each for each in read_summaries(answer_data).values())
    read_verdicts(answer_data)
    for schema in (REVIEW_SCHEMA, LATER_REVIEW_SCHEMA, VERDICTS_SCHEMA):
        assert isinstance(schema.problem({"findings": items, "verdicts": inner}), str)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=VALUES, data=st.data())
def test_what_is_saved_of_a_cut_answer_was_in_it(
    tally: Tally, value: Any, data: st.DataObject
) -> None:
    tally.at_least(saved=0.02, cut=0.2)
    whole = {"findings": [finding(body=str(value)), finding(title="Second"), {"x": value}]}
    text = json.dumps(whole)
    cut = text[: data.draw(st.sampled_from(range(len(text) + 1)))]
    read = read_answer(cut, REVIEW_SCHEMA.wanted)
    saved = bool(read and read.data["findings"])
    tally.add(saved=saved, cut=len(cut) < len(text))
    if read is not None:
        found = read.data["findings"]
        assert found == whole["findings"][: len(found)]
        assert read.cut == (len(cut) < len(text))


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({}, '"findings" is missing or no list.'),
        ({"findings": "none"}, '"findings" is missing or no list.'),
        ({"findings": {}}, ""),
        ({"findings": []}, ""),
        ({"findings": [finding(), "x"]}, ""),
        ({"findings": ["x"]}, "no finding can be read; the first: a finding is not an object."),
    ],
)
def test_what_is_wrong_with_an_answer_is_a_sentence(answer: Any, problem: str) -> None:
    assert REVIEW_SCHEMA.problem(answer) == problem


@pytest.mark.parametrize("schema", [REVIEW_SCHEMA, LATER_REVIEW_SCHEMA, VERDICTS_SCHEMA])
def test_schemas_are_strict_as_providers_want_them(schema: Any) -> None:
    def objects(node: Any) -> list[dict[str, Any]]:
        if isinstance(node, list):
            return [each for item in node for each in objects(item)]
        if not isinstance(node, dict):
            return []
        here = [node] if node.get("type") == "object" else []
        return here + [each for item in node.values() for each in objects(item)]

    found = objects(schema.body)
    assert len(found) >= 2
    for each in found:
        assert each["additionalProperties"] is False
        assert each["required"] == list(each["properties"])
