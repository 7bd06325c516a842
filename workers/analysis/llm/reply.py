"""What a Chat Completions endpoint answered, read defensively (pure).

Servers differ: parts may be missing, null or of another type. The form is OpenAI's,
https://platform.openai.com/docs/api-reference/chat/object.
"""

import re
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from bot.domain.model import Usage
from bot.text.tokens import count_tokens


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: `cut` if it ended at the limit, `refused` if the model declined."""

    text: str
    cut: bool
    refused: bool
    usage: Usage


class MalformedReply(ValueError):
    """Raised when a body is no chat completion; `error` is what the server says went wrong."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


class _LenientModel(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Message(_LenientModel):
    content: str | list[dict[str, Any]] | None = None
    refusal: str | None = None


class _Choice(_LenientModel):
    message: _Message
    finish_reason: str | None = None


class _Details(_LenientModel):
    cached_tokens: int | None = None


class _Usage(_LenientModel):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _Details | None = None


class _Completion(_LenientModel):
    choices: list[_Choice] = []
    usage: _Usage | None = None
    error: Any = None


#: More than any call has ever used.
_MAX_TOKENS = 10**9

#: How models decline in plain text; only looked for where an answer holds no JSON.
_REFUSALS = re.compile(
    r"^\W{0,3}(?:i['’]?m (?:really |very )?sorry|i am sorry|sorry,|i (?:can ?not|can['’]?t"
    r"|won['’]?t|am unable)|i['’]?m unable|unfortunately, i|as an ai\b)",
    re.IGNORECASE,
)


def read_reply(body: str, prompt: str) -> Reply:
    """The answer in a response body. Raises MalformedReply if there is none.

    Where the server counts no tokens, ours stand in; `prompt` is what was sent.
    """
    try:
        completion = _Completion.model_validate_json(body)
    except ValidationError as exc:
        raise MalformedReply("the body is not a chat completion") from exc
    if not completion.choices:
        raise MalformedReply(str(completion.error or "the completion has no choices")[:500])
    choice = completion.choices[0]
    text = _text(choice.message)
    return Reply(
        text=text,
        cut=choice.finish_reason == "length",
        refused=bool(choice.message.refusal) or choice.finish_reason == "content_filter",
        usage=_usage(completion.usage, prompt, text),
    )


def is_refusal(text: str) -> bool:
    """Whether text that should have been JSON is a refusal in words."""
    return bool(_REFUSALS.match(text.strip()))


def _text(message: _Message) -> str:
    if isinstance(message.content, list):
        parts = (part.get("text") for part in message.content)
        return "".join(part for part in parts if isinstance(part, str))
    return message.content or ""


def _usage(usage: _Usage | None, prompt: str, text: str) -> Usage:
    usage = usage or _Usage()
    counted = usage.prompt_tokens
    details = usage.prompt_tokens_details
    prompt_tokens = count_tokens(prompt) if counted is None else _bounded(counted)
    completed = usage.completion_tokens
    return Usage(
        calls=1,
        prompt_tokens=prompt_tokens,
        cached_tokens=min(prompt_tokens, max(0, (details and details.cached_tokens) or 0)),
        completion_tokens=count_tokens(text) if completed is None else _bounded(completed),
    )


def _bounded(reported: int) -> int:
    """What an endpoint tells of one call, as far as it can be: sums in Redis end at 2^63."""
    return min(max(0, reported), _MAX_TOKENS)
