"""Answers in the forms in which models and servers give them, and what each one says.

The forms are those of public reports: thoughts before the answer (vllm-project/vllm#17144), JSON as
models write it (mozilla/bugbug#4448), odd values (kalyan-1845/ai-code-reviewer#2107).
"""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.look_ups import LookUp, Operation
from bot.domain.model import Category, CheckOutcome, Severity
from tests.support.tally import Tally
from tests.unit.workers.analysis.conftest import finding
from workers.analysis.answer_schemas import REVIEW_SCHEMA, VERDICTS_SCHEMA
from workers.analysis.answer_values import same_path, unfenced
from workers.analysis.llm.json_reader import read_answer
from workers.analysis.model_answer import (
    RawFinding,
    RefusedFinding,
    read_finding,
    read_findings,
    read_look_ups,
    read_summaries,
    read_verdicts,
)

ONE = finding(title="First", body='Uses `{}` and \\d, it\'s "quoted" </think> // no comment')
TWO = finding(title="Second", path="b.py")
ANSWER = {"overview": "It searches.", "summaries": [], "findings": [ONE, TWO], "look_ups": []}
WHOLE = json.dumps(ANSWER)
LINES = json.dumps(ANSWER, indent=2)
OTHER = json.dumps({"findings": [finding(title="A draft")]})
CODE = "void f() { if (a[0] == '{') { return; } }"


def titles(text: str) -> list[str] | None:
    """The titles of the findings that are read, None if it is no answer."""
    read = read_answer(text, REVIEW_SCHEMA.wanted)
    return None if read is None else [each.title for each in read_findings(read.data)[0]]


# Thoughts, prose, fences, wrappers: the answer is in there whole.
NOISE = {
    "bare": "{}",
    "in lines": "\n\n{}\n\n",
    "after a byte order mark": "\ufeff{}",
    "fenced": "```\n{}\n```",
    "fenced as json": "```json\n{}\n```",
    "fenced as JSON5": "```JSON5\n{}\n```",
    "fenced by tildes": "~~~json\n{}\n~~~",
    "fenced, never closed": "```json\n{}",
    "after a word": "Sure! {}",
    "before a word": "{} I hope this helps.",
    "between sentences": "Here is the review:\n\n{}\n\nLet me know if you need more.",
    "fenced between sentences": "Here it is.\n```json\n{}\n```\nDone.",
    "after code in braces": f"The function is\n```c\n{CODE}\n```\n{{}}",
    "after braces in prose": "The set {a, b} and {x: 1} matter. {}",
    "after an unclosed brace": "if (x) { return\n\n{}",
    "after an unclosed list": "see [1, 2\n\n{}",
    "after an empty object": "{{}}\n{}",
    "after another object": '{{"plan": ["read", "think"]}}\n{}',
    "before another object": '{}\n{{"usage": 3}}',
    "after thoughts": "<think>\nIs it right?\n</think>\n{}",
    "after thoughts without a beginning": "I look at it.\n</think>\n\n{}",
    "after thoughts in capitals": "<THINK>hm</THINK>{}",
    "after thoughts named thinking": "<thinking>hm</thinking>\n{}",
    "after thoughts named reasoning": "<reasoning>hm</reasoning>\n{}",
    "after thoughts named thought": "<thought>hm</thought>\n{}",
    "after a scratchpad": "<scratchpad>{{}}</scratchpad>\n{}",
    "after a reflection": "<reflection>hm</reflection>{}",
    "after two thoughts": "<think>one</think>\n<think>two</think>\n{}",
    "after thoughts in thoughts": "<think>a <think>b</think> c</think>{}",
    "after empty thoughts": "<think></think>{}",
    "after thoughts with braces": f"<think>{CODE}</think>{{}}",
    "after thoughts with a draft": f"<think>Maybe {OTHER}</think>{{}}",
    "after thoughts with a draft and no beginning": f"So {OTHER} or so\n</think>{{}}",
    "after thoughts with a cut draft": f"<think>{OTHER[:60]}</think>{{}}",
    "after thoughts of Magistral": "[THINK]hm[/THINK]{}",
    "after thoughts of Kimi": "◁think▷hm◁/think▷{}",
    "after thoughts of Seed": "<seed:think>hm</seed:think>{}",
    "after an analysis channel": "<|channel|>analysis<|message|>hm<|end|><|start|>assistant"
    "<|channel|>final<|message|>{}",
    "after a final channel with a constraint": "<|channel|>analysis<|message|>x<|end|>"
    "<|channel|>final <|constrain|>json<|message|>{}",
    "after thoughts, fenced": "<think>hm</think>\n```json\n{}\n```",
    "before thoughts": "{}\n<think>Was that right? I think so.</think>",
    "in an answer tag": "<answer>{}</answer>",
    "in a json tag": "<json>\n{}\n</json>",
    "with an end token": "{}<|im_end|>",
    "with another end token": "{}</s>",
    "after a heading": "# Review\n\n{}",
    "after bold text": "**Review:**\n\n{}",
    "in a quote's second half": "> The diff:\n> {{ x }}\n\n{}",
    "after its own draft": f"{OTHER}\nWait, that is not right. The final answer:\n{{}}",
    "named as an assignment": "const review = {};",
    "as a call": "submit_review({})",
    "twice, second ends early": "{}\n",
}


