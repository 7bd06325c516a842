"""GET /api/audit: who did what, for administrators."""

from dataclasses import asdict
from datetime import UTC, datetime
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot.store import Action, AuditEntry, BadCursor, Store, Way
from bot.web.api.problems import Problem, not_found
from bot.web.api.reviews import read_number
from bot.web.api.schemas import DEFAULT_LIMIT, MAX_AUDIT_LIMIT, AuditLineOut, AuditPage
from bot.web.auth.viewer import caller


async def audit(request: Request) -> Response:
    """A page of lines, oldest first; `since`, `limit`, `cursor`. That it was read is a line too."""
    user, query = await caller(request), request.query_params
    if user.repositories is not None:
        raise not_found()
    limit = read_number(query, "limit", MAX_AUDIT_LIMIT, DEFAULT_LIMIT)
    since, cursor = query.get("since", ""), query.get("cursor", "")
    store: Store = request.app.state.store
    try:
        lines, following = await store.audit.page(since=_time(since), cursor=cursor, limit=limit)
    except BadCursor as exc:
        raise Problem(422, str(exc)) from exc
    if not cursor:
        entry = AuditEntry(
            action=Action.AUDIT_EXPORTED, way=Way.API, who=user.login, detail=f"since {since}"
        )
        await store.audit.record(entry)
    more = urlencode({"limit": limit, "cursor": following})
    page = AuditPage(
        items=[AuditLineOut(**asdict(line)) for line in lines],
        next=f"/api/audit?{more}" if following else None,
    )
    return JSONResponse(page.model_dump(mode="json"))


def _time(text: str) -> float:
    """Unix seconds of an ISO 8601 date or time, in UTC unless it says otherwise. Raises Problem."""
    if not text:
        return 0.0
    try:
        at = datetime.fromisoformat(text)
    except ValueError as exc:
        raise Problem(422, "since must be a date such as 2026-01-31, or ISO 8601.") from exc
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
