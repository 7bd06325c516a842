"""One OpenAI-compatible endpoint over HTTP, its failures in our words. The only importer of
`openai`, whose types cost half a second to import: import this module where a model is asked.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx2
import openai

from bot.config.settings import Settings
from bot.security.tls import trusted
from workers.analysis.llm.body import Body, OversizedReply, error_code
from workers.analysis.llm.errors import (
    LLMAccessError,
    LLMError,
    NotUnderstoodError,
    PermanentLLMError,
    RefusedError,
    ServerFailedError,
    StalledError,
    ThrottledError,
    TooLongError,
    TransientLLMError,
)
from workers.analysis.llm.refusals import (
    because,
    says_bad_key,
    says_no_credit,
    says_too_large_for_a_minute,
    says_too_long,
)
from workers.analysis.llm.response_limit import HEADERS, ResponseTooLarge, limit_response

#: Seconds that a list of models may take.
_LIST_SECONDS = 10.0
#: Seconds that what may follow a whole answer is waited for: its token counts, the stream's end.
_TAIL_SECONDS = 2.0
#: Of the time after which a connection is dead: when a silent peer is first probed, and how often.
_FIRST_PROBE, _PROBES = 1 / 2, 3


class Endpoint:
    """Posts chat completions to `address`; closed with `aclose`."""

    def __init__(self, settings: Settings, address: str) -> None:
        self._settings = settings
        self._client = _client(settings, address)

    async def aclose(self) -> None:
        await self._client.close()

    async def post(self, request: dict[str, Any]) -> Body:
        """The body of a good response. Raises our errors for all others, and MalformedReply."""
        completions: Any = self._client.chat.completions.with_streaming_response
        body, model = Body(), str(request["model"])
        try:
            async with asyncio.timeout(self._settings.llm_timeout):
                async with completions.create(**request) as response:
                    await self._read(response.http_response, body)
        except (TimeoutError, openai.APITimeoutError, httpx2.TimeoutException) as exc:
            seconds = self._settings.llm_timeout
            raise TransientLLMError(f"the endpoint did not respond within {seconds:g} s") from exc
        except openai.APIStatusError as exc:
            text = f"{exc.message} {exc.body}"
            raise _of_status(exc.status_code, text, exc.body, exc.response.headers, model) from exc
        except OversizedReply as exc:
            raise PermanentLLMError(str(exc)) from exc
        except (openai.APIConnectionError, httpx2.HTTPError) as exc:
            for each in (exc, exc.__cause__):
                if isinstance(each, ResponseTooLarge):
                    raise PermanentLLMError(str(each)) from exc
            raise TransientLLMError("the connection to the endpoint failed") from exc
        completion = body.completion()
        if (status := error_code(completion)) is not None:
            error = completion["error"]
            raise _of_status(status, str(error), error, {}, model)
        return body

    async def context_size(self, model: str) -> int | None:
        """The tokens that the model reads at once, where the endpoint's list of models says so."""
        try:
            async with asyncio.timeout(_LIST_SECONDS):
                response = await self._client.get("/models", cast_to=httpx2.Response)
                return _listed_context(response.json(), model)
        except (TimeoutError, openai.OpenAIError, httpx2.HTTPError, ValueError, RecursionError):
            return None

    async def _read(self, response: httpx2.Response, body: Body) -> None:
        """All that comes, as long as it comes."""
        chunks = response.aiter_raw()
        while True:
            try:
                async with asyncio.timeout(self._patience(body)):
                    data = await anext(chunks, None)
            except TimeoutError as exc:
                if body.finished:
                    return
                seconds = self._settings.llm_idle_seconds
                stalled = f"the endpoint stopped in the middle of an answer for {seconds:g} s"
                raise StalledError(stalled) from exc
            except httpx2.HTTPError:
                if body.finished:
                    return
                raise
            if data is None:
                return
            body.feed(data)

    def _patience(self, body: Body) -> float | None:
        """Seconds that the next byte may take. Before the first word there is no limit but that of
        the call: what is silent may think, or read a long prompt."""
        if body.finished:
            return _TAIL_SECONDS
        return self._settings.llm_idle_seconds if body.began else None


