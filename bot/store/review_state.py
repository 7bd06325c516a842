"""What is kept of a running review, typed: the one module that knows the names in its hash.

Each field of `ReviewState` is a field of the hash `keys.review`, as text: numbers and enums as
they are, flags as 0 or 1, everything else as JSON. Scripts set some of them too, by the same
names, and a test holds them to these.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypedDict, TypeVar

from pydantic import Json, TypeAdapter

from bot.config.repository_config import RepoConfig
from bot.domain.model import PullRequest, Review, State, encode
from bot.domain.progress import Activity, Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewResult:
    """The result in the feed's last event."""

    verdict: str
    conclusion: str
    findings: int
    review_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Handoff:
    """What the start of a review hands on to its stages: the pull request and the repository's
    configuration as they were then, and what was wrong with that, a sentence each. The scan
    begins `settle_seconds` later. `by_outsider`: the author may not write, and nobody who may has
    asked for the review. `dependencies_only`: what a bot updates is told, and no model asked."""

    pull: PullRequest
    config: RepoConfig
    notes: tuple[str, ...] = ()
    settle_seconds: float = 0.0
    by_outsider: bool = False
    dependencies_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewSummary:
    """A review as lists and pages show it. Times in seconds since the epoch; what is not known
    yet is None, or "" for texts. `error` says why it ended without a report."""

    review: Json[Review]
    state: State
    opened_at: float
    finished_at: float | None = None
    percent: int = 0
    activity: Activity = Activity.QUEUED
    amount: int = 0  # the number that goes with `activity`
    files_total: int = 0
    files_done: int = 0
    findings: int = 0
    error: str = ""
    title: str = ""  # the pull request's
    tokens: int = 0
    cost: float | None = None
    review_url: str = ""  # of the posted review

    @property
    def progress(self) -> Progress:
        return Progress(
            state=self.state,
            percent=self.percent,
            activity=self.activity,
            amount=self.amount,
            files_total=self.files_total,
            files_done=self.files_done,
            findings=self.findings,
            error=self.error,
        )

    @property
    def seconds(self) -> float | None:
        """How long it took, once it is finished."""
        return None if self.finished_at is None else max(0.0, self.finished_at - self.opened_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewState(ReviewSummary):
    """All that is kept of a review beside what its stages hand on."""

    handoff: Json[Handoff] | None = None  # None while it is just being opened

    # Its turn among the reviews of its installation
    installation_id: int | None = None
    admitted: bool = False  # its scan has a message, or gets one with its slot
    parked: str = ""  # those messages, while it waits for a slot

    started_at: float | None = None  # the first start of its scan
    batches: int = 0
    calls: int = 0  # of the LLM
    recoveries: int = 0  # how often it was taken up when nothing went on with it
    outage: str = ""  # what it waited for last, for people

    check_run_requested: bool = False  # GitHub may have made it without our learning its id
    check_run_id: int | None = None
    check_run_seen_by: str = ""  # the run of Redis that knew it to be open
    check_run_completing: bool = False  # GitHub may have some or all of its annotations
    check_run_open: bool = False  # the review stands, and its check run is to be completed yet
    posting_started: bool = False  # GitHub may have the review without our knowing

    supersedes: str = ""  # the id of the review that it replaced
    superseded_by: str = ""
    cancelled_by: str = ""  # the request that cancelled it, where that has a name
    timed_out: bool = False
    concluded: bool = False  # nothing is left to do for one that ended without a report
    end_logged: str = ""  # by whom
    result: Json[ReviewResult] | None = None

    def require_handoff(self) -> Handoff:
        """Raises ValueError while it is just being opened: no stage has a message then."""
        if self.handoff is None:
            raise ValueError("The review has not been started.")
        return self.handoff


class ReviewChange(TypedDict, total=False):
    """Fields of `ReviewState` that change after a review was opened, by what its stages do; the
    scripts change others."""

    percent: int
    activity: Activity
    amount: int
    files_total: int
    files_done: int
    findings: int
    error: str
    title: str
    review_url: str
    handoff: Handoff
    started_at: float
    recoveries: int
    outage: str
    check_run_requested: bool
    check_run_id: int
    check_run_seen_by: str
    check_run_completing: bool
    posting_started: bool
    cancelled_by: str
    timed_out: bool
    concluded: bool
    result: ReviewResult


Summary = TypeVar("Summary", bound=ReviewSummary)

_ADAPTERS: dict[type[ReviewSummary], TypeAdapter[Any]] = {
    kind: TypeAdapter(kind) for kind in (ReviewSummary, ReviewState)
}


def to_hash(values: Mapping[str, object]) -> dict[str, str]:
    """Fields as the hash keeps them."""
    return {name: _text(value) for name, value in values.items()}


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, str | int | float):
        return str(value)
    return encode(value).decode()


def field_names(kind: type[ReviewSummary]) -> tuple[str, ...]:
    """The fields of the hash that this kind is read from."""
    return tuple(field.name for field in fields(kind))


def from_hash(kind: type[Summary], values: Sequence[Any]) -> Summary | None:
    """The review of these values, which are in the order of `field_names`; None where there is
    none. Raises pydantic.ValidationError."""
    known = {
        name: value.decode() if isinstance(value, bytes) else value
        for name, value in zip(field_names(kind), values, strict=True)
        if value is not None
    }
    if "review" not in known:
        return None
    review: Summary = _ADAPTERS[kind].validate_python(known)
    return review
