"""A house to break into, and everything that Redis holds, as an intruder would read it."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx2
import pytest
import zstandard
from redis import Redis

from bot.store import Store
from bot.web.app import create_app
from tests.security.tenants import TenantServer
from tests.support.web_server import complete, make_settings, open_review


def _opened(value: bytes) -> bytes:
    if value[:4] == b"\x28\xb5\x2f\xfd":
        return zstandard.ZstdDecompressor().decompress(value, max_output_size=1 << 26)
    return value


def _values(client: Any, key: bytes) -> list[bytes]:
    match client.type(key):
        case b"string":
            return [client.get(key) or b""]
        case b"hash":
            return [part for pair in client.hgetall(key).items() for part in pair]
        case b"set":
            return list(client.smembers(key))
        case b"zset":
            return list(client.zrange(key, 0, -1))
        case b"list":
            return list(client.lrange(key, 0, -1))
        case b"stream":
            return [part for _, row in client.xrange(key) for pair in row.items() for part in pair]
        case _:
            return []


@pytest.fixture
def in_redis(redis_url: str) -> Callable[[], str]:
    """All keys and values as they are now, decompressed, as one text."""

    def read() -> str:
        client = Redis.from_url(redis_url)
        try:
            parts: list[bytes] = []
            for key in client.scan_iter():
                parts += [key, *map(_opened, _values(client, key))]
            return "\n".join(part.decode("utf-8", "replace") for part in parts)
        finally:
            client.close()

    return read


@pytest.fixture
async def server(redis_url: str, store: Store) -> AsyncIterator[TenantServer]:
    settings = make_settings(redis_url)
    app = create_app(settings)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://web") as client,
    ):
        done, running = await open_review(store), await open_review(store, number=13)
        await complete(store, done)
        yield TenantServer(app, settings, store, client, done, running)
