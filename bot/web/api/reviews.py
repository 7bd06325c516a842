"""Start, list, read and cancel reviews; and their reports, as the `reports` queue rendered them."""

import asyncio
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import TypeVar
from urllib.parse import urlencode

from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from ulid import ULID

from bot.domain.model import State, Trigger
from bot.domain.report_format import ReportFormat
from bot.policy.start import cancelled_by
from bot.security.links import Purpose, review_links
from bot.store import Action, AuditEntry, BadCursor, PendingRequest, Store, Way, message
from bot.telemetry import tracing
from bot.web.api.problems import Problem, not_found
from bot.web.api.schemas import (
    DEFAULT_LIMIT,
    MAX_LIMIT,
    MAX_NUMBER,
    ReviewPage,
    StartReviewRequest,
    StartReviewResponse,
    pending_to_json,
    review_to_json,
)
from bot.web.auth.viewer import (
    Viewer,
    caller,
    find_pending_access,
    find_review_access,
    may_sign_in_for_link,
    review_filter,
    viewer,
)
from bot.web.limits import TOO_MANY_LISTS
from bot.web.security_headers import REPORT_POLICY

M = TypeVar("M", bound=BaseModel)

#: What is sent is small.
MAX_BODY = 16 * 1024
BODY_SECONDS = 30.0

#: A repeated POST with the same key is answered as the first one for so long.
IDEMPOTENCY_SECONDS = 86_400

#: What is acknowledged is on a replica, if there is one, which has so long to confirm it.
REPLICA_MS = 1000

NOT_REPLICATED = (
    "No Redis replica has confirmed the request. Repeat it with the same Idempotency-Key."
)
NOTHING_TO_CANCEL = "The review is finished; there is nothing to cancel."
NOT_STARTED = "The review has not started yet; cancel it once it has."

_KEY = re.compile(r"[\x21-\x7e]{1,200}")


async def start(request: Request) -> Response:
    """POST /api/reviews: 202, and the same answer for the same `Idempotency-Key`."""
    user = await caller(request)
    params = await parse_body(request, StartReviewRequest)
    if not user.may_write_by_name(params.repository):
        raise not_found()
    state, key = request.app.state, request.headers.get("Idempotency-Key", "")
    if key and not _KEY.fullmatch(key):
        raise Problem(400, "Idempotency-Key must be 1 to 200 visible ASCII characters.")
    review_id = str(ULID())
    if key:
        review_id = await claim_idempotency_key(
            state.store, f"{user.login} {key}", params, review_id
        )
    if not await queue_review(state.store, user, params, review_id, Way.API):
        raise Problem(503, NOT_REPLICATED, Retry_After="1")
    answer = StartReviewResponse(
        id=review_id,
        status=State.QUEUED,
        repository=params.repository,
        number=params.number,
        page=review_links(state.settings, review_id).page,
    )
    return JSONResponse(
        answer.model_dump(mode="json"), 202, headers={"Location": f"/api/reviews/{review_id}"}
    )


async def queue_review(
    store: Store, user: Viewer, params: StartReviewRequest, review_id: str, way: Way
) -> bool:
    """Have a worker start the review; safe to repeat with the same id. False if a failover may
    lose the request yet: ask for it again."""
    with tracing.span("accept request", {}, kind="producer", review=review_id):
        start_message = message(
            "start_review",
            params.repository,
            params.number,
            review_id,
            user.login,
            params.full,
            params.focus,
            params.effort,
        )
        await store.requests.add(
            review_id,
            PendingRequest(
                repository=params.repository,
                number=params.number,
                trigger=Trigger.API,
                requested_by=user.login,
                requested_at=store.now(),
            ),
        )
        entry = AuditEntry(
            action=Action.REVIEW_REQUESTED,
            way=way,
            who=user.login,
            repository=params.repository,
            number=params.number,
            review=review_id,
        )
        # A call that died between its claim and this is made good by its repetition.
        await store.deliveries.accept(f"api:{review_id}", start_message, audit=entry)
        # GitHub keeps deliveries that a failover loses; of this nobody else knows.
        return await store.is_replicated(REPLICA_MS)


