"""Reading in rounds: what is wanted is looked up, within bounds, and the model goes on with it."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from bot.config.repository_config import RepoConfig
from bot.config.settings import Settings
from bot.domain.look_ups import LookUp, LookUpResult
from bot.domain.model import BatchResult, CheckOutcome, Effort, Place
from bot.domain.progress import Activity
from tests.support.llm_server import (
    LLMServer,
    Reply,
    Request,
    Status,
    Text,
    agreeable,
    looking,
    review,
)
from tests.unit.workers.analysis.conftest import BRIEF, batch, batch_file, finding
from workers.analysis.llm.client import LLM
from workers.analysis.llm.errors import TransientLLMError
from workers.analysis.read_batch import analyze

Make = Callable[..., tuple[LLM, Settings]]

READ = {"operation": "read", "path": "lib.py", "start": 1, "end": 9, "side": "new"}
USES = {"operation": "uses", "symbol": "search", "path": "src/search.py"}


class Source:
    """Shows `text` for each wish."""

    def __init__(self, text: str = "1 def far(): ...") -> None:
        self.text = text
        self.asked: list[list[LookUp]] = []

    async def answer(self, look_ups: Sequence[LookUp]) -> Sequence[LookUpResult]:
        self.asked.append(list(look_ups))
        return [
            LookUpResult(
                look_up=each,
                text=self.text,
                places=(Place(path=each.path or "a.py", start_line=1, end_line=each.end or 1),),
            )
            for each in look_ups
        ]


def reading(server: LLMServer, *rounds: Reply | Callable[[Request], Reply]) -> None:
    """The readings get these answers in turn, the last one for ever; the check agrees."""
    left = list(rounds)

    def answer(request: Request) -> Reply:
        if request.asks_for_verdicts:
            return agreeable(request)
        now = left.pop(0) if len(left) > 1 else left[0]
        return now(request) if callable(now) else now

    server.default = answer


async def run(
    make_llm: Make,
    source: Source | None,
    *,
    effort: Effort | None = None,
    last_try: bool = False,
    stages: list[str] | None = None,
    **settings: Any,
) -> BatchResult:
    llm, given = make_llm(**settings)

    async def on_activity(activity: Activity, amount: int) -> None:
        if stages is not None:
            stages.append(activity.text(amount))

    return await analyze(
        batch(),
        BRIEF,
        llm,
        given,
        RepoConfig(),
        focus=None,
        effort=effort,
        source=source,
        on_activity=on_activity,
        last_try=last_try,
    )


def asked(server: LLMServer) -> list[Request]:
    return [each for each in server.requests if not each.asks_for_verdicts]


async def test_the_model_goes_on_with_what_it_looked_up(server: LLMServer, make_llm: Make) -> None:
    draft = finding(title="Maybe wrong", confidence=0.4)
    final = finding(title="Wrong", trace="far() gives None.", looked_at=[1, 7])
    reading(server, looking(READ, USES, findings=[draft]), review(final))
    source, stages = Source(), list[str]()
    result = await run(make_llm, source, stages=stages, look_up_rounds=2)

    first, second = asked(server)
    assert first.system == second.system
    shared = first.user.index("You may ask for at most 8 look-ups now")
    assert second.user[:shared] == first.user[:shared], "servers keep what begins alike"
    assert (
        "=== BEGIN looked up 1 ===\n"
        "|read lib.py, lines 1 to 9 (new side)\n"
        "|1 def far(): ...\n"
        "=== END looked up 1 ===\n"
        "\n"
        "=== BEGIN looked up 2 ===\n"
        "|uses of search, seen in src/search.py\n"
    ) in second.user
    assert '"title":"Maybe wrong"' in second.user[shared:]
    assert "at most 8 look-ups more now" in second.user
    assert stages == ["Looking up 2 places", "Checking 1 finding"]
    [found] = result.findings
    assert (found.title, found.trace) == ("Wrong", "far() gives None.")
    assert found.looked_at == (Place(path="lib.py", start_line=1, end_line=9),)
    assert found.check is CheckOutcome.CONFIRMED
    assert result.usage.calls == 3


async def test_whoever_wants_nothing_is_asked_once(server: LLMServer, make_llm: Make) -> None:
    reading(server, review(finding()))
    source = Source()
    await run(make_llm, source)
    assert (len(asked(server)), source.asked) == (1, [])


async def test_endless_wishes_end_after_the_rounds_that_are_set(
    server: LLMServer, make_llm: Make
) -> None:
    def another(request: Request) -> Reply:
        line = len(server.requests)
        many = [{**READ, "start": line, "end": line + n} for n in range(1, 40)]
        return looking(*many, findings=[finding()])

    reading(server, another)
    source = Source()
    result = await run(make_llm, source, look_up_rounds=3, look_ups_per_round=4)

    assert [len(each) for each in source.asked] == [4, 4, 4]
    requests = asked(server)
    assert len(requests) == 4
    assert "35 of your look-ups were not done: there are at most 4 at a time." in requests[1].user
    assert "No more look-ups are possible" in requests[-1].user
    assert len(result.findings) == 1


async def test_the_same_wish_again_is_no_wish(server: LLMServer, make_llm: Make) -> None:
    reading(server, looking(READ), looking(READ, findings=[finding()]))
    source = Source()
    result = await run(make_llm, source)
    assert len(source.asked) == 1
    assert len(result.findings) == 1


@pytest.mark.parametrize("settings", [{"look_up_rounds": 0}, {"review_effort": Effort.QUICK}])
async def test_nothing_is_looked_up_where_that_is_not_allowed(
    server: LLMServer, make_llm: Make, settings: dict[str, Any]
) -> None:
    reading(server, looking(READ, findings=[finding()]))
    source = Source()
    result = await run(make_llm, source, **settings)
    assert source.asked == []
    assert len(result.findings) == 1
    assert all("No look-ups are possible" in each.user for each in server.requests)


async def test_what_was_looked_up_is_a_quarter_of_the_prompt_at_most_the_oldest_go_first(
    server: LLMServer, make_llm: Make
) -> None:
    wishes = [{**READ, "end": n} for n in range(1, 9)]
    reading(server, looking(*wishes), review())
    await run(make_llm, Source("words of code here\n" * 250), llm_context_tokens=16_000)

    first, second = (len(each.user) for each in asked(server))
    assert second - first < 16_000 // 4 * 5
    user = asked(server)[1].user
    kept = [n for n in range(1, 9) if f"=== BEGIN looked up {n} ===" in user]
    assert kept == list(range(kept[0], 9))
    assert kept[0] > 1


async def test_a_round_that_fails_costs_what_was_looked_up_alone(
    server: LLMServer, make_llm: Make
) -> None:
    reading(server, looking(READ, findings=[finding()]), Status(413))
    result = await run(make_llm, Source())
    assert len(result.findings) == 1
    assert result.reviewed == ("src/search.py",)
    assert result.notes == (
        "Looked-up code could not be considered: the prompt is too long for tiny.",
    )

    reading(server, looking(READ, findings=[finding()]), Text("{", finish_reason="length"))
    assert len((await run(make_llm, Source())).findings) == 1


async def test_an_outage_between_rounds_is_left_to_a_retry_with_the_cost_of_both(
    server: LLMServer, make_llm: Make
) -> None:
    def answer(request: Request) -> Reply:
        return Status(503) if "looked up 1" in request.user else looking(READ, findings=[finding()])

    reading(server, answer)
    with pytest.raises(TransientLLMError) as failed:
        await run(make_llm, Source())
    assert failed.value.usage.calls == 1
    result = await run(make_llm, Source(), last_try=True)
    assert len(result.findings) == 1
    assert result.notes


async def test_summaries_and_overview_need_not_be_told_again(
    server: LLMServer, make_llm: Make
) -> None:
    first = {
        "overview": "It searches\nfaster.",
        "summaries": [{"path": "src/search.py", "summary": "Searches row by row."}],
        "findings": [],
        "look_ups": [READ],
    }
    reading(server, Text(json.dumps(first)), Text(json.dumps({"overview": "", "findings": []})))
    result = await run(make_llm, Source())
    assert result.overview == "It searches faster."
    assert result.summaries == (("src/search.py", "Searches row by row."),)


async def test_a_deep_review_reads_twice_and_counts_who_agrees(
    server: LLMServer, make_llm: Make
) -> None:
    same = finding(title="Rows may change the query", body="SQL is built from the row's text.")
    more = finding(
        quote="    for row in rows:",
        title="Each row costs a query",
        body="Nothing is fetched together.",
        category="performance",
    )

    def answer(request: Request) -> Reply:
        return (
            review(same, more)
            if "second, independent reading" in request.user
            else review(finding())
        )

    reading(server, answer)
    result = await run(make_llm, None, effort=Effort.DEEP, llm_second_model="other")

    assert [each.agreement for each in result.findings] == [2, 1]
    assert {each.body["model"] for each in asked(server)} == {"tiny", "other"}
    assert result.reviewed == ("src/search.py",)


async def test_a_second_reading_that_fails_leaves_the_first(
    server: LLMServer, make_llm: Make
) -> None:
    def answer(request: Request) -> Reply:
        second = "second, independent reading" in request.user
        return Text(None, refusal="no") if second else review(finding())

    reading(server, answer)
    result = await run(make_llm, None, effort=Effort.DEEP)
    assert len(result.findings) == 1
    assert result.skipped == ()
    assert len(result.notes) == 1


async def test_files_of_a_second_reading_come_in_another_order(
    server: LLMServer, make_llm: Make
) -> None:
    llm, settings = make_llm()
    files = batch(batch_file("a.py"), batch_file("b.py"))
    await analyze(files, BRIEF, llm, settings, RepoConfig(), focus=None, effort=Effort.DEEP)
    orders = sorted(
        each.user.index("|path: a.py") > each.user.index("|path: b.py") for each in server.requests
    )
    assert orders == [False, True]
