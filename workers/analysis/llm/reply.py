"""What a Chat Completions endpoint answered, read defensively (pure).

Servers differ: parts may be missing, null or of another type, the text may stand in a tool call or
beside the thoughts, and some stream without being asked to. The form is OpenAI's,
https://platform.openai.com/docs/api-reference/chat/object.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from bot.domain.model import Usage
from bot.text.tokens import count_tokens
from workers.analysis.llm.json_reader import Json
from workers.analysis.llm.refusals import server_words


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: `cut` if it ended at the limit, `refused` if the model declined. `read` are the
    tokens that the server read of a prompt that it shortened without a word, else None."""

    text: str
    cut: bool
    refused: bool
    usage: Usage
    read: int | None = None


class MalformedReply(ValueError):
    """Raised when a body is no chat completion; `error` is what the server says went wrong."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


#: More than any call has ever used.
_MAX_TOKENS = 10**9

#: How models decline in plain text; only looked for where an answer holds no JSON.
_REFUSALS = re.compile(
    r"^\W{0,3}(?:i['’]?m (?:really |very )?sorry|i am sorry|sorry,|i (?:can ?not|can['’]?t"
    r"|won['’]?t|am unable)|i['’]?m unable|unfortunately, i|as an ai\b)",
    re.IGNORECASE,
)


def read_reply(body: str, sent: int) -> Reply:
    """The answer in a response body. Raises MalformedReply if there is none.

    Where the server counts no tokens, ours stand in; `sent` are those of the prompt.
    """
    completion = _completion(body)
    choices = completion.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        raise MalformedReply(server_words(completion) or "the completion has no choices")
    text = _text(message)
    usage = completion.get("usage")
    counts: Json = usage if isinstance(usage, dict) else {}
    finish = str(choice.get("finish_reason")).lower()
    return Reply(
        text=text,
        cut=finish in _CUT,
        refused=bool(message.get("refusal")) or finish == "content_filter",
        usage=_usage(counts, sent, text),
        read=_shortened_to(_count(counts.get("prompt_tokens")), sent),
    )


def _completion(body: str) -> Json:
    """The object in a body, also of one that came as server-sent events."""
    if body.lstrip()[:5] in ("data:", "event"):
        return _streamed(body)
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise MalformedReply("the body is not a chat completion") from exc
    if not isinstance(value, dict):
        raise MalformedReply("the body is not a chat completion")
    return value


def _streamed(body: str) -> Json:
    """The completion that the chunks of a stream add up to."""
    text, finish, usage = [], None, None
    for line in body.splitlines():
        if not line.startswith("data:") or line[5:].strip() in ("", "[DONE]"):
            continue
        chunk = _completion(line[5:])
        usage = chunk.get("usage") or usage
        choices = chunk.get("choices")
        for choice in choices if isinstance(choices, list) else []:
            if not isinstance(choice, dict):
                continue
            finish = choice.get("finish_reason") or finish
            delta = choice.get("delta") or choice.get("message")
            text.append(_text(delta) if isinstance(delta, dict) else "")
    message = {"content": "".join(text)}
    return {"choices": [{"message": message, "finish_reason": finish}], "usage": usage}


#: How an answer that reached its limit is marked: OpenAI's word, and others' that gateways pass on.
_CUT = frozenset({"length", "max_tokens", "max_output_tokens", "model_length"})

#: No server reads less than this. Counts differ from ours by a third at most, whatever tokenizer.
_SMALLEST_CONTEXT = 1_500


def _shortened_to(counted: int | None, sent: int) -> int | None:
    if counted is None or not _SMALLEST_CONTEXT <= counted < sent / 2:
        return None
    return counted


def is_refusal(text: str) -> bool:
    """Whether text that should have been JSON is a refusal in words."""
    return bool(_REFUSALS.match(text.strip()))


def _text(message: Json) -> str:
    """The answer: the content, else the arguments of a call, else what was thought."""
    return next((text for text in _texts(message) if text.strip()), "")


def _texts(message: Json) -> Iterator[str]:
    content = message.get("content")
    if isinstance(content, list):
        parts = (part.get("text") for part in content if isinstance(part, dict))
        yield "".join(part for part in parts if isinstance(part, str))
    elif isinstance(content, dict):
        yield json.dumps(content)
    elif isinstance(content, str):
        yield content
    calls = message.get("tool_calls")
    for call in [*(calls if isinstance(calls, list) else []), {"function": message}]:
        function = call.get("function") if isinstance(call, dict) else None
        function = function.get("function_call", function) if isinstance(function, dict) else {}
        arguments = function.get("arguments") if isinstance(function, dict) else None
        if isinstance(arguments, str | dict):
            yield arguments if isinstance(arguments, str) else json.dumps(arguments)
    for name in ("reasoning_content", "reasoning"):
        if isinstance(message.get(name), str):
            yield message[name]


def _usage(counts: Json, sent: int, text: str) -> Usage:
    details = counts.get("prompt_tokens_details")
    cached = _count(details.get("cached_tokens")) if isinstance(details, dict) else None
    prompt, completed = _count(counts.get("prompt_tokens")), _count(counts.get("completion_tokens"))
    prompt = sent if prompt is None else prompt
    return Usage(
        calls=1,
        prompt_tokens=prompt,
        cached_tokens=min(prompt, cached or 0),
        completion_tokens=count_tokens(text) if completed is None else completed,
    )


def _count(value: object) -> int | None:
    """What an endpoint counts, as far as it can be: sums in Redis end at 2^63. Some count in
    fractions."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return None
    return int(min(max(0, value), _MAX_TOKENS))
