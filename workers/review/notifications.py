"""What is told to other systems: a review ended, it found something critical, a message failed for
good. One message in the queue for each address, so that one that is down holds up no other.

A notification has an id that stays the same however often it is sent: an address may get it twice
if a worker dies between the answer and noting it.
"""

import json
from typing import Any

from bot.config.settings import NotifyFormat, Settings
from bot.domain.model import Severity, State
from bot.github.errors import Transient
from bot.security.links import review_links
from bot.security.outgoing import AddressRefused, NotReached, post, signed
from bot.store import Message, message
from bot.telemetry import log
from templates import environment
from workers.queue.actor import Attempt
from workers.services import Services

REVIEW_ENDED = "review_ended"
CRITICAL_FINDING = "critical_finding"
DEAD_LETTER = "dead_letter"

#: How a review ends of its own accord. Cancelled and superseded ones are no news.
_TOLD = (State.COMPLETED, State.FAILED)
_MAX_FINDINGS = 20

_log = log.get(__name__)


class NotAccepted(Exception):
    """Raised when an address refused a notification; its retries are counted."""


def about_review(settings: Settings, review_id: str) -> list[Message]:
    """The messages that tell of a review's end."""
    return [
        message("notify", event, review_id, target)
        for target in range(len(settings.notify_urls))
        for event in (REVIEW_ENDED, CRITICAL_FINDING)
    ]


async def announce_dead_letters(services: Services) -> None:
    """Queue a notification for each new dead letter, but for those of notifications themselves."""
    queues = services.store.queues
    for letter in await queues.dead_letters() if services.settings.notify_urls else ():
        if letter.actor == "notify" or await queues.was_sent(f"{DEAD_LETTER}:{letter.id}"):
            continue
        facts = json.dumps([letter.queue, letter.actor, letter.error])
        targets = range(len(services.settings.notify_urls))
        await queues.put(
            *(message("notify", DEAD_LETTER, letter.id, target, facts) for target in targets)
        )
        await queues.mark_sent(f"{DEAD_LETTER}:{letter.id}")


async def notify(
    services: Services, attempt: Attempt, event: str, subject: str, target: int, facts: str = ""
) -> None:
    """Send one notification to one address, unless it was. Raises Transient while the address is
    down, and NotAccepted when it refuses."""
    settings = services.settings
    sent = f"{event}:{subject}:{target}"
    if target >= len(settings.notify_urls) or await services.store.queues.was_sent(sent):
        return
    content = _dead_letter(facts) if event == DEAD_LETTER else await _review(services, subject)
    if content is None or (event == CRITICAL_FINDING and not content["findings"]):
        return
    payload = {"version": 1, "id": f"{event}:{subject}", "event": event, **content}
    if event == REVIEW_ENDED:
        del payload["findings"]
    await _send(services, target, payload)
    await services.store.queues.mark_sent(sent)


async def _send(services: Services, target: int, payload: dict[str, Any]) -> None:
    settings = services.settings
    body = _as_slack(payload) if settings.notify_format is NotifyFormat.SLACK else payload
    data = json.dumps(body).encode()
    timestamp = int(services.store.now())
    headers = {
        "Content-Type": "application/json",
        "Glossator-Event": payload["event"],
        "Glossator-Id": payload["id"],
        "Glossator-Timestamp": str(timestamp),
    }
    if secret := settings.notify_secret.get_secret_value():
        headers["Glossator-Signature"] = signed(secret, timestamp, data)
    url = settings.notify_urls[target].get_secret_value()
    try:
        status = await post(url, data, headers, allow_private=settings.notify_allow_private)
    except AddressRefused as exc:  # no retry would do
        _log.warning("notification_refused", target=target, why=str(exc))
        return
    except NotReached as exc:
        raise Transient(str(exc)) from exc
    if status == 429 or status >= 500:
        raise Transient(f"Notification address {target} answered {status}.")
    if not 200 <= status < 300:
        raise NotAccepted(f"Notification address {target} answered {status}.")


async def _review(services: Services, review_id: str) -> dict[str, Any] | None:
    """None for a review that is gone, or that did not end of its own accord."""
    state = await services.store.reviews.get(review_id)
    if state is None or state.state not in _TOLD:
        return None
    report = await services.store.stage_data.report(review_id)
    review, failed = state.review, state.state is State.FAILED
    critical = [
        {"path": one.path, "line": one.start_line, "title": one.title, "id": one.fingerprint}
        for one in (report.findings if report and not failed else ())
        if one.severity is Severity.CRITICAL
    ]
    return {
        "review": {
            "id": review.id,
            "repository": review.repository.full_name,
            "number": review.number,
            "head_sha": review.head_sha,
            "state": str(state.state),
            "summary": state.error if failed or report is None else report.verdict,
            "findings": state.findings,
            "url": state.review_url,
            "page": review_links(services.settings, review.id).page,
        },
        "findings": critical[:_MAX_FINDINGS],
    }


def _dead_letter(facts: str) -> dict[str, Any]:
    queue, actor, error = json.loads(facts)
    return {"dead_letter": {"queue": queue, "actor": actor, "error": error}}


def _as_slack(payload: dict[str, Any]) -> dict[str, str]:
    """https://docs.slack.dev/messaging/formatting-message-text"""
    made = environment("notifications", autoescape=False, filters={"slack": _escaped})
    return {"text": made.get_template("slack.txt.j2").render(payload).strip()}


def _escaped(text: object) -> str:
    """Without what Slack takes for links, mentions and calls to the channel."""
    plain = " ".join(str(text).split())
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
