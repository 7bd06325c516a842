"""The client against a real server on loopback that misbehaves in each way we know."""

import json
from collections.abc import Callable

import pytest
from redis.asyncio import Redis

from bot.config.settings import Settings
from bot.domain.model import Usage
from tests.support.llm_server import (
    Drop,
    Hang,
    LLMServer,
    Raw,
    Request,
    Status,
    Text,
    review,
)
from tests.unit.workers.analysis.conftest import finding
from workers.analysis.answer_schemas import REVIEW_SCHEMA
from workers.analysis.llm.client import LLM, Answer
from workers.analysis.llm.errors import (
    BudgetError,
    LLMAccessError,
    PermanentLLMError,
    RefusedError,
    TooLongError,
    TransientLLMError,
    UnreadableAnswerError,
)

MakeLLM = Callable[..., tuple[LLM, Settings]]
GOOD = review(finding())


async def ask(llm: LLM, user: str = "Review this.", **keywords: object) -> Answer:
    keywords = {"purpose": "test", "review_id": "r1", "installation_id": 7} | keywords
    return await llm.ask("You review.", user, REVIEW_SCHEMA, **keywords)  # type: ignore[arg-type]


async def test_a_valid_answer_comes_with_its_cost(server: LLMServer, make_llm: MakeLLM) -> None:
    llm, _ = make_llm(llm_prices={"tiny": {"prompt": 2, "cached": 1, "completion": 10}})
    server.script(Text(GOOD.content, prompt_tokens=1000, cached_tokens=600, completion_tokens=50))

    answer = await ask(llm)

    assert answer.data is not None
    assert answer.data["findings"][0]["line"] == 4
    assert answer.model == "tiny"
    assert answer.usage == Usage(
        calls=1, prompt_tokens=1000, cached_tokens=600, completion_tokens=50, cost=0.0019
    )
    request = server.requests[0]
    assert request.response_format == "json_schema"
    assert request.body["response_format"]["json_schema"]["strict"] is True
    assert request.body["temperature"] == 0
    assert request.headers["authorization"] == "Bearer none"


async def test_an_endpoint_that_counts_nonsense_costs_no_review(
    server: LLMServer, make_llm: MakeLLM
) -> None:
    llm, _ = make_llm(llm_review_budget=100_000)
    for reported_tokens, counted in ((1 << 70, 10**9), (-5, 0)):
        server.script(Text(GOOD.content, prompt_tokens=reported_tokens, completion_tokens=0))
        answer = await ask(llm, review_id=f"r{counted}")
        assert answer.data is not None
        assert answer.usage.prompt_tokens == counted


@pytest.mark.parametrize(
    "text",
    [
        f"```json\n{GOOD.content}\n```",
        f"Here is my review:\n\n```\n{GOOD.content}\n```\nI hope it helps!",
        f"Sure! {GOOD.content}",
        f"<think>is it {{really}} so?</think>\n{GOOD.content}",
        str(GOOD.content).replace("]}", ",]}"),
    ],
    ids=["fenced", "fenced in prose", "prose", "thoughts", "trailing comma"],
)
async def test_json_is_found_anywhere(server: LLMServer, make_llm: MakeLLM, text: str) -> None:
    llm, _ = make_llm()
    server.script(Text(text))

    answer = await ask(llm)

    assert answer.data is not None
    assert len(answer.data["findings"]) == 1
    assert len(server.requests) == 1


async def test_broken_json_is_repaired_once_by_showing_the_model_what_is_wrong(
    server: LLMServer, make_llm: MakeLLM
) -> None:
    llm, _ = make_llm()
    server.script(Text('{"findings": [oops!'), GOOD)

    answer = await ask(llm)

    assert answer.data == json.loads(str(GOOD.content))
    assert answer.usage.calls == 2
    roles = [message["role"] for message in server.requests[1].messages]
    assert roles == ["system", "user", "assistant", "user"]
    assert "not a single JSON object" in server.requests[1].messages[3]["content"]


async def test_an_answer_whose_every_finding_is_wrong_is_repaired_too(
    server: LLMServer, make_llm: MakeLLM
) -> None:
    llm, _ = make_llm()
    server.script(review(finding(path="")), GOOD)

    answer = await ask(llm)

    assert answer.usage.calls == 2
    assert '"path" is missing' in server.requests[1].messages[3]["content"]


async def test_an_answer_that_stays_broken_gives_what_is_complete_in_it(
    server: LLMServer, make_llm: MakeLLM
) -> None:
    llm, _ = make_llm()
    cut = str(review(finding(), finding(title="Another")).content)[:-30]
    server.script(Text(cut), Text("no"))

    answer = await ask(llm)

    assert answer.cut
    assert answer.data is not None
    assert [each["title"] for each in answer.data["findings"]] == [finding()["title"]]


