"""One model's answer: paced, in a dialect that the server understands, tried again in place."""

import random
from dataclasses import dataclass, field, replace
from time import monotonic

import httpx2

from bot.config.settings import Settings
from bot.domain.model import Usage
from bot.store import LLMState
from bot.telemetry import log as logs
from bot.telemetry import tracing
from workers.analysis.answer_schemas import Schema
from workers.analysis.llm.body import MalformedReply, UnfinishedReply
from workers.analysis.llm.capabilities import Capabilities, CapabilityStore
from workers.analysis.llm.errors import (
    BrokenStreamError,
    NotUnderstoodError,
    ThrottledError,
    TransientLLMError,
)
from workers.analysis.llm.pacing import LocalPacing, Pacing, RedisPacing, Sleep
from workers.analysis.llm.refusals import context_size
from workers.analysis.llm.reply import Reply, read_reply

log = logs.get(__name__)

#: Calls of one model for one question, before the next model or a later try of the step.
ATTEMPTS = 3
#: Seconds that a call waits in place at most; a longer Retry-After is left to the queue.
LONGEST_WAIT = 60.0
#: Seconds that a lease outlives the longest call.
_LEASE_MARGIN = 30.0

Messages = list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class Call:
    """What is sent to a model; `tokens` are those of the messages."""

    model: str
    messages: Messages
    tokens: int


@dataclass(slots=True)
class Question:
    """One question and what it has cost so far."""

    system: str
    user: str
    schema: Schema | None
    purpose: str
    review_id: str
    installation_id: int
    by_outsider: bool = False
    spent: Usage = field(default_factory=Usage)

    @property
    def messages(self) -> Messages:
        return [
            {"role": "system", "content": self.system},
            {"role": "user", "content": self.user},
        ]


class Calls:
    """Calls of one endpoint; closed with `aclose`. `address` is where it is, and what its pace
    and its dialects are kept under."""

    def __init__(
        self, settings: Settings, llm: LLMState | None, address: str, sleep: Sleep
    ) -> None:
        self._settings = settings
        self._sleep = sleep
        # Costs half a second and 13 MiB, which a worker without a model should not pay.
        from workers.analysis.llm.endpoint import Endpoint

        self._client = Endpoint(settings, address)
        self._pacing = _pacing(settings, llm, address, sleep)
        self._capability_store = CapabilityStore(llm, address, _initial_capabilities(address))

    async def aclose(self) -> None:
        await self._client.aclose()

    async def capabilities(self, model: str) -> Capabilities:
        """What is known of a model; of its context also what the endpoint's list says."""
        known = await self._capability_store.get(model)
        return replace(known, context=known.context or await self._client.context_size(model))

    async def reply(self, question: Question, call: Call, *, roomy: bool = False) -> Reply:
        """The first answer of a few attempts, with a larger limit if it is `roomy`. Raises
        LLMError."""
        attempt = 1
        capabilities = await self._capability_store.get(call.model)
        if roomy:
            capabilities = replace(capabilities, roomy=True)
        while True:
            try:
                async with self._pacing.slot():
                    return await self._traced(question, call, capabilities)
            except TransientLLMError as exc:
                if attempt == ATTEMPTS - 1:
                    capabilities = capabilities.after_failures(exc)
                wait = _wait(attempt, exc.retry_after, self._settings.llm_backoff_ms / 1000)
                if isinstance(exc, ThrottledError):
                    await self._pacing.throttled(min(wait, LONGEST_WAIT))
                if attempt == ATTEMPTS or wait > LONGEST_WAIT:
                    times = "" if attempt == 1 else f" {_TIMES[attempt]}"
                    raise TransientLLMError(f"{exc}{times}", retry_after=exc.retry_after) from exc
                await self._sleep(wait)
                attempt += 1

    async def _traced(self, question: Question, call: Call, capabilities: Capabilities) -> Reply:
        """One call, as OpenTelemetry names it, without what is asked and answered.
        https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/"""
        attributes = {"gen_ai.request.model": call.model, "glossator.purpose": question.purpose}
        with tracing.span(f"chat {call.model}", attributes, kind="client") as span:
            reply = await self._call(question, call, capabilities)
            span.set_attributes(
                {
                    "gen_ai.usage.input_tokens": reply.usage.prompt_tokens,
                    "gen_ai.usage.output_tokens": reply.usage.completion_tokens,
                }
            )
            return reply

    async def _call(self, question: Question, call: Call, capabilities: Capabilities) -> Reply:
        """One call, in the best dialect that the server understands."""
        while True:
            started = monotonic()
            arguments = capabilities.arguments(question.schema, self._settings.llm_answer_tokens)
            try:
                asked = {"model": call.model, "messages": capabilities.messages(call.messages)}
                body = await self._client.post({**asked, **arguments})
                reply = read_reply(body.completion(), call.tokens)
                break
            except NotUnderstoodError as exc:
                lower = capabilities.without_refused(exc.text, question.schema)
                if lower is None:
                    if context := context_size(exc.text):
                        await self._capability_store.read_at_most(call.model, context)
                    raise exc.meaning from exc
                capabilities = lower
            except UnfinishedReply as exc:
                raise BrokenStreamError(
                    "the endpoint broke off in the middle of an answer"
                ) from exc
            except MalformedReply as exc:
                unexpected = f"the endpoint returned an unexpected response ({exc})"
                raise TransientLLMError(unexpected) from exc
        seconds = monotonic() - started
        capabilities = replace(
            capabilities,
            stream=capabilities.stream and body.streamed,
            context=reply.read or capabilities.context,
        ).measured(reply.usage.completion_tokens, seconds)
        await self._capability_store.worked(call.model, capabilities)
        log.info(
            "llm_call",
            purpose=question.purpose,
            review_id=question.review_id,
            model=call.model,
            mode=capabilities.mode.value,
            stream=capabilities.stream,
            seconds=round(seconds, 2),
            prompt_tokens=reply.usage.prompt_tokens,
            completion_tokens=reply.usage.completion_tokens,
        )
        return reply


_TIMES = {2: "twice", 3: "three times"}


def _pacing(
    settings: Settings,
    llm: LLMState | None,
    endpoint: str,
    sleep: Sleep,
) -> Pacing:
    concurrency, gap_ms = settings.llm_concurrency, settings.llm_gap_ms
    if llm is None:
        return LocalPacing(concurrency=concurrency, gap_ms=gap_ms, sleep=sleep)
    return RedisPacing(
        llm,
        endpoint,
        concurrency=concurrency,
        gap_ms=gap_ms,
        lease_seconds=settings.llm_timeout + _LEASE_MARGIN,
        sleep=sleep,
    )


def _initial_capabilities(endpoint: str) -> Capabilities:
    """OpenAI's newer models refuse `max_tokens`, most other servers know nothing else."""
    if httpx2.URL(endpoint).host == "api.openai.com":
        return Capabilities(limits=("max_completion_tokens", "max_tokens", ""))
    return Capabilities()


def _wait(attempt: int, retry_after: float | None, first: float) -> float:
    """Seconds before the next attempt; without a Retry-After each is twice the one before."""
    if retry_after is not None:
        return retry_after
    jitter = random.uniform(0.5, 1.5)  # noqa: S311 - spreads retries, guards nothing
    return first * 2.0 ** (attempt - 1) * jitter
