"""The second pass throws out what does not hold, in parts where all is too much at once."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bot.config.settings import Settings
from bot.domain.model import BatchFile, Category, Finding, Severity, Snippet
from tests.support.llm_server import LLMServer, Reply, Request, Status, Text, verdicts
from tests.unit.workers.analysis.conftest import batch_file
from workers.analysis.llm.client import LLM
from workers.analysis.llm.errors import TransientLLMError
from workers.analysis.redacted_view import show
from workers.analysis.verify import Verified, verify

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
    return [
        {"id": id, "holds": True, "confidence": confidence, "reason": "It does."} for id in numbers
    ]


def answered(numbers: list[int]) -> Text:
    return Text(json.dumps({"verdicts": holding(numbers)}))


async def run(
    make_llm: Make,
    findings: tuple[Finding, ...] = FINDINGS,
    files: tuple[BatchFile, ...] = (),
    *,
    last_try: bool = False,
    **settings: object,
) -> Verified:
    llm, given = make_llm(**settings)
    shown = [show(each) for each in files or (batch_file(),)]
    return await verify(findings, shown, llm, given, review_id="r", last_try=last_try)


async def test_nothing_found_is_nothing_asked(server: LLMServer, make_llm: Make) -> None:
    assert await run(make_llm, ()) == Verified(findings=())
    assert server.requests == []


async def test_each_finding_gets_its_own_verdict(server: LLMServer, make_llm: Make) -> None:
    server.script(verdicts(0.6, 0.59, None, 1.0))
    verified = await run(make_llm, min_confidence=0.6)

    assert [(f.title, f.confidence) for f in verified.findings] == [("one", 0.6), ("four", 1.0)]
    assert [(r.title, r.reason) for r in verified.rejected] == [
        ("two", "low confidence (0.59 of 0.6): so it is"),
        ("three", "unverified: so it is"),
    ]
    assert verified.notes == ()


async def test_a_finding_missing_from_the_verdicts_is_dropped(
    server: LLMServer, make_llm: Make
) -> None:
    server.script(answered([1, 3, 4, 99]))
    verified = await run(make_llm)

    assert [each.title for each in verified.findings] == ["one", "three", "four"]
    assert [r.reason for r in verified.rejected] == ["unverified: no verdict was given"]


@pytest.mark.parametrize("verdicts_sent", [[], holding([77]), [{"id": 1, "holds": "yes"}], ["1"]])
async def test_an_answer_without_a_verdict_on_any_of_them_throws_nothing_out(
    server: LLMServer, make_llm: Make, verdicts_sent: list[Any]
) -> None:
    server.script(Text(json.dumps({"verdicts": verdicts_sent})))
    verified = await run(make_llm)

    assert verified.findings == FINDINGS
    assert verified.notes == ("4 finding(s) were not checked a second time: no verdict was given.",)


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
    verified = await run(make_llm)

    assert [each.confidence for each in verified.findings] == [0.9] * 4
    assert verified.notes == ()
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
    verified = await run(make_llm, FINDINGS[:1], (replace(batch_file(), context=(far,)),))

    assert [each.confidence for each in verified.findings] == [0.9]
    assert len(server.requests) == 2


async def test_oversized_text_is_kept_and_reported_once(server: LLMServer, make_llm: Make) -> None:
    server.default = Status(413)
    verified = await run(make_llm)

    assert verified.findings == FINDINGS
    assert verified.notes == (
        "4 finding(s) were not checked a second time: the prompt is too long for tiny.",
    )


async def test_after_an_answer_that_was_cut_the_rest_is_asked_about(
    server: LLMServer, make_llm: Make
) -> None:
    whole = answered([1, 2]).content or ""
    server.script(Text(whole[:-2] + ', {"id": 3, "ho', finish_reason="length"))
    server.default = lambda request: answered(ids(request))
    verified = await run(make_llm)

    assert len(verified.findings) == 4
    assert verified.rejected == ()
    assert verified.usage.calls == 2
    assert [ids(each) for each in server.requests] == [[1, 2, 3, 4], [3, 4]]


async def test_an_outage_is_left_to_a_retry_and_reports_the_usage(
    server: LLMServer, make_llm: Make
) -> None:
    def answer(request: Request) -> Reply:
        if len(ids(request)) > 2:
            return Status(413)
        return answered([1, 2]) if 1 in ids(request) else Status(503)

    server.default = answer
    with pytest.raises(TransientLLMError) as failed:
        await run(make_llm)
    assert failed.value.usage.calls == 1

    verified = await run(make_llm, last_try=True)
    assert len(verified.findings) == 4
    assert [each.confidence for each in verified.findings] == [0.9, 0.9, 0.7, 0.7]
    assert verified.notes[0].startswith("2 finding(s) were not checked a second time: ")
