"""Reviews summed up for the dashboard, and small charts of them as inline SVG (pure).

The charts' colors come from the style sheet."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from bot.domain.model import State
from bot.store import ReviewSummary, UsageTotal, day_of

DAYS = 14
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


def summarize(
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
    )


def _per_day(amounts: Sequence[tuple[str, float]], now: float) -> list[tuple[str, float]]:
    days = dict.fromkeys(days_of(now), 0.0)
    for day, amount in amounts:
        if day in days:
            days[day] += amount
    return list(days.items())


WIDTH, HEIGHT, BASE = 400, 110, 90


def bar_chart(values: Sequence[tuple[str, float]], title: str, labels: Sequence[str]) -> Markup:
    """A bar for each (label, value); `labels` is each value as people read it."""
    largest = max((value for _, value in values), default=0) or 1
    step = WIDTH / max(1, len(values))
    marks = []
    for i, ((label, value), text) in enumerate(zip(values, labels, strict=True)):
        height = max(1.0 if value else 0.0, value / largest * (BASE - 14))
        marks.append(
            f'<rect class="bar" x="{i * step + step * 0.12:.1f}" y="{BASE - height:.1f}" '
            f'width="{step * 0.76:.1f}" height="{height:.1f}" rx="2">'
            f"<title>{escape(label)}: {escape(text)}</title></rect>"
        )
    highest = max(zip(values, labels, strict=True), key=lambda pair: pair[0][1], default=None)
    top = escape(highest[1]) if highest else ""
    return _chart(title, "".join(marks), values, f'<text x="0" y="10">{top}</text>')


def _chart(title: str, marks: str, values: Sequence[tuple[str, float]], top: str) -> Markup:
    first, last = (escape(values[0][0]), escape(values[-1][0])) if values else ("", "")
    return Markup(  # noqa: S704  # all text in it was escaped
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(title)}">'
        f'<line class="axis" x1="0" y1="{BASE}" x2="{WIDTH}" y2="{BASE}"/>{marks}{top}'
        f'<text x="0" y="{HEIGHT - 4}">{first}</text>'
        f'<text x="{WIDTH}" y="{HEIGHT - 4}" text-anchor="end">{last}</text></svg>'
    )
