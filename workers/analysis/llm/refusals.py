"""What servers say when they refuse a request, and what it means (pure).

Their words are for the operator, so they are kept: shortened, on one line, and without addresses,
keys and account numbers, since they are shown in reviews. The forms are those of OpenAI, Azure,
OpenRouter, LiteLLM, vLLM, llama.cpp, Ollama, Gemini, Anthropic, DeepSeek and Mistral.
"""

import re
from collections.abc import Iterator
from typing import Any

from bot.text.secrets import redact

#: Characters of a server's words that are shown.
MAX_WORDS = 160

_TOO_LONG = re.compile(
    r"context[ _](?:length|window|size)|maximum context|too (?:long|large)|reduce the length"
    r"|exceed\w* .{0,40}(?:context|tokens)|n_ctx|max_model_len|too many (?:input )?tokens"
    r"|input token count|prompt is too long",
    re.IGNORECASE,
)
#: A single request that no waiting makes small enough: a limit of tokens a minute is below it.
_TOO_MANY_A_MINUTE = re.compile(r"request too large", re.IGNORECASE)
_LIMIT_AND_REQUESTED = re.compile(r"limit:? (\d+).{0,40}requested:? (\d+)", re.IGNORECASE)
_NO_CREDIT = re.compile(
    r"insufficient[_ ](?:quota|balance|credits?|funds)|credit balance|billing", re.IGNORECASE
)
_BAD_KEY = re.compile(
    r"api[_ -]?key (?:is )?(?:not valid|invalid)|(?:invalid|incorrect) api[_ -]?key", re.I
)
_NO_SYSTEM = re.compile(
    r"system (?:role|message|prompt|instruction)s? .{0,20}(?:not|un)[ -]?"
    r"(?:supported|allowed|enabled|permitted)|(?:system|developer) instruction is not enabled"
    r"|roles must alternate|(?:does not|doesn't) support (?:the )?['\"`]?system"
    r"|(?:unsupported|unknown|invalid|unexpected) role",
    re.IGNORECASE,
)
_NO_STREAM = re.compile(
    r"(?:not|n't|un|cannot|can't|never)[ -]?(?:\w+ ){0,2}"
    r"(?:support|allow|permit|recogni[sz]|enabl|implement|be |known)\w*.{0,40}\bstream"
    r"|\bstream(?:s|ed|ing)?\b.{0,60}(?:not|n't|un|cannot|in)[ -]?"
    r"(?:\w+ )?(?:support|allow|permit|recogni[sz]|enabl|implement|availab|valid|be )"
    r"|(?:unknown|unrecogni[sz]ed|unexpected|unsupported|invalid|disallowed|extra)\b.{0,60}\bstream"
    r"|verified to stream|must be false|['\"]?param['\"]?: ['\"]stream['\"]"
    r"|body['\"], ['\"]stream['\"]|disable.{0,20}stream"
    r"|\bstream\w* (?:is|are|was|has been) (?:disabled|turned off)",
    re.IGNORECASE,
)
_NAMES_LIMIT = re.compile(r"max_(?:completion_|output_)?tokens", re.IGNORECASE)
#: What the answer may have at most: OpenAI, Gemini, Anthropic, DeepSeek.
_AT_MOST = re.compile(
    r"(?:at most|less than or equal to|up to|max_tokens: \d{1,7} >|max_tokens is \[\d{1,7},)"
    r" ?(\d{3,7})",
    re.IGNORECASE,
)
#: vLLM's form, with the tokens of the context and of the prompt.
_OF_CONTEXT = re.compile(r"\(\d+ > (\d+) - (\d+)\)")
#: Tokens of a model's context, in a refusal: OpenAI, vLLM, llama.cpp, Gemini; Anthropic, Mistral.
_CONTEXT = re.compile(
    r"(?:context[ _](?:length|window|size)|maximum (?:number of )?(?:input )?tokens(?: allowed)?"
    r"|n_ctx\w*|max_model_len)[\"']?\s{0,2}(?:is|of|=|:)?\s{0,2}\(?(\d[\d,]{2,10})"
    r"|> (\d[\d,]{2,10}) maximum|\b(\d[\d,]{2,10}) maximum context",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"\b(?:https?://|[\w.-]+@)\S+|\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b")
