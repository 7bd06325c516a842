"""All that is in a Redis as readable JSON, and back again.

A saved state has what web and workers of one version left there. Bodies are shown unpacked, and
their times are moved when they are restored, so that a state which was saved a year ago looks as if
it had been a moment ago.
"""

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import zstandard
from redis.asyncio import Redis

from bot.store import keys

#: What no version leaves for the next one: processes that lived, and what lasts for seconds.
_PASSING = (
    keys.HEARTBEATS,
    keys.acks("", "").rstrip("."),
    keys.lock(""),
    keys.once(""),
    keys.METRICS_GAUGES,
    keys.REDIS_RUN_ID,
)

_ZSTD = b"\x28\xb5\x2f\xfd"

#: Seconds and milliseconds since the epoch that are so close to when a state was saved are times.
_NEAR_SECONDS = 2 * 86_400

_TIME = re.compile(r"(?<![\w.])1\d{9}(?:\d{3}(?![\d.])|\.\d+)?(?!\w)")

#: Changes the JSON of a body, a value of a hash, or a message.
Change = Callable[[Any], Any]


async def save(redis: "Redis") -> dict[str, Any]:
    """Every key that outlives its process, with its type, its time to live in seconds (None: no
    end) and its value; and the time of Redis."""
    saved: dict[str, Any] = {}
    names: Any = await redis.keys()
    for name in sorted(names):
        text = name.decode()
        if text.startswith(_PASSING):
            continue
        answer: Any = await redis.type(name)
        kind = answer.decode()
        ttl = await redis.ttl(name)
        value = await _value(redis, name, kind)
        saved[text] = {"type": kind, "ttl": ttl if ttl > 0 else None, "value": value}
    seconds, _ = await redis.time()
    return {"saved_at": seconds, "keys": saved}


async def _value(redis: "Redis", name: bytes, kind: str) -> Any:
    value: Any
    match kind:
        case "string":
            value = await redis.get(name)
            return _show(value)
        case "hash":
            value = await redis.hgetall(name)
            return {field.decode(): _show(body) for field, body in sorted(value.items())}
        case "list":
            value = await redis.lrange(name, 0, -1)
            return [_show(item) for item in value]
        case "set":
            value = await redis.smembers(name)
            return sorted(item.decode() for item in value)
        case "zset":
            value = await redis.zrange(name, 0, -1, withscores=True)
            return [[member.decode(), score] for member, score in value]
        case "stream":
            value = await redis.xrange(name)
            return [
                [entry.decode(), {field.decode(): _show(body) for field, body in fields.items()}]
                for entry, fields in value
            ]
        case _:
            raise ValueError(f"{name!r} is a {kind}")


def _show(body: bytes) -> Any:
    """A body as JSON: a text, or what a text or a compressed body has in it."""
    if body.startswith(_ZSTD):
        return {"zstd": json.loads(zstandard.decompress(body))}
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}
    if text.startswith(("{", "[")):
        return {"json": json.loads(text)}
    return text


async def restore(
    redis: "Redis", state: Mapping[str, Any], *, change: Change = lambda value: value
) -> None:
    """Have in Redis what was saved, at one moment, as if it had been saved just now; `change` is
    applied to all JSON in it."""
    seconds, _ = await redis.time()
    restoring = _Restoring(state["saved_at"], seconds - state["saved_at"], change)
    async with redis.pipeline(transaction=True) as pipe:
        for name, kept in state["keys"].items():
            restoring.put(pipe, name, kept["type"], kept["value"])
            if kept["ttl"]:
                pipe.expire(name, kept["ttl"])
        await pipe.execute()


@dataclass(frozen=True)
class _Restoring:
    """Puts values back with all times moved `ahead` by so many seconds."""

    saved_at: int
    ahead: int
    change: Change

    def put(self, pipe: Any, name: str, kind: str, value: Any) -> None:
        match kind:
            case "string":
                pipe.set(name, self._body(value))
            case "hash":
                pipe.hset(name, mapping={field: self._body(each) for field, each in value.items()})
            case "list":
                pipe.rpush(name, *map(self._body, value))
            case "set":
                pipe.sadd(name, *value)
            case "zset":
                moved = {member: float(self._text(repr(score))) for member, score in value}
                pipe.zadd(name, moved)
            case "stream":
                for entry, fields in value:
                    bodies = {field: self._body(each) for field, each in fields.items()}
                    pipe.xadd(name, bodies, entry)
            case _:
                raise ValueError(f"{name} is a {kind}")

    def _body(self, value: Any) -> bytes:
        match value:
            case {"zstd": inner}:
                return zstandard.compress(self._text(json.dumps(self.change(inner))).encode())
            case {"json": inner}:
                text = json.dumps(self.change(inner), separators=(",", ":"))
                return self._text(text).encode()
            case {"base64": inner}:
                return base64.b64decode(inner)
            case _:
                return self._text(value).encode()

    def _text(self, text: str) -> str:
        return _TIME.sub(self._moved, text)

    def _moved(self, found: re.Match[str]) -> str:
        number, value = found[0], float(found[0])
        unit = 1000 if "." not in number and len(number) == 13 else 1
        if abs(value / unit - self.saved_at) > _NEAR_SECONDS:
            return number
        moved = value + self.ahead * unit
        return str(moved) if "." in number else str(int(moved))
