"""Store: what the rest of the App says to Redis, one method a sentence."""

import time
from collections.abc import Callable

from redis.asyncio import Redis

from bot.store import keys
from bot.store.database import Database, messages_json, to_bytes
from bot.store.messages import NAMESPACE, Message
from bot.store.metrics import MetricsStore
from bot.store.review_data import ReviewData
from bot.store.reviews import Reviews
from bot.store.script_batch import ScriptBatcher

#: Deliveries are remembered longer than GitHub keeps them for redelivery (3 days).
DELIVERY_SECONDS = 4 * 86_400

#: Deliveries of one installation that are handled at once; one takes a fraction of a second.
MAX_CONCURRENT_DELIVERIES = 4


class Store(Database):
    """All that is kept in Redis, in parts."""

    def __init__(
        self, redis: "Redis", *, keep_seconds: int, now: Callable[[], float] = time.time
    ) -> None:
        super().__init__(redis, keep_seconds=keep_seconds, now=now)
        self.reviews = Reviews(self)
        self.review_data = ReviewData(self)
        self.metrics = MetricsStore(redis)
        self._accept_batcher = ScriptBatcher(
            self.scripts["ACCEPT"],
            [keys.PREFIX, NAMESPACE, DELIVERY_SECONDS, MAX_CONCURRENT_DELIVERIES],
        )

    # Deliveries and messages

    async def accept_delivery(
        self, guid: str, message: Message, *, installation_id: int = 0
    ) -> bool:
        """Queue what a delivery asks for, unless that delivery was queued before. Of one
        installation so many are handled at once; others wait in a line of their own, so that
        nobody else waits behind them. 0 is for deliveries of no installation."""
        accepted = await self._accept_batcher.call(
            [guid, messages_json([message]), installation_id]
        )
        return bool(accepted)

    async def put(self, *messages: Message) -> None:
        await self.run_script("PUT", messages_json(messages))

    # Pull requests

    async def pull_fields(self, repository_id: int, number: int) -> dict[str, str]:
        """`current` (id of the newest review), `paused`, ...; {} for a pull request never seen,
        or not asked for since as long as reviews are kept."""
        key = keys.pull(repository_id, number)
        async with self.redis.pipeline(transaction=True) as pipe:
            pipe.hgetall(key)
            pipe.expire(key, self.keep_seconds)
            fields, _ = await pipe.execute()
        return {to_bytes(name).decode(): to_bytes(value).decode() for name, value in fields.items()}

    async def pulls_at(self, repository_id: int, sha: str) -> list[int]:
        """Numbers of the pull requests that were reviewed, or skipped, at a head commit: the
        events of check suites do not name those of forks."""
        return sorted(map(int, await self.redis.smembers(keys.head(repository_id, sha))))
