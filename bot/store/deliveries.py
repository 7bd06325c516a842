"""Deliveries: each queued once, and so many of one installation handled at a time."""

from typing import Any

import redis as sync_redis

from bot.store import keys
from bot.store.database import Database
from bot.store.messages import Message, as_arguments
from bot.store.scripts import Script, encode_arguments, source

#: Deliveries are remembered longer than GitHub keeps them for redelivery (3 days).
DELIVERY_SECONDS = 4 * 86_400

#: Deliveries of one installation that are handled at once; one takes a fraction of a second.
MAX_CONCURRENT_DELIVERIES = 4


class Deliveries:
    """All methods raise RedisError."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._redis = database.redis

    async def accept(self, guid: str, message: Message, *, installation_id: int = 0) -> bool:
        """Queue what a delivery asks for, unless that delivery was queued before. Of one
        installation so many are handled at once; others wait in a line of their own, so that
        nobody else waits behind them. 0 is for deliveries of no installation."""
        accepted = await self._database.scripts.run(
            Script.ACCEPT_DELIVERY,
            guid=guid,
            messages=as_arguments([message]),
            seconds=DELIVERY_SECONDS,
            installation=str(installation_id) if installation_id else None,
            max_concurrent=MAX_CONCURRENT_DELIVERIES,
        )
        return bool(accepted)

    async def start_queued(self) -> None:
        """Give free turns to deliveries that wait, should a worker have died before it did so."""
        waiting: Any = await self._redis.smembers(keys.QUEUED_DELIVERIES)
        if waiting:
            await self._database.scripts.run(
                Script.START_DELIVERIES,
                installations=[name.decode() for name in waiting],
                max_concurrent=MAX_CONCURRENT_DELIVERIES,
            )


def start_next_delivery(client: "sync_redis.Redis", installation_id: int) -> None:
    """Give the turn of a delivery that was handled to the next of its installation; for the
    threads of a worker. Raises RedisError."""
    arguments = encode_arguments(
        {
            "installations": [str(installation_id)],
            "max_concurrent": MAX_CONCURRENT_DELIVERIES,
        }
    )
    client.register_script(source(Script.START_DELIVERIES))(args=[arguments])