def _client(settings: Settings, address: str) -> openai.AsyncOpenAI:
    # Without a key a local server is asked; the client insists on some text.
    return openai.AsyncOpenAI(
        api_key=settings.openai_api_key.get_secret_value() or "none",
        base_url=address,
        max_retries=0,
        http_client=httpx2.AsyncClient(
            verify=trusted(),
            headers=HEADERS,
            event_hooks={
                "request": [_probing(settings.llm_idle_seconds)],
                "response": [limit_response],
            },
            timeout=httpx2.Timeout(settings.llm_timeout, connect=min(10, settings.llm_timeout)),
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=20),
        ),
    )


def _listed_context(models: object, model: str) -> int | None:
    """The context of a model in an endpoint's list of models, where it says so: vLLM, OpenRouter,
    Mistral, Groq, LiteLLM and llama.cpp have fields of their own beside OpenAI's."""
    listed = models.get("data") if isinstance(models, dict) else None
    for entry in listed if isinstance(listed, list) else []:
        if not isinstance(entry, dict) or str(entry.get("id")).removeprefix("models/") != model:
            continue
        within = (entry.get(name) for name in ("top_provider", "meta"))
        for fields in (entry, *(each for each in within if isinstance(each, dict))):
            for name in _CONTEXT_FIELDS:
                value = fields.get(name)
                if isinstance(value, int) and not isinstance(value, bool) and value > 0:
                    return value
    return None


_CONTEXT_FIELDS = (
    *("max_model_len", "context_length", "max_context_length", "context_window"),
    *("max_input_tokens", "n_ctx"),
)


def _probing(seconds: float) -> Callable[[httpx2.Request], Awaitable[None]]:
    """A hook for requests that has the system find out within so many seconds that a peer is gone,
    though nothing is to be sent to it: a model that thinks is silent, its machine is not.
    https://man7.org/linux/man-pages/man7/tcp.7.html"""
    first = max(1, int(seconds * _FIRST_PROBE))
    each = max(1, int((seconds - first) / _PROBES))
    options = (
        ("TCP_KEEPIDLE", first),
        ("TCP_KEEPALIVE", first),  # macOS's name of it
        ("TCP_KEEPINTVL", each),
        ("TCP_KEEPCNT", _PROBES),
        ("TCP_USER_TIMEOUT", int(seconds * 1000)),  # milliseconds, for what is not acknowledged
    )

    async def connected(event: str, info: Mapping[str, Any]) -> None:
        if event != "connection.connect_tcp.complete":
            return
        connection = info["return_value"].get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in options:
            if hasattr(socket, name):
                connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)

    async def watch(request: httpx2.Request) -> None:
        request.extensions["trace"] = connected

    return watch


def _of_status(
    status: int, text: str, body: object, headers: Mapping[str, str], model: str
) -> LLMError:
    """What a status means, with the `text` and the `body` that came with it."""
    why, after = because(body), _retry_after(headers)
    if status == 402 or (status in (403, 429) and says_no_credit(text)):
        return LLMAccessError(f"the endpoint says that the account has no credit ({status}){why}")
    if status == 429 and says_too_large_for_a_minute(text):
        return TooLongError(f"the prompt is too large for {model}'s tokens a minute{why}")
    if status == 429:
        many = f"the endpoint returned 429 (too many requests){why}"
        return ThrottledError(many, retry_after=after)
    if status == 401 or says_bad_key(text):
        rejected = f"the endpoint rejected the API key ({status}){why}"
        return LLMAccessError(f"{rejected}: see OPENAI_API_KEY")
    if status == 403:
        return PermanentLLMError(f"the endpoint refuses model {model} to this key (403){why}")
    if status in (500, 501):
        return ServerFailedError(f"the endpoint returned {status}{why}", retry_after=after)
    if status in (408, 409, 425) or status > 500:
        return TransientLLMError(f"the endpoint returned {status}{why}", retry_after=after)
    if "content_filter" in text or "content management policy" in text:
        return RefusedError(f"the endpoint's content filter stopped {model}")
    if status == 413 or says_too_long(text):
        too_long = TooLongError(f"the prompt is too long for {model}{why}")
        return too_long if status == 413 else NotUnderstoodError(text, too_long)
    meaning = PermanentLLMError(f"the endpoint returned {status} for model {model}{why}")
    asks_for_form = status in (400, 422) or (status == 404 and "response_format" in text)
    return NotUnderstoodError(text, meaning) if asks_for_form else meaning


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, where the server gives them as a number."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * unit
        except ValueError:
            continue
        if 0 <= seconds < float("inf"):
            return seconds
    return None
