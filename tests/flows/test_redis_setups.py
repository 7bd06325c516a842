"""The same flow on a Redis with TLS, and through the loss of a Redis master."""

import json
import signal
from pathlib import Path

import httpx2
import pytest
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError
from redis.exceptions import ConnectionError as RedisConnectionError

from bot.domain.model import State
from bot.store import QUEUES, Store, connect, keys
from bot.web.app import create_app
from tests.flows import servers
from tests.flows.environment import World, running
from tests.support.web_server import TOKEN, make_settings

BEFORE = {"app.py": "x = 1\n"}
AFTER = {"app.py": "import subprocess\nsubprocess.call(input(), shell=True)\n"}


async def reviewed(world: World) -> int:
    """A pull request is opened, and its review is posted; returns its number."""
    number = await world.open_pull(BEFORE, AFTER)
    await world.settle()
    assert (await world.progress(number)).state is State.COMPLETED
    return number


async def test_the_embedded_redis_requires_its_password(redis_url: str) -> None:
    """So every flow here runs on a Redis with a password."""
    stranger = Redis.from_url(f"unix://{redis_url.rpartition('@')[2]}", protocol=2)
    with pytest.raises(
        (AuthenticationError, RedisConnectionError), match="Authentication required"
    ):
        await stranger.ping()
    await stranger.aclose()


async def test_a_review_leaves_nothing_in_the_queues(world: World) -> None:
    await reviewed(world)
    assert await world.store.queues.live_workers() == 1
    assert [
        (queue.waiting, queue.delayed, queue.dead) for queue in await world.store.queues.all()
    ] == [(0, 0, 0)] * len(QUEUES)
    assert await world.store.queues.dead_letters() == []
    claimed = world.store.redis.scan_iter(f"{keys.NAMESPACE}:__acks__.*")
    assert [key async for key in claimed] == []


async def test_a_review_is_posted_over_redis_with_tls(tmp_path: Path) -> None:
    async with servers.tls_redis(tmp_path / "redis") as url:
        client = connect(url)
        async with running(url, client, tmp_path / "data") as world:
            await reviewed(world)
            assert len(world.reviews) == 1
        await client.aclose()


async def test_a_review_that_the_api_has_accepted_is_there_after_a_failover(
    tmp_path: Path,
) -> None:
    """It is acknowledged once a replica has it, and not before."""
    async with servers.followed_redis(tmp_path) as (url, replica_url, master, replica):
        app = create_app(make_settings(url))
        async with (
            app.router.lifespan_context(app),
            httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://web") as web,
        ):
            headers = {"Authorization": f"Bearer {TOKEN}", "Idempotency-Key": "the-first"}
            body = {"repository": "octo/hello", "number": 1}
            replica.send_signal(signal.SIGSTOP)
            try:
                refused = await web.post("/api/reviews", json=body, headers=headers)
            finally:
                replica.send_signal(signal.SIGCONT)
            assert refused.status_code == 503
            assert "the same Idempotency-Key" in refused.json()["detail"]
            accepted = await web.post("/api/reviews", json=body, headers=headers)
            assert accepted.status_code == 202
        master.send_signal(signal.SIGKILL)
        await master.wait()
        promoted = Store(connect(replica_url), keep_seconds=3600)
        await promoted.redis.replicaof("NO", "ONE")
        queued = await promoted.redis.hvals(keys.queue_messages("events"))
        assert [json.loads(one)["args"][2] for one in queued] == [accepted.json()["id"]]
        assert await promoted.requests.find(accepted.json()["id"]) is not None
        await promoted.aclose()


@pytest.mark.slow
async def test_reviews_go_on_when_the_redis_master_dies(tmp_path: Path) -> None:
    async with servers.watched_redis(tmp_path / "redis") as (url, master, _):
        client = connect(url)

        async def followed() -> bool:
            info = await client.info("replication")
            return bool(info["connected_slaves"] == 1 and info["slave0"]["state"] == "online")

        await servers.until(followed)
        async with running(url, client, tmp_path / "data") as world:
            await reviewed(world)
            # Sentinels learn of a replica from its master, every ten seconds.
            await servers.until(lambda: servers.knows_replica(url))
            master.send_signal(signal.SIGKILL)
            await master.wait()

            async def writable() -> bool:
                try:
                    return bool(await client.set("probe", "1"))
                except Exception:
                    return False

            await servers.until(writable)
            await reviewed(world)
            assert len(world.reviews) == 2
        await client.aclose()
