"""What people do not want reported: findings, dismissed for one pull request or suppressed for a
whole repository, and by preferences what is like them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from bot.domain.audit import AuditEntry
from bot.domain.model import Repository, decode, encode
from bot.domain.preferences import Preference
from bot.domain.suppressions import Dismissals, Suppression, Via
from bot.store import keys
from bot.store.database import DELIVERY_SECONDS, Database, as_audit_line, to_bytes
from bot.store.lua.scripts import Script

#: More suppressions than this mean that something else is wrong; the oldest stay.
MAX_SUPPRESSIONS = 500

#: More preferences than this nobody keeps in order; further ones are refused.
MAX_PREFERENCES = 100

#: That a suppression or a preference was used is noted once in so many seconds.
_USED_SECONDS = 86_400

_DAY = 86_400

#: How often a change of a preference is tried that others come before.
_TRIES = 5


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


@dataclass(frozen=True, slots=True)
class PreferenceRepository:
    """A repository that has preferences, or had."""

    installation_id: int
    id: int
    full_name: str


class Preferences:
    """A key names repository and installation, so that no other installation reads them: not even
    one that the repository was moved to. All methods raise RedisError."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._redis = database.redis

    async def keep(
        self, repository: Repository, preference: Preference, audit: AuditEntry
    ) -> int | None:
        """Keep it, and return its number; that of the same one if it is kept already, None where
        there are too many."""
        number = await self._database.scripts.run(
            Script.KEEP_PREFERENCE,
            preferences=keys.preferences(repository.installation_id, repository.id),
            repositories=keys.PREFERENCE_REPOSITORIES,
            repository=f"{repository.installation_id}:{repository.id}",
            name=repository.full_name,
            preference=encode(replace(preference, number=0)).decode(),
            text=preference.text,
            paths=preference.paths,
            most=MAX_PREFERENCES,
            audit=as_audit_line(audit),
        )
        return int(number) or None

    async def all(
        self, installation_id: int, repository_id: int, days: int
    ) -> tuple[Preference, ...]:
        """Those of a repository, by number. What was given to no reader for so many days is
        removed."""
        key, before = keys.preferences(installation_id, repository_id), self._database.now()
        found: list[Preference] = []
        for number, body in (await self._bodies(key)).items():
            one = _preference(number, body)
            if one.last_used_at >= before - days * _DAY:
                found.append(one)
            else:
                await self._change(key, number, body, None)
        return tuple(sorted(found, key=lambda one: one.number))

    async def edit(
        self,
        installation_id: int,
        repository_id: int,
        number: int,
        text: str,
        paths: tuple[str, ...],
        *,
        audit: AuditEntry,
    ) -> Preference | None:
        """Put it in other words or on other paths; None if there is no such preference."""
        key = keys.preferences(installation_id, repository_id)
        for _ in range(_TRIES):
            body = (await self._bodies(key)).get(number)
            if body is None:
                return None
            changed = _preference(number, body).edited(text, paths, audit.who)
            if await self._change(key, number, body, changed, audit=audit):
                return changed
        return None

    async def remove(
        self,
        installation_id: int,
        repository_id: int,
        number: int,
        *,
        audit: AuditEntry,
        by: str = "",
    ) -> bool:
        """Forget it. Whether it was there; for a request, which `by` names, that is tried again the
        same as before."""
        key = keys.preferences(installation_id, repository_id)
        removed = keys.preference_removed(by) if by else None
        for _ in range(_TRIES):
            body = (await self._bodies(key)).get(number)
            if body is None:
                break
            entry = replace(audit, detail=f"{number}: {_preference(number, body).text}")
            if await self._change(key, number, body, None, audit=entry, removed=removed):
                return True
        return removed is not None and bool(await self._redis.exists(removed))

    async def mark_given(
        self, installation_id: int, repository_id: int, given: Iterable[Preference]
    ) -> None:
        """These were given to the reader just now, for files that they concern."""
        key, now = keys.preferences(installation_id, repository_id), self._database.now()
        numbers = {one.number for one in given if one.given_at < now - _USED_SECONDS}
        bodies = await self._bodies(key) if numbers else {}
        for number in numbers & bodies.keys():
            marked = replace(_preference(number, bodies[number]), given_at=now)
            await self._change(key, number, bodies[number], marked)

    async def repositories(self) -> tuple[PreferenceRepository, ...]:
        """Those that have preferences, or had, by name."""
        fields: Any = await self._redis.hgetall(keys.PREFERENCE_REPOSITORIES)
        found = []
        for field, name in fields.items():
            installation_id, _, id = field.decode().partition(":")
            found.append(PreferenceRepository(int(installation_id), int(id), name.decode()))
        return tuple(sorted(found, key=lambda one: one.full_name.casefold()))

    async def delete_all(self, repositories: Iterable[PreferenceRepository]) -> None:
        """Forget all preferences of these repositories."""
        async with self._redis.pipeline(transaction=True) as pipe:
            for one in repositories:
                pipe.delete(keys.preferences(one.installation_id, one.id))
                pipe.hdel(keys.PREFERENCE_REPOSITORIES, f"{one.installation_id}:{one.id}")
            await pipe.execute()

    async def _bodies(self, key: str) -> dict[int, str]:
        fields: Any = await self._redis.hgetall(key)
        return {int(number): body.decode() for number, body in fields.items() if number.isdigit()}

    async def _change(
        self,
        key: str,
        number: int,
        before: str,
        after: Preference | None,
        *,
        audit: AuditEntry | None = None,
        removed: str | None = None,
    ) -> bool:
        done = await self._database.scripts.run(
            Script.CHANGE_PREFERENCE,
            preferences=key,
            number=str(number),
            before=before,
            after=encode(replace(after, number=0)).decode() if after else None,
            removed=removed,
            seconds=DELIVERY_SECONDS,
            audit=as_audit_line(audit),
        )
        return bool(done)


def _preference(number: int, body: str) -> Preference:
    return replace(decode(Preference, body), number=number)
