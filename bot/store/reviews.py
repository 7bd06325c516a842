"""The life of reviews: opened, moved from state to state, ended.

Each step is one script, so that state, event and messages change together (`bot.store.lua`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Unpack
from uuid import uuid4

from bot.domain.audit import AuditEntry
from bot.domain.model import UNFINISHED, Batch, Review, State, decode
from bot.domain.progress import Activity
from bot.store import keys
from bot.store.database import Database, as_audit_line, day_of, pack, to_bytes
from bot.store.lua.scripts import Script
from bot.store.queues import Message, as_arguments, message
from bot.store.review_state import (
    ReviewChange,
    ReviewState,
    ReviewSummary,
    Summary,
    field_names,
    from_hash,
    to_hash,
)

#: A day's reviews are remembered until the day is over everywhere.
QUOTA_SECONDS = 2 * 86_400

_HOUR = 3600


@dataclass(frozen=True, slots=True)
class OpenResult:
    """`outcome`: `opened`, `known` (this very review was opened before), `repeated` (an
    automatic trigger for a head and base that have their review), or `waits` (for the end of
    another). `other` is the id of the review that it superseded, that stands, or that it waits
    for; "" for none."""

    outcome: str
    other: str


class Reviews:
    """Every review that is kept. All methods raise RedisError."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._redis = database.redis

    async def open(
        self, review: Review, *, base: str = "", follow_up: Message | None = None
    ) -> OpenResult:
        """Open it, superseding the unfinished review of its pull request, if any; or, with
        `follow_up`, leave that alone and put `follow_up` as soon as it has ended, and so have
        whatever superseded it meanwhile. `base` is the branch that the pull request goes to."""
        now = await self._database.time()
        outcome, other = await self._database.scripts.run(
            Script.OPEN_REVIEW,
            id=review.id,
            fields=to_hash({"review": review, "state": State.QUEUED, "opened_at": now}),
            opened_at=now,
            keep=self._database.keep_seconds,
            pull=keys.pull(review.repository.id, review.number),
            head_pulls=keys.head(review.repository.id, review.head_sha),
            number=review.number,
            head=review.head_sha,
            base=base,
            automatic=review.trigger.automatic,
            unfocused=review.focus is None,
            follow_up=as_arguments([follow_up]) if follow_up is not None else None,
        )
        return OpenResult(outcome.decode(), other.decode())

    async def get(self, review_id: str) -> ReviewState | None:
        """All that is kept of it; None if it is not known."""
        return await self._read(review_id, ReviewState)

    async def summary(self, review_id: str) -> ReviewSummary | None:
        """What lists and pages show of it; None if it is not known."""
        return await self._read(review_id, ReviewSummary)

    async def review(self, review_id: str) -> Review | None:
        """What of it never changes; None if it is not known."""
        data = await self._redis.hget(keys.review(review_id), "review")
        return decode(Review, data) if data else None

    async def _read(self, review_id: str, kind: type[Summary]) -> Summary | None:
        values = await self._redis.hmget(keys.review(review_id), list(field_names(kind)))
        return from_hash(kind, values)

    async def state(self, review_id: str) -> State | None:
        state = await self._redis.hget(keys.review(review_id), "state")
        return State(to_bytes(state).decode()) if state else None

    async def update(self, review_id: str, **change: Unpack[ReviewChange]) -> None:
        """Keep facts about a review, such as the id of its check run, if it is known."""
        await self._update(review_id, to_hash(change))

    async def _update(self, review_id: str, values: dict[str, str]) -> None:
        await self._database.scripts.run(
            Script.UPDATE_REVIEW, id=review_id, fields=values, defaults={}
        )

    async def move(
        self,
        review_id: str,
        to: State,
        *,
        from_states: Iterable[State],
        messages: Sequence[Message] = (),
        batches: Sequence[Batch] = (),
        audit: AuditEntry | None = None,
        **change: Unpack[ReviewChange],
    ) -> bool:
        """Move a review on, if it is in one of the states `from_states`; with it go the change,
        the event, the messages and the line of the audit log. False, and nothing done, if it is in
        another state. One that stands on GitHub (`review_url`) does not fail and is not cancelled:
        it completes, without the change, and with `check_run_open`."""
        moved = await self._database.scripts.run(
            Script.MOVE_REVIEW,
            *map(pack, batches),
            id=review_id,
            from_states=list(from_states),
            to=to,
            fields=to_hash(change),
            standing=to_hash({"percent": 100, "check_run_open": True}),
            messages=as_arguments(messages),
            keep=self._database.keep_seconds,
            batches=[batch.number for batch in batches],
            audit=as_audit_line(audit),
        )
        return bool(moved)

    async def cancel(
        self, review_id: str, reason: str, *, by: str = "", audit: AuditEntry | None = None
    ) -> bool:
        """Cancel it, `reason` being for its check run, in sentences that say what to do; False if
        it is finished or unknown, unless an earlier try of the request that `by` names has
        cancelled it. Whatever worker is at it notices within a second. `audit` goes into the audit
        log if it is cancelled now."""
        cancelled = await self.move(
            review_id,
            State.CANCELLED,
            from_states=UNFINISHED,
            messages=[message("conclude_review", review_id)],
            error=reason,
            cancelled_by=by,
            audit=audit,
        )
        if cancelled or not by:
            return cancelled
        review = await self.get(review_id)
        return review is not None and review.cancelled_by == by

    async def admit(
        self,
        review_id: str,
        installation_id: int,
        *,
        max_concurrent: int,
        messages: Sequence[Message],
    ) -> bool:
        """Put the messages of a queued review now if fewer than `max_concurrent` reviews of its
        installation run, else as soon as one of them is finished. False if that was done
        before, or the review is no longer queued."""
        admitted = await self._database.scripts.run(
            Script.ADMIT_REVIEW,
            id=review_id,
            installation=str(installation_id),
            max_concurrent=max_concurrent,
            messages=as_arguments(messages),
        )
        return bool(admitted)

    async def running(self, installation_id: int) -> int:
        """How many reviews of the installation have begun and are not finished."""
        return int(await self._redis.scard(keys.running(installation_id)))

    async def update_progress(
        self,
        review_id: str,
        percent: int,
        *,
        activity: Activity = Activity.QUEUED,
        amount: int = 0,
    ) -> bool:
        """Progress for those who watch. False if the review is finished or unknown."""
        told = await self._database.scripts.run(
            Script.UPDATE_PROGRESS,
            id=review_id,
            percent=percent,
            fields=to_hash({"activity": activity, "amount": amount}),
        )
        return bool(told)

    async def mark_standing(self, review_id: str, **change: Unpack[ReviewChange]) -> None:
        """Note of a review that ended without a report that it was found on GitHub after all."""
        await self._update(review_id, to_hash({"state": State.COMPLETED, "error": "", **change}))

    async def mark_concluded(self, review_id: str) -> None:
        """Note that nothing is left to do for a review that ended without a report, or before
        its check run was completed."""
        await self.update(review_id, concluded=True)
        await self._redis.zrem(keys.ENDING, review_id)

    async def reopen_end(self, review_id: str) -> None:
        """Note of a finished review that its check run is to be completed once more."""
        await self._update(review_id, to_hash({"concluded": False, "check_run_open": True}))
        await self._redis.zadd(keys.ENDING, {review_id: await self._database.time()})

    async def count_recovery(self, review_id: str) -> int:
        """Note that it was taken up again; returns how often it was."""
        return int(await self._redis.hincrby(keys.review(review_id), "recoveries", 1))

    async def claim_end_log(self, review_id: str) -> bool:
        """True for the first who asks this of a review, also where Redis is asked again after an
        error."""
        key, token = keys.review(review_id), uuid4().hex
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hsetnx(key, "end_logged", token)
            pipe.hget(key, "end_logged")
            _, first = await pipe.execute()
        return bool(first == token.encode())

    async def unfinished(self) -> tuple[str, ...]:
        """The reviews that are not finished."""
        names: Any = await self._redis.zrange(keys.ACTIVE, 0, -1)
        return tuple(name.decode() for name in names)

    # Reviews that an installation may have on a day (UTC), where there is a quota; and what waits
    # for the end of a review, which has its place in it.

    async def consume_quota(self, installation_id: int, review_id: str, quota: int) -> bool:
        """Whether the review is one of the day's first `quota`; counted once."""
        consumed = await self._database.scripts.run(
            Script.CONSUME_QUOTA,
            key=await self._quota_key(installation_id),
            review=review_id,
            quota=quota,
            seconds=QUOTA_SECONDS,
        )
        return bool(consumed)

    async def consume_author_quota(
        self, installation_id: int, author: str, review_id: str, quota: int
    ) -> bool:
        """Whether the review is one of the author's first `quota` of this hour; counted once."""
        hour = int(await self._database.time()) // _HOUR
        consumed = await self._database.scripts.run(
            Script.CONSUME_QUOTA,
            key=keys.author_quota(f"{installation_id}:{author.casefold()}", hour),
            review=review_id,
            quota=quota,
            seconds=2 * _HOUR,
        )
        return bool(consumed)

    async def refund_quota(self, installation_id: int, review_id: str) -> None:
        """There was no review after all."""
        await self._redis.srem(await self._quota_key(installation_id), review_id)

    async def waiting_for(self, review_id: str) -> list[str]:
        """The ids of what is to start once that review has ended."""
        names: Any = await self._redis.hkeys(keys.after(review_id))
        return [name.decode() for name in names]

    async def clear_waiting(self, installation_id: int, review_id: str) -> None:
        """Start nothing after that review; what waited for its end gives its place back."""
        await self._database.scripts.run(
            Script.CLEAR_WAITING, id=review_id, quota=await self._quota_key(installation_id)
        )

    async def _quota_key(self, installation_id: int) -> str:
        return keys.quota(installation_id, day_of(await self._database.time()))