async def parse_body(request: Request, kind: type[M]) -> M:
    """The JSON that was sent. Raises Problem."""
    if request.headers.get("Content-Type", "").partition(";")[0].strip() != "application/json":
        raise Problem(415, "Send JSON, with Content-Type: application/json.")
    body = b""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY:
                    raise Problem(413, f"The body is larger than {MAX_BODY} bytes.")
    except TimeoutError:
        raise Problem(408, "Request body timed out.") from None
    except ClientDisconnect:
        raise Problem(400, "The body is incomplete.") from None
    try:
        return kind.model_validate_json(body)
    except ValidationError as exc:
        first = exc.errors()[0]
        where = ".".join(map(str, first["loc"])) or "body"
        raise Problem(422, f"{where}: {first['msg']}.") from exc


async def claim_idempotency_key(
    store: Store, name: str, params: StartReviewRequest, review_id: str
) -> str:
    """The id that the first call with this key chose. Raises Problem if it wished for
    something else."""
    digest = sha256(params.model_dump_json().encode()).hexdigest()
    first, first_digest = await store.requests.claim_key(
        sha256(name.encode()).hexdigest(), review_id, digest, IDEMPOTENCY_SECONDS
    )
    if first_digest != digest:
        raise Problem(409, "This Idempotency-Key was already used with a different body.")
    return first


async def index(request: Request) -> Response:
    """GET /api/reviews, newest first; `repository`, `number`, `state`, `limit`, `cursor`."""
    user, query = await caller(request), request.query_params
    limit = read_number(query, "limit", MAX_LIMIT, DEFAULT_LIMIT)
    number = read_number(query, "number", MAX_NUMBER)
    state = _state(query.get("state", ""))
    repository = query.get("repository", "")
    async with request.app.state.list_limiter.acquire(user.login) as allowed:
        if not allowed:
            raise Problem(429, TOO_MANY_LISTS, Retry_After="1")
        try:
            items, cursor = await request.app.state.store.review_list.page(
                review_filter(user, repository=repository, number=number, state=state),
                limit=limit,
                cursor=query.get("cursor", ""),
            )
        except BadCursor as exc:
            raise Problem(422, str(exc)) from exc
    parameters = {"repository": repository, "number": number, "state": state, "limit": limit}
    parameters["cursor"] = cursor
    next_query = urlencode({name: value for name, value in parameters.items() if value})
    page = ReviewPage(
        items=[review_to_json(item) for item in items],
        next=f"/api/reviews?{next_query}" if cursor else None,
    )
    return JSONResponse(page.model_dump(mode="json"))


def read_number(query: Mapping[str, str], name: str, maximum: int, default: int = 0) -> int:
    """What the query has under that name; `default` if it has nothing."""
    text = query.get(name)
    if text is None:
        return default
    if not re.fullmatch(r"[0-9]{1,10}", text) or not 1 <= int(text) <= maximum:
        raise Problem(422, f"{name} must be a number from 1 to {maximum}.")
    return int(text)


def _state(text: str) -> State | None:
    try:
        return State(text) if text else None
    except ValueError as exc:
        raise Problem(422, f"state must be one of {', '.join(State)}.") from exc


async def show(request: Request) -> Response:
    """GET /api/reviews/{id}"""
    user, store = await caller(request), request.app.state.store
    review_id = request.path_params["review_id"]
    listed = await store.reviews.summary(review_id)
    if listed is None:
        found = await _find_pending(store, user, review_id)
        return JSONResponse(pending_to_json(review_id, found).model_dump(mode="json"))
    if not user.may_read(listed.review.repository.id):
        raise not_found()
    return JSONResponse(review_to_json(listed).model_dump(mode="json"))


