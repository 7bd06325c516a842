"""GET /reviews/{id}: one review, finished or under way."""

from dataclasses import dataclass, fields

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bot.domain.model import (
    Category,
    Finding,
    Report,
    Severity,
    State,
    Usage,
)
from bot.domain.progress import Progress
from bot.github.urls import CodeLinks
from bot.policy.precedence import speak
from bot.security.links import Purpose, report_links
from bot.store import Store
from bot.web.auth.viewer import (
    find_pending_access,
    find_review_access,
    may_sign_in_for_link,
    viewer,
)
from bot.web.pages.forms import may_act, may_cancel, new_request, token_for
from bot.web.pages.templates import not_found, page
from templates.languages import _

#: Characters of a filter that are read.
MAX_FILTER = 200

#: Links on the page of somebody who came without one are good for so long.
LINK_SECONDS = 3600

STAGES = {
    State.QUEUED: "Queued",
    State.SCANNING: "Scan",
    State.ANALYZING: "Analysis",
    State.REPORTING: "Report",
    State.COMPLETED: "Done",
}

HEADINGS = {
    State.QUEUED: "Waiting for a worker",
    State.SCANNING: "Scanning the change",
    State.ANALYZING: "Reviewing",
    State.REPORTING: "Writing the report",
    State.COMPLETED: "Reviewed",
    State.FAILED: "The review failed",
    State.CANCELLED: "Cancelled",
    State.SUPERSEDED: "Superseded by a newer review",
}


