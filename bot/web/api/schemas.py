"""What the API takes and gives, as pydantic models; the OpenAPI description is made of them."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from bot.domain.model import Category, Effort, State, Trigger
from bot.domain.outcomes import Dimension, Outcome
from bot.domain.preferences import MAX_PATHS, MAX_TEXT
from bot.domain.report_format import ReportFormat
from bot.store import Action, PendingRequest, ReviewSummary, Way

#: No pull request has a greater number.
MAX_NUMBER = 2**31 - 1

#: Reviews on a page of the list.
DEFAULT_LIMIT, MAX_LIMIT = 30, 100

#: Lines on a page of the audit log.
MAX_AUDIT_LIMIT = 1000

FullName = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}$", examples=["o/r"])
]


def _whole(value: object) -> object:
    """JSON knows one kind of number: 12.0 is the integer 12."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class StartReviewRequest(BaseModel):
    """A review to start, of the pull request's current head."""

    model_config = ConfigDict(extra="forbid", strict=True)

    repository: FullName = Field(description="`owner/name`; the App must be installed there.")
    number: Annotated[int, BeforeValidator(_whole)] = Field(
        ge=1, le=MAX_NUMBER, description="The pull request's number."
    )
    full: bool = Field(False, description="Ignore cached results of earlier reviews.")
    focus: Category | None = Field(None, strict=False, description="Only this category.")
    effort: Effort | None = Field(
        None, strict=False, description="quick, standard or deep; default: as configured."
    )


class StartReviewResponse(BaseModel):
    """A requested review."""

    id: str
    status: State
    repository: str
    number: int
    page: str = Field(description="Signed link to the live page.")


class ReviewOut(BaseModel):
    """A review. Times are in seconds since the epoch."""

    id: str
    repository: str
    number: int
    head_sha: str = Field(description='"" until the review has begun.')
    title: str = Field(description='The pull request\'s; "" until the review is done.')
    trigger: Trigger
    requested_by: str
    status: State
    progress: int = Field(ge=0, le=100)
    current_step: str
    files_total: int
    files_done: int
    findings: int
    error: str = Field(description="Why it failed, was cancelled or was not started.")
    tokens: int
    cost: float | None = Field(description="US dollars, by LLM_PRICES; null without prices.")
    opened_at: float
    finished_at: float | None
    review_url: str = Field(description="The review on GitHub.")
    reports: dict[str, str] = Field(description="The report's path by format, once it is written.")


class ReviewPage(BaseModel):
    """Reviews, newest first."""

    items: list[ReviewOut]
    next: str | None = Field(description="The path of the next page.")


class AuditLineOut(BaseModel):
    """Somebody did something."""

    id: str
    at: str = Field(description="ISO 8601, UTC.")
    action: Action
    way: Way
    who: str = Field(description="Login on GitHub, `admin` for an admin token, or a local user.")
    repository: str
    number: int = Field(description="Pull request number; 0: none.")
    review: str = Field(description="Review id.")
    detail: str


class AuditPage(BaseModel):
    """Lines of the audit log, oldest first."""

    items: list[AuditLineOut]
    next: str | None = Field(description="The path of the next page.")


class TallyOut(BaseModel):
    """Findings of one kind. Shares are of the settled ones."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    posted: int
    settled: int
    outcomes: dict[Outcome, int]
    acceptance: float | None = Field(
        description="Share that was fixed, committed or liked, 0 to 1."
    )
    false_positives: float | None = Field(description="Share that was dismissed or disliked.")
    fix_seconds: float | None = Field(description="Median time from posting to the fix.")


class OutcomesOut(BaseModel):
    """What became of the findings posted from `since` to `until` (seconds since the epoch)."""

    model_config = ConfigDict(from_attributes=True)

    since: float
    until: float
    total: TallyOut
    by: dict[Dimension, list[TallyOut]]
    weeks: list[TallyOut] = Field(description="By the Monday of the week of posting, UTC.")
    complete: bool = Field(description="False: only the newest pull requests were counted.")


class EditPreferenceRequest(BaseModel):
    """A preference in other words, or for other paths."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: str = Field(min_length=1, max_length=MAX_TEXT, description="One sentence.")
    paths: list[Annotated[str, Field(min_length=1, max_length=200)]] = Field(
        min_length=1, max_length=MAX_PATHS, description="Globs of changed files."
    )


class PreferenceOut(BaseModel):
    """What a repository's team does not want reported. Times are in seconds since the epoch."""

    model_config = ConfigDict(from_attributes=True)

    repository: str
    repository_id: int
    number: int
    text: str
    paths: list[str]
    pull: int = Field(description="Pull request number of the finding that it came from.")
    fingerprint: str = Field(description="The finding's id.")
    category: str
    rule: str = Field(description="Who found it, such as `llm` or `ruff:F821`.")
    kept_by: str
    kept_at: float
    edited_by: str
    given_at: float = Field(description="Last given to the model, at most daily; 0: never.")


class PreferenceList(BaseModel):
    """Preferences by repository and number."""

    items: list[PreferenceOut]


class ProblemOut(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str


def pending_to_json(review_id: str, found: PendingRequest) -> ReviewOut:
    """A review that has not started, or never will."""
    return ReviewOut(
        id=review_id,
        repository=found.repository,
        number=found.number,
        head_sha=found.head_sha,
        title="",
        trigger=found.trigger,
        requested_by=found.requested_by,
        status=State.FAILED if found.error else State.QUEUED,
        progress=0,
        current_step="" if found.error else "Waiting for a worker",
        files_total=0,
        files_done=0,
        findings=0,
        error=found.error,
        tokens=0,
        cost=None,
        opened_at=found.requested_at,
        finished_at=found.ended_at,
        review_url="",
        reports={},
    )


def review_to_json(summary: ReviewSummary) -> ReviewOut:
    review, progress = summary.review, summary.progress
    done = progress.state is State.COMPLETED
    return ReviewOut(
        id=review.id,
        repository=review.repository.full_name,
        number=review.number,
        head_sha=review.head_sha,
        title=summary.title,
        trigger=review.trigger,
        requested_by=review.requested_by,
        status=progress.state,
        progress=progress.percent,
        current_step=progress.status_text,
        files_total=progress.files_total,
        files_done=progress.files_done,
        findings=progress.findings,
        error=progress.error,
        tokens=summary.tokens,
        cost=summary.cost,
        opened_at=summary.opened_at,
        finished_at=summary.finished_at,
        review_url=summary.review_url,
        reports={f: f"/api/reviews/{review.id}/report.{f}" for f in ReportFormat} if done else {},
    )
