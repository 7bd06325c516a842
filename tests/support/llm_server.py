"""An OpenAI-compatible server on loopback, over real HTTP, that misbehaves on demand.

    async with LLMServer() as server:
        server.script(Status(429, retry_after="1"), review(findings=[...]))
        ... openai_base_url=server.url ...
        assert server.requests[0].response_format == "json_schema"

Each request takes the next answer of the script; when it is used up, `default`
answers: a text, an answer, or a function of the request. `refuses` names the
`response_format` types that are answered 400.
"""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


@dataclass(frozen=True)
class Request:
    """What came in; `body` is the JSON of the request."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def messages(self) -> list[dict[str, str]]:
        messages: list[dict[str, str]] = self.body["messages"]
        return messages

    @property
    def system(self) -> str:
        return self.messages[0]["content"]

    @property
    def user(self) -> str:
        return self.messages[1]["content"]

    @property
    def response_format(self) -> str:
        """`json_schema`, `json_object`, or "" for plain text."""
        return str(self.body.get("response_format", {}).get("type", ""))

    @property
    def asks_for_verdicts(self) -> bool:
        """Whether this is the check."""
        return self.system.startswith("You check the findings")

    @property
    def asks_for_checks(self) -> bool:
        """Whether this is about the team's checks."""
        return self.system.startswith("You judge whether one pull request keeps the checks")

    @property
    def checks(self) -> dict[str, int]:
        """The numbers of the team's checks that it asks for, by their names."""
        parts = f"\n{self.user}".split("\n=== BEGIN check of the team ===\n|id: ")[1:]
        lines = [part.splitlines() for part in parts]
        return {line[1].removeprefix("|"): int(line[0]) for line in lines}

    @property
    def finding_ids(self) -> list[int]:
        """The numbers of the findings that a check is about."""
        parts = self.user.split("=== BEGIN finding ===\n|id: ")[1:]
        return [int(part.partition("\n")[0]) for part in parts]


@dataclass(frozen=True)
class Text:
    """A completion; the counts go into `usage`, unless `usage` is False."""

    content: str | None
    finish_reason: str = "stop"
    refusal: str | None = None
    prompt_tokens: int = 1000
    cached_tokens: int = 0
    completion_tokens: int = 100
    usage: bool = True

    def events(self, *, counts: bool = False) -> list[bytes]:
        """The completion as a stream; the counts come last, if they were asked for."""
        text, deltas = self.content or "", [{"role": "assistant", "content": ""}]
        deltas += [{"content": text[at : at + 40]} for at in range(0, len(text), 40)]
        if self.refusal:
            deltas.append({"refusal": self.refusal})
        chunks: list[dict[str, Any]] = [{"choices": [{"delta": delta}]} for delta in deltas]
        chunks.append({"choices": [{"delta": {}, "finish_reason": self.finish_reason}]})
        if counts and self.usage:
            chunks.append({"choices": [], "usage": self.completion("")["usage"]})
        return [*map(event, chunks), b"data: [DONE]\n\n"]

    def completion(self, model: str) -> dict[str, Any]:
        message = {"role": "assistant", "content": self.content, "refusal": self.refusal}
        body: dict[str, Any] = {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": model,
            "choices": [{"index": 0, "message": message, "finish_reason": self.finish_reason}],
        }
        if self.usage:
            body["usage"] = {
                "prompt_tokens": self.prompt_tokens,
                "completion_tokens": self.completion_tokens,
                "total_tokens": self.prompt_tokens + self.completion_tokens,
                "prompt_tokens_details": {"cached_tokens": self.cached_tokens},
            }
        return body


@dataclass(frozen=True)
class Status:
    """An error answer."""

    status: int
    message: str = ""
    retry_after: str = ""
    code: str = ""


@dataclass(frozen=True)
class Raw:
    """Any body, by default of a 200; then_hang: it never ends."""

    body: bytes
    status: int = 200
    then_hang: bool = False


@dataclass(frozen=True)
class Hang:
    """No answer before the client gives up."""


@dataclass(frozen=True)
class Drop:
    """The connection is closed without an answer."""


class Then(StrEnum):
    """What follows the last event of a stream."""

    END = "end"
    HANG = "hang"
    DROP = "drop"


