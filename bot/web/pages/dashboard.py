"""GET /: reviews, queues and figures, for people who signed in, and its buttons. GET /outcomes:
what became of the findings that we posted. GET /preferences: what teams had us remember."""

from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bot.domain.model import State
from bot.domain.outcomes import Dimension, Outcome, Tally
from bot.store import (
    Action,
    AuditEntry,
    BadCursor,
    PreferenceRepository,
    ReviewSummary,
    Store,
    Way,
)
from bot.telemetry.metrics import series
from bot.web.api.preferences import addressed, change, forget, kept_in
from bot.web.api.problems import Problem
from bot.web.auth.viewer import Viewer, review_filter, viewer
from bot.web.limits import TOO_MANY_LISTS
from bot.web.pages.forms import form_rejected, may_cancel, token_for, verified_form
from bot.web.pages.statistics import (
    DAYS,
    Statistics,
    accounts,
    bar_chart,
    days_of,
    summarize,
)
from bot.web.pages.templates import message_page, money, not_found, page
from templates.languages import Language, number, use

#: Reviews on a page of the list.
LIMIT = 25
#: Figures are of so many reviews, the newest; more would slow the page.
STATISTICS_REVIEWS = 2000

#: Spans that the page offers, in days; the first is the default.
SPANS = (90, 30, 180, 365)

NOT_SAVED = "Not saved: write one sentence and at least one path. Go back and try again."

#: Rows of a table: beyond them a report of the command line tells.
MAX_ROWS = 30


async def dashboard(request: Request) -> Response:
    """The page; to /sign-in for strangers."""
    return await _limited(request, _render)


async def _limited(
    request: Request, render: Callable[[Request, Viewer], Awaitable[Response]]
) -> Response:
    """A page that reads long lists, for whoever has signed in and asks not too often."""
    use(Language.ENGLISH)  # for those who run the server
    user = await viewer(request)
    if user is None:
        return RedirectResponse("/sign-in", 303)
    async with request.app.state.list_limiter.acquire(user.login) as allowed:
        if not allowed:
            return page(
                "message.html", 429, title="Temporarily unavailable", message=TOO_MANY_LISTS
            )
        return await render(request, user)


async def _render(request: Request, user: Viewer) -> Response:
    store: Store = request.app.state.store
    query = {name: request.query_params.get(name, "") for name in ("repository", "state")}
    state = State(query["state"]) if query["state"] in list(State) else None
    matches = review_filter(user, repository=query["repository"].strip(), state=state)
    try:
        cursor = request.query_params.get("cursor", "")
        reviews, next_cursor = await store.review_list.page(matches, limit=LIMIT, cursor=cursor)
    except BadCursor:
        return not_found()
    now = store.now()
    questions = await store.usage.of_questions(days_of(now), user.may_read)
    recent = await _recent_reviews(store, user)
    statistics = summarize(recent, questions, now)
    admin = user.repositories is None
    return page(
        "dashboard.html",
        user=user,
        form_token=token_for(request, user),
        query=query,
        states=list(State),
        reviews=reviews,
        may_cancel=lambda r: may_cancel(user, r.review, r.state),
        next=f"/?{urlencode({**query, 'cursor': next_cursor})}" if next_cursor else "",
        statistics=statistics,
        charts=_charts(statistics),
        server_status=await _server_status(store, recent, now) if admin else None,
        now=now,
    )


async def _server_status(
    store: Store, recent: Sequence[ReviewSummary], now: float
) -> dict[str, object]:
    """What concerns all installations, for administrators."""
    current_gauges = await store.metrics.gauges()
    return {
        "queues": await store.queues.all(),
        "workers": await store.queues.live_workers(),
        "busy": round(current_gauges.get(series("glossator_worker_slots", state="busy"), 0)),
        "slots": round(current_gauges.get(series("glossator_worker_slots", state="all"), 0)),
        "feeds": round(current_gauges.get("glossator_feeds_open", 0)),
        "dead": await store.queues.dead_letters(),
        "accounts": accounts(await store.usage.by_day(days_of(now)), recent, now),
        "days": DAYS,
    }


async def _recent_reviews(store: Store, user: Viewer) -> list[ReviewSummary]:
    """The newest reviews that the viewer may see."""
    found, examined = [], 0
    async for _, listed in store.review_list.newest_first():
        examined += 1
        if user.may_read(listed.review.repository.id):
            found.append(listed)
        if examined == STATISTICS_REVIEWS:
            break
    return found


