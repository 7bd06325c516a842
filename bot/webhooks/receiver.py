"""POST /webhooks/github: verify, drop repeats, translate, queue. Milliseconds, no GitHub call.

https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
"""

import asyncio
import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from uuid import UUID

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from ulid import ULID

from bot.domain.events import CommentCreated, InstallationChanged, PullRequestChanged
from bot.store import RedisError, Store, message
from bot.telemetry import log, tracing
from bot.webhooks.body_budget import BudgetExceeded
from bot.webhooks.translate import (
    HANDLED,
    Event,
    Ignored,
    MalformedPayload,
    Ping,
    to_json,
    translate,
)

#: GitHub delivers no larger payload.
MAX_BODY = 25 * 1024 * 1024

#: GitHub itself gives up after 10 seconds.
BODY_SECONDS = 30.0

_SIGNATURE = re.compile(r"sha256=[0-9a-f]{64}")
_GUID = re.compile(r"[A-Za-z0-9-]{1,64}")

#: The Unix epoch in the time of a UUID: hundreds of nanoseconds since 1582-10-15.
_UUID_EPOCH = 0x01B21DD213814000

_BAD_SIGNATURE = "Invalid signature: check that both sides have the same secret."

_log = log.get(__name__)


class Rejected(Exception):
    """A request that is no delivery for us: the status and one sentence for the sender."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


async def receive(request: Request) -> JSONResponse:
    """The whole contract: 202 queued, 200 ignored or repeated, 4xx refused, 503 later."""
    guid, event, review_id = request.headers.get("X-GitHub-Delivery", ""), "", ""
    try:
        address = request.client.host if request.client else ""
        with request.app.state.body_budget.reserve(address) as take:
            secrets = request.app.state.settings.webhook_secrets
            body = await _signed_body(request, secrets, take)
        if not _GUID.fullmatch(guid):
            raise Rejected(400, "The header X-GitHub-Delivery is missing or malformed.")
        event = request.headers.get("X-GitHub-Event", "")
        status, answer, review_id = await _accept(request.app.state.store, guid, event, body)
    except Rejected as rejected:
        status, answer = rejected.status, {"status": "refused", "reason": rejected.detail}
    except RedisError as exc:
        _log.error("delivery_not_queued", delivery=guid, error=type(exc).__name__)
        status, answer = (
            503,
            {"status": "unavailable", "reason": "The queue is unavailable; please redeliver."},
        )
    request.app.state.metrics.count(
        "glossator_deliveries_total", event=_known(event), outcome=answer["status"]
    )
    review = {"review": review_id} if review_id else {}
    _log.info(
        "delivery", delivery=guid[:64], github_event=event[:50], code=status, **review, **answer
    )
    return JSONResponse(answer, status_code=status)


def _known(event: str) -> str:
    """Anybody may send any header; only events that GitHub has are counted apart."""
    return event if event in HANDLED else "other"


async def _signed_body(
    request: Request, secrets: Sequence[str], take: Callable[[int], None]
) -> bytes:
    """The raw body, once one of the secrets is seen to have signed it. Raises Refused."""
    signature = request.headers.get("X-Hub-Signature-256", "")
    if not signature:
        raise Rejected(401, "The header X-Hub-Signature-256 is missing: set the webhook's secret.")
    if not _SIGNATURE.fullmatch(signature):  # before anything is read
        raise Rejected(401, _BAD_SIGNATURE)
    declared = request.headers.get("Content-Length", "")
    if declared.isdecimal() and int(declared) > MAX_BODY:
        raise Rejected(413, "The body is larger than 25 MB.")
    macs = [hmac.new(secret.encode(), digestmod=hashlib.sha256) for secret in secrets]
    body = bytearray()  # and no list of chunks, each of which may be a single byte
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                take(len(chunk))
                if len(body) + len(chunk) > MAX_BODY:
                    raise Rejected(413, "The body is larger than 25 MB.")
                for mac in macs:
                    mac.update(chunk)
                body += chunk
    except BudgetExceeded:
        raise Rejected(503, "Server busy; please redeliver later.") from None
    except TimeoutError:
        raise Rejected(408, "Request body timed out.") from None
    except ClientDisconnect:
        raise Rejected(400, "The body is incomplete.") from None
    expected = [f"sha256={mac.hexdigest()}".encode() for mac in macs]
    # All are compared, so that the time tells nothing about which secret fits.
    matches = [hmac.compare_digest(one, signature.encode()) for one in expected]
    if not any(matches):
        raise Rejected(401, _BAD_SIGNATURE)
    return bytes(body)


async def _accept(
    store: Store, guid: str, name: str, body: bytes
) -> tuple[int, dict[str, str], str]:
    """Status and answer, and the id of the review that may come of it, "" for none."""
    event = _read(name, body)
    if isinstance(event, Ignored):
        return 200, {"status": "ignored", "reason": event.reason}, ""
    if isinstance(event, Ping):
        return 200, {"status": "pong"}, ""
    review_id = review_id_of(guid)
    repository = getattr(event, "repository", None)
    installation_id = repository.installation_id if repository is not None else 0
    attributes = {
        "github.event": name,
        "github.delivery": guid,
        "github.installation": installation_id,
    }
    with tracing.span("accept delivery", attributes, kind="producer", review=review_id):
        queued = message("handle_delivery", to_json(event), review_id, guid)
        accepted = await store.deliveries.accept(
            guid,
            queued,
            installation_id=installation_id,
            content=_content(event, body),
            by_person=not isinstance(event, PullRequestChanged | InstallationChanged),
        )
        if not accepted:
            return 200, {"status": "duplicate"}, ""
    return 202, {"status": "queued"}, review_id


def review_id_of(guid: str) -> str:
    """The id of the review that may come of a delivery, the same for each attempt to deliver it:
    what a Redis that took over has lost is found again on GitHub by it. GitHub's GUIDs are UUIDs of
    version 1 (RFC 9562), which have a time, as ids have."""
    digest = hashlib.sha256(guid.encode()).digest()
    time = digest[10:16]
    with suppress(ValueError):
        if (parsed := UUID(guid)).version == 1:
            milliseconds = (parsed.time - _UUID_EPOCH) // 10_000
            time = max(0, milliseconds).to_bytes(6, "big")
    return str(ULID.from_bytes(time + digest[:10]))


def _content(event: Event, body: bytes) -> str:
    """A name for what a delivery says. GitHub signs the body alone: whoever has got hold of one
    may send it again under any GUID. A comment is obeyed once, whatever else its body says."""
    if isinstance(event, CommentCreated):
        kind = "conversation" if event.in_thread is None else "thread"
        return f"{event.repository.id}:{kind}:{event.comment_id}"
    return hashlib.sha256(body).hexdigest()


def _read(name: str, body: bytes) -> Event | Ignored:
    try:
        return translate(name, body)
    except MalformedPayload as exc:
        raise Rejected(400, str(exc)) from None
