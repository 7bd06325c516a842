"""GET /: reviews, queues and figures, for people who signed in. And its buttons."""

from collections.abc import Sequence
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bot.domain.model import State
from bot.store import Store
from bot.store.queues import dead_letters, queues, retry, workers_alive
from bot.store.review_list import BadCursor, Listed, newest_first, page_of
from bot.store.usage import used
from bot.store.usage_questions import asked
from bot.telemetry.gauges import seen
from bot.telemetry.metrics import series
from bot.web.api.reviews import TOO_MANY_LISTS, matching
from bot.web.auth.viewer import Viewer, viewer
from bot.web.pages import charts
from bot.web.pages.cancel import may_cancel
from bot.web.pages.formatting import money, number
from bot.web.pages.forms import not_ours, own_form, token_for
from bot.web.pages.statistics import DAYS, Statistics, accounts, days_of, sum_up
from bot.web.pages.templates import not_found, page

#: Reviews on a page of the list.
LIMIT = 25
#: Figures are of so many reviews, the newest; more would slow the page.
COUNTED = 2000


async def dashboard(request: Request) -> Response:
    """The page; to /sign-in for strangers."""
    who = await viewer(request)
    if who is None:
        return RedirectResponse("/sign-in", 303)
    async with request.app.state.lists.enter(who.login) as admitted:
        if not admitted:
            return page("message.html", 429, title="One moment", sentence=TOO_MANY_LISTS)
        return await _shown(request, who)


async def _shown(request: Request, who: Viewer) -> Response:
    store: Store = request.app.state.store
    query = {name: request.query_params.get(name, "") for name in ("repository", "state")}
    state = State(query["state"]) if query["state"] in list(State) else None
    matches = matching(who, repository=query["repository"].strip(), state=state)
    try:
        cursor = request.query_params.get("cursor", "")
        reviews, following = await page_of(store, matches, limit=LIMIT, cursor=cursor)
    except BadCursor:
        return not_found()
    now = store.now()
    questions = await asked(store, days_of(now), who.may_read)
    counted = await _counted(store, who)
    statistics = sum_up(counted, questions, now)
    admin = who.repositories is None
    return page(
        "dashboard.html",
        who=who,
        form_token=token_for(request, who),
        query=query,
        states=list(State),
        reviews=reviews,
        may_cancel=lambda r: may_cancel(who, r.review, r.progress.state),
        next=f"/?{urlencode({**query, 'cursor': following})}" if following else "",
        figures=statistics,
        charts=_charts(statistics),
        house=await _house(store, counted, now) if admin else None,
        now=now,
    )


async def _house(store: Store, counted: Sequence[Listed], now: float) -> dict[str, object]:
    """What concerns all installations, for administrators."""
    present = await seen(store.redis)
    return {
        "queues": await queues(store),
        "workers": await workers_alive(store),
        "busy": round(present.get(series("glossator_worker_places", state="busy"), 0)),
        "places": round(present.get(series("glossator_worker_places", state="all"), 0)),
        "feeds": round(present.get("glossator_feeds_open", 0)),
        "dead": await dead_letters(store),
        "accounts": accounts(await used(store, days_of(now)), counted, now),
        "days": DAYS,
    }


async def _counted(store: Store, who: Viewer) -> list[Listed]:
    """The newest reviews that the viewer may see."""
    found, looked = [], 0
    async for _, listed in newest_first(store):
        looked += 1
        if who.may_read(listed.review.repository.id):
            found.append(listed)
        if looked == COUNTED:
            break
    return found


def _charts(figures: Statistics) -> dict[str, object]:
    def days(values: Sequence[tuple[str, float]], title: str, *, cost: bool = False) -> object:
        shown = [money(value) if cost else number(round(value)) for _, value in values]
        return charts.bars(values, title, shown)

    return {
        "Reviews a day": days(figures.reviews_a_day, "Reviews a day"),
        "Tokens a day": days(figures.tokens_a_day, "Tokens a day"),
        "Cost a day": days(figures.cost_a_day, "Cost a day", cost=True),
        **{
            f"Score of {name}": charts.line(points, f"Score of {name} over time")
            for name, points in figures.scores.items()
        },
    }


async def retry_button(request: Request) -> Response:
    """POST /dead-letters/{queue}/{id}/retry, for administrators."""
    who = await viewer(request)
    if who is None or who.repositories is not None:
        return not_found()
    if not await own_form(request, who):
        return not_ours()
    queue, message_id = request.path_params["queue"], request.path_params["message_id"]
    if not await retry(request.app.state.store, queue, message_id):
        return not_found()
    return RedirectResponse("/", 303)