@pytest.mark.parametrize("form", NOISE.values(), ids=NOISE)
@pytest.mark.parametrize("answer", [WHOLE, LINES], ids=["one line", "lines"])
def test_an_answer_is_read_whole_whatever_is_around_it(form: str, answer: str) -> None:
    text = form.replace("{}", "\0").replace("{{", "{").replace("}}", "}").replace("\0", answer)
    assert titles(text) == ["First", "Second"]


def _calls(arguments: object) -> dict[str, Any]:
    return {"name": "review", "arguments": arguments}


WRAPPED = {
    "a bare list": [ONE, TWO],
    "a list of one answer": [ANSWER],
    "in a review": {"review": ANSWER},
    "in a result in data": {"data": {"result": ANSWER}},
    "in a list in a result": {"result": [ANSWER]},
    "as the properties of a schema": {"type": "object", "properties": ANSWER},
    "a call with arguments": _calls(ANSWER),
    "a call with arguments as text": _calls(WHOLE),
    "a list of calls": [_calls(WHOLE)],
    "a call in OpenAI's form": {"tool_calls": [{"function": _calls(WHOLE)}]},
    "parameters": {"tool": "review", "parameters": ANSWER},
    "as text": {"output": WHOLE},
    "under a capital name": {"Findings": [ONE, TWO]},
    "by path": {"findings": {"a.py": [{**ONE, "path": None}], "b.py": [{**TWO, "path": ""}]}},
    "by path, one each": {"findings": {"src/search.py": ONE, "b.py": TWO}},
    "with other properties": {**ANSWER, "score": 7, "notes": ["x"]},
}


@pytest.mark.parametrize("value", WRAPPED.values(), ids=WRAPPED)
def test_an_answer_within_something_else_is_read(value: object) -> None:
    assert titles(json.dumps(value)) == ["First", "Second"]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"Findings": [], **ANSWER}),
        json.dumps({name.title(): value for name, value in ANSWER.items()}),
        "{" + WHOLE,
        "{{" + WHOLE,
    ],
    ids=["under both names", "capital names", "after a bracket", "after two"],
)
def test_what_stands_beside_the_findings_is_read_too(text: str) -> None:
    read = read_answer(text, REVIEW_SCHEMA.wanted)
    assert read is not None
    said = {name.lower(): value for name, value in read.data.items()}
    assert {name: said[name] for name in ANSWER} == ANSWER


def test_a_finding_alone_and_parts_of_an_answer_are_answers() -> None:
    one, two = json.dumps(ONE), json.dumps(TWO)
    assert titles(one) == ["First"]
    assert titles(f"{one}\n{two}") == ["First", "Second"]
    assert titles(f"```json\n{one}\n```\n\n```json\n{two}\n```") == ["First", "Second"]
    parts = [json.dumps({"findings": [each]}) for each in (ONE, TWO)]
    assert titles("\n---\n".join(parts)) == ["First", "Second"]
    assert titles("\n### b.py\n".join(parts)) == ["First", "Second"]


NOTHING = {
    "an empty list": "[]",
    "a fenced empty list": "```json\n[]\n```",
    "an empty list of findings": '{"findings": []}',
    "null": '{"findings": null}',
    "None": "{'findings': None}",
}