def _charts(statistics: Statistics) -> dict[str, object]:
    def days(values: Sequence[tuple[str, float]], title: str, *, cost: bool = False) -> object:
        labels = [money(value) if cost else number(round(value)) for _, value in values]
        return bar_chart(values, title, labels)

    return {
        "Reviews per day": days(statistics.reviews_per_day, "Reviews per day"),
        "Tokens per day": days(statistics.tokens_per_day, "Tokens per day"),
        "Cost per day": days(statistics.cost_per_day, "Cost per day", cost=True),
    }


async def retry_button(request: Request) -> Response:
    """POST /dead-letters/{queue}/{id}/retry, for administrators."""
    user = await viewer(request)
    if user is None or user.repositories is not None:
        return not_found()
    if not await verified_form(request, user):
        return form_rejected()
    queue, message_id = request.path_params["queue"], request.path_params["message_id"]
    store: Store = request.app.state.store
    entry = AuditEntry(
        action=Action.MESSAGE_RETRIED,
        way=Way.PAGE,
        who=user.login,
        detail=f"{queue} {message_id}",
    )
    if not await store.queues.retry(queue, message_id, audit=entry):
        return not_found()
    return RedirectResponse("/", 303)


async def outcomes_page(request: Request) -> Response:
    """The page; to /sign-in for strangers."""
    return await _limited(request, _outcomes)


async def _outcomes(request: Request, user: Viewer) -> Response:
    store: Store = request.app.state.store
    asked = request.query_params.get("days", "")
    days = next((span for span in SPANS if str(span) == asked), SPANS[0])
    repository = request.query_params.get("repository", "").strip()
    since = await store.time() - days * 86_400
    report = await store.outcomes.report(since, user.may_read, repository)
    return page(
        "outcomes.html",
        user=user,
        report=report,
        days=days,
        spans=sorted(SPANS),
        repository=repository,
        outcomes=list(Outcome),
        dimensions=list(Dimension),
        max_rows=MAX_ROWS,
        charts={
            "Acceptance per week": _shares(report.weeks, "Acceptance per week"),
            "False positives per week": _shares(
                report.weeks, "False positives per week", false_positives=True
            ),
            "Findings posted per week": _counts(report.weeks, "Findings posted per week"),
        },
    )


def _shares(weeks: Sequence[Tally], title: str, *, false_positives: bool = False) -> object:
    shares = [week.false_positives if false_positives else week.acceptance for week in weeks]
    values = [(week.name, share or 0.0) for week, share in zip(weeks, shares, strict=True)]
    labels = ["—" if share is None else f"{share:.0%}" for share in shares]
    return bar_chart(values, title, labels)


def _counts(weeks: Sequence[Tally], title: str) -> object:
    values = [(week.name, float(week.posted)) for week in weeks]
    return bar_chart(values, title, [number(week.posted) for week in weeks])


async def preferences_page(request: Request) -> Response:
    """The page; to /sign-in for strangers."""
    return await _limited(request, _preferences)


async def _preferences(request: Request, user: Viewer) -> Response:
    name = request.query_params.get("repository", "").strip()
    token = token_for(request, user)
    return page(
        "preferences.html",
        user=user,
        repository=name,
        kept=await kept_in(request, user, name),
        may_write=lambda where: bool(token) and user.may_write(where.id),
        form_token=token,
        days=request.app.state.settings.suppression_days,
    )


async def preference_button(request: Request) -> Response:
    """POST /preferences/{repository_id}/{number}, with `text` and `paths`, one a line; or `remove`
    instead. Back to the page."""
    user = await viewer(request)
    if user is None:
        return not_found()
    try:
        where, number = await addressed(request, user)
        form = await verified_form(request, user)
        if not form:
            return form_rejected()
        if "remove" in form:
            await forget(request, user, where, number, Way.PAGE)
            return _to_preferences(where)
        paths = form.get("paths", "").splitlines()
        if await change(request, user, where, number, form.get("text", ""), paths, Way.PAGE):
            return _to_preferences(where)
        return not_found()
    except Problem as exc:
        if exc.status == 404:
            return not_found()
        return message_page(exc.status, "Not saved", NOT_SAVED)


def _to_preferences(where: PreferenceRepository) -> Response:
    return RedirectResponse(f"/preferences?{urlencode({'repository': where.full_name})}", 303)
