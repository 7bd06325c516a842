"""What a Chat Completions endpoint answered, read defensively (pure).

Servers differ: parts may be missing, null or of another type, and the text may stand in a tool call
or beside the thoughts. The form is OpenAI's,
https://platform.openai.com/docs/api-reference/chat/object.
"""

import re
from dataclasses import dataclass

from bot.domain.model import Usage
from bot.text.tokens import count_tokens
from workers.analysis.llm.body import MalformedReply, parts
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


#: More than any call has ever used.
_MAX_TOKENS = 10**9

#: How models decline in plain text; only looked for where an answer holds no JSON.
_REFUSALS = re.compile(
    r"^\W{0,3}(?:i['’]?m (?:really |very )?sorry|i am sorry|sorry,|i (?:can ?not|can['’]?t"
    r"|won['’]?t|am unable)|i['’]?m unable|unfortunately, i|as an ai\b)",
    re.IGNORECASE,
)


def read_reply(completion: Json, sent: int) -> Reply:
    """The answer in a chat completion. Raises MalformedReply if there is none.

    Where the server counts no tokens, ours stand in; `sent` are those of the prompt.
    """
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
    texts = (text for name, text in parts(message) if name != "refusal")
    return next((text for text in texts if text.strip()), "")


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
