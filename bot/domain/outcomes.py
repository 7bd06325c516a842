"""What became of the findings that we posted, and what that says of us (pure).

A finding collects signals: it was fixed, dismissed, answered. Of those that it has, the one that
says most is its outcome. Findings whose outcome is final are *settled*: of these shares are
reckoned, so that open pull requests neither praise nor blame us.
"""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from statistics import median

from bot.domain.fingerprint import normalized_lines
from bot.domain.model import Category, Effort, Severity


class Signal(StrEnum):
    """What happened to a posted finding; each counts once.

    FIXED: a later review read its files again and it is gone. COMMITTED: and the code is what we
    suggested. OUTDATED: its lines were changed, and no review has said that it is gone. ANSWERED:
    a person replied to it. Thumbs are those of people who may write."""

    FIXED = "fixed"
    COMMITTED = "committed"
    DISMISSED = "dismissed"
    THUMBS_UP = "thumbs_up"
    THUMBS_DOWN = "thumbs_down"
    ANSWERED = "answered"
    OUTDATED = "outdated"


class Outcome(StrEnum):
    """What became of a finding; of several the first counts."""

    DISMISSED = "dismissed"
    THUMBS_DOWN = "thumbs_down"
    COMMITTED = "committed"
    FIXED = "fixed"
    THUMBS_UP = "thumbs_up"
    ANSWERED = "answered"
    OUTDATED = "outdated"
    IGNORED = "ignored"  # merged without any of these
    CLOSED = "closed"  # closed without a merge, and without any of these
    OPEN = "open"

    @property
    def label(self) -> str:
        """What people read."""
        return _LABELS.get(self, self.value)

    @property
    def accepted(self) -> bool:
        return self in (Outcome.COMMITTED, Outcome.FIXED, Outcome.THUMBS_UP)

    @property
    def rejected(self) -> bool:
        """Whether a person called it wrong."""
        return self in (Outcome.DISMISSED, Outcome.THUMBS_DOWN)


