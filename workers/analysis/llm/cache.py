"""Answers that were paid for once, kept in Redis by the content of the question."""

import hashlib
import json
from typing import Protocol

import zstandard

from bot.domain.model import Usage
from bot.store import LLMState

#: Seconds that an answer is kept: a pull request lives about that long.
KEEP = 7 * 24 * 3600
#: The largest answer read back, in bytes: what is in Redis is bounded on the way in too.
_LARGEST = 4_000_000


class Answers(Protocol):
    """Where answers are kept, and what they cost. Evaluation brings its own."""

    async def get(self, key: str) -> str | None: ...

    async def put(self, key: str, text: str, usage: Usage) -> None: ...


def question_key(endpoint: str, model: str, messages: object, schema: object, owner: object) -> str:
    """The name of a question: the same for the same content, endpoint, model and owner.

    `owner` keeps what one installation, or one full review of it, asked apart from all others.
    """
    content = json.dumps([endpoint, model, messages, schema, owner], sort_keys=True)
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


class RedisAnswers:
    """Answers compressed in Redis, for a week."""

    def __init__(self, llm: LLMState) -> None:
        self._llm = llm

    async def get(self, key: str) -> str | None:
        data = await self._llm.answer(key)
        if data is None:
            return None
        text = zstandard.ZstdDecompressor().decompress(data, max_output_size=_LARGEST)
        return text.decode("utf-8")

    async def put(self, key: str, text: str, usage: Usage) -> None:
        data = text.encode("utf-8")
        if len(data) <= _LARGEST:
            packed = zstandard.ZstdCompressor().compress(data)
            await self._llm.save_answer(key, packed, KEEP)
