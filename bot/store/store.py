"""Store: what the rest of the App says to Redis, one method a sentence."""

import time
from collections.abc import Callable

from redis.asyncio import Redis

from bot.store import keys
from bot.store.database import Database, to_bytes
from bot.store.deliveries import Deliveries
from bot.store.messages import Message, as_arguments
from bot.store.metrics import MetricsStore
from bot.store.review_data import ReviewData
from bot.store.reviews import Reviews
from bot.store.scripts import Script


class Store(Database):
    """All that is kept in Redis, in parts."""

    def __init__(
        self, redis: "Redis", *, keep_seconds: int, now: Callable[[], float] = time.time
    ) -> None:
        super().__init__(redis, keep_seconds=keep_seconds, now=now)
        self.reviews = Reviews(self)
        self.review_data = ReviewData(self)
        self.metrics = MetricsStore(redis)
        self.deliveries = Deliveries(self)

    async def put(self, *messages: Message) -> None:
        await self.scripts.run(Script.PUT_MESSAGES, messages=as_arguments(messages))

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