@pytest.mark.parametrize("text", NOTHING.values(), ids=NOTHING)
def test_an_answer_without_findings_is_an_answer(text: str) -> None:
    assert titles(text) == []
    read = read_answer(text, REVIEW_SCHEMA.wanted)
    assert read is not None
    assert REVIEW_SCHEMA.problem(read.data) == ""


NO_ANSWER = {
    "nothing": "",
    "prose": "The change looks good to me.",
    "a refusal": "I'm sorry, but I can't help with that.",
    "an empty object": "{}",
    "another object": '{"ok": true}',
    "code": CODE,
    "a draft in thoughts that never end": f"<think>{WHOLE}",
    "drafts alone": f"<think>{WHOLE}</think>",
    "a number": "7",
    "an empty list in prose": "The list [] is empty.",
    "the schema": json.dumps(REVIEW_SCHEMA.body["required"]),
}


@pytest.mark.parametrize("text", NO_ANSWER.values(), ids=NO_ANSWER)
def test_what_is_no_answer_gives_no_finding(text: str) -> None:
    assert titles(text) is None


_F = '"path": "a.py", "line": 3, "quote": "x = 1", "severity": "high", "category": "correctness"'

# JSON as models write it: each holds one finding with the title `T`, and the body that is given.
SLIPS = {
    "a trailing comma": ('{"findings": [{%s, "title": "T", "body": "b",},],}', "b"),
    "a missing comma": ('{"findings": [{%s, "title": "T"\n"body": "b"}]}', "b"),
    "a line comment": ('{"findings": [ // one\n{%s, "title": "T", "body": "b"}]}', "b"),
    "a block comment": ('{"findings": [/* one */{%s, "title": "T", "body": "b"}]}', "b"),
    "a hash comment": ('{"findings": [ # one\n{%s, "title": "T", "body": "b"}]}', "b"),
    "an address in a string": (
        '{"findings": [{%s, "title": "T", "body": "see http://a/b",}]}',
        "see http://a/b",
    ),
    "single quotes": ("{'findings': [{%s, 'title': 'T', 'body': 'b'}]}", "b"),
    "bare names": ('{findings: [{%s, title: "T", body: "b"}]}', "b"),
    "bare words": ('{"findings": [{%s, "title": T, "body": b}]}', "b"),
    "an unknown escape": ('{"findings": [{%s, "title": "T", "body": "\\d+"}]}', "\\d+"),
    "an escaped apostrophe": ('{"findings": [{%s, "title": "T", "body": "it\\\'s"}]}', "it's"),
    "an escaped backtick": ('{"findings": [{%s, "title": "T", "body": "\\`x\\`"}]}', "`x`"),
    "a raw line end": ('{"findings": [{%s, "title": "T", "body": "a\nb"}]}', "a\nb"),
    "a raw tab": ('{"findings": [{%s, "title": "T", "body": "a\tb"}]}', "a\tb"),
    "an unescaped quote": ('{"findings": [{%s, "title": "T", "body": "a "b" c"}]}', 'a "b" c'),
    "a quote at the end": ('{"findings": [{%s, "title": "T", "body": "say "b""}]}', 'say "b"'),
    "Python's words": (
        '{"findings": [{%s, "title": "T", "body": "b", "rule": None, "x": True,}]}',
        "b",
    ),
    "NaN": ('{"findings": [{%s, "title": "T", "body": "b", "confidence": NaN}]}', "b"),
    "an ellipsis left out": ('{"findings": [{%s, "title": "T", "body": "b"}], "look_ups": []', "b"),
    "the last bracket missing": ('{"findings": [{%s, "title": "T", "body": "b"}]', "b"),
    "both last brackets missing": ('{"findings": [{%s, "title": "T", "body": "b"}', "b"),
    "a list that is not closed": ('{"findings": [{%s, "title": "T", "body": "b"}}', "b"),
    "a Unicode escape": ('{"findings": [{%s, "title": "T", "body": "\\u00e9"}]}', "é"),
    "a pair of escapes": ('{"findings": [{%s, "title": "T", "body": "\\ud83d\\ude00"}]}', "😀"),
    "half a pair": ('{"findings": [{%s, "title": "T", "body": "a\\ud83d"}]}', "a?"),
    "a plus sign": ('{"findings": [{%s, "title": "T", "body": "b", "confidence": +0.5}]}', "b"),
    "a point first": ('{"findings": [{%s, "title": "T", "body": "b", "confidence": .5}]}', "b"),
    "a list of lines": ('{"findings": [{%s, "title": "T", "body": ["a", "b"]}]}', "a\nb"),
    "CRLF": ('{\r\n"findings": [\r\n{%s,\r\n"title": "T",\r\n"body": "b",\r\n}]}', "b"),
}


