"""The check drops what it refutes with a line, in parts where all is too much at once."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from bot.config.settings import Settings
from bot.domain.look_ups import CodeSource, LookUp, LookUpResult, Operation
from bot.domain.model import (
    BatchFile,
    Category,
    CheckOutcome,
    Finding,
    Place,
    Severity,
    Snippet,
)
from tests.support.llm_server import LLMServer, Reply, Request, Status, Text, verdict, verdicts
from tests.unit.workers.analysis.conftest import batch_file
from workers.analysis.llm.client import LLM
from workers.analysis.llm.errors import TransientLLMError
from workers.analysis.redacted_view import show
from workers.analysis.refute import Checked, check
from workers.analysis.session import Session

Make = Callable[..., tuple[LLM, Settings]]
BEGIN = "=== BEGIN finding ==="


def found(title: str, path: str = "src/search.py", **changed: Any) -> Finding:
    values: dict[str, Any] = {
        "path": path,
        "category": Category.CORRECTNESS,
        "severity": Severity.HIGH,
        "title": title,
        "body": "Because.",
        "confidence": 0.7,
        "source": "llm",
        "quote": "x",
        "start_line": 4,
        "end_line": 4,
        "fingerprint": title,
    }
    return Finding(**(values | changed))


FINDINGS = tuple(found(title) for title in ("one", "two", "three", "four"))


def ids(request: Request) -> list[int]:
    """The numbers of the findings that are asked about."""
    return [int(part.split("|id: ")[1].split("\n")[0]) for part in request.user.split(BEGIN)[1:]]


def holding(numbers: list[int], confidence: float = 0.9) -> list[dict[str, Any]]:
    return [verdict(id, "confirmed", confidence) for id in numbers]


def answered(numbers: list[int]) -> Text:
    return Text(json.dumps({"verdicts": holding(numbers)}))


async def run(
    make_llm: Make,
    findings: tuple[Finding, ...] = FINDINGS,
    files: tuple[BatchFile, ...] = (),
    *,
    last_try: bool = False,
    source: CodeSource | None = None,
    looked_up: tuple[LookUpResult, ...] = (),
    comments: int | None = None,
    **settings: object,
) -> Checked:
    llm, given = make_llm(**settings)
    session = Session(llm=llm, settings=given, source=source, review_id="r", last_try=last_try)
    shown = [show(each) for each in files or (batch_file(),)]
    looks = source is not None
    return await check(
        findings, shown, session, look_ups=looks, looked_up=looked_up, comments=comments
    )


async def test_nothing_found_is_nothing_asked(server: LLMServer, make_llm: Make) -> None:
    assert await run(make_llm, ()) == Checked(findings=())
    assert server.requests == []


async def test_each_finding_gets_its_own_verdict(server: LLMServer, make_llm: Make) -> None:
    server.script(verdicts(0.6, 0.59, None, 1.0))
    checked = await run(make_llm, min_confidence=0.6)

    assert [(f.title, f.confidence) for f in checked.findings] == [("one", 0.6), ("four", 1.0)]
    assert [(r.title, r.text) for r in checked.rejected] == [
        ("two", "low confidence (0.59 of 0.6: so it is)"),
        ("three", "refuted: so it is"),
    ]
    assert checked.notes == ()


async def test_a_finding_missing_from_the_verdicts_is_asked_about_again_and_kept(
    server: LLMServer, make_llm: Make
) -> None:
    server.script(answered([1, 3, 4, 99]), answered([]))
    checked = await run(make_llm)

    assert [ids(each) for each in server.requests] == [[1, 2, 3, 4], [2]]
    assert [each.check for each in checked.findings] == [
        CheckOutcome.CONFIRMED,
        CheckOutcome.UNCHECKED,
        CheckOutcome.CONFIRMED,
        CheckOutcome.CONFIRMED,
    ]
    assert checked.rejected == ()
    assert checked.unchecked == ("src/search.py",)
    assert checked.notes == ("1 finding was not checked: no verdict was given.",)


async def test_an_undecided_finding_is_kept_whatever_its_confidence(
    server: LLMServer, make_llm: Make
) -> None:
    server.script(Text(json.dumps({"verdicts": [verdict(1, "undecided", 0.05)]})))
    [kept] = (await run(make_llm, FINDINGS[:1])).findings
    assert (kept.check, kept.confidence) == (CheckOutcome.UNDECIDED, 0.05)


async def test_four_findings_at_a_time_are_judged_files_together(
    server: LLMServer, make_llm: Make
) -> None:
    findings = tuple(found(f"{n}", "src/search.py" if n % 2 else "b.py") for n in range(6))
    server.default = lambda request: answered(ids(request))
    checked = await run(make_llm, findings, (batch_file(), batch_file("b.py")))

    assert sorted(ids(each) for each in server.requests) == [[2, 4, 6, 1], [3, 5]]
    assert [each.title for each in checked.findings] == ["0", "1", "2", "3", "4", "5"]


def of_each(severities: str) -> tuple[Finding, ...]:
    """One finding for each letter: h is high, m medium, l low."""
    names = {"h": Severity.HIGH, "m": Severity.MEDIUM, "l": Severity.LOW}
    return tuple(
        found(f"{letter}{n}", severity=names[letter]) for n, letter in enumerate(severities)
    )


@pytest.mark.parametrize(
    ("severities", "comments", "checked"),
    [
        ("lmhlm", 1, ["h2", "m1"]),  # twice as many as there is room for, the most severe first
        ("lllhhh", 1, ["h3", "h4", "h5"]),  # each severe one
        ("lmh", 0, ["h2"]),
        ("lm", 0, []),
        ("lmhlm", None, ["h2", "l0", "l3", "m1", "m4"]),
    ],
)
async def test_what_may_become_a_comment_is_checked(
    severities: str,
    comments: int | None,
    checked: list[str],
    server: LLMServer,
    make_llm: Make,
) -> None:
    server.default = lambda request: answered(ids(request))
    result = await run(make_llm, of_each(severities), comments=comments)

    assert len(result.findings) == len(severities), "none is dropped for not being checked"
    confirmed = [each for each in result.findings if each.check is CheckOutcome.CONFIRMED]
    assert sorted(each.title for each in confirmed) == checked
    assert (result.unchecked, result.notes) == ((), ())


async def test_where_too_few_hold_the_next_ones_are_checked(
    server: LLMServer, make_llm: Make
) -> None:
    def refuting_the_first_two(request: Request) -> Text:
        return Text(
            json.dumps(
                {
                    "verdicts": [
                        verdict(id, "refuted" if id <= 2 else "confirmed") for id in ids(request)
                    ]
                }
            )
        )

    server.default = refuting_the_first_two
    result = await run(make_llm, of_each("mmmmll"), comments=1)

    assert [sorted(ids(each)) for each in server.requests] == [[1, 2], [3, 4]]
    assert [each.title for each in result.findings] == ["m2", "m3", "l4", "l5"]


async def test_an_outage_of_the_check_asks_no_more_than_it_needs(
    server: LLMServer, make_llm: Make
) -> None:
    server.default = lambda request: Status(403)
    result = await run(make_llm, of_each("mmmmll"), comments=1)
    assert len(server.requests) == 1
    assert len(result.findings) == 6


READ = {"operation": "read", "path": "lib.py", "start": 1, "end": 3}


class Library:
    """A source that knows one file."""

    def __init__(self) -> None:
        self.asked: list[list[LookUp]] = []

    async def answer(self, look_ups: Sequence[LookUp]) -> Sequence[LookUpResult]:
        self.asked.append(list(look_ups))
        return [
            LookUpResult(
                look_up=look_up,
                text="1 def far(): ...",
                places=(Place(path="lib.py", start_line=1, end_line=3),),
            )
            if look_up.path == "lib.py"
            else LookUpResult(look_up=look_up, problem="not found")
            for look_up in look_ups
        ]


async def test_all_undecided_findings_are_looked_up_and_then_a_verdict_is_due(
    server: LLMServer, make_llm: Make
) -> None:
    gone = {"operation": "definition", "symbol": "gone"}

    def answer(request: Request) -> Reply:
        if "=== BEGIN looked up" in request.user:
            words = [verdict(2, "confirmed", 0.8), verdict(5, "refuted")]
        else:
            words = [
                verdict(id, "undecided" if id in (2, 5) else "confirmed", 0.5, READ, gone)
                for id in ids(request)
            ]
        return Text(json.dumps({"verdicts": words}))

    server.default = answer
    findings = tuple(found(f"{n}") for n in range(1, 6))
    source = Library()
    checked = await run(make_llm, findings, source=source)

    first, _, last = server.requests
    assert "Up to 8 look-ups are possible" in first.user
    assert ids(last) == [2, 5]
    assert last.system == first.system, "servers keep what begins alike"
    assert "|1 def far(): ..." in last.user
    assert "|not found" in last.user
    assert "No more look-ups are possible: decide each finding now" in last.user
    assert [[each.operation for each in asked] for asked in source.asked] == [
        [Operation.READ, Operation.DEFINITION]
    ]
    assert [each.title for each in checked.findings] == ["1", "2", "3", "4"]
    assert [each.looked_at for each in checked.findings] == [
        (),
        (Place(path="lib.py", start_line=1, end_line=3),),
        (),
        (),
    ]
    assert [each.text for each in checked.rejected] == ["refuted: so it is"]


async def test_of_more_look_ups_than_are_done_each_finding_gets_its_first(
    server: LLMServer, make_llm: Make
) -> None:
    def answer(request: Request) -> Reply:
        return Text(
            json.dumps(
                {
                    "verdicts": [
                        verdict(
                            id, "undecided", 0.5, *({**READ, "end": 10 * id + n} for n in range(9))
                        )
                        for id in ids(request)
                    ]
                }
            )
        )

    server.default = answer
    source = Library()
    checked = await run(make_llm, source=source, look_ups_per_round=5)

    assert [each.end for each in source.asked[0]] == [10, 20, 30, 40, 11]
    assert len(source.asked) == 1, "endless wishes end"
    assert [each.check for each in checked.findings] == [CheckOutcome.UNDECIDED] * 4


async def test_the_reader_s_places_are_shown_with_the_findings_that_rest_on_them(
    server: LLMServer, make_llm: Make
) -> None:
    place, other = (Place(path=path, start_line=1, end_line=2) for path in ("lib.py", "far.py"))
    looked_up = tuple(
        LookUpResult(
            look_up=LookUp(operation=Operation.READ, path=each.path),
            text=f"1 text of {each.path}",
            places=(each,),
        )
        for each in (place, other)
    )
    server.script(verdicts(0.9))
    await run(make_llm, (found("one", looked_at=(place,)),), looked_up=looked_up)
    [request] = server.requests
    assert "|read lib.py (new side)\n|1 text of lib.py\n" in request.user
    assert "far.py" not in request.user
    assert "No look-ups are possible" in request.user


@pytest.mark.parametrize("verdicts_sent", [[], holding([77]), [{"id": 1, "verdict": "hm"}], ["1"]])
async def test_an_answer_without_a_verdict_on_any_of_them_drops_nothing(
    server: LLMServer, make_llm: Make, verdicts_sent: list[Any]
) -> None:
    server.script(Text(json.dumps({"verdicts": verdicts_sent})))
    checked = await run(make_llm)

    assert checked.findings == FINDINGS
    assert checked.notes == ("4 findings were not checked: no verdict was given.",)


async def test_only_files_of_findings_are_shown_and_the_model_decides(
    server: LLMServer, make_llm: Make
) -> None:
    await run(make_llm, FINDINGS[:1], (batch_file(), batch_file("b.py")), llm_verify_model="judge")

    [request] = server.requests
    assert request.body["model"] == "judge"
    assert "|path: src/search.py" in request.user
    assert "b.py" not in request.user


async def test_what_is_too_long_is_checked_in_halves(server: LLMServer, make_llm: Make) -> None:
    def answer(request: Request) -> Reply:
        return Status(413) if len(ids(request)) > 1 else answered(ids(request))

    server.default = answer
    checked = await run(make_llm)

    assert [each.confidence for each in checked.findings] == [0.9] * 4
    assert checked.notes == ()
    assert [ids(each) for each in server.requests] == [
        [1, 2, 3, 4],
        [1, 2],
        [1],
        [2],
        [3, 4],
        [3],
        [4],
    ]


async def test_one_finding_that_is_too_long_is_checked_without_context(
    server: LLMServer, make_llm: Make
) -> None:
    far = Snippet("definition", "lib.py", 1, "def far(): ...")
    server.default = lambda request: (
        Status(413) if "def far" in request.user else answered(ids(request))
    )
    checked = await run(make_llm, FINDINGS[:1], (replace(batch_file(), context=(far,)),))

    assert [each.confidence for each in checked.findings] == [0.9]
    assert len(server.requests) == 2


async def test_oversized_text_is_kept_and_reported_once(server: LLMServer, make_llm: Make) -> None:
    server.default = Status(413)
    checked = await run(make_llm)

    assert checked.findings == FINDINGS
    assert checked.notes == ("4 findings were not checked: the prompt is too long for tiny.",)


async def test_after_an_answer_that_was_cut_the_rest_is_asked_about(
    server: LLMServer, make_llm: Make
) -> None:
    whole = answered([1, 2]).content or ""
    server.script(Text(whole[:-2] + ', {"id": 3, "ho', finish_reason="length"))
    server.default = lambda request: answered(ids(request))
    checked = await run(make_llm)

    assert len(checked.findings) == 4
    assert checked.rejected == ()
    assert [ids(each) for each in server.requests] == [[1, 2, 3, 4], [3, 4]]


async def test_an_outage_is_left_to_a_retry(server: LLMServer, make_llm: Make) -> None:
    def answer(request: Request) -> Reply:
        if len(ids(request)) > 2:
            return Status(413)
        return answered([1, 2]) if 1 in ids(request) else Status(503)

    server.default = answer
    with pytest.raises(TransientLLMError):
        await run(make_llm)

    checked = await run(make_llm, last_try=True)
    assert len(checked.findings) == 4
    assert [each.confidence for each in checked.findings] == [0.9, 0.9, 0.7, 0.7]
    assert checked.notes[0].startswith("2 findings were not checked: ")