#: Where the review on GitHub has a finding.
PLACES = {"inline": "inline comment", "open": "still open", "body": "in the review"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which findings the page shows; "" is all. `path` is a part of a path."""

    severity: str = ""
    category: str = ""
    path: str = ""
    where: str = ""

    @property
    def any(self) -> bool:
        return self != Filters()

    def show(self, finding: Finding, where: str) -> bool:
        paths = (finding.path, *(place.path for place in finding.places))
        return (
            self.severity in ("", finding.severity)
            and self.category in ("", finding.category)
            and self.where in ("", where)
            and any(self.path.lower() in path.lower() for path in paths)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewResults:
    """What has been found until now; `report` once it is written."""

    report: Report | None
    findings: tuple[Finding, ...]
    usage: Usage

    @property
    def total(self) -> int:
        """How many defects; one at several places counts for each."""
        return sum(finding.occurrences for finding in self.findings)

    def counts(self) -> list[tuple[Severity, int]]:
        by = [(s, sum(f.occurrences for f in self.findings if f.severity is s)) for s in Severity]
        return [(severity, number) for severity, number in by if number]

    def where(self, finding: Finding) -> str:
        """Where the review on GitHub has it, a key of PLACES; "" before there is one."""
        if self.report is None:
            return ""
        if finding.fingerprint in self.report.inline:
            return "inline"
        return "open" if finding.fingerprint in self.report.still_open else "body"

    def files_read(self, progress: Progress) -> tuple[int, int]:
        """How many files were read, of how many; analyzers read files, too."""
        if self.report is None:
            return progress.files_done, progress.files_total
        changed = {file.path for file in self.report.files}
        return len(changed - {item.path for item in self.report.skipped}), len(changed)


async def review_page(request: Request) -> Response:
    """The page, or 404 for whoever may not see it."""
    review_id, store = request.path_params["review_id"], request.app.state.store
    access = await find_review_access(request, Purpose.PAGE, review_id)
    if access is None:
        return await _pending_page(request, review_id)
    state = await store.reviews.get(review_id)
    if state is None:
        return not_found()
    if state.handoff is not None:
        speak(request.app.state.settings, state.handoff.config)
    progress = state.progress
    # Read before the findings: events that come meanwhile are told again, not lost.
    newest = await store.events.newest_id(review_id)
    found = await _results_so_far(store, review_id)
    settings = request.app.state.settings
    expires = access.link_expires or int(store.now()) + LINK_SECONDS
    # A link tells nothing of who follows it; they may have signed in all the same.
    user = await viewer(request)
    can_cancel = user is not None and may_cancel(user, access.review, progress.state)
    dismissed = await store.suppressions.dismissals(
        access.review.repository.id, access.review.number, settings.suppression_days
    )
    query = request.query_params
    filters = Filters(
        **{field.name: query.get(field.name, "")[:MAX_FILTER] for field in fields(Filters)}
    )
    may = user is not None and may_act(user, access.review)
    return page(
        "review.html",
        filters=filters,
        severities=Severity,
        categories=Category,
        places=PLACES,
        dismissed=dismissed.why,
        action_token=token_for(request, user) if user and may else "",
        request_id=new_request(),
        review=access.review,
        title=state.title or _("Pull request #{number}", number=access.review.number),
        pull_url=f"{settings.github_url}/{access.review.repository.full_name}"
        f"/pull/{access.review.number}",
        review_url=state.review_url,
        progress=progress,
        form_token=token_for(request, user) if user and can_cancel else "",
        key=request.query_params.get("key", ""),
        heading=_(HEADINGS[progress.state]),
        stages=_stages(progress),
        found=found,
        started=state.opened_at,
        ended=state.finished_at,
        now=store.now(),
        superseded_by=state.superseded_by,
        reports=report_links(request.app.state.keys[0], review_id, expires) if found.report else {},
        code=CodeLinks(
            f"{settings.github_url}/{access.review.repository.full_name}",
            access.review.head_sha,
            found.report.merge_base if found.report else "",
        ),
        feed=f"/ws/reviews/{review_id}",
        after=newest,
        show_usage=settings.show_cost,
    )


async def _needs_sign_in(request: Request, review_id: str) -> bool:
    """Whether they came by a good link and did not say who they are yet."""
    has_link = may_sign_in_for_link(request, Purpose.PAGE, review_id)
    return has_link and await viewer(request) is None


async def _pending_page(request: Request, review_id: str) -> Response:
    """What is shown where a pull request was left alone, or of what has not begun yet."""
    found = await find_pending_access(request, Purpose.PAGE, review_id)
    if found is None:
        if await _needs_sign_in(request, review_id):
            return RedirectResponse(f"/sign-in?review={review_id}", 303)
        return not_found()
    github_url = request.app.state.settings.github_url
    return page(
        "waiting.html",
        found=found,
        heading=_("Not reviewed") if found.error else _(HEADINGS[State.QUEUED]),
        pull_url=f"{github_url}/{found.repository}/pull/{found.number}",
        feed=f"/ws/reviews/{review_id}",
    )


async def _results_so_far(store: Store, review_id: str) -> ReviewResults:
    report = await store.stage_data.report(review_id)
    if report is not None:
        return ReviewResults(report=report, findings=report.findings, usage=report.usage)
    scan, results = (
        await store.stage_data.scan(review_id),
        await store.stage_data.results(review_id),
    )
    findings = [f for result in results for f in result.findings]
    known = {f.fingerprint for f in findings}
    if scan is not None:
        findings += [f for f in scan.evidence if f.fingerprint not in known]
    findings.sort(key=lambda f: (f.severity.rank, f.path, f.start_line or 0))
    usage = sum((result.usage for result in results), Usage())
    return ReviewResults(report=None, findings=tuple(findings), usage=usage)


def _stages(progress: Progress) -> list[tuple[str, str]]:
    """Each stage's name and whether it is `done`, `current` or `ahead`."""
    order = list(STAGES)
    if progress.state not in order:  # it ended early; where is not kept
        return []
    at = order.index(progress.state)
    if progress.state is State.COMPLETED:
        at += 1
    return [
        (_(name), "done" if i < at else "current" if i == at else "ahead")
        for i, name in enumerate(STAGES.values())
    ]
