"""One OpenAI-compatible endpoint over HTTP, its failures in our words. The only importer of
`openai`, whose types cost half a second to import: import this module where a model is asked.
"""

import asyncio
from typing import Any

import httpx2
import openai

from bot.config.settings import Settings
from bot.security.tls import trusted
from workers.analysis.llm.errors import (
    LLMAccessError,
    LLMError,
    NotUnderstoodError,
    PermanentLLMError,
    RefusedError,
    ServerFailedError,
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


class Endpoint:
    """Posts chat completions to `address`; closed with `aclose`."""

    def __init__(self, settings: Settings, address: str) -> None:
        self._settings = settings
        self._client = _client(settings, address)

    async def aclose(self) -> None:
        await self._client.close()

    async def post(self, request: dict[str, Any]) -> str:
        """The body of a good response. Raises our errors for all others."""
        completions: Any = self._client.chat.completions.with_raw_response
        try:
            async with asyncio.timeout(self._settings.llm_timeout):
                response = await completions.create(**request)
                return str(response.text)
        except (TimeoutError, openai.APITimeoutError) as exc:
            seconds = self._settings.llm_timeout
            raise TransientLLMError(f"the endpoint did not respond within {seconds:g} s") from exc
        except openai.APIStatusError as exc:
            raise _of_status(exc, str(request["model"])) from exc
        except (openai.APIConnectionError, httpx2.HTTPError) as exc:
            if isinstance(exc.__cause__, ResponseTooLarge):
                raise PermanentLLMError(str(exc.__cause__)) from exc
            raise TransientLLMError("the connection to the endpoint failed") from exc


def _client(settings: Settings, address: str) -> openai.AsyncOpenAI:
    # Without a key a local server is asked; the client insists on some text.
    return openai.AsyncOpenAI(
        api_key=settings.openai_api_key.get_secret_value() or "none",
        base_url=address,
        max_retries=0,
        http_client=httpx2.AsyncClient(
            verify=trusted(),
            headers=HEADERS,
            event_hooks={"response": [limit_response]},
            timeout=httpx2.Timeout(settings.llm_timeout, connect=min(10, settings.llm_timeout)),
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=20),
        ),
    )


def _of_status(exc: openai.APIStatusError, model: str) -> LLMError:
    status, text = exc.status_code, f"{exc.message} {exc.body}"
    why, after = because(exc.body), _retry_after(exc.response.headers)
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


def _retry_after(headers: httpx2.Headers) -> float | None:
    """Seconds, where the server gives them as a number."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * unit
        except ValueError:
            continue
        if 0 <= seconds < float("inf"):
            return seconds
    return None
