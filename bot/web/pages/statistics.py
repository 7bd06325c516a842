"""Reviews summed up for the dashboard (pure)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.domain.model import State
from bot.store import ReviewSummary
from bot.store.dates import day_of
from bot.store.usage_questions import UsageTotal

DAYS = 14
#: Repositories whose scores are drawn, those reviewed most lately first.
REPOSITORIES = 6
#: Scores in one line.
SCORES = 30
#: Installations shown, those that have used most first.
INSTALLATIONS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """`success` and `failure` are shares (0..1) of the reviews that completed or failed;
    None where there are none. Days are UTC, oldest first."""

    running: int
    finished: int
    success: float | None
    failure: float | None
    median_seconds: float | None
    p90_seconds: float | None  # nine of ten were faster
    reviews_per_day: list[tuple[str, float]]
    tokens_per_day: list[tuple[str, float]]
    cost_per_day: list[tuple[str, float]]
    scores: dict[str, list[tuple[str, float]]]


@dataclass(frozen=True, slots=True)
class Account:
    """What an installation has used today, and on all the days that figures are told of."""

    name: str
    today: UsageTotal
    total: UsageTotal


def accounts(
    usage_by_day: Mapping[str, Mapping[int, UsageTotal]],
    reviews: Sequence[ReviewSummary],
    now: float,
) -> list[Account]:
    """Of what installations used by day, those that used most first; each has the name of the
    account that the reviews know it by, else its id."""
    owners = {
        r.review.repository.installation_id: r.review.repository.full_name.partition("/")[0]
        for r in reversed(reviews)  # the newest name is the one that counts
    }
    sums: defaultdict[int, UsageTotal] = defaultdict(UsageTotal)
    for usage in usage_by_day.values():
        for installation_id, amount in usage.items():
            sums[installation_id] += amount
    today = usage_by_day.get(day_of(now), {})
    ranked = sorted(sums, key=lambda one: (-sums[one].cost, -sums[one].tokens, one))
    return [
        Account(owners.get(one, f"installation {one}"), today.get(one, UsageTotal()), sums[one])
        for one in ranked[:INSTALLATIONS]
    ]


def days_of(now: float) -> list[str]:
    """The days that figures are told of, as ISO 8601 writes them."""
    return [day_of(now - back * 86_400) for back in reversed(range(DAYS))]


def sum_up(
    reviews: Sequence[ReviewSummary], question_usage: Mapping[str, UsageTotal], now: float
) -> Statistics:
    """Of reviews, newest first, and of what questions cost by day; days without any may be
    left out."""
    finished = [r for r in reviews if r.state in (State.COMPLETED, State.FAILED)]
    done = [r for r in finished if r.state is State.COMPLETED]
    seconds = sorted(r.seconds for r in done if r.seconds is not None)
    success = len(done) / len(finished) if finished else None
    return Statistics(
        running=sum(not r.state.finished for r in reviews),
        finished=sum(r.state.finished for r in reviews),
        success=success,
        failure=None if success is None else 1 - success,
        median_seconds=seconds[len(seconds) // 2] if seconds else None,
        p90_seconds=seconds[min(len(seconds) - 1, len(seconds) * 9 // 10)] if seconds else None,
        reviews_per_day=_per_day([(day_of(r.opened_at), 1.0) for r in reviews], now),
        tokens_per_day=_per_day(
            [(day_of(r.opened_at), float(r.tokens)) for r in reviews]
            + [(day, float(usage.tokens)) for day, usage in question_usage.items()],
            now,
        ),
        cost_per_day=_per_day(
            [(day_of(r.opened_at), r.cost or 0.0) for r in reviews]
            + [(day, usage.cost) for day, usage in question_usage.items()],
            now,
        ),
        scores=_scores(reviews),
    )


def _per_day(amounts: Sequence[tuple[str, float]], now: float) -> list[tuple[str, float]]:
    days = dict.fromkeys(days_of(now), 0.0)
    for day, amount in amounts:
        if day in days:
            days[day] += amount
    return list(days.items())


def _scores(reviews: Sequence[ReviewSummary]) -> dict[str, list[tuple[str, float]]]:
    found: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for listed in reviews:
        name = listed.review.repository.full_name
        known = name in found or len(found) < REPOSITORIES
        if listed.score is not None and known and len(found[name]) < SCORES:
            label = f"#{listed.review.number}, {day_of(listed.opened_at)}"
            found[name].append((label, float(listed.score)))
    return {name: points[::-1] for name, points in found.items()}
