"""Findings that people do not want to see again: dismissed for one pull request, or suppressed for
a whole repository."""

from bot.domain.model import Suppression, decode, encode
from bot.store import keys
from bot.store.database import DELIVERY_SECONDS, Database
from bot.store.scripts import Script

#: More suppressions than this mean that something else is wrong; the oldest stay.
MAX_SUPPRESSIONS = 500


class Suppressions:
    """All methods raise RedisError."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._redis = database.redis

    async def dismiss(self, repository_id: int, number: int, *fingerprints: str) -> None:
        """Never report those findings again on that pull request."""
        key = keys.dismissed(repository_id, number)
        await self._redis.sadd(key, *fingerprints)
        await self._redis.expire(key, self._database.keep_seconds)

    async def suppress(self, repository_id: int, suppression: Suppression) -> bool:
        """Never tell that finding again in that repository. False if there is no room for it."""
        key = keys.suppressions(repository_id)
        has_capacity = await self._redis.hlen(key) < MAX_SUPPRESSIONS
        if not has_capacity and not await self._redis.hexists(key, suppression.fingerprint):
            return False
        await self._redis.hset(key, suppression.fingerprint, encode(suppression).decode())
        return True

    async def unsuppress(
        self, repository_id: int, number: int, fingerprint: str, *, by: str
    ) -> str | None:
        """Report that finding again, in the repository and on that pull request. Returns the reason
        for which it was suppressed, "" if there was none, None if it was not; and for a request,
        which `by` names, that is tried again the same as before."""
        suppression = await self._database.scripts.run(
            Script.UNSUPPRESS,
            fingerprint=fingerprint,
            suppressions=keys.suppressions(repository_id),
            dismissed=keys.dismissed(repository_id, number),
            posted=keys.posted(repository_id, number),
            unsuppressed=keys.unsuppressed(by),
            seconds=DELIVERY_SECONDS,
        )
        if suppression is None:
            return None
        return decode(Suppression, suppression).reason if suppression else ""

    async def all(self, repository_id: int) -> tuple[Suppression, ...]:
        """All that a repository taught us, by path."""
        found = await self._redis.hvals(keys.suppressions(repository_id))
        return tuple(
            sorted(
                (decode(Suppression, body) for body in found), key=lambda one: (one.path, one.title)
            )
        )

    async def dismissed(self, repository_id: int, number: int) -> frozenset[str]:
        """The fingerprints that are not to be told on a pull request, for either reason."""
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.smembers(keys.dismissed(repository_id, number))
            pipe.hkeys(keys.suppressions(repository_id))
            on_pull, in_repository = await pipe.execute()
        return frozenset(name.decode() for name in (*on_pull, *in_repository))
