"""The body of a chat completion, taken in as it comes (pure): whole, or as server-sent events.

An endpoint may send without an end, so of a stream only the answer is kept, up to a limit. Chunks
have OpenAI's form, https://platform.openai.com/docs/api-reference/chat-streaming; comments keep a
connection alive, https://html.spec.whatwg.org/multipage/server-sent-events.html.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from workers.analysis.llm.json_reader import Json
from workers.analysis.llm.refusals import server_words
from workers.analysis.llm.response_limit import MAX_BYTES

#: What a line of server-sent events begins with; `error:` is llama.cpp's.
_FIELDS = (b":", b"data:", b"event:", b"id:", b"retry:", b"error:")
#: What some servers put where the answer goes on.
_GOES_ON = (None, "", "null")


class MalformedReply(ValueError):
    """Raised when a body is no chat completion; `error` is what the server says went wrong."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


class UnfinishedReply(MalformedReply):
    """Raised when a stream ended before the answer in it did."""


class OversizedReply(MalformedReply):
    """Raised when a stream holds more than any answer does."""


class Body:
    """What has come of a response so far. `streamed` says that it is a stream, `began` that the
    model has begun to write, and `finished` that a stream's answer is whole."""

    def __init__(self) -> None:
        self._kept = bytearray()  # a body that is no stream, or the last line of a stream so far
        self._texts: defaultdict[str, list[str]] = defaultdict(list)
        self._size = 0
        self._choices = False
        self._finish: object = None
        self._usage: object = None
        self._error: object = None
        self._done = False
        self.streamed = False
        self.began = False

    @property
    def finished(self) -> bool:
        return self._done or self._finish is not None

    def feed(self, data: bytes) -> None:
        """Takes in the next bytes. Raises MalformedReply."""
        if not self.began and not self.streamed:
            # Blank lines keep the connection alive while a model thinks.
            data = (bytes(self._kept) + data).lstrip(b" \t\r\n\xef\xbb\xbf")
            self._kept.clear()
            if any(field.startswith(data) for field in _FIELDS):  # too little to tell
                self._kept += data
                return
            # Servers stream under any type.
            self.streamed = data.startswith(_FIELDS)
            self.began = not self.streamed
        if not self.streamed:
            self._kept += data
            return
        first, *others = data.split(b"\n")
        self._kept += first
        for line in others:
            self._line(bytes(self._kept))
            self._kept[:] = line
        if len(self._kept) > MAX_BYTES or self._size > MAX_BYTES:
            raise OversizedReply(f"the endpoint's response is longer than {MAX_BYTES >> 20} MB")

    def completion(self) -> Json:
        """The chat completion, also of a stream. Raises MalformedReply."""
        if not self.streamed:
            return _parsed(bytes(self._kept))
        if self._kept:
            self._line(bytes(self._kept))
            self._kept.clear()
        if self._error:
            return {"error": self._error}
        if self._choices and not self.finished:
            raise UnfinishedReply("the stream ended before the answer did")
        texts = {name: "".join(parts) for name, parts in self._texts.items()}
        arguments = texts.pop("arguments", None)
        calls = [{"function": {"arguments": arguments}}] if arguments else None
        message = {**texts, "tool_calls": calls}
        choices = [{"message": message, "finish_reason": self._finish}] if self._choices else []
        return {"choices": choices, "usage": self._usage}

    def _line(self, line: bytes) -> None:
        name, _, value = line.rstrip(b"\r").partition(b":")
        value = value.strip()
        if name == b"data" and value == b"[DONE]":
            self._done = True
        elif name in (b"data", b"error") and value.startswith((b"{", b"[")):
            chunk = _parsed(value)
            said_failed = name == b"error" or chunk.get("object") == "error"
            self._chunk({"error": chunk.get("error", chunk)} if said_failed else chunk)

    def _chunk(self, chunk: Json) -> None:
        self._error = chunk.get("error") or self._error
        self._usage = chunk.get("usage") or self._usage
        choices = chunk.get("choices")
        for choice in choices if isinstance(choices, list) else []:
            if not isinstance(choice, dict) or choice.get("index"):
                continue
            self._choices = True
            if choice.get("finish_reason") not in _GOES_ON:
                self._finish = choice["finish_reason"]
            delta = choice.get("delta") or choice.get("message")
            for name, text in parts(delta) if isinstance(delta, dict) else ():
                if text:
                    self._texts[name].append(text)
                    self._size += len(text)
                    self.began = True


def error_code(completion: Json) -> int | None:
    """The HTTP status that the endpoint means, where it says in a good response that it failed."""
    error = completion.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    is_status = isinstance(code, int) and not isinstance(code, bool) and 400 <= code < 600
    return code if is_status and not completion.get("choices") else None


def parts(message: Json) -> Iterator[tuple[str, str]]:
    """The texts of a message or of a piece of one: `content`, the `arguments` of a call, what was
    thought as `reasoning`, and the words of a `refusal`."""
    content = message.get("content")
    if isinstance(content, list):
        texts = (part.get("text") for part in content if isinstance(part, dict))
        yield "content", "".join(text for text in texts if isinstance(text, str))
    elif isinstance(content, dict):
        yield "content", json.dumps(content)
    elif isinstance(content, str):
        yield "content", content
    yield from (("arguments", text) for text in _arguments(message))
    thoughts = (message.get(name) for name in ("reasoning_content", "reasoning"))
    if thought := next((text for text in thoughts if text and isinstance(text, str)), ""):
        yield "reasoning", thought
    if isinstance(refusal := message.get("refusal"), str):
        yield "refusal", refusal


def _arguments(message: Json) -> Iterator[str]:
    """Of the first call that has any."""
    listed = message.get("tool_calls")
    calls: list[Any] = [*(listed if isinstance(listed, list) else []), {"function": message}]
    for call in calls:
        function = call.get("function") if isinstance(call, dict) else None
        function = function.get("function_call", function) if isinstance(function, dict) else {}
        arguments = function.get("arguments") if isinstance(function, dict) else None
        if arguments and isinstance(arguments, str | dict) and not call.get("index"):
            yield arguments if isinstance(arguments, str) else json.dumps(arguments)
            return


def _parsed(data: bytes) -> Json:
    try:
        value = json.loads(data.decode("utf-8", "replace"))
    except (ValueError, RecursionError) as exc:
        raise MalformedReply("the body is not a chat completion") from exc
    if isinstance(value, list) and value and isinstance(value[0], dict):
        value = value[0]  # as Gemini wraps its errors
    if not isinstance(value, dict):
        raise MalformedReply(server_words(value) or "the body is not a chat completion")
    return value