@dataclass(frozen=True)
class Stream:
    """Server-sent events as they are written, `gap` seconds apart, and what follows."""

    events: Sequence[bytes]
    then: Then = Then.END
    gap: float = 0.0


Reply = Text | Status | Raw | Hang | Drop | Stream
Answering = Callable[[Request], "Reply | str"]


def event(chunk: object) -> bytes:
    """One server-sent event."""
    return f"data: {json.dumps(chunk)}\n\n".encode()


def review(*findings: dict[str, Any], **summaries: str) -> Text:
    """A valid answer of a reading."""
    summary_items = [{"path": path, "summary": summary} for path, summary in summaries.items()]
    return Text(json.dumps({"summaries": summary_items, "findings": list(findings)}))


def looking(*look_ups: dict[str, Any], findings: Sequence[dict[str, Any]] = ()) -> Text:
    """A valid answer of a reading that wants to see more."""
    return Text(json.dumps({"findings": list(findings), "look_ups": list(look_ups)}))


def verdicts(*confidences: float | None) -> Text:
    """A valid answer of the check: for each finding a confidence, None if it is refuted."""
    judged = [
        verdict(id, "refuted" if each is None else "confirmed", each or 0.9)
        for id, each in enumerate(confidences, start=1)
    ]
    return Text(json.dumps({"verdicts": judged}))


def verdict(id: int, word: str, confidence: float = 0.9, *look_ups: dict[str, Any]) -> Any:
    """One verdict of such an answer."""
    return {
        "id": id,
        "evidence": "src/search.py:4 `cursor.execute(query % row)`",
        "verdict": word,
        "confidence": confidence,
        "reason": "so it is",
        "look_ups": list(look_ups),
    }


def judged(*checks: dict[str, Any], look_ups: Sequence[dict[str, Any]] = ()) -> Text:
    """A valid answer on the team's checks."""
    return Text(json.dumps({"checks": list(checks), "look_ups": list(look_ups)}))


def check(id: int, word: str, *places: tuple[str, int, str], reason: str = "so it is") -> Any:
    """One verdict of such an answer; a place is a path, a line and what it quotes there."""
    return {
        "id": id,
        "evidence": "src/search.py:4 `cursor.execute(query % row)`",
        "verdict": word,
        "places": [
            {"path": path, "line": line, "quote": quote, "text": f"See line {line}."}
            for path, line, quote in places
        ],
        "reason": reason,
    }


def agreeable(request: Request) -> Text:
    """Finds nothing, confirms every finding, and lets every check of the team pass."""
    if request.asks_for_checks:
        return judged(*(check(id, "passed") for id in request.checks.values()))
    if request.asks_for_verdicts:
        confirmed = [verdict(id, "confirmed") for id in request.finding_ids]
        return Text(json.dumps({"verdicts": confirmed}))
    return review()


def _set_event() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


