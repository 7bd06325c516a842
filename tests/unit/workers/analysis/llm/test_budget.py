"""What a review and an installation may spend, in Redis and without it; and what tokens cost."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection

from bot.config.repository_config import RepoConfig
from bot.config.settings import Price, Settings
from bot.domain.model import BatchResult, Usage
from bot.store import Store, UsageTotal, keys
from tests.support.llm_server import LLMServer, Request, Status, Text, agreeable
from tests.support.reviews import state_of
from tests.support.web_server import REVIEW
from tests.unit.workers.analysis.conftest import BRIEF, batch, batch_file
from workers.analysis.llm.budget import Budget, cost
from workers.analysis.llm.client import LLM
from workers.analysis.llm.errors import BudgetError, TransientLLMError
from workers.analysis.read_batch import analyze

Make = Callable[..., tuple[LLM, Settings]]


class Day:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 31, 23, 59, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(params=["in Redis", "in this process"])
def where(request: pytest.FixtureRequest, redis: "Redis") -> "Redis | None":
    return redis if request.param == "in Redis" else None


def budget(
    where: "Redis | None", *, review: int = 0, daily: int = 0, now: Day | None = None
) -> Budget:
    records = Store(where, keep_seconds=60).usage if where is not None else None
    return Budget(records, review_tokens=review, daily_tokens=daily, now=now or Day())


async def test_what_was_used_counts_and_not_what_was_set_aside(where: "Redis | None") -> None:
    limited = budget(where, review=1000)
    reservation = await limited.reserve("r", 1, 900)
    with pytest.raises(BudgetError, match=r"1,000 tokens for this review \(LLM_REVIEW_BUDGET\)"):
        await limited.reserve("r", 1, 200)
    await limited.settle(reservation, Usage(calls=1, prompt_tokens=90, completion_tokens=10))
    await limited.reserve("r", 1, 900)
    with pytest.raises(BudgetError):
        await limited.reserve("r", 1, 1)


async def test_calls_at_once_cannot_exceed_a_budget_together(where: "Redis | None") -> None:
    limited = budget(where, daily=1000)
    tries = await asyncio.gather(
        *(limited.reserve(f"r{n}", 1, 300) for n in range(8)), return_exceptions=True
    )
    assert sum(isinstance(each, BudgetError) for each in tries) >= 5
    assert sum(not isinstance(each, BaseException) for each in tries) <= 3


async def test_a_refusal_leaves_nothing_set_aside(where: "Redis | None") -> None:
    limited = budget(where, review=1000, daily=500)
    with pytest.raises(BudgetError, match="LLM_DAILY_BUDGET"):
        await limited.reserve("r", 1, 600)
    await limited.reserve("r", 1, 500)
    await limited.reserve("r", 2, 500)


async def test_each_day_and_each_installation_has_its_own(where: "Redis | None") -> None:
    day = Day()
    limited = budget(where, daily=500, now=day)
    await limited.reserve("a", 1, 500)
    with pytest.raises(BudgetError, match="today"):
        await limited.reserve("b", 1, 1)
    await limited.reserve("c", 2, 500)
    day.now += timedelta(minutes=1)
    await limited.reserve("d", 1, 500)


async def test_what_belongs_to_no_review_counts_for_the_day_alone(where: "Redis | None") -> None:
    limited = budget(where, review=100, daily=300)
    await limited.reserve("", 1, 150)
    await limited.reserve("", 1, 150)
    with pytest.raises(BudgetError, match="LLM_DAILY_BUDGET"):
        await limited.reserve("", 1, 1)


async def test_no_limit_is_no_limit(where: "Redis | None") -> None:
    await budget(where).reserve("r", 1, 10**12)


async def test_sums_expire_after_the_day(redis: "Redis") -> None:
    await budget(redis, review=1000, daily=1000).reserve("r", 1, 10)
    found = await redis.keys(keys.llm_spent("*"))
    assert len(found) == 2
    for key in found:
        assert 24 * 3600 < await redis.ttl(key) <= 48 * 3600


class Answers:
    """Redis' answers, which arrive once they are let through."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.requested, self.let_through = asyncio.Event(), asyncio.Event()
        real = AbstractConnection.read_response

        async def read(connection: Any, *args: Any, **more: Any) -> Any:
            self.requested.set()
            try:
                await self.let_through.wait()
            except asyncio.CancelledError:  # as the real one does
                await connection.disconnect(nowait=True)
                raise
            return await real(connection, *args, **more)

        monkeypatch.setattr(AbstractConnection, "read_response", read)


async def spent(redis: "Redis") -> list[int]:
    names = ("review:r", "installation:1:2026-01-31")
    return [int(await redis.get(keys.llm_spent(name)) or 0) for name in names]