@pytest.mark.parametrize(("text", "body"), SLIPS.values(), ids=SLIPS)
def test_json_is_read_as_models_write_it(text: str, body: str) -> None:
    read = read_answer(text.replace("%s", _F), REVIEW_SCHEMA.wanted)
    assert read is not None
    (found,), refused = read_findings(read.data)
    assert (found.title, found.body.replace("\ufffd", "?"), refused) == ("T", body, ())


# One odd value costs nothing: what was changed, and what is read.
_MEDIUM: list[Any] = ["moderate", "warning", "Medium-High", "p2", None, "", 3, {}, "purple"]
_CORRECTNESS: list[Any] = ["bug", "Possible Bug", "logic error", "race condition", None, "", 3, []]
VALUES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    *(({"severity": word}, {"severity": Severity.CRITICAL}) for word in ("Blocker", "P0", "fatal")),
    *(
        ({"severity": word}, {"severity": Severity.HIGH})
        for word in ("major", "HIGH", "High severity", "error", "P1", "🟠 High", "serious")
    ),
    *(({"severity": word}, {"severity": Severity.MEDIUM}) for word in _MEDIUM),
    *(({"severity": word}, {"severity": Severity.LOW}) for word in ("minor", "Low.", "trivial")),
    *(({"severity": word}, {"severity": Severity.INFO}) for word in ("nit", "informational")),
    *(({"category": word}, {"category": Category.CORRECTNESS}) for word in _CORRECTNESS),
    *(
        ({"category": word}, {"category": Category.SECURITY})
        for word in ("Vulnerability", "security issue", "sql injection", "CWE-89 injection")
    ),
    ({"category": "perf"}, {"category": Category.PERFORMANCE}),
    ({"category": "memory leak"}, {"category": Category.PERFORMANCE}),
    ({"category": "code duplication"}, {"category": Category.MAINTAINABILITY}),
    ({"category": "Best Practice"}, {"category": Category.QUALITY}),
    *(
        ({"confidence": said}, {"confidence": read})
        for said, read in (
            ("0.8", 0.8),
            ("80%", 0.8),
            ("80 %", 0.8),
            (85, 0.85),
            ("85", 0.85),
            (8, 0.8),
            ("8/10", 0.8),
            ("90/100", 0.9),
            ("high", 0.9),
            ("Medium", 0.6),
            ("low", 0.3),
            (1, 1.0),
            (0, 0.0),
            ("0,7", 0.7),
            (None, 0.5),
            (-1, 0.5),
            (float("nan"), 0.5),
            (float("inf"), 0.5),
            (True, 0.5),
            ("very", 0.5),
            (1000, 0.5),
        )
    ),
    *(
        ({"line": said}, {"line": read})
        for said, read in (
            ("4", 4),
            ("L4", 4),
            ("4-9", 4),
            ("line 4", 4),
            ("lines 4 to 9", 4),
            ([4, 9], 4),
            (4.0, 4),
            ("#4", 4),
            ("-4", None),
            ("", None),
            (None, None),
            (True, None),
            ({}, None),
        )
    ),
    ({"quote": "```python\nx = 1\n```"}, {"quote": "x = 1"}),
    ({"quote": "`x = 1`"}, {"quote": "x = 1"}),
    ({"quote": ["x = 1", "y = 2"]}, {"quote": "x = 1\ny = 2"}),
    ({"quote": "`a` or `b`"}, {"quote": "`a` or `b`"}),
    ({"quote": None}, {"quote": "", "line": 4}),
    ({"title": None}, {"title": "A row that holds a quote changes the query."}),
    ({"body": None, "trace": "t"}, {"body": "t"}),
    ({"body": ""}, {"body": "SQL is built from the row's text"}),
    ({"suggestion": ["a", "b"]}, {"suggestion": "a\nb"}),
    ({"suggestion": 3}, {"suggestion": None}),
    ({"rule": ""}, {"rule": None}),
    ({"looked_at": ["1", 2, "x"]}, {"looked_at": (1, 2)}),
    ({"looked_at": None}, {"looked_at": ()}),
]


