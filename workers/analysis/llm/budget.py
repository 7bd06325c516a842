"""What a review and an installation may spend on a day, in tokens, and what tokens cost.

Before a call its likely tokens are reserved, after it the real ones are booked: calls
that run at once cannot exceed a budget together. What was used is kept without budgets too.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.config.settings import Price
from bot.domain.model import Usage
from bot.runtime.tasks import run_to_completion
from bot.store import UsageRecords
from workers.analysis.llm.errors import BudgetError

#: A scope, the most that may be spent under it, and whose budget that is, for people.
Limit = tuple[str, int, str]


@dataclass(frozen=True, slots=True)
class Reservation:
    """Tokens set aside under some scopes until the call is over, and whose call it is."""

    scopes: tuple[str, ...]
    tokens: int
    review_id: str
    installation_id: int


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
        records: UsageRecords | None,
        *,
        review_tokens: int,
        daily_tokens: int,
        outsider_tokens: int = 0,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._records = records
        self._review_tokens = review_tokens
        self._daily_tokens = daily_tokens
        # The rest is for those who may write, however much others ask.
        shares = [each for each in (outsider_tokens, daily_tokens // 4) if each]
        self._outsider_tokens = min(shares) if outsider_tokens else 0
        self._now = now
        self._sums: dict[str, int] = {}

    async def reserve(
        self, review_id: str, installation_id: int, tokens: int, *, by_outsider: bool = False
    ) -> Reservation:
        """Sets `tokens` aside, `by_outsider` from the share of those who may not write as well.
        Raises BudgetError, with nothing set aside, if they are too many; nothing stays set aside
        for one who is cancelled meanwhile."""
        limits = self._limits(review_id, installation_id, by_outsider)
        taken: list[Reservation] = []

        async def take() -> None:
            if (over := await self._take(limits, tokens)) is not None:
                _, limit, scope_text = over
                raise BudgetError(f"the budget of {limit:,} tokens {scope_text} is used up")
            scopes = tuple(scope for scope, _, _ in limits)
            taken.append(Reservation(scopes, tokens, review_id, installation_id))

        try:
            await run_to_completion(take())
        except asyncio.CancelledError:
            for reservation in taken:
                await self.settle(reservation, Usage())
            raise
        return taken[0]

    async def settle(self, reservation: Reservation, used: Usage) -> None:
        """Books what the call really used in place of what was set aside, also for one who is
        cancelled meanwhile."""
        await run_to_completion(self._book(reservation, used))

    async def _book(self, reservation: Reservation, used: Usage) -> None:
        if reservation.scopes:
            tokens = used.prompt_tokens + used.completion_tokens
            await self._add(reservation.scopes, tokens - reservation.tokens)
        if self._records is not None and used.calls:
            await self._records.add(
                used,
                installation_id=reservation.installation_id,
                review_id=reservation.review_id,
                now=self._now().timestamp(),
            )

    def _limits(self, review_id: str, installation_id: int, by_outsider: bool) -> list[Limit]:
        day = self._now().date().isoformat()
        limits = [
            (f"review:{review_id}", self._review_tokens, "for this review (LLM_REVIEW_BUDGET)"),
            (
                f"installation:{installation_id}:{day}",
                self._daily_tokens,
                "for this installation today (LLM_DAILY_BUDGET)",
            ),
        ]
        if by_outsider:
            limits.append(
                (
                    f"outsiders:{installation_id}:{day}",
                    self._outsider_tokens,
                    "for authors without write access today (LLM_OUTSIDER_BUDGET)",
                )
            )
        # What belongs to no review, as a person's question, counts for the day alone.
        return [limit for limit in (limits if review_id else limits[1:]) if limit[1]]

    async def _take(self, limits: Sequence[Limit], tokens: int) -> Limit | None:
        """Adds to all sums, or to none: then the limit that would be exceeded is returned."""
        if not limits:
            return None
        if self._records is not None:
            position = await self._records.reserve(
                [(scope, limit) for scope, limit, _ in limits], tokens
            )
            return None if position is None else limits[position]
        for each in limits:
            if self._sums.get(each[0], 0) + tokens > each[1]:
                return each
        await self._add([scope for scope, _, _ in limits], tokens)
        return None

    async def _add(self, scopes: Sequence[str], tokens: int) -> None:
        if self._records is not None:
            await self._records.adjust(scopes, tokens)
            return
        for scope in scopes:
            self._sums[scope] = self._sums.get(scope, 0) + tokens
