"""The broker's connections to Redis."""

import asyncio

from redis.asyncio import Redis

from workers.broker import make_broker


async def test_a_closed_broker_leaves_no_connection_behind(redis_url: str, redis: "Redis") -> None:
    broker = make_broker(redis_url, [])
    ours = await asyncio.to_thread(broker.client.client_id)
    broker.close()
    async with asyncio.timeout(10):  # until Redis has noticed
        while str(ours) in {client["id"] for client in await redis.client_list()}:
            await asyncio.sleep(0.01)
