"""What every part of the store works with: the Redis client, its scripts, and the clock."""

import json
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import zstandard
from redis.asyncio import Redis

from bot.domain.model import decode, encode
from bot.store import delivery_scripts, keys, scripts
from bot.store.messages import NAMESPACE, Message

T = TypeVar("T")


class Database:
    """`keep_seconds` is how long a finished review and its report are kept."""

    def __init__(
        self, redis: "Redis", *, keep_seconds: int, now: Callable[[], float] = time.time
    ) -> None:
        self.redis = redis
        self.keep_seconds = keep_seconds
        self.now = now
        self.scripts = {
            name: redis.register_script(getattr(file, name))
            for file, names in (
                (delivery_scripts, ("ACCEPT", "NEXT_DELIVERIES")),
                (scripts, ("PUT", "OPEN", "ADMIT", "MOVE", "PROGRESS", "FINISH_BATCH")),
                (scripts, ("SAVE_SCAN", "REQUEUE_LOST")),
            )
            for name in names
        }

    async def run_script(self, name: str, *args: str | bytes | int | float) -> Any:
        return await self.scripts[name](args=[keys.PREFIX, NAMESPACE, *args])


def pack(value: object) -> bytes:
    return zstandard.compress(encode(value))


def unpack(kind: type[T], data: bytes | str) -> T:
    """Raises pydantic.ValidationError."""
    return decode(kind, zstandard.decompress(to_bytes(data)))


def to_bytes(value: bytes | str) -> bytes:
    """redis-py's types allow str, which a client without `decode_responses` never gives."""
    return value if isinstance(value, bytes) else value.encode()


def messages_json(messages: Iterable[Message]) -> str:
    return json.dumps([[message.queue, message.id, message.body] for message in messages])
