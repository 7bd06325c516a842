"""Findings that people do not want to see again: dismissed for one pull request, or suppressed for
a whole repository."""

from collections.abc import Iterable
from dataclasses import replace

from bot.domain.model import decode, encode
from bot.domain.suppressions import Dismissals, Suppression, Via
from bot.store import keys
from bot.store.database import DELIVERY_SECONDS, Database, to_bytes
from bot.store.lua.scripts import Script

#: More suppressions than this mean that something else is wrong; the oldest stay.
MAX_SUPPRESSIONS = 500

#: That a suppression was used is noted once in so many seconds.
_USED_SECONDS = 86_400

_DAY = 86_400


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
    ) -> Via | None:
        """Report that finding again, in the repository and on that pull request. Returns how it was
        dismissed, None if it was not; and for a request, which `by` names, that is tried again the
        same as before."""
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
        return decode(Suppression, suppression).via if suppression else Via.COMMAND

    async def all(self, repository_id: int, days: int) -> tuple[Suppression, ...]:
        """What a repository does not want to hear, by path. Those that covered nothing for so many
        days are removed."""
        key, now = keys.suppressions(repository_id), self._database.now()
        found = [decode(Suppression, body) for body in await self._redis.hvals(key)]
        # An earlier version did not note when: their days begin now.
        undated = [replace(one, used_at=now) for one in found if not one.last_used_at]
        await self._save_used(repository_id, undated)
        dated = [one for one in found if one.last_used_at]
        expired = {one for one in dated if one.last_used_at < now - days * _DAY}
        if expired:
            await self._redis.hdel(key, *(one.fingerprint for one in expired))
        left = (*undated, *(one for one in dated if one not in expired))
        return tuple(sorted(left, key=lambda one: (one.path, one.title)))

    async def dismissals(self, repository_id: int, number: int, days: int) -> Dismissals:
        """What is not to be reported on a pull request, for either reason."""
        names = await self._redis.smembers(keys.dismissed(repository_id, number))
        return Dismissals(
            frozenset(to_bytes(name).decode() for name in names),
            {one.fingerprint: one for one in await self.all(repository_id, days)},
        )

    async def mark_used(self, repository_id: int, used: Iterable[Suppression]) -> None:
        """These have covered a finding just now."""
        now = self._database.now()
        await self._save_used(
            repository_id,
            [replace(one, used_at=now) for one in used if one.used_at < now - _USED_SECONDS],
        )

    async def _save_used(self, repository_id: int, used: list[Suppression]) -> None:
        if used:
            await self._database.scripts.run(
                Script.MARK_USED,
                suppressions=keys.suppressions(repository_id),
                used={one.fingerprint: encode(one).decode() for one in used},
            )