async def test_an_empty_answer_is_an_error_that_carries_its_cost(
    server: LLMServer, make_llm: MakeLLM
) -> None:
    llm, _ = make_llm()
    server.script(Text("nope"), Text("still nope"))

    with pytest.raises(UnreadableAnswerError, match="tiny gave an answer that could not") as raised:
        await ask(llm)

    assert raised.value.usage.calls == 2


async def test_an_answer_cut_at_its_limit_is_not_repaired_but_saved(
    server: LLMServer, make_llm: MakeLLM
) -> None:
    llm, _ = make_llm()
    cut = str(review(finding(), finding(title="Another")).content)[:-30]
    server.script(Text(cut, finish_reason="length"))

    answer = await ask(llm)

    assert answer.cut
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "reply",
    [
        Text(None, refusal="I cannot review that."),
        Text("", finish_reason="content_filter"),
        Text("I'm sorry, but I can't help with that."),
        Status(400, "The response was filtered", code="content_filter"),
    ],
    ids=["refusal", "content filter", "in words", "filtered prompt"],
)
async def test_a_refusal_is_recognised_and_not_repeated(
    server: LLMServer, make_llm: MakeLLM, reply: Text | Status
) -> None:
    llm, _ = make_llm()
    server.script(reply)

    with pytest.raises(RefusedError):
        await ask(llm)

    assert len(server.requests) == 1


async def test_429_is_waited_out_as_long_as_the_server_asks(
    server: LLMServer, make_llm: MakeLLM, slept: list[float]
) -> None:
    llm, _ = make_llm()
    server.script(Status(429, retry_after="0.3"), GOOD)

    assert (await ask(llm)).data is not None

    assert 0.3 in slept
    assert len(server.requests) == 2


async def test_a_longer_retry_after_is_left_to_the_queue(
    server: LLMServer, make_llm: MakeLLM, slept: list[float]
) -> None:
    llm, _ = make_llm()
    server.script(Status(429, retry_after="900"))

    with pytest.raises(TransientLLMError) as raised:
        await ask(llm)

    assert raised.value.retry_after == 900
    assert slept == []
    assert len(server.requests) == 1


async def test_500_heals_in_place(server: LLMServer, make_llm: MakeLLM) -> None:
    llm, _ = make_llm()
    server.script(Status(500), Status(503), GOOD)

    assert (await ask(llm)).data is not None


async def test_three_500_are_a_transient_failure(
    server: LLMServer, make_llm: MakeLLM, slept: list[float]
) -> None:
    llm, _ = make_llm()
    server.script(Status(500), Status(500), Status(500))

    with pytest.raises(TransientLLMError, match="the endpoint returned 500 three times"):
        await ask(llm)

    assert 0.5 <= slept[0] <= 1.5
    assert 1 <= slept[1] <= 3
    assert len(slept) == 2


async def test_a_time_out_is_transient(server: LLMServer, make_llm: MakeLLM) -> None:
    llm, _ = make_llm(llm_timeout=0.2)
    server.script(Hang(), Hang(), Hang())

    with pytest.raises(TransientLLMError, match=r"did not respond within 0.2 s three times"):
        await ask(llm)


async def test_a_dropped_connection_heals_in_place(server: LLMServer, make_llm: MakeLLM) -> None:
    llm, _ = make_llm()
    server.script(Drop(), GOOD)

    assert (await ask(llm)).data is not None


@pytest.mark.parametrize(
    "body", [b"<html>busy</html>", b"[]", b'{"choices": []}', b'{"error": {"code": 502}}', b"\xff"]
)
async def test_a_body_that_is_no_completion_is_transient(
    server: LLMServer, make_llm: MakeLLM, body: bytes
) -> None:
    llm, _ = make_llm()
    server.script(Raw(body), GOOD)

    assert (await ask(llm)).data is not None


@pytest.mark.parametrize(
    ("refused", "modes"),
    [
        ({"json_schema"}, ["json_schema", "json_object", "json_object"]),
        ({"json_schema", "json_object"}, ["json_schema", "json_object", "", ""]),
    ],
)
async def test_structured_output_goes_down_the_ladder_and_remembers(
    server: LLMServer, make_llm: MakeLLM, refused: set[str], modes: list[str]
) -> None:
    llm, _ = make_llm()
    server.refuses = frozenset(refused)

    await ask(llm, "one")
    await ask(llm, "two")

    assert [request.response_format for request in server.requests] == modes


async def test_another_worker_learns_the_ladder_from_redis(
    server: LLMServer, make_llm: MakeLLM, redis: "Redis"
) -> None:
    server.refuses = frozenset({"json_schema"})
    await ask(make_llm(redis)[0], "one")
    await ask(make_llm(redis)[0], "two")

    modes = [request.response_format for request in server.requests]
    assert modes == ["json_schema", "json_object", "json_object"]


