"""What every part of the store works with: the Redis client, its scripts, and the clock."""

import time
from collections.abc import Callable
from typing import TypeVar

import zstandard
from redis.asyncio import Redis

from bot.domain.model import decode, encode
from bot.store.scripts import Scripts

T = TypeVar("T")


class Database:
    """`keep_seconds` is how long a finished review and its report are kept."""

    def __init__(
        self, redis: "Redis", *, keep_seconds: int, now: Callable[[], float] = time.time
    ) -> None:
        self.redis = redis
        self.scripts = Scripts(redis)
        self.keep_seconds = keep_seconds
        self.now = now


def pack(value: object) -> bytes:
    return zstandard.compress(encode(value))


def unpack(kind: type[T], data: bytes | str) -> T:
    """Raises pydantic.ValidationError."""
    return decode(kind, zstandard.decompress(to_bytes(data)))


def to_bytes(value: bytes | str) -> bytes:
    """redis-py's types allow str, which a client without `decode_responses` never gives."""
    return value if isinstance(value, bytes) else value.encode()
