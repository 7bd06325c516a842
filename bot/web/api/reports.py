"""GET /api/reviews/{id}/report.{format}: what the `reports` queue rendered and stored."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from bot.security.links import FORMATS, Purpose
from bot.store import Store
from bot.store.locks import once_per
from bot.store.messages import message
from bot.web.api.problems import Problem, not_found
from bot.web.auth.viewer import find_pending_access, find_review_access
from bot.web.security_headers import REPORT_POLICY

TYPES = {
    "json": "application/json",
    "md": "text/markdown; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "pdf": "application/pdf",
    "sarif": "application/sarif+json",
}

#: A request waits so long for a rendering; later it is told to come again.
WAIT_SECONDS = 8.0
POLL_SECONDS = 0.1
#: A rendering that was asked for is not asked for again for so long.
RENDER_REQUEST_MS = 30_000


async def report(request: Request) -> Response:
    """The rendering, 202 while it is made, 404 without one to come. Opened by the signed
    link for reports, a bearer token or a session."""
    review_id, form = request.path_params["review_id"], request.path_params["form"]
    store: Store = request.app.state.store
    access = await find_review_access(request, Purpose.REPORT, review_id)
    if form not in FORMATS:
        raise not_found()
    if access is None:
        raise await _pending_report(request, review_id)
    data = await store.review_data.rendering(review_id, form)
    if data is None:
        state = await store.reviews.state(review_id)
        if state is not None and not state.finished:
            raise _rendering()
        if await store.review_data.report(review_id) is None:
            raise _no_report()
        data = await _rendered(store, review_id, form)
    if data is None:
        return Response(status_code=202, headers={"Retry-After": "2"})
    name = access.review.repository.full_name.replace("/", "-")
    disposition = "inline" if form in ("html", "pdf") else "attachment"
    headers = {
        "Content-Disposition": f'{disposition}; filename="{name}-{access.review.number}.{form}"',
        "Content-Security-Policy": REPORT_POLICY,
    }
    return Response(data, media_type=TYPES[form], headers=headers)


async def _pending_report(request: Request, review_id: str) -> Problem:
    """Why there is no report of what has not begun, or never will."""
    found = await find_pending_access(request, Purpose.REPORT, review_id)
    if found is None:
        return not_found()
    return _no_report() if found.error else _rendering()


def _rendering() -> Problem:
    return Problem(409, "The report is not written yet: the review goes on.", Retry_After="5")


def _no_report() -> Problem:
    return Problem(404, "The review ended without a report.")


async def _rendered(store: Store, review_id: str, form: str) -> bytes | None:
    """Have it rendered, and wait a moment for it."""
    if await once_per(store, f"render:{review_id}:{form}", RENDER_REQUEST_MS):
        await store.put(message("render_report", review_id, form))
    # Redis tells nobody of a key that appears; a look every tenth of a second is cheap.
    for _ in range(round(WAIT_SECONDS / POLL_SECONDS)):
        if (data := await store.review_data.rendering(review_id, form)) is not None:
            return data
        await asyncio.sleep(POLL_SECONDS)
    return None