@pytest.mark.parametrize(("changed", "read"), VALUES, ids=str)
def test_an_odd_value_costs_no_finding(changed: dict[str, Any], read: dict[str, Any]) -> None:
    found = read_finding(finding(**changed))
    assert isinstance(found, RawFinding)
    assert {name: getattr(found, name) for name in read} == read


NAMES = [
    ("path", "file"),
    ("path", "filename"),
    ("path", "filePath"),
    ("path", "File"),
    ("path", "relevant_file"),
    ("title", "issue_header"),
    ("title", "heading"),
    ("body", "description"),
    ("body", "message"),
    ("body", "Explanation"),
    ("body", "issue_content"),
    ("quote", "code_snippet"),
    ("quote", "existing-code"),
    ("suggestion", "improved_code"),
    ("suggestion", "suggestedFix"),
    ("severity", "priority"),
    ("severity", "Level"),
    ("category", "type"),
    ("confidence", "confidenceScore"),
    ("line", "start_line"),
    ("line", "lineNumber"),
]


@pytest.mark.parametrize(("ours", "theirs"), NAMES)
def test_a_property_is_known_under_other_names(ours: str, theirs: str) -> None:
    item = finding()
    item[theirs] = item.pop(ours)
    assert read_finding(item) == read_finding(finding())


def test_our_name_of_a_property_counts_before_others() -> None:
    found = read_finding(finding(description="Another.", type="style"))
    assert found == read_finding(finding())


@pytest.mark.parametrize("missing", ["path", "body", "quote"])
def test_a_finding_without_file_place_or_words_is_refused_with_the_reason(missing: str) -> None:
    gone = {"body": ("body", "title"), "quote": ("quote", "line")}.get(missing, (missing,))
    found = read_finding(finding(**dict.fromkeys(gone)))
    assert isinstance(found, RefusedFinding)
    assert found.reason == f'"{missing}" is missing or empty'


PATHS = [
    "src/a.py",
    "./src/a.py",
    "/src/a.py",
    "a/src/a.py",
    "b/src/a.py",
    "src\\a.py",
    "`src/a.py`",
    '"src/a.py"',
    "src/a.py:12",
    "src/a.py:12-15",
    "src/a.py#L12",
    "src/a.py#L12-L15",
    "File: src/a.py",
    " src/a.py ",
    "a.py",
    "src/a.py (modified)",
]


@pytest.mark.parametrize("said", PATHS)
def test_a_path_is_known_in_the_forms_that_models_give_it(said: str) -> None:
    assert same_path(said, {"src/a.py": 1, "b/c.py": 2, "src/data.py": 3}) == "src/a.py"


@pytest.mark.parametrize("said", ["", "/", "a", "py", "x/a.py", "src/", "c.py", "../src/a.py"])
def test_a_path_that_is_none_or_could_be_two_is_not_guessed(said: str) -> None:
    assert same_path(said, {"src/a.py": 1, "b/c.py": 2, "d/c.py": 3}) is None


VERDICTS: dict[str, tuple[CheckOutcome | None] | None] = {
    **dict.fromkeys(
        ("confirmed", "CONFIRM", "valid", "true positive", "Real bug", "keep"),
        (CheckOutcome.CONFIRMED,),
    ),
    **dict.fromkeys(
        ("refuted", "Reject", "false positive", "false_positive", "invalid", "incorrect"), (None,)
    ),
    **dict.fromkeys(
        ("undecided", "uncertain", "Cannot tell", "needs more context", "plausible"),
        (CheckOutcome.UNDECIDED,),
    ),
    **dict.fromkeys(("", "banana", "not confirmed", "not valid")),
}


@pytest.mark.parametrize(("word", "outcome"), VERDICTS.items())
def test_verdicts_are_known_in_other_words(word: str, outcome: Any) -> None:
    item = {"id": 1, "evidence": "a.py:3", "verdict": word, "confidence": 0.5, "reason": "r"}
    read = read_verdicts({"verdicts": [item]})
    assert (read[1].outcome,) == outcome if outcome else read == {}


