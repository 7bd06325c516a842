"""What a review and an installation may spend on a day, in tokens, and what tokens cost.

Before a call its likely tokens are reserved, after it the real ones are booked: calls
that run at once cannot exceed a budget together.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from redis.asyncio import Redis

from bot.model import Usage
from bot.settings import Price
from workers.analysis.errors import BudgetError

#: Seconds that sums are kept: longer than what they count for.
_KEEP = 2 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Reservation:
    """Tokens set aside under some keys until the call is over."""

    keys: tuple[str, ...]
    tokens: int


def cost(usage: Usage, price: Price | None) -> float | None:
    """What `usage` costs, in the currency of the price table; None without a price."""
    if price is None:
        return None
    fresh = max(0, usage.prompt_tokens - usage.cached_tokens)
    cached_price = price.prompt if price.cached is None else price.cached
    millionths = (
        fresh * price.prompt
        + usage.cached_tokens * cached_price
        + usage.completion_tokens * price.completion
    )
    return millionths / 1_000_000


class Budget:
    """Sums in Redis, or in this process where there is none. A limit of 0 means no limit."""

    def __init__(
        self,
        redis: "Redis | None",
        *,
        review_tokens: int,
        daily_tokens: int,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._redis = redis
        self._review_tokens = review_tokens
        self._daily_tokens = daily_tokens
        self._now = now
        self._sums: dict[str, int] = {}

    async def reserve(self, review_id: str, installation_id: int, tokens: int) -> Reservation:
        """Sets `tokens` aside. Raises BudgetError, with nothing set aside, if they are too many."""
        taken: list[str] = []
        for key, limit, whose in self._limits(review_id, installation_id):
            taken.append(key)
            if await self._add(key, tokens) > limit:
                for each in taken:
                    await self._add(each, -tokens)
                raise BudgetError(f"the budget of {limit:,} tokens {whose} is used up")
        return Reservation(tuple(taken), tokens)

    async def settle(self, reservation: Reservation, used: int) -> None:
        """Books what the call really used in place of what was set aside."""
        for key in reservation.keys:
            await self._add(key, used - reservation.tokens)

    def _limits(self, review_id: str, installation_id: int) -> list[tuple[str, int, str]]:
        day = self._now().date().isoformat()
        limits = [
            (f"review:{review_id}", self._review_tokens, "for this review (LLM_REVIEW_BUDGET)"),
            (
                f"installation:{installation_id}:{day}",
                self._daily_tokens,
                "for this installation today (LLM_DAILY_BUDGET)",
            ),
        ]
        # What belongs to no review, as a person's question, counts for the day alone.
        return [limit for limit in (limits if review_id else limits[1:]) if limit[1]]

    async def _add(self, key: str, tokens: int) -> int:
        if self._redis is None:
            self._sums[key] = self._sums.get(key, 0) + tokens
            return self._sums[key]
        name = f"glossator:llm:spent:{key}"
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.incrby(name, tokens)
            pipe.expire(name, _KEEP)
            total, _ = await pipe.execute()
        return int(total)
