"""The client against servers that differ, each as it documents itself."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from bot.config.settings import Settings
from tests.support.llm_endpoints import SERVERS
from tests.support.llm_server import LLMServer, Raw, Request, Status, Text, review
from tests.unit.workers.analysis.conftest import finding
from workers.analysis.answer_schemas import REVIEW_SCHEMA
from workers.analysis.llm.client import LLM, Answer
from workers.analysis.llm.errors import (
    CutOffError,
    LLMAccessError,
    LLMError,
    PermanentLLMError,
    TooLongError,
)

MakeLLM = Callable[..., tuple[LLM, Settings]]
GOOD = review(finding())


async def ask(llm: LLM, user: str = "Review this.") -> Answer:
    return await llm.ask("You review.", user, REVIEW_SCHEMA, purpose="test", review_id="r1")


@pytest.mark.parametrize("name", SERVERS)
async def test_every_server_is_understood_and_learned(
    server: LLMServer, make_llm: MakeLLM, name: str
) -> None:
    llm, _ = make_llm()
    server.default = SERVERS[name](lambda _: GOOD)

    first = await ask(llm, "one")
    learning = len(server.requests)
    second = await ask(llm, "two")

    assert first.data == second.data == json.loads(str(GOOD.content))
    assert learning <= 5
    assert len(server.requests) == learning + 1  # what was learned is remembered


#: What a server says, and what the operator reads of it.
WORDS: list[tuple[int, Any, type[LLMError], str]] = [
    (402, {"error": {"message": "Insufficient credits. Add more."}}, LLMAccessError, "no credit"),
    (402, {"error": {"message": "Insufficient Balance"}}, LLMAccessError, "Insufficient Balance"),
    (
        404,
        {"error": {"message": "model 'x' not found, try pulling it first"}},
        PermanentLLMError,
        "not found, try pulling it first",
    ),
    (404, {"detail": "Not Found"}, PermanentLLMError, "Not Found"),
    (
        400,
        [{"error": {"code": 400, "message": "API key not valid. Please pass a valid API key."}}],
        LLMAccessError,
        "API key not valid",
    ),
    (
        429,
        {"error": {"message": "You exceeded your current quota, check your plan and billing"}},
        LLMAccessError,
        "no credit",
    ),
    (
        429,
        {
            "error": {
                "message": "Request too large for gpt-4o in organization org-Ab12Cd34 on tokens"
                " per min (TPM): Limit 30000, Requested 45000."
            }
        },
        TooLongError,
        "tokens a minute",
    ),
    (
        400,
        {"error": "prompt is too long: 250000 tokens"},
        TooLongError,
        "too long",
    ),
    (
        422,
        {"detail": [{"loc": ["body", "model"], "msg": "Field required", "input": "secret code"}]},
        PermanentLLMError,
        "Field required",
    ),
]


@pytest.mark.parametrize(("status", "body", "kind", "words"), WORDS, ids=str)
async def test_what_a_server_says_reaches_the_operator(
    server: LLMServer,
    make_llm: MakeLLM,
    status: int,
    body: object,
    kind: type[LLMError],
    words: str,
) -> None:
    llm, _ = make_llm()
    server.default = Raw(json.dumps(body).encode(), status)

    with pytest.raises(kind, match=words) as raised:
        await ask(llm)

    assert "org-Ab12" not in str(raised.value)
    assert "secret code" not in str(raised.value)


async def test_words_of_a_server_are_short_plain_and_without_keys_and_addresses(
    server: LLMServer, make_llm: MakeLLM
) -> None:
    llm, _ = make_llm()
    text = (
        "See http://10.0.0.5:8000/keys\n<b>sk-0123456789abcdef0123456789abcdef</b> `x` "
        + "w " * 200
    )
    server.default = Status(404, text)

    with pytest.raises(PermanentLLMError) as raised:
        await ask(llm)

    said = str(raised.value)
    assert len(said) < 250
    assert not set("<>`\n") & set(said)
    assert "10.0.0.5" not in said
    assert "0123456789abcdef" not in said


async def test_a_wait_is_worth_it_where_less_was_asked_for_than_the_limit(
    server: LLMServer, make_llm: MakeLLM
) -> None:
    llm, _ = make_llm()
    text = "Rate limit reached (TPM): Limit 30000, Used 29000, Requested 2000. Try again in 2s."
    server.script(Status(429, text), GOOD)

    assert (await ask(llm)).data is not None


async def test_a_model_that_is_refused_is_no_reason_not_to_ask_the_next(
    server: LLMServer, make_llm: MakeLLM
) -> None:
    llm, _ = make_llm(llm_fallback_models="second")
    server.script(Status(403, "You have no access to model tiny"), GOOD)

    assert (await ask(llm)).model == "second"


async def test_a_model_that_thinks_its_answer_away_gets_more_room_from_then_on(
    server: LLMServer, make_llm: MakeLLM
) -> None:
    def thinking(request: Request) -> Text:
        if request.body["max_tokens"] <= 8000:
            return Text("<think>Let me see. ", finish_reason="length")
        return GOOD

    llm, _ = make_llm()
    server.default = thinking

    assert (await ask(llm, "one")).data is not None
    assert (await ask(llm, "two")).data is not None
    assert [each.body["max_tokens"] for each in server.requests] == [8000, 32000, 32000]


async def test_an_answer_that_never_begins_names_the_setting(
    server: LLMServer, make_llm: MakeLLM
) -> None:
    llm, _ = make_llm()
    server.default = Text("", finish_reason="length")

    with pytest.raises(CutOffError, match="cut off: raise LLM_ANSWER_TOKENS"):
        await ask(llm)

    assert len(server.requests) == 2


async def test_a_prompt_that_the_server_shortens_without_a_word_is_too_long(
    server: LLMServer, make_llm: MakeLLM
) -> None:
    llm, _ = make_llm()
    server.default = Text(GOOD.content, prompt_tokens=2050)

    with pytest.raises(TooLongError, match=r"read 2,050 tokens .* lower LLM_CONTEXT_TOKENS"):
        await ask(llm, "one two three four five six seven eight nine ten " * 500)


@pytest.mark.parametrize(
    "message",
    [
        {"content": None, "tool_calls": [{"function": {"name": "r", "arguments": GOOD.content}}]},
        {"content": "", "function_call": {"name": "r", "arguments": GOOD.content}},
        {"content": json.loads(str(GOOD.content))},
        {"content": [{"type": "text", "text": GOOD.content}]},
        {"content": "  ", "reasoning": GOOD.content},
    ],
    ids=["tool call", "function call", "object", "parts", "thoughts"],
)
@pytest.mark.parametrize("finish", ["stop", None, 0, "tool_calls"])
async def test_an_answer_is_found_where_the_server_puts_it(
    server: LLMServer, make_llm: MakeLLM, message: object, finish: object
) -> None:
    llm, _ = make_llm()
    usage = {"prompt_tokens": 12.7, "completion_tokens": "many", "prompt_tokens_details": []}
    choices = [{"message": message, "finish_reason": finish}]
    server.default = Raw(json.dumps({"choices": choices, "usage": usage}).encode())

    answer = await ask(llm)

    assert answer.data == json.loads(str(GOOD.content))
    assert answer.usage.prompt_tokens == 12