async def test_who_is_cancelled_while_tokens_are_set_aside_leaves_none(
    redis: "Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    limited = budget(redis, review=1000, daily=1000)
    await limited.settle(await limited.reserve("r", 1, 10), Usage())  # now Redis knows the script
    answers = Answers(monkeypatch)
    reserving = asyncio.create_task(limited.reserve("r", 1, 100))
    await answers.requested.wait()
    reserving.cancel()
    answers.let_through.set()
    with pytest.raises(asyncio.CancelledError):
        await reserving
    assert await spent(redis) == [0, 0]


async def test_who_is_cancelled_while_the_cost_is_booked_has_booked_all_of_it(
    redis: "Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    limited = budget(redis, review=1000, daily=1000)
    reservation = await limited.reserve("r", 1, 100)
    answers = Answers(monkeypatch)
    settling = asyncio.create_task(limited.settle(reservation, Usage(calls=1, prompt_tokens=30)))
    await answers.requested.wait()
    settling.cancel()
    answers.let_through.set()
    with pytest.raises(asyncio.CancelledError):
        await settling
    assert await spent(redis) == [30, 30]


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        (None, None),
        (Price(prompt=2, cached=1, completion=10), (400 * 2 + 600 * 1 + 50 * 10) / 1e6),
        (Price(prompt=2, completion=10), (1000 * 2 + 50 * 10) / 1e6),
        (Price(prompt=2, cached=0, completion=10), (400 * 2 + 50 * 10) / 1e6),
        (Price(prompt=0, completion=0), 0),
    ],
    ids=["unknown", "cached", "no price for cached", "cached is free", "free"],
)
def test_cost_counts_cached_tokens_by_their_own_price(
    price: Price | None, expected: float | None
) -> None:
    used = Usage(calls=1, prompt_tokens=1000, cached_tokens=600, completion_tokens=50)
    assert cost(used, price) == pytest.approx(expected)


async def run(llm: LLM, settings: Settings, name: str, *, last_try: bool = True) -> BatchResult:
    return await analyze(
        batch(batch_file(name)),
        BRIEF,
        llm,
        settings,
        RepoConfig(),
        focus=None,
        review_id="r",
        installation_id=7,
        last_try=last_try,
    )


@pytest.mark.parametrize("setting", ["llm_review_budget", "llm_daily_budget"])
async def test_a_budget_over_two_workers_ends_in_a_partial_review_with_a_note(
    server: LLMServer, make_llm: Make, redis: "Redis", setting: str
) -> None:
    server.default = lambda request: Text(agreeable(request).content, prompt_tokens=9000)
    workers = [make_llm(redis, **{setting: 12_000}) for _ in range(2)]

    first = await run(*workers[0], "a.py")
    second = await run(*workers[1], "b.py")

    assert first.reviewed == ("a.py",)
    assert second.reviewed == ()
    assert [each.path for each in second.skipped] == ["b.py"]
    assert second.notes[0].startswith(
        "b.py was not reviewed by the model: the budget of 12,000 tokens"
    )
    assert setting.upper() in second.notes[0]
    assert len(server.requests) == 1


async def test_a_call_that_fails_gives_back_what_was_set_aside(
    server: LLMServer, make_llm: Make, redis: "Redis"
) -> None:
    llm, settings = make_llm(redis, llm_review_budget=100_000, llm_backoff_ms=1)
    server.default = Status(500)
    with pytest.raises(TransientLLMError):
        await run(llm, settings, "a.py", last_try=False)
    assert await redis.get(keys.llm_spent("review:r")) == b"0"


async def test_a_failed_attempt_reports_its_full_cost(server: LLMServer, make_llm: Make) -> None:
    def second_file_fails(request: Request) -> Text | Status:
        if "a.py" in request.user and "b.py" in request.user:
            return Status(413)
        return Status(500) if "b.py" in request.user else agreeable(request)

    server.default = second_file_fails
    llm, settings = make_llm()
    files = batch(batch_file("a.py"), batch_file("b.py"))
    with pytest.raises(TransientLLMError) as failed:
        await analyze(files, BRIEF, llm, settings, RepoConfig(), focus=None)
    assert failed.value.usage.calls == 1
    assert failed.value.usage.prompt_tokens == 1000


async def test_what_calls_have_used_is_kept_by_day_and_review_where_there_is_no_budget(
    redis: "Redis", store: Store
) -> None:
    day = Day()
    unlimited = budget(redis, now=day)
    await store.reviews.open(replace(REVIEW, id="r"))
    for review_id, usage in (
        ("r", Usage(calls=1, prompt_tokens=90, completion_tokens=10, cost=0.5)),
        ("r", Usage(calls=1, prompt_tokens=20)),  # of a model without a price
        ("", Usage(calls=1, prompt_tokens=7, cost=0.25)),  # a question's
        ("gone", Usage()),  # not answered
    ):
        await unlimited.settle(await unlimited.reserve(review_id, 1, 1000), usage)
    day.now += timedelta(days=1)
    await unlimited.settle(await unlimited.reserve("gone", 2, 1000), Usage(calls=1))
    assert await store.usage.by_day(["2026-01-30", "2026-01-31", "2026-02-01"]) == {
        "2026-01-30": {},
        "2026-01-31": {1: UsageTotal(127, 0.75)},
        "2026-02-01": {2: UsageTotal(0, 0.0)},
    }
    assert 0 < await redis.ttl(keys.usage("2026-01-31")) <= 60
    review = await state_of(store, "r")
    assert (review.calls, review.tokens, review.cost) == (2, 120, 0.5)
    assert not await redis.exists(keys.review("gone"))


async def test_outsiders_have_at_most_a_quarter_of_the_day() -> None:
    budget = Budget(None, review_tokens=0, daily_tokens=1000, outsider_tokens=800)
    await budget.reserve("a", 1, 250, by_outsider=True)
    with pytest.raises(BudgetError, match=r"250 tokens for authors without write access"):
        await budget.reserve("b", 1, 1, by_outsider=True)
    await budget.reserve("c", 1, 750)
    with pytest.raises(BudgetError, match="LLM_DAILY_BUDGET"):
        await budget.reserve("d", 1, 1)
