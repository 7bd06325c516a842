"""What is kept about the LLM: what it has used up, what it may still use, slots for calls, answers,
and what each model understands."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.domain.model import Usage
from bot.store import keys
from bot.store.database import Database, day_of, to_bytes
from bot.store.lua.scripts import Script

#: Seconds that the sums of budgets are kept: longer than what they count for.
_BUDGET_SECONDS = 2 * 86_400


@dataclass(frozen=True, slots=True)
class UsageTotal:
    """Tokens, and cost in the currency of the price table, as far as it is known."""

    tokens: int = 0
    cost: float = 0.0

    def __add__(self, other: "UsageTotal") -> "UsageTotal":
        return UsageTotal(self.tokens + other.tokens, self.cost + other.cost)


class UsageRecords:
    """What calls have used: of each installation on a day (UTC), and of each review. Kept whether
    there are budgets or not, and of reviews that end without a report as well. All methods raise
    RedisError."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._redis = database.redis

    async def add(
        self, usage: Usage, *, installation_id: int, review_id: str, now: float | None = None
    ) -> None:
        """Add what a call has used; `review_id` is "" for what belongs to no review."""
        await self._database.scripts.run(
            Script.ADD_USAGE,
            day=keys.usage(day_of(self._database.now() if now is None else now)),
            keep=self._database.keep_seconds,
            installation=str(installation_id),
            review=review_id,
            calls=usage.calls,
            tokens=usage.prompt_tokens + usage.completion_tokens,
            cost=None if usage.cost is None else str(usage.cost),
        )

    async def by_day(self, days: Sequence[str]) -> dict[str, dict[int, UsageTotal]]:
        """What each installation has used on each of the days (ISO 8601)."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for day in days:
                pipe.hgetall(keys.usage(day))
            found: Any = await pipe.execute()
        return {day: _by_installation(fields) for day, fields in zip(days, found, strict=True)}

    async def add_question(self, repository_id: int, usage: Usage) -> None:
        """Add what a question has cost to the present day (UTC)."""
        key = keys.question_usage(day_of(self._database.now()))
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hincrby(
                key, f"{repository_id}:tokens", usage.prompt_tokens + usage.completion_tokens
            )
            pipe.hincrbyfloat(key, f"{repository_id}:cost", usage.cost or 0.0)
            pipe.expire(key, self._database.keep_seconds)
            await pipe.execute()

    async def of_questions(
        self, days: Sequence[str], may_read: Callable[[int], bool]
    ) -> dict[str, UsageTotal]:
        """What the questions of each of the days (ISO 8601) have cost, in the repositories whose
        ids `may_read` allows."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for day in days:
                pipe.hgetall(keys.question_usage(day))
            found: Any = await pipe.execute()
        return {day: _sum(fields, may_read) for day, fields in zip(days, found, strict=True)}

    # Budgets: sums under scopes, such as a review or an installation on a day

    async def reserve(self, limits: Sequence[tuple[str, int]], tokens: int) -> int | None:
        """Add tokens to the sums of all scopes, or to none: then the position of a scope whose
        limit would be exceeded is returned."""
        position = await self._database.scripts.run(
            Script.RESERVE_TOKENS,
            sums=[keys.llm_spent(scope) for scope, _ in limits],
            limits=[limit for _, limit in limits],
            tokens=tokens,
            seconds=_BUDGET_SECONDS,
        )
        return int(position) - 1 if position else None

    async def adjust(self, scopes: Sequence[str], tokens: int) -> None:
        """Add tokens, which may be fewer than none, to the sums of all scopes."""
        async with self._redis.pipeline(transaction=True) as pipe:
            for scope in scopes:
                pipe.incrby(keys.llm_spent(scope), tokens)
                pipe.expire(keys.llm_spent(scope), _BUDGET_SECONDS)
            await pipe.execute()


def _by_installation(fields: dict[bytes, bytes]) -> dict[int, UsageTotal]:
    sums: defaultdict[int, UsageTotal] = defaultdict(UsageTotal)
    for name, value in fields.items():
        installation_id, _, what = name.decode().partition(":")
        usage = UsageTotal(tokens=int(value)) if what == "tokens" else UsageTotal(cost=float(value))
        sums[int(installation_id)] += usage
    return dict(sums)


def _sum(fields: Mapping[bytes, bytes], may_read: Callable[[int], bool]) -> UsageTotal:
    total = UsageTotal()
    for name, value in fields.items():
        repository_id, _, what = name.decode().partition(":")
        if may_read(int(repository_id)):
            total += (
                UsageTotal(tokens=int(value)) if what == "tokens" else UsageTotal(cost=float(value))
            )
    return total


class LLMState:
    """Slots, answers and capabilities of endpoints. All methods raise RedisError."""

    def __init__(self, database: Database) -> None:
        self._redis = database.redis
        self._scripts = database.scripts

    async def acquire_slot(
        self,
        endpoint: str,
        caller: str,
        *,
        limit: int,
        gap: int,
        lease: int,
        recovery: int,
        expiry: int,
    ) -> int:
        """Ask for a slot for a call: 0 when it is granted, else the milliseconds after which asking
        again is worth it. `limit` calls may be in flight, `gap` apart; a slot is lost after
        `lease`, a halved limit gains one call each `recovery`, and who has not asked for `expiry`
        is forgotten; all in milliseconds."""
        wait = await self._scripts.run(
            Script.ACQUIRE_SLOT,
            endpoint=endpoint,
            me=caller,
            limit=limit,
            gap=gap,
            lease=lease,
            recovery=recovery,
            expiry=expiry,
        )
        return int(wait)

    async def release_slot(self, endpoint: str, caller: str) -> None:
        """Give a slot back, or wait for none any more."""
        await self._scripts.run(Script.RELEASE_SLOT, endpoint=endpoint, me=caller)

    async def throttle(self, endpoint: str, *, limit: int, recovery: int, pause: int) -> None:
        """Halve the limit, for the endpoint refused a call; none begins for `pause`
        milliseconds."""
        await self._scripts.run(
            Script.THROTTLE, endpoint=endpoint, limit=limit, recovery=recovery, pause=pause
        )

    async def answer(self, digest: str) -> bytes | None:
        """A kept answer, as `save_answer` was given it."""
        data = await self._redis.get(keys.llm_answer(digest))
        return to_bytes(data) if data is not None else None

    async def save_answer(self, digest: str, data: bytes, seconds: int) -> None:
        await self._redis.set(keys.llm_answer(digest), data, ex=seconds)

    async def capabilities(self, digest: str) -> bytes | None:
        """What is known of a model, as `save_capabilities` was given it."""
        data = await self._redis.get(keys.llm_capabilities(digest))
        return to_bytes(data) if data is not None else None

    async def save_capabilities(self, digest: str, data: bytes, seconds: int) -> None:
        await self._redis.set(keys.llm_capabilities(digest), data, ex=seconds)
