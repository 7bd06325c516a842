"""What a server understands of a request: learned from its refusals, and remembered.

Structured output goes down a ladder: `json_schema` (strict), `json_object`, plain text.
Beside it servers differ in the name of the answer's limit and in whether they let a
temperature be set. What worked is remembered for each endpoint and model, in this
process and for a day in Redis, so that a server that learns more is found out.
"""

import hashlib
import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from pydantic import ValidationError

from bot.domain.model import decode, encode
from bot.store import LLMState
from workers.analysis.answer_schemas import Schema

#: Seconds that Redis remembers them.
_KEEP = 24 * 3600


class Mode(StrEnum):
    """How the answer's form is asked for, best first."""

    JSON_SCHEMA = "json_schema"
    JSON_OBJECT = "json_object"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """`limits` are the names of the answer's limit still to be tried; "" sends none."""

    mode: Mode = Mode.JSON_SCHEMA
    limits: tuple[str, ...] = ("max_tokens", "max_completion_tokens", "")
    temperature: bool = True

    def arguments(self, schema: Schema | None, answer_tokens: int) -> dict[str, Any]:
        """What goes into the request beside model and messages."""
        arguments: dict[str, Any] = {}
        if self.limits[0]:
            arguments[self.limits[0]] = answer_tokens
        if self.temperature:
            arguments["temperature"] = 0
        if schema is not None and self.mode is Mode.JSON_SCHEMA:
            form = {"name": schema.name, "strict": True, "schema": schema.body}
            arguments["response_format"] = {"type": "json_schema", "json_schema": form}
        elif schema is not None and self.mode is Mode.JSON_OBJECT:
            arguments["response_format"] = {"type": "json_object"}
        return arguments

    def without_refused(self, text: str, schema: Schema | None) -> "Capabilities | None":
        """The next to try when a server refused a request with `text`; None if none is left."""
        if self.temperature and "temperature" in text:
            return replace(self, temperature=False)
        if len(self.limits) > 1 and _SAYS_LIMIT.search(text):
            return replace(self, limits=self.limits[1:])
        if schema is None or self.mode is Mode.TEXT or says_too_long(text):
            return None
        lower = Mode.JSON_OBJECT if self.mode is Mode.JSON_SCHEMA else Mode.TEXT
        return replace(self, mode=lower)


_SAYS_LIMIT = re.compile(r"max_(?:completion_)?tokens")
_SAYS_TOO_LONG = re.compile(
    r"context[ _](?:length|window|size)|maximum context|too (?:long|large)|reduce the length"
    r"|exceed\w* .{0,40}(?:context|tokens)|n_ctx|max_model_len|too many (?:input )?tokens",
    re.IGNORECASE,
)


def says_too_long(text: str) -> bool:
    """Whether a server's refusal speaks of the prompt's length."""
    return bool(_SAYS_TOO_LONG.search(text))


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
            except ValidationError:  # an earlier version's form: learn it anew
                pass
        return self._known.get(model, self._first)

    async def worked(self, model: str, capabilities: Capabilities) -> None:
        """Remembers it, unless it is what we would have tried anyway."""
        if self._known.get(model, self._first) == capabilities:
            return
        self._known[model] = capabilities
        if self._llm is not None:
            await self._llm.save_capabilities(self._digest(model), encode(capabilities), _KEEP)

    def _digest(self, model: str) -> str:
        return hashlib.sha256(f"{self._endpoint}\0{model}".encode()).hexdigest()[:32]