async def _find_pending(store: Store, user: Viewer, review_id: str) -> PendingRequest:
    """What is known under an id that no review has. Raises Problem."""
    found = await store.requests.find(review_id)
    if found is None or not user.may_read_pending(found):
        raise not_found()
    return found


async def cancel(request: Request) -> Response:
    """DELETE /api/reviews/{id}: 202, or 409 if it is finished or has not begun."""
    user, store = await caller(request), request.app.state.store
    review_id = request.path_params["review_id"]
    listed = await store.reviews.summary(review_id)
    if listed is None:
        found = await _find_pending(store, user, review_id)
        raise Problem(409, NOTHING_TO_CANCEL if found.error else NOT_STARTED)
    if not user.may_write(listed.review.repository.id):
        raise not_found()
    entry = AuditEntry.of(listed.review, Action.REVIEW_CANCELLED, Way.API, user.login)
    reason = cancelled_by(user.login)
    if not await store.reviews.cancel(listed.review.id, reason, audit=entry):
        raise Problem(409, NOTHING_TO_CANCEL)
    updated = await store.reviews.summary(listed.review.id)
    assert updated is not None
    return JSONResponse(review_to_json(updated).model_dump(mode="json"), 202)


#: A request waits so long for a rendering; later it is told to come again.
WAIT_SECONDS = 8.0
POLL_SECONDS = 0.1
#: A rendering that was asked for is not asked for again for so long.
RENDER_REQUEST_MS = 30_000


async def report(request: Request) -> Response:
    """The rendering, 202 while it is made, 404 without one to come. Opened by the signed
    link for reports, a bearer token or a session."""
    review_id, name = request.path_params["review_id"], request.path_params["form"]
    store: Store = request.app.state.store
    access = await find_review_access(request, Purpose.REPORT, review_id)
    try:
        form = ReportFormat(name)
    except ValueError:
        raise not_found() from None
    if access is None:
        if may_sign_in_for_link(request, Purpose.REPORT, review_id) and not await viewer(request):
            return RedirectResponse(f"/sign-in?review={review_id}", 303)
        raise await _pending_report(request, review_id)
    data = await store.stage_data.rendering(review_id, form)
    if data is None:
        state = await store.reviews.state(review_id)
        if state is not None and not state.finished:
            raise _rendering()
        if await store.stage_data.report(review_id) is None:
            raise _no_report()
        data = await _rendered(store, review_id, form)
    if data is None:
        return Response(status_code=202, headers={"Retry-After": "2"})
    repository = access.review.repository.full_name.replace("/", "-")
    disposition = "inline" if form.inline else "attachment"
    filename = f"{repository}-{access.review.number}.{form}"
    headers = {
        "Content-Disposition": f'{disposition}; filename="{filename}"',
        "Content-Security-Policy": REPORT_POLICY,
    }
    return Response(data, media_type=form.media_type, headers=headers)


async def _pending_report(request: Request, review_id: str) -> Problem:
    """Why there is no report of what has not begun, or never will."""
    found = await find_pending_access(request, Purpose.REPORT, review_id)
    if found is None:
        return not_found()
    return _no_report() if found.error else _rendering()


def _rendering() -> Problem:
    return Problem(409, "The report is not ready: the review is still running.", Retry_After="5")


def _no_report() -> Problem:
    return Problem(404, "This review ended without a report.")


async def _rendered(store: Store, review_id: str, form: ReportFormat) -> bytes | None:
    """Have it rendered, and wait a moment for it."""
    if await store.locks.once_per(f"render:{review_id}:{form}", RENDER_REQUEST_MS):
        await store.queues.put(message("render_report", review_id, str(form)))
    # Redis tells nobody of a key that appears; a look every tenth of a second is cheap.
    for _ in range(round(WAIT_SECONDS / POLL_SECONDS)):
        if (data := await store.stage_data.rendering(review_id, form)) is not None:
            return data
        await asyncio.sleep(POLL_SECONDS)
    return None