_LABELS = {
    Outcome.COMMITTED: "suggestion committed",
    Outcome.THUMBS_UP: "👍",
    Outcome.THUMBS_DOWN: "👎",
    Outcome.IGNORED: "merged without action",
    Outcome.CLOSED: "closed without a merge",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedFinding:
    """A finding as it was posted. `review` is the id of the review that did, `source` who found it
    as `llm+ruff`, without rules; `model` is "" where none had a part in it. `suggestion` names a
    suggestion by `suggestion_name`, "" without one. `others` are the fingerprints of its other
    places by path; `more` says that there were too many to keep."""

    repository: str  # owner/name
    review: str
    fingerprint: str
    path: str
    title: str
    category: Category
    severity: Severity
    source: str
    sources: tuple[str, ...] = ()  # with their rules
    model: str = ""
    effort: Effort
    inline: bool
    suggestion: str = ""
    others: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    more: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingOutcome:
    """A posted finding and what happened since; times in seconds since the epoch. `reason` is what
    somebody gave for a dismissal: hostile text."""

    finding: PostedFinding
    repository_id: int
    number: int
    posted_at: float
    signals: Mapping[Signal, float] = field(default_factory=dict)
    reason: str = ""
    merged_at: float | None = None
    closed_at: float | None = None

    @property
    def outcome(self) -> Outcome:
        for outcome in Outcome:
            if outcome.value in self.signals:
                return outcome
        if self.merged_at is not None:
            return Outcome.IGNORED
        return Outcome.OPEN if self.closed_at is None else Outcome.CLOSED

    @property
    def settled(self) -> bool:
        """Whether nothing more is expected: people said yes or no, or the pull request is merged.
        What is closed without a merge, and not said, is no answer to us."""
        outcome = self.outcome
        return outcome.accepted or outcome.rejected or self.merged_at is not None

    @property
    def fix_seconds(self) -> float | None:
        """How long it took to fix it, once it is fixed."""
        at = self.signals.get(Signal.FIXED)
        return None if at is None else max(0.0, at - self.posted_at)


def suggestion_name(suggestion: str | None) -> str:
    """`<lines>:<digest>` of a suggestion's lines with white space folded; "" for none, and for one
    that only deletes. Code is not kept for this."""
    lines = normalized_lines(suggestion or "")
    return f"{len(lines)}:{_digest(lines)}" if lines else ""


def holds_suggestion(content: str, name: str) -> bool:
    """Whether a file holds the lines of the suggestion of that name, one after the other."""
    count, _, digest = name.partition(":")
    size, lines = int(count), normalized_lines(content)
    return any(
        _digest(lines[at : at + size]) == digest for at in range(max(0, len(lines) - size + 1))
    )


def _digest(lines: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()[:16]


class Dimension(StrEnum):
    """By what findings are told apart."""

    REPOSITORY = "repository"
    CATEGORY = "category"
    SEVERITY = "severity"
    SOURCE = "source"
    MODEL = "model"
    EFFORT = "effort"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Findings of one kind, `name`. `outcomes` counts each outcome that there is. Shares (0..1)
    are of the settled ones, None where there are none; `fix_seconds` is the median."""

    name: str
    posted: int
    settled: int
    outcomes: Mapping[Outcome, int]
    acceptance: float | None
    false_positives: float | None
    fix_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeReport:
    """Findings posted from `since` to `until` (Unix seconds). `by` has tallies for each dimension,
    the largest first; `weeks` are tallies by the Monday (UTC, ISO 8601) of the week in which they
    were posted, oldest first, weeks without any too. `complete` is false where there were more
    pull requests than are looked at."""

    since: float
    until: float
    total: Tally
    by: Mapping[Dimension, tuple[Tally, ...]]
    weeks: tuple[Tally, ...]
    complete: bool = True


def outcome_report(
    found: Sequence[FindingOutcome], since: float, until: float, *, complete: bool = True
) -> OutcomeReport:
    """What the findings came to, summed up."""
    return OutcomeReport(
        since=since,
        until=until,
        total=_tally("", found),
        by={dimension: _tallies(found, _NAMES[dimension]) for dimension in Dimension},
        weeks=_weeks(found, since, until),
        complete=complete,
    )


_NAMES: Mapping[Dimension, Callable[[FindingOutcome], str]] = {
    Dimension.REPOSITORY: lambda one: one.finding.repository,
    Dimension.CATEGORY: lambda one: str(one.finding.category),
    Dimension.SEVERITY: lambda one: str(one.finding.severity),
    Dimension.SOURCE: lambda one: one.finding.source,
    Dimension.MODEL: lambda one: one.finding.model,
    Dimension.EFFORT: lambda one: str(one.finding.effort),
}


def _tallies(
    found: Iterable[FindingOutcome], name: Callable[[FindingOutcome], str]
) -> tuple[Tally, ...]:
    groups: defaultdict[str, list[FindingOutcome]] = defaultdict(list)
    for one in found:
        groups[name(one)].append(one)
    tallies = [_tally(name, group) for name, group in groups.items()]
    return tuple(sorted(tallies, key=lambda each: (-each.posted, each.name)))


def _tally(name: str, found: Sequence[FindingOutcome]) -> Tally:
    settled = [one.outcome for one in found if one.settled]
    fixes = [seconds for one in found if (seconds := one.fix_seconds) is not None]

    def share(of: Callable[[Outcome], bool]) -> float | None:
        return sum(map(of, settled)) / len(settled) if settled else None

    return Tally(
        name=name,
        posted=len(found),
        settled=len(settled),
        outcomes=dict(sorted(Counter(one.outcome for one in found).items(), key=_by_order)),
        acceptance=share(lambda outcome: outcome.accepted),
        false_positives=share(lambda outcome: outcome.rejected),
        fix_seconds=median(fixes) if fixes else None,
    )


def _by_order(item: tuple[Outcome, int]) -> int:
    return list(Outcome).index(item[0])


def _weeks(found: Sequence[FindingOutcome], since: float, until: float) -> tuple[Tally, ...]:
    if found:  # else of "all", which may begin in 1970, there would be thousands
        since = max(since, min(one.posted_at for one in found))
    names = []
    monday, last = _monday(since if found else until), _monday(until)
    while monday <= last:
        names.append(monday.date().isoformat())
        monday += timedelta(days=7)
    groups: dict[str, list[FindingOutcome]] = {name: [] for name in names}
    for one in found:
        groups.setdefault(_monday(one.posted_at).date().isoformat(), []).append(one)
    return tuple(_tally(name, group) for name, group in sorted(groups.items()))


def _monday(seconds: float) -> datetime:
    day = datetime.fromtimestamp(seconds, UTC)
    return day - timedelta(days=day.weekday())


def begin_of(text: str, now: float) -> float:
    """Unix seconds of a span before now, as `90d` or `12w`, or of a day, as `2026-01-31` (UTC).
    Raises ValueError with a sentence."""
    if found := re.fullmatch(r"([0-9]{1,4})([dw])", text):
        return max(0.0, now - int(found[1]) * (7 if found[2] == "w" else 1) * 86_400)
    try:
        return max(0.0, datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp())
    except ValueError:
        raise ValueError("Give days, weeks or a date, such as 90d, 12w or 2026-01-31.") from None
