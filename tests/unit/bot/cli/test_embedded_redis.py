"""The Redis server beside the app."""

from pathlib import Path

import pytest

from bot.cli import embedded_redis as server
from bot.cli.embedded_redis import RedisServerError, embedded_redis
from bot.store import connect


async def test_two_servers_never_share_their_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second would write to the first one's file, whose data would be lost."""
    monkeypatch.setattr(server, "FREE_SECONDS", 0.2)
    async with embedded_redis(tmp_path) as url:
        with pytest.raises(RedisServerError, match="Another Glossator keeps its data in"):
            async with embedded_redis(tmp_path):
                raise AssertionError("two servers on one directory")
        redis = connect(url)
        await redis.set("accepted", "yes")
        await redis.aclose()
    async with embedded_redis(tmp_path) as url:
        redis = connect(url)
        assert await redis.get("accepted") == b"yes"
        await redis.aclose()