@dataclass
class LLMServer:
    """See the module. `latency` is in seconds, for each answer, and none is given while
    `answering` is clear; a text comes as a stream where that is asked for, unless it `streams`
    not; `models` is the answer of the list of models, None for 404; `most` is the
    largest number of requests that were in flight at once."""

    default: "Answering | Reply | str" = agreeable
    latency: float = 0.0
    answering: asyncio.Event = field(default_factory=_set_event)
    refuses: frozenset[str] = frozenset()
    streams: bool = True
    models: Any = None
    requests: list[Request] = field(default_factory=list)
    url: str = ""
    most: int = 0
    _script: list[Reply] = field(default_factory=list)
    _active: int = 0
    _open: dict[asyncio.Task[None], asyncio.StreamWriter] = field(default_factory=dict)

    def script(self, *replies: Reply) -> None:
        """The next requests get these answers, in order."""
        self._script.extend(replies)

    async def __aenter__(self) -> "LLMServer":
        self._closing = asyncio.Event()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=2**24)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing.set()
        self.answering.set()
        self._server.close()
        for writer in tuple(self._open.values()):  # kept-alive ones wait for a next request
            writer.close()
        await asyncio.gather(*self._open)
        await self._server.wait_closed()

    @property
    def settings(self) -> dict[str, str]:
        """What has the App ask this server."""
        return {"openai_base_url": self.url, "openai_api_key": "sk-x", "llm_model": "small"}

    @property
    def active(self) -> int:
        """Requests that wait for an answer now."""
        return self._active

    async def until(self, condition: Callable[[], bool], seconds: float = 20) -> None:
        """Wait for something about the requests."""
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(0.02)

    @contextmanager
    def in_thread(self) -> Iterator["LLMServer"]:
        """The server on an event loop of its own, for tests that are not async."""
        started, stop = threading.Event(), asyncio.Event()
        loop = asyncio.new_event_loop()

        async def run() -> None:
            async with self:
                started.set()
                await stop.wait()

        def main() -> None:
            with asyncio.Runner(loop_factory=lambda: loop) as runner:
                runner.run(run())

        thread = threading.Thread(target=main)
        thread.start()
        try:
            assert started.wait(10), "the LLM server did not start"
            yield self
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join(10)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = writer
        try:
            while request := await _read_request(reader):
                self._active += 1
                self.most = max(self.most, self._active)
                try:
                    if not await self._answer(request, reader, writer):
                        break
                finally:
                    self._active -= 1
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client gave up
        finally:
            del self._open[task]
            writer.close()

    async def _answer(
        self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Writes the answer; False ends the connection."""
        if request.path.endswith("/models"):
            listed = Status(404) if self.models is None else Raw(json.dumps(self.models).encode())
            writer.write(_response(listed, ""))
            await writer.drain()
            return True
        self.requests.append(request)
        if self.latency:
            await asyncio.sleep(self.latency)
        await self.answering.wait()
        reply = self._choose(request)
        if isinstance(reply, Drop):
            return False
        if isinstance(reply, Hang):
            await self._is_disconnected(reader)
            return False
        if isinstance(reply, Text) and self.streams and request.body.get("stream"):
            counts = bool(request.body.get("stream_options", {}).get("include_usage"))
            reply = Stream(reply.events(counts=counts))
        if isinstance(reply, Stream):
            return await self._stream(reply, reader, writer)
        writer.write(_response(reply, str(request.body.get("model"))))
        await writer.drain()
        if isinstance(reply, Raw) and reply.then_hang:
            await self._is_disconnected(reader)
            return False
        return True

    async def _stream(
        self, reply: Stream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
            b"transfer-encoding: chunked\r\n\r\n"
        )
        for data in reply.events:
            writer.write(b"%x\r\n%s\r\n" % (len(data), data))
            await writer.drain()
            if reply.gap:
                await asyncio.sleep(reply.gap)
        if reply.then is Then.HANG:
            await self._is_disconnected(reader)
        if reply.then is not Then.END:
            return False
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True

    async def _is_disconnected(self, reader: asyncio.StreamReader) -> None:
        """Wait until the client gives up, or the server ends."""
        waiting = {
            asyncio.ensure_future(reader.read(1)),
            asyncio.ensure_future(self._closing.wait()),
        }
        _, pending = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()

    def _choose(self, request: Request) -> Reply:
        if request.response_format in self.refuses:
            return Status(400, f"response_format {request.response_format} is not supported")
        if self._script:
            return self._script.pop(0)
        reply = self.default(request) if callable(self.default) else self.default
        return Text(reply) if isinstance(reply, str) else reply


async def _read_request(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    except asyncio.IncompleteReadError:
        return None  # the connection ended between two requests
    pairs = (line.split(": ", 1) for line in head[1:] if line)
    headers = {name.lower(): value for name, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(head[0].split(" ")[1], headers, json.loads(body or b"{}"))


def _response(reply: Text | Status | Raw, model: str) -> bytes:
    status, extra = 200, ""
    if isinstance(reply, Text):
        body = json.dumps(reply.completion(model)).encode()
    elif isinstance(reply, Raw):
        body, status = reply.body, reply.status
    else:
        status = reply.status
        extra = f"retry-after: {reply.retry_after}\r\n" if reply.retry_after else ""
        error = {"message": reply.message, "code": reply.code or None, "type": "error"}
        body = json.dumps({"error": error}).encode()
    length = len(body) + (isinstance(reply, Raw) and reply.then_hang)
    head = (
        f"HTTP/1.1 {status} Said\r\ncontent-type: application/json\r\n"
        f"content-length: {length}\r\n{extra}\r\n"
    )
    return head.encode() + body
