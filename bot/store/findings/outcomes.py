"""What became of each finding that was posted."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.domain.model import decode, encode
from bot.domain.outcomes import (
    FindingOutcome,
    OutcomeReport,
    PostedFinding,
    Signal,
    outcome_report,
)
from bot.store import keys
from bot.store.database import Database, to_bytes
from bot.store.lua.scripts import Script

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
