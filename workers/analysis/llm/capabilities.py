"""What a server understands of a request: learned from its refusals, and remembered.

Structured output goes down a ladder: `json_schema` (strict), `json_object`, plain text.
Beside it servers differ in the name of the answer's limit and in its size, and in whether they
take a temperature and a system message and answer in a stream. What worked is remembered for each
endpoint and model, in this process and for a day in Redis, so that a server that learns more is
found out. `glossator doctor` shows it.
"""

import hashlib
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from pydantic import ValidationError

from bot.domain.model import decode, encode
from bot.store import LLMState
from workers.analysis.answer_schemas import Schema
from workers.analysis.llm.errors import (
    BrokenStreamError,
    ServerFailedError,
    StalledError,
    TransientLLMError,
)
from workers.analysis.llm.refusals import (
    context_size,
    longest_answer,
    names_answer_limit,
    says_no_stream,
    says_no_stream_counts,
    says_no_system_role,
    says_too_long,
)

#: Seconds that Redis remembers them.
_KEEP = 24 * 3600
#: Tokens of an answer that is long enough to tell a model's speed.
_TELLING = 100
#: How many times larger the limit of an answer is for a model that thinks before it.
ROOMY = 4


class Mode(StrEnum):
    """How the answer's form is asked for, best first."""

    JSON_SCHEMA = "json_schema"
    JSON_OBJECT = "json_object"
    TEXT = "text"


_FORMS = {
    Mode.JSON_SCHEMA: "JSON by a schema",
    Mode.JSON_OBJECT: "JSON objects",
    Mode.TEXT: "JSON by prompt only",
}


