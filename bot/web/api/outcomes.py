"""GET /api/outcomes: what became of posted findings, in repositories that the asker may read."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot.domain.outcomes import begin_of
from bot.store import Store
from bot.web.api.problems import Problem
from bot.web.api.schemas import OutcomesOut
from bot.web.auth.viewer import caller
from bot.web.limits import TOO_MANY_LISTS


async def outcomes(request: Request) -> Response:
    """Shares and counts since a day, by default of 90 days; `repository`, `since`."""
    user, query = await caller(request), request.query_params
    store: Store = request.app.state.store
    try:
        since = begin_of(query.get("since", "90d"), await store.time())
    except ValueError as exc:
        raise Problem(422, f"since: {exc}") from exc
    async with request.app.state.list_limiter.acquire(user.login) as allowed:
        if not allowed:
            raise Problem(429, TOO_MANY_LISTS, Retry_After="1")
        report = await store.outcomes.report(since, user.may_read, query.get("repository", ""))
    return JSONResponse(OutcomesOut.model_validate(report).model_dump(mode="json"))
