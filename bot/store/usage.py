"""What the LLM has used up, call by call: of each installation on a day (UTC), and of each review.

Kept whether there are budgets or not, and of reviews that end without a report as well.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis

from bot.domain.model import Usage
from bot.store import keys
from bot.store.dates import day_of
from bot.store.scripts import Script, Scripts
from bot.store.store import Store
from bot.store.usage_questions import UsageTotal


async def add_usage(
    redis: "Redis",
    usage: Usage,
    *,
    installation_id: int,
    review_id: str,
    now: float,
    keep_seconds: int,
) -> None:
    """Add what a call has used; `review_id` is "" for what belongs to no review."""
    tokens = usage.prompt_tokens + usage.completion_tokens
    await Scripts(redis).run(
        Script.ADD_USAGE,
        day=keys.usage(day_of(now)),
        keep=keep_seconds,
        installation=str(installation_id),
        review=review_id,
        calls=usage.calls,
        tokens=tokens,
        cost=None if usage.cost is None else str(usage.cost),
    )


async def usage_by_day(store: Store, days: Sequence[str]) -> dict[str, dict[int, UsageTotal]]:
    """What each installation has used on each of the days (ISO 8601)."""
    async with store.redis.pipeline(transaction=False) as pipe:
        for day in days:
            pipe.hgetall(keys.usage(day))
        found: Any = await pipe.execute()
    return {day: _by_installation(fields) for day, fields in zip(days, found, strict=True)}


def _by_installation(fields: dict[bytes, bytes]) -> dict[int, UsageTotal]:
    sums: defaultdict[int, UsageTotal] = defaultdict(UsageTotal)
    for name, value in fields.items():
        installation_id, _, what = name.decode().partition(":")
        usage = UsageTotal(tokens=int(value)) if what == "tokens" else UsageTotal(cost=float(value))
        sums[int(installation_id)] += usage
    return dict(sums)