@dataclass(frozen=True, slots=True)
class Capabilities:
    """`limits` are the names of the answer's limit still to be tried; "" sends none. `longest` is
    the largest limit that the server takes, if it said so, and `roomy` that the model spends so
    much on thoughts that the limit has to be several times that of the settings. A `stream` shows
    that the connection lives; `stream_counts` asks for its tokens. `context` are the tokens that
    the model reads at once and `speed` those that it writes in a second, as far as that showed."""

    mode: Mode = Mode.JSON_SCHEMA
    limits: tuple[str, ...] = ("max_tokens", "max_completion_tokens", "")
    temperature: bool = True
    system: bool = True
    longest: int | None = None
    roomy: bool = False
    stream: bool = True
    stream_counts: bool = True
    context: int | None = None
    speed: float | None = None

    def arguments(self, schema: Schema | None, answer_tokens: int) -> dict[str, Any]:
        """What goes into the request beside model and messages."""
        # Some servers stream unless they are told not to.
        arguments: dict[str, Any] = {"stream": self.stream}
        if self.stream and self.stream_counts:
            arguments["stream_options"] = {"include_usage": True}
        if self.limits[0]:
            tokens = answer_tokens * (ROOMY if self.roomy else 1)
            arguments[self.limits[0]] = min(tokens, self.longest or tokens)
        if self.temperature:
            arguments["temperature"] = 0
        if schema is not None and self.mode is Mode.JSON_SCHEMA:
            form = {"name": schema.name, "strict": True, "schema": schema.body}
            arguments["response_format"] = {"type": "json_schema", "json_schema": form}
        elif schema is not None and self.mode is Mode.JSON_OBJECT:
            arguments["response_format"] = {"type": "json_object"}
        return arguments

    def messages(self, messages: list[dict[str, str]]) -> list[dict[str, str]]:
        """The messages, of which the first is the system's, as the model takes them."""
        if self.system:
            return messages
        system, first, *others = messages
        return [{**first, "content": f"{system['content']}\n\n{first['content']}"}, *others]

    def without_refused(self, text: str, schema: Schema | None) -> "Capabilities | None":
        """The next to try when a server refused a request with `text`; None if none is left."""
        if self.temperature and "temperature" in text:
            return replace(self, temperature=False)
        if self.system and says_no_system_role(text):
            return replace(self, system=False)
        if self.longest is None and (longest := longest_answer(text)):
            return replace(self, longest=longest, context=context_size(text) or self.context)
        if len(self.limits) > 1 and names_answer_limit(text):
            return replace(self, limits=self.limits[1:])
        if self.stream and self.stream_counts and says_no_stream_counts(text):
            return replace(self, stream_counts=False)
        if says_too_long(text):
            return None
        if self.stream and (schema is None or self.mode is Mode.TEXT or says_no_stream(text)):
            return replace(self, stream=False)
        if schema is None or self.mode is Mode.TEXT:
            return None
        lower = Mode.JSON_OBJECT if self.mode is Mode.JSON_SCHEMA else Mode.TEXT
        return replace(self, mode=lower)

    def measured(self, tokens: int, seconds: float) -> "Capabilities":
        """With the speed of an answer, if it was long enough to tell and differs enough to be
        worth writing down."""
        if tokens < _TELLING or seconds <= 0:
            return self
        speed = tokens / seconds
        if self.speed is not None and 3 / 4 <= speed / self.speed <= 4 / 3:
            return self
        return replace(self, speed=round(speed, 1))

    def described(self) -> str:
        """What was learned, in words for the operator."""
        limit = f"limited by {self.limits[0]}" if self.limits[0] else "without a limit"
        longest = f" of {self.longest:,} tokens at most" if self.longest else ""
        room = f", {ROOMY} times LLM_ANSWER_TOKENS because it thinks first" if self.roomy else ""
        counts = "" if self.stream_counts else " without token counts"
        return "; ".join(
            (
                "system messages" if self.system else "no system messages",
                _FORMS[self.mode],
                f"streams{counts}" if self.stream else "no streams",
                f"answers {limit}{longest}{room}",
                "temperature 0" if self.temperature else "temperature not accepted",
                f"a context of {self.context:,} tokens" if self.context else "context unknown",
                f"{self.speed:g} tokens/s" if self.speed else "speed unknown",
            )
        )

    def after_failures(self, failure: TransientLLMError) -> "Capabilities":
        """The ones for a last try, after failures that may be about what was asked for: a server
        that cannot give a form of the answer, or a stream that does not come to its end."""
        match failure:
            case StalledError() | BrokenStreamError():
                return replace(self, stream=False)
            case ServerFailedError() if says_no_stream(str(failure)):
                return replace(self, stream=False)
            case ServerFailedError():
                return replace(self, mode=Mode.TEXT, stream=False)
            case _:
                return self


class CapabilityStore:
    """The dialects that worked, by model of one endpoint."""

    def __init__(self, llm: LLMState | None, endpoint: str, first: Capabilities) -> None:
        self._llm = llm
        self._endpoint = endpoint
        self._first = first
        self._known: dict[str, Capabilities] = {}

    async def get(self, model: str) -> Capabilities:
        """What worked last with that model, or the one to try first."""
        if model not in self._known and self._llm is not None:
            data = await self._llm.capabilities(self._digest(model))
            try:
                if data is not None:
                    self._known[model] = decode(Capabilities, data)
            except ValidationError:  # an earlier version's form
                pass
        return self._known.get(model, self._first)

    async def read_at_most(self, model: str, tokens: int) -> None:
        """Remembers the context that a model showed where it took no more."""
        await self.worked(model, replace(await self.get(model), context=tokens))

    async def worked(self, model: str, capabilities: Capabilities) -> None:
        """Remembers it, unless it is what we would have tried anyway. What other calls found out
        of the context holds."""
        context = capabilities.context or self._known.get(model, self._first).context
        capabilities = replace(capabilities, context=context)
        if self._known.get(model, self._first) == capabilities:
            return
        self._known[model] = capabilities
        if self._llm is not None:
            await self._llm.save_capabilities(self._digest(model), encode(capabilities), _KEEP)

    def _digest(self, model: str) -> str:
        return hashlib.sha256(f"{self._endpoint}\0{model}".encode()).hexdigest()[:32]