_ACCOUNT = re.compile(
    r"\b(?:org|proj|user|acct|req|sk|key|chatcmpl)[-_][\w*.-]{4,}|\b[0-9a-fA-F-]{32,}\b"
)


def says_too_long(text: str) -> bool:
    """Whether a refusal speaks of the prompt's length."""
    return bool(_TOO_LONG.search(text))


def says_too_large_for_a_minute(text: str) -> bool:
    """Whether a 429 will come again however long one waits.
    https://platform.openai.com/docs/guides/rate-limits"""
    counted = _LIMIT_AND_REQUESTED.search(text)
    over = counted is not None and int(counted[2][:9]) > int(counted[1][:9])
    return over or bool(_TOO_MANY_A_MINUTE.search(text))


def says_no_credit(text: str) -> bool:
    """Whether the account has to be paid for first."""
    return bool(_NO_CREDIT.search(text))


def says_bad_key(text: str) -> bool:
    """Whether the key is wrong; Gemini says so with a 400."""
    return bool(_BAD_KEY.search(text))


def says_no_system_role(text: str) -> bool:
    """Whether the model takes no system message, as Gemma's template does not."""
    return bool(_NO_SYSTEM.search(text))


def says_no_stream_counts(text: str) -> bool:
    """Whether a stream may not be asked for the tokens that it used."""
    return "stream_options" in text or "include_usage" in text


def says_no_stream(text: str) -> bool:
    """Whether the model, or the account, gets no answer as a stream."""
    return bool(_NO_STREAM.search(text))


def names_answer_limit(text: str) -> bool:
    """Whether a refusal is about the parameter that limits the answer."""
    return bool(_NAMES_LIMIT.search(text))


def longest_answer(text: str) -> int | None:
    """The tokens that an answer may have, where a refusal of `max_tokens` says so."""
    if not names_answer_limit(text):
        return None
    if room := _OF_CONTEXT.search(text):
        return max(0, int(room[1]) - int(room[2])) or None
    found = _AT_MOST.search(text)
    return int(found[1]) if found else None


def context_size(text: str) -> int | None:
    """The tokens that a model reads at once, where a refusal says so."""
    if room := _OF_CONTEXT.search(text):
        return int(room[1])
    found = _CONTEXT.search(text)
    return int(next(filter(None, found.groups())).replace(",", "")) if found else None


def server_words(body: object) -> str:
    """What the server says went wrong, as one short line; "" if it says nothing in words."""
    text = next(_messages(body, 0), "")
    text = _ACCOUNT.sub("…", _ADDRESS.sub("…", redact(text[:2000])))
    text = "".join(char if char.isprintable() and char not in "`<>|*_[]" else " " for char in text)
    text = " ".join(text.split()).rstrip(".")
    return text if len(text) <= MAX_WORDS else text[: MAX_WORDS - 1].rstrip() + "…"


def _messages(value: Any, depth: int) -> Iterator[str]:
    """Texts at the places where servers put them, never what they repeat of the request."""
    if depth > 4:
        return
    if isinstance(value, str):
        if value.strip() and not value.lstrip().startswith(("<", "{")):
            yield value
    elif isinstance(value, list):
        for item in value[:3]:
            yield from _messages(item, depth + 1)
    elif isinstance(value, dict):
        for name in ("message", "error", "detail", "msg", "error_description"):
            yield from _messages(value.get(name), depth + 1)


def because(body: object) -> str:
    """The server's words to put behind a sentence of ours: ` ("model not found")`, or ""."""
    words = server_words(body)
    return f' ("{words}")' if words else ""