async def test_names_of_the_limit_and_the_temperature_are_learned(
    server: LLMServer, make_llm: MakeLLM
) -> None:
    def picky(request: Request) -> Text | Status:
        if "max_tokens" in request.body:
            return Status(400, "Unsupported parameter: 'max_tokens' is not supported.")
        if "temperature" in request.body:
            return Status(400, "Unsupported value: 'temperature' does not support 0.")
        return GOOD

    llm, _ = make_llm()
    server.default = picky

    await ask(llm)

    last = server.requests[-1].body
    assert last["max_completion_tokens"] == 8000
    assert last["response_format"]["type"] == "json_schema"


async def test_a_prompt_that_is_too_long_is_reported(server: LLMServer, make_llm: MakeLLM) -> None:
    llm, _ = make_llm()
    server.script(Status(400, "This model's maximum context length is 8192 tokens."))

    with pytest.raises(TooLongError):
        await ask(llm)

    assert len(server.requests) == 1


async def test_fallback_models_are_asked_in_order(server: LLMServer, make_llm: MakeLLM) -> None:
    llm, _ = make_llm(llm_fallback_models="second,third")
    server.script(
        Status(404, "no such model"), Text("Sorry, no."), Text(GOOD.content, completion_tokens=9)
    )

    answer = await ask(llm)

    assert answer.model == "third"
    assert answer.usage.calls == 2  # the refusal was paid for too
    assert [each.body["model"] for each in server.requests] == ["tiny", "second", "third"]


async def test_a_key_that_is_refused_is_not_tried_with_other_models(
    server: LLMServer, make_llm: MakeLLM
) -> None:
    llm, _ = make_llm(llm_fallback_models="second", openai_api_key="sk-wrong")
    server.script(Status(401, "Incorrect API key provided: sk-wrong"))

    with pytest.raises(LLMAccessError, match="OPENAI_API_KEY") as raised:
        await ask(llm)

    assert "sk-wrong" not in str(raised.value)
    assert len(server.requests) == 1


async def test_an_unknown_model_is_a_permanent_failure(
    server: LLMServer, make_llm: MakeLLM
) -> None:
    llm, _ = make_llm()
    server.script(Status(404, "no such model"))

    with pytest.raises(PermanentLLMError, match="404 for model tiny"):
        await ask(llm)


async def test_the_same_question_is_paid_for_once(
    server: LLMServer, make_llm: MakeLLM, redis: "Redis"
) -> None:
    server.default = GOOD
    first = await ask(make_llm(redis)[0])
    again = await ask(make_llm(redis)[0])
    await ask(make_llm(redis)[0], installation_id=8)

    assert again.data == first.data
    assert again.usage == Usage(cache_hits=1)
    assert len(server.requests) == 2  # another installation has a cache of its own


async def test_a_broken_answer_is_not_kept(
    server: LLMServer, make_llm: MakeLLM, redis: "Redis"
) -> None:
    llm, _ = make_llm(redis)
    server.script(Text("no"), Text("no"), GOOD)

    with pytest.raises(UnreadableAnswerError):
        await ask(llm)

    assert (await ask(llm)).usage.calls == 1


@pytest.mark.parametrize("shared", [False, True])
async def test_a_review_stops_at_its_budget(
    server: LLMServer, make_llm: MakeLLM, redis: "Redis", shared: bool
) -> None:
    llm, _ = make_llm(redis if shared else None, llm_review_budget=5100, llm_answer_tokens=4000)
    server.default = GOOD  # 1100 tokens each, of which 4000 are set aside for the answer

    await ask(llm, "one")
    with pytest.raises(BudgetError, match=r"5,100 tokens for this review \(LLM_REVIEW_BUDGET\)"):
        await ask(llm, "two")
    await ask(llm, "two", review_id="r2")

    assert len(server.requests) == 2


async def test_an_installation_stops_at_its_budget_of_the_day(
    server: LLMServer, make_llm: MakeLLM
) -> None:
    llm, _ = make_llm(llm_daily_budget=5100, llm_answer_tokens=4000)
    server.default = GOOD

    await ask(llm, "one", review_id="r1")
    with pytest.raises(BudgetError, match="LLM_DAILY_BUDGET"):
        await ask(llm, "two", review_id="r2")
    await ask(llm, "two", review_id="r3", installation_id=8)


async def test_tokens_that_a_server_does_not_count_are_counted_here(
    server: LLMServer, make_llm: MakeLLM
) -> None:
    llm, _ = make_llm()
    server.script(Text(GOOD.content, usage=False))

    answer = await ask(llm)

    assert 3 <= answer.usage.prompt_tokens <= 12
    assert answer.usage.completion_tokens > 20