@pytest.mark.parametrize(
    "answer",
    [
        {"verdicts": [{"id": "1", "verdict": "confirmed"}]},
        {"verdicts": {"1": {"verdict": "confirmed"}}},
        {"verdicts": {"1": "confirmed"}},
        {"verdicts": {"id": 1, "verdict": "confirmed"}},
        {"verdicts": [{"finding_id": 1, "decision": "valid"}]},
        [{"id": 1, "verdict": "confirmed"}],
        {"id": 1, "verdict": "confirmed"},
        {"results": [{"finding": "#1", "status": "confirmed"}]},
    ],
    ids=str,
)
def test_verdicts_are_read_in_other_forms(answer: object) -> None:
    read = read_answer(json.dumps(answer), VERDICTS_SCHEMA.wanted)
    assert read is not None
    verdicts = read_verdicts(read.data)
    assert [each.outcome for each in verdicts.values()] == [CheckOutcome.CONFIRMED]
    assert list(verdicts) == [1]


@pytest.mark.parametrize(
    ("item", "wanted"),
    [
        ({"operation": "grep", "query": "x("}, LookUp(operation=Operation.SEARCH, pattern="x(")),
        ({"op": "read_file", "file": "a"}, LookUp(operation=Operation.READ, path="a")),
        (
            {"tool": "open", "path": "a", "start_line": "3", "end_line": 9},
            LookUp(operation=Operation.READ, path="a", start=3, end=9),
        ),
        ({"type": "find_references", "symbol": "f"}, LookUp(operation=Operation.USES, symbol="f")),
        (
            {"name": "definition", "arguments": {"symbol": "f"}},
            LookUp(operation=Operation.DEFINITION, symbol="f"),
        ),
        ({"action": "ls", "directory": "src"}, LookUp(operation=Operation.LIST, path="src")),
    ],
    ids=str,
)
def test_look_ups_are_known_under_other_names(item: Any, wanted: LookUp) -> None:
    assert read_look_ups({"look_ups": [item]}) == (wanted,)
    assert read_look_ups({"look_ups": item}) == (wanted,)


def test_summaries_may_be_told_by_path() -> None:
    assert read_summaries({"summaries": {"a.py": "Adds x."}}) == {"a.py": "Adds x."}


def test_a_fence_within_code_stays() -> None:
    assert unfenced("```\na\n```\ntext\n```\nb\n```") == "```\na\n```\ntext\n```\nb\n```"


PROSE = st.text(st.characters(exclude_characters="{}[]<>◁|"), max_size=200)


@given(before=PROSE, after=PROSE, indent=st.sampled_from([None, 0, 2]), body=st.text(max_size=80))
def test_an_answer_is_read_whole_in_any_prose(
    before: str, after: str, indent: int | None, body: str
) -> None:
    said = {**ANSWER, "findings": [finding(body=body or "b"), TWO]}
    read = read_answer(
        f"{before}\n{json.dumps(said, indent=indent)}\n{after}", REVIEW_SCHEMA.wanted
    )
    assert read is not None
    assert (read.data, read.cut) == (said, False)


@given(thoughts=st.text(max_size=200), body=st.text(max_size=80))
def test_an_answer_is_read_whole_after_any_thoughts(thoughts: str, body: str) -> None:
    said = {**ANSWER, "findings": [finding(body=body or "b")]}
    read = read_answer(f"<think>{thoughts}</think>{json.dumps(said)}", REVIEW_SCHEMA.wanted)
    assert read is not None
    assert read.data == said


PIECES = st.text(st.sampled_from('{}[]",: \n\\/*#ab1<>'), max_size=12) | st.sampled_from(
    ['{"path": "a", "title": "b1"}', '{"path": "a"', '"b": "a1"', "}, {", "}]}", '"\\"a"', "// a\n"]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(text=st.lists(PIECES, max_size=10).map("".join))
def test_nothing_is_invented(tally: Tally, text: str) -> None:
    """What is read of any text are strings that stand in it."""
    tally.at_least(read=0.1, found=0.02, nothing=0.05)

    def strings(value: object) -> list[str]:
        if isinstance(value, dict):
            return [each for pair in value.items() for part in pair for each in strings(part)]
        if isinstance(value, list):
            return [each for item in value for each in strings(item)]
        return [value] if isinstance(value, str) else []

    read = read_answer('{"findings": [' + text, REVIEW_SCHEMA.wanted)
    found = bool(read and read.data.get("findings"))
    tally.add(read=read is not None, found=found, nothing=not found)
    if read is not None:
        said = text.replace("\\", "") + "findings"
        assert all(each.replace("\\", "") in said for each in strings(read.data))
