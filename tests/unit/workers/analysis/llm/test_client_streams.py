"""An answer that comes in a stream: whole, broken, silent, endless, or not at all."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress

import pytest
from redis.asyncio import Redis

from bot.config.settings import Settings
from bot.domain.model import Usage
from tests.support.llm_server import (
    LLMServer,
    Raw,
    Status,
    Stream,
    Text,
    Then,
    event,
    review,
)
from tests.unit.workers.analysis.conftest import finding
from workers.analysis.answer_schemas import REVIEW_SCHEMA
from workers.analysis.llm.client import LLM, Answer
from workers.analysis.llm.errors import (
    BrokenStreamError,
    LLMAccessError,
    StalledError,
    TransientLLMError,
)
from workers.analysis.llm.refusals import says_no_stream

MakeLLM = Callable[..., tuple[LLM, Settings]]
GOOD = review(finding())
EVENTS = GOOD.events(counts=True)
ROLE = event({"choices": [{"delta": {"role": "assistant", "content": ""}}]})
ALIVE = b": keep-alive\n\n"


async def ask(llm: LLM, user: str = "Review this.") -> Answer:
    return await llm.ask("You review.", user, REVIEW_SCHEMA, purpose="test", review_id="r1")


def streams(server: LLMServer) -> list[bool]:
    """Of each request, whether it asked for a stream."""
    return [request.body["stream"] for request in server.requests]


async def test_a_stream_is_read_whole_and_so_are_its_counts(
    server: LLMServer, make_llm: MakeLLM
) -> None:
    llm, _ = make_llm()
    server.default = Text(GOOD.content, prompt_tokens=900, cached_tokens=500, completion_tokens=7)

    answer = await ask(llm)

    assert answer.data == json.loads(str(GOOD.content))
    counts = Usage(calls=1, prompt_tokens=900, cached_tokens=500, completion_tokens=7)
    assert answer.usage == counts
    [request] = server.requests
    assert request.body["stream"] is True
    assert request.body["stream_options"] == {"include_usage": True}
    assert request.response_format == "json_schema"


async def test_a_stream_without_counts_is_counted_by_us(
    server: LLMServer, make_llm: MakeLLM
) -> None:
    llm, _ = make_llm()
    server.default = Text(GOOD.content, usage=False)

    usage = (await ask(llm)).usage

    assert 5 < usage.prompt_tokens < 30
    assert 40 < usage.completion_tokens < 200


#: Streams of one answer, each in another server's manner.
FORMS: dict[str, list[bytes]] = {
    "one byte at a time": [bytes([byte]) for byte in b"".join(EVENTS)],
    "all at once": [b"".join(EVENTS)],
    "line ends of Windows": [each.replace(b"\n", b"\r\n") for each in EVENTS],
    "without a space": [each.replace(b"data: ", b"data:") for each in EVENTS],
    "named events": [b"event: message\nid: 7\nretry: 10\n" + each for each in EVENTS],
    "comments between": [each + ALIVE for each in EVENTS],
    "other events between": [event({"type": "ping"}) + b"data: ping\n\n" + x for x in EVENTS],
    "without an end mark": EVENTS[:-1],
    "only the end mark": [*EVENTS[:-3], EVENTS[-1]],
    "empty marks where it goes on": [
        each.replace(b'}}]', b'}, "finish_reason": ""}]') for each in EVENTS
    ],
    "a message in one piece": [
        event({"choices": [{"message": {"content": GOOD.content}, "finish_reason": "stop"}]})
    ],
    "the thoughts first": [
        event({"choices": [{"delta": {"reasoning": "Let me {see}. ", "content": None}}]}),
        *EVENTS,
    ],
    "in pieces of a call": [
        *(
            event(
                {
                    "choices": [
                        {"delta": {"tool_calls": [{"index": 0, "function": {"arguments": part}}]}}
                    ]
                }
            )
            for part in (str(GOOD.content)[:30], str(GOOD.content)[30:])
        ),
        event({"choices": [{"delta": {}, "finish_reason": "tool_calls"}]}),
    ],
    "beside other choices": [
        *EVENTS[:-2],
        event({"choices": [{"index": 1, "delta": {"content": "{}"}}]}),
        *EVENTS[-2:],
    ],
    "without the last line end": [b"".join(EVENTS[:-1]).rstrip(b"\n")],
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
async def test_every_form_of_stream_gives_the_same_answer(
    server: LLMServer, make_llm: MakeLLM, form: str
) -> None:
    llm, _ = make_llm()
    server.default = Stream(FORMS[form])

    assert (await ask(llm)).data == json.loads(str(GOOD.content))
    assert len(server.requests) == 1


async def test_a_server_that_answers_whole_is_not_asked_for_streams_again(
    server: LLMServer, make_llm: MakeLLM
) -> None:
    llm, _ = make_llm()
    server.streams, server.default = False, GOOD

    assert (await ask(llm, "one")).data == (await ask(llm, "two")).data
    assert streams(server) == [True, False]


#: Refusals of a stream, as servers word them.
REFUSALS = [
    "Your organization must be verified to stream this model.",
    "Unsupported value: 'stream' does not support true with this model.",
    "The model is not supported for streaming",
    "Streaming is not supported",
    "streaming responses are not enabled for this deployment",
    "{'loc': ['body', 'stream'], 'msg': 'Extra inputs are not permitted'}",
    "This endpoint doesn't support streaming responses",
    "Streaming has been disabled by your administrator",
    "unknown field: stream",
    "'stream' must be false",
]


@pytest.mark.parametrize("text", REFUSALS)
async def test_a_refusal_of_streams_is_learned_and_costs_no_other_form(
    server: LLMServer, make_llm: MakeLLM, text: str
) -> None:
    llm, _ = make_llm()
    server.default = lambda request: Status(400, text) if request.body["stream"] else GOOD

    assert (await ask(llm, "one")).data == (await ask(llm, "two")).data
    assert streams(server) == [True, False, False]
    assert server.requests[-1].response_format == "json_schema"


@pytest.mark.parametrize(
    "text",
    [
        "'input': {'model': 'm', 'stream': True, 'max_tokens': 8000}",
        "response_format json_schema is not supported",
        "upstream service is not available",
        "invalid model",
    ],
)
def test_no_other_words_are_taken_for_a_refusal_of_streams(text: str) -> None:
    assert not says_no_stream(text)


async def test_a_refusal_of_counts_alone_keeps_the_stream(
    server: LLMServer, make_llm: MakeLLM
) -> None:
    llm, _ = make_llm()
    text = "Unrecognized request argument supplied: stream_options"
    server.default = lambda request: Status(400, text) if "stream_options" in request.body else GOOD

    assert (await ask(llm)).data is not None
    assert streams(server) == [True, True]


async def test_a_server_that_fails_at_streams_without_a_reason_is_found_out(
    server: LLMServer, make_llm: MakeLLM
) -> None:
    llm, _ = make_llm()
    server.default = lambda request: Status(500) if request.body["stream"] else GOOD

    assert (await ask(llm, "one")).data == (await ask(llm, "two")).data
    assert streams(server) == [True, True, False, False]


async def test_what_was_learned_of_streams_is_known_to_other_workers(
    server: LLMServer, make_llm: MakeLLM, redis: Redis
) -> None:
    server.default = lambda request: Status(400, REFUSALS[0]) if request.body["stream"] else GOOD
    for name in ("one", "two"):
        llm, _ = make_llm(redis)
        assert (await ask(llm, name)).data is not None
    assert streams(server) == [True, False, False]


async def test_a_stream_that_is_cut_is_asked_for_again(
    server: LLMServer, make_llm: MakeLLM
) -> None:
    llm, _ = make_llm()
    server.script(Stream(EVENTS[:3], Then.DROP), Stream(EVENTS[:3]), GOOD)

    assert (await ask(llm)).data == json.loads(str(GOOD.content))
    assert streams(server) == [True, True, False], "the last try does without"


async def test_a_stream_that_always_ends_early_says_so(
    server: LLMServer, make_llm: MakeLLM
) -> None:
    llm, _ = make_llm()
    server.default = Stream(EVENTS[:3])

    with pytest.raises(TransientLLMError, match="broke off in the middle .* three times") as raised:
        await ask(llm)
    assert isinstance(raised.value.__cause__, BrokenStreamError)


async def test_a_whole_answer_counts_though_the_connection_breaks_behind_it(
    server: LLMServer, make_llm: MakeLLM
) -> None:
    llm, _ = make_llm()
    server.default = Stream(EVENTS[:-1], Then.DROP)

    assert (await ask(llm)).data == json.loads(str(GOOD.content))
    assert len(server.requests) == 1


async def test_a_stream_that_is_left_open_behind_its_answer_is_not_waited_for(
    server: LLMServer, make_llm: MakeLLM
) -> None:
    llm, _ = make_llm(llm_timeout=600, llm_idle_seconds=600)
    server.default = Stream(EVENTS, Then.HANG)

    async with asyncio.timeout(60):
        assert (await ask(llm)).data == json.loads(str(GOOD.content))
    assert len(server.requests) == 1


async def test_silence_in_the_middle_of_an_answer_is_noticed_long_before_the_time_limit(
    server: LLMServer, make_llm: MakeLLM
) -> None:
    llm, _ = make_llm(llm_idle_seconds=0.2, llm_timeout=600)
    server.script(Stream(EVENTS[:3], Then.HANG), GOOD)

    async with asyncio.timeout(60):
        assert (await ask(llm)).data == json.loads(str(GOOD.content))
    assert streams(server) == [True, True]


async def test_an_endpoint_that_always_falls_silent_is_an_error_of_its_own(
    server: LLMServer, make_llm: MakeLLM
) -> None:
    llm, _ = make_llm(llm_idle_seconds=0.2, llm_timeout=600)
    server.default = lambda request: (
        Stream(EVENTS[:3], Then.HANG)
        if request.body["stream"]
        else Raw(b'{"choices": [{"mess', then_hang=True)
    )

    async with asyncio.timeout(60):
        with pytest.raises(TransientLLMError, match=r"stopped .* for 0\.2 s three times") as raised:
            await ask(llm)
    assert isinstance(raised.value.__cause__, StalledError)


@pytest.mark.parametrize("before", [[], [ALIVE], [b"\n\n", ROLE]], ids=["", "comment", "role"])
async def test_a_model_may_think_in_silence_for_longer(
    server: LLMServer, make_llm: MakeLLM, before: list[bytes]
) -> None:
    llm, _ = make_llm(llm_idle_seconds=0.1, llm_timeout=60)
    # Three pauses of twice the limit, each behind something that is no answer yet.
    server.default = Stream([*before, ALIVE, ALIVE, b"".join(EVENTS)], gap=0.2)

    assert (await ask(llm)).data == json.loads(str(GOOD.content))
    assert len(server.requests) == 1


async def test_a_sign_of_life_in_the_middle_of_an_answer_is_enough(
    server: LLMServer, make_llm: MakeLLM
) -> None:
    llm, _ = make_llm(llm_idle_seconds=1, llm_timeout=60)
    server.default = Stream([*EVENTS[:3], *[ALIVE] * 15, b"".join(EVENTS[3:])], gap=0.1)

    assert (await ask(llm)).data == json.loads(str(GOOD.content))
    assert len(server.requests) == 1


async def test_silence_behind_the_headers_ends_at_the_time_limit(
    server: LLMServer, make_llm: MakeLLM
) -> None:
    llm, _ = make_llm(llm_idle_seconds=0.1, llm_timeout=0.5)
    server.default = Stream([ROLE, ALIVE], Then.HANG)

    with pytest.raises(TransientLLMError, match=r"did not respond within 0\.5 s three times"):
        await ask(llm)


async def test_who_is_cancelled_leaves_the_stream(server: LLMServer, make_llm: MakeLLM) -> None:
    llm, _ = make_llm(llm_timeout=600)
    server.default = Stream(EVENTS[:3], Then.HANG)
    asking = asyncio.create_task(ask(llm))
    await server.until(lambda: server.active == 1)

    asking.cancel()
    with suppress(asyncio.CancelledError):
        await asking

    await server.until(lambda: server.active == 0)
    assert asking.cancelled()


#: Failures that come in a good response, before or within the answer.
FAILURES: list[tuple[object, type[Exception], str]] = [
    ({"error": {"code": 402, "message": "Insufficient credits"}}, LLMAccessError, "no credit"),
    ({"error": {"code": 429, "message": "Slow down"}}, TransientLLMError, "429"),
    ({"error": {"code": "server_error", "message": "Oh no"}}, TransientLLMError, "Oh no"),
    ({"object": "error", "message": "Oh no", "code": 500}, TransientLLMError, "Oh no"),
]


@pytest.mark.parametrize("at", [0, 3])
@pytest.mark.parametrize(("chunk", "kind", "words"), FAILURES, ids=str)
async def test_a_failure_within_a_stream_is_the_failure_that_it_says(
    server: LLMServer,
    make_llm: MakeLLM,
    chunk: object,
    kind: type[Exception],
    words: str,
    at: int,
) -> None:
    llm, _ = make_llm()
    server.default = Stream([*EVENTS[:at], event(chunk), EVENTS[-1]])

    with pytest.raises(kind, match=words):
        await ask(llm)


async def test_a_failure_may_be_named_in_place_of_the_data(
    server: LLMServer, make_llm: MakeLLM
) -> None:
    llm, _ = make_llm()
    failure = {"code": 500, "message": "slot was lost", "type": "server_error"}
    server.default = Stream([*EVENTS[:2], f"error: {json.dumps(failure)}\n\n".encode()])

    with pytest.raises(TransientLLMError, match="slot was lost"):
        await ask(llm)


#: Has a client wait for a model that thinks, and takes the network away beneath both.
DEAD = """
import asyncio, subprocess
from bot.config.settings import Settings
from tests.support.llm_server import Hang, LLMServer
from workers.analysis.llm.endpoint import Endpoint

async def main():
    async with LLMServer() as server:
        server.default = Hang()
        settings = Settings(_env_file=None, llm_idle_seconds=4, llm_timeout=60)
        endpoint = Endpoint(settings, server.url)
        request = {"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": True}
        asking = asyncio.create_task(endpoint.post(request))
        await server.until(lambda: server.active == 1)
        subprocess.run(["ip", "link", "set", "lo", "down"], check=True)
        [result] = await asyncio.gather(asking, return_exceptions=True)
        print(f"{type(result).__name__}: {result}", flush=True)
        await endpoint.aclose()

subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
asyncio.run(main())
"""


def test_a_peer_that_is_gone_is_noticed_while_the_model_thinks() -> None:
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        pytest.skip("unshare or ip is missing: apt-get install util-linux iproute2")
    apart = ["unshare", "--net", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    if subprocess.run([*apart, "ip", "link", "set", "lo", "up"], capture_output=True).returncode:
        pytest.skip("no network namespace may be made here")
    found = subprocess.run(
        [*apart, sys.executable, "-c", DEAD], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "TransientLLMError: the connection to the endpoint failed"
