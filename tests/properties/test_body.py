"""A stream says the same however the network cuts it, and whatever comes breaks nothing."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.tally import Tally, tallied
from workers.analysis.llm.body import Body, MalformedReply

TEXTS = st.lists(st.text(max_size=12), min_size=1, max_size=6)
FILLERS = st.sampled_from([b"", b": alive\n\n", b"\n", b"event: x\n", b"data: ping\n\n"])


def _event(delta: dict[str, str], finish: str | None = None) -> bytes:
    chunk = {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    return b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + b"\n\n"


@given(TEXTS, TEXTS, st.lists(FILLERS, min_size=8), st.data())
def test_a_stream_says_the_same_however_it_is_cut(
    thoughts: list[str], texts: list[str], fillers: list[bytes], data: st.DataObject
) -> None:
    events = [_event({"reasoning": each}) for each in thoughts]
    events += [_event({"content": each}) for each in texts]
    events += [_event({}, "stop"), b"data: [DONE]\n\n"]
    for at, filler in enumerate(fillers):
        events.insert(at % (len(events) + 1), filler)
    stream = b": start\n\n" + b"".join(events)
    if data.draw(st.booleans()):
        stream = stream.replace(b"\n", b"\r\n")
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=30))
    body = Body()
    for start, end in pairwise(sorted({0, *cuts, len(stream)})):
        body.feed(stream[start:end])
    assert body.finished
    [choice] = body.completion()["choices"]
    message = choice["message"]
    assert message.get("content", "") == "".join(texts)
    assert message.get("reasoning", "") == "".join(thoughts)
    assert body.began == bool("".join([*thoughts, *texts]))


@tallied
@given(pieces=st.lists(st.binary(max_size=40), max_size=8), streams=st.booleans())
def test_whatever_comes_is_a_completion_or_malformed(
    tally: Tally, pieces: list[bytes], streams: bool
) -> None:
    tally.at_least(completion=0.1, malformed=0.1)
    body, is_completion = Body(), True
    try:
        for piece in [b"data: "] * streams + pieces:
            body.feed(piece)
        assert isinstance(body.completion(), dict)
    except MalformedReply:
        is_completion = False
    tally.add(completion=is_completion, malformed=not is_completion)


NAMES = (
    *("choices", "delta", "message", "content", "text", "finish_reason", "index", "error", "code"),
    *("usage", "reasoning", "tool_calls", "function", "function_call", "arguments", "refusal"),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.lists(JSON.filter(lambda value: isinstance(value, dict)), max_size=5))
def test_chunks_of_any_shape_break_nothing(chunks: list[object]) -> None:
    body = Body()
    for chunk in chunks:
        body.feed(b"data: " + json.dumps(chunk).encode() + b"\n\n")
    body.feed(b"data: [DONE]\n\n")
    assert isinstance(body.completion(), dict)


@pytest.mark.parametrize("start", [b"d", b"da", b"data", b"ev", b":", b"  \r\n", b"\xef\xbb\xbf"])
def test_it_waits_until_it_can_tell_what_is_coming(start: bytes) -> None:
    body = Body()
    body.feed(start)
    assert not body.began
