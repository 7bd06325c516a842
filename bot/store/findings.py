"""What people make of findings: which they do not want to see again, dismissed for one pull request
or suppressed for a whole repository, and what became of each that was posted."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.domain.model import decode, encode
from bot.domain.outcomes import (
    FindingOutcome,
    OutcomeReport,
    PostedFinding,
    Signal,
    outcome_report,
)
from bot.domain.suppressions import Dismissals, Suppression, Via
from bot.store import keys
from bot.store.database import DELIVERY_SECONDS, Database, to_bytes
from bot.store.lua.scripts import Script

#: More suppressions than this mean that something else is wrong; the oldest stay.
MAX_SUPPRESSIONS = 500

#: That a suppression was used is noted once in so many seconds.
_USED_SECONDS = 86_400

_DAY = 86_400

#: Findings of one pull request whose outcomes are kept: more are a flood, of which shares say
#: nothing.
MAX_OUTCOMES = 500

#: Pull requests that a report of outcomes looks at, the newest; more would slow whoever asks.
MAX_OUTCOME_PULLS = 5000

#: Pull requests that are read at once.
_CHUNK = 200

#: Characters of a reason that are kept.
_MAX_REASON = 200


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
class Seen:
    """Something that happened to a posted finding; `text` is the reason of a dismissal."""

    fingerprint: str
    signal: Signal
    text: str = ""


class Outcomes:
    """What became of posted findings, with times by the clock of Redis. All methods raise
    RedisError, and may be repeated: each thing counts once. `days` is how long what is kept of a
    pull request outlives its last change."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._redis = database.redis

    async def record_posted(
        self,
        repository_id: int,
        number: int,
        findings: Iterable[PostedFinding],
        *,
        review: str,
        days: int,
    ) -> None:
        """A review has posted these. What an earlier one took for fixed is back."""
        posted = {one.fingerprint: encode(one).decode() for one in findings}
        await self._record(repository_id, number, days, posted=posted, review=review)

    async def record_seen(
        self,
        repository_id: int,
        number: int,
        seen: Sequence[Seen],
        *,
        review: str = "",
        days: int,
    ) -> None:
        """These things happened to findings; `review` is the one that saw that they are fixed.
        Findings that are not kept are left out."""
        texts = [
            (one.fingerprint, one.signal, review if one.signal is Signal.FIXED else one.text)
            for one in seen
        ]
        if texts:
            rows = [[name, signal, text[:_MAX_REASON]] for name, signal, text in texts]
            await self._record(repository_id, number, days, seen=rows)

    async def undo_dismissal(
        self, repository_id: int, number: int, fingerprints: Iterable[str], *, days: int
    ) -> None:
        """A person took it back that these are wrong."""
        undone = [
            [name, signal]
            for name in sorted(fingerprints)
            for signal in (Signal.DISMISSED, Signal.THUMBS_DOWN)
        ]
        await self._record(repository_id, number, days, undone=undone)

    async def record_end(self, repository_id: int, number: int, *, merged: bool, days: int) -> None:
        """The pull request was closed, by a merge or without one."""
        await self._record(repository_id, number, days, pull=["merged" if merged else "closed"])

    async def record_reopened(self, repository_id: int, number: int, *, days: int) -> None:
        """The pull request is open again."""
        await self._record(repository_id, number, days, pull_undone=["closed"])

    async def _record(self, repository_id: int, number: int, days: int, **what: object) -> None:
        empty: dict[str, object] = {"posted": {}, "seen": [], "undone": [], "review": ""}
        await self._database.scripts.run(
            Script.RECORD_OUTCOMES,
            **empty | {"pull": [], "pull_undone": []} | what,
            outcomes=keys.outcomes(repository_id, number),
            member=f"{repository_id}:{number}",
            keep=days * _DAY,
            most=MAX_OUTCOMES,
        )

    async def of_pull(self, repository_id: int, number: int) -> tuple[FindingOutcome, ...]:
        """The findings that were posted there, by fingerprint."""
        fields: Any = await self._redis.hgetall(keys.outcomes(repository_id, number))
        return _outcomes_in(repository_id, number, fields)

    async def since(
        self, since: float, may_read: Callable[[int], bool], repository: str = ""
    ) -> tuple[tuple[FindingOutcome, ...], bool]:
        """The findings posted since then (Unix seconds) in the repositories that the asker may
        read, or in the one of that name; and whether these are all: of too many pull requests the
        newest are looked at."""
        names: Any = await self._redis.zrevrangebyscore(keys.OUTCOME_PULLS, "+inf", since)
        parted = (to_bytes(name).decode().partition(":") for name in names)
        pulls = [(int(left), int(right)) for left, _, right in parted if may_read(int(left))]
        found: list[FindingOutcome] = []
        newest = pulls[:MAX_OUTCOME_PULLS]
        for begin in range(0, len(newest), _CHUNK):
            chunk = newest[begin : begin + _CHUNK]
            async with self._redis.pipeline(transaction=False) as pipe:
                for where in chunk:
                    pipe.hgetall(keys.outcomes(*where))
                for where, fields in zip(chunk, await pipe.execute(), strict=True):
                    found += _outcomes_in(*where, fields)
        wanted = repository.casefold()
        kept = tuple(
            one
            for one in found
            if one.posted_at >= since
            and (not wanted or one.finding.repository.casefold() == wanted)
        )
        return kept, len(pulls) <= MAX_OUTCOME_PULLS

    async def report(
        self, since: float, may_read: Callable[[int], bool], repository: str = ""
    ) -> OutcomeReport:
        """The same, summed up."""
        found, complete = await self.since(since, may_read, repository)
        return outcome_report(found, since, await self._database.time(), complete=complete)


def _outcomes_in(
    repository_id: int, number: int, raw: Mapping[bytes, bytes]
) -> tuple[FindingOutcome, ...]:
    """The findings in a hash that `record_outcomes` wrote."""
    fields = {name.decode(): value.decode() for name, value in raw.items()}
    merged, closed = (float(fields[n]) if n in fields else None for n in ("merged", "closed"))
    names = [field.partition(":")[2] for field in fields if field.startswith("posted:")]
    return tuple(
        FindingOutcome(
            finding=decode(PostedFinding, fields[f"finding:{name}"]),
            repository_id=repository_id,
            number=number,
            posted_at=float(fields[f"posted:{name}"]),
            signals={
                signal: float(fields[f"{signal}:{name}"])
                for signal in Signal
                if f"{signal}:{name}" in fields
            },
            reason=fields.get(f"text:{Signal.DISMISSED}:{name}", ""),
            merged_at=merged,
            closed_at=closed,
        )
        for name in sorted(names)
    )
