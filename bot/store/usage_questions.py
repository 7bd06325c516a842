"""What people's questions have cost: it belongs to no review, but to a day and a repository."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.domain.model import Usage
from bot.store import keys
from bot.store.dates import day_of
from bot.store.store import Store


@dataclass(frozen=True, slots=True)
class UsageTotal:
    """Tokens, and cost in the currency of the price table, as far as it is known."""

    tokens: int = 0
    cost: float = 0.0

    def __add__(self, other: "UsageTotal") -> "UsageTotal":
        return UsageTotal(self.tokens + other.tokens, self.cost + other.cost)


async def add_question_usage(store: Store, repository_id: int, usage: Usage) -> None:
    """Add what a question has cost to the present day (UTC)."""
    key = keys.question_usage(day_of(store.now()))
    async with store.redis.pipeline(transaction=True) as pipe:
        pipe.hincrby(key, f"{repository_id}:tokens", usage.prompt_tokens + usage.completion_tokens)
        pipe.hincrbyfloat(key, f"{repository_id}:cost", usage.cost or 0.0)
        pipe.expire(key, store.keep_seconds)
        await pipe.execute()


async def question_usage(
    store: Store, days: Sequence[str], may_read: Callable[[int], bool]
) -> dict[str, UsageTotal]:
    """What the questions of each of the days (ISO 8601) have cost, in the repositories whose ids
    `may_read` allows."""
    async with store.redis.pipeline(transaction=False) as pipe:
        for day in days:
            pipe.hgetall(keys.question_usage(day))
        found: Any = await pipe.execute()
    return {day: _sum(fields, may_read) for day, fields in zip(days, found, strict=True)}


def _sum(fields: Mapping[bytes, bytes], may_read: Callable[[int], bool]) -> UsageTotal:
    total = UsageTotal()
    for name, value in fields.items():
        repository_id, _, what = name.decode().partition(":")
        if may_read(int(repository_id)):
            total += (
                UsageTotal(tokens=int(value)) if what == "tokens" else UsageTotal(cost=float(value))
            )
    return total
