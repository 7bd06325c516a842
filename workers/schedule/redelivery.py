"""Have GitHub deliver again what did not reach us: it never does so by itself.

https://docs.github.com/en/webhooks/using-webhooks/handling-failed-webhook-deliveries
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from bot.github import deliveries
from bot.github.errors import GitHubError, Invalid, NotFound
from bot.store import Store
from bot.telemetry import log
from workers.services import Services

#: GitHub keeps deliveries for three days:
#: https://docs.github.com/en/webhooks/testing-and-troubleshooting-webhooks/redelivering-webhooks
KEPT = timedelta(days=3)

#: Deliveries are told with the time at which they began, and listed when they ended.
OVERLAP = timedelta(minutes=5)

#: A delivery that failed again is not asked for more often than this.
MAX_REDELIVERIES = 10

#: The first wait after one that failed again; it doubles, up to an hour.
RETRY_SECONDS, MAX_RETRY_SECONDS = 5.0, 3600.0

_log = log.get(__name__)


async def redeliver(services: Services) -> None:
    """Ask once for each attempt that failed since we last looked, also while we were away."""
    store, now = services.store, await services.store.time()
    # Another may take over while we look: that is seen the next time.
    run_id = await store.deliveries.redis_run_id()
    since = datetime.fromtimestamp(now, UTC) - KEPT
    if (checked_until := await store.deliveries.checked_until()) is not None:
        since = max(since, datetime.fromtimestamp(checked_until, UTC) - OVERLAP)
    gh = services.github.as_app()
    attempts = await deliveries.list_deliveries(gh, since)
    for attempt in (*deliveries.undelivered(attempts), *await _forgotten(store, attempts, run_id)):
        if not await store.deliveries.was_redelivered(attempt.id):
            await _plan(store, attempt.id, attempt.guid)
    await store.deliveries.mark_checked(now)
    for attempt_id, guid in await store.deliveries.due_redeliveries():
        try:
            await deliveries.redeliver(gh, attempt_id)
            _log.warning("redelivery_requested", delivery=guid)
        except NotFound:
            _log.warning("delivery_no_longer_kept", delivery=guid)
        except Invalid as exc:
            _log.warning("redelivery_refused", delivery=guid, why=str(exc))
            await store.deliveries.mark_redelivered(attempt_id, guid)
            await _plan(store, attempt_id, guid)
            continue
        except GitHubError:
            # Next time the others come first, should GitHub stumble over this one alone.
            await store.deliveries.plan_redelivery(attempt_id, guid, await store.time(), again=True)
            raise
        await store.deliveries.mark_redelivered(attempt_id, guid)
    await store.deliveries.note_redis(run_id)


async def _forgotten(
    store: Store, attempts: Sequence[deliveries.Delivery], run_id: str
) -> Sequence[deliveries.Delivery]:
    """Those that we had accepted, and of which a Redis that took over knows nothing; and with them
    those that we had ignored, and will again."""
    if not await store.deliveries.redis_changed(run_id):
        return ()
    await store.stage_data.forget_starts()
    accepted = {attempt.guid: attempt for attempt in attempts if attempt.ok}
    forgotten = await store.deliveries.unknown(list(accepted))
    if forgotten:
        _log.warning("deliveries_forgotten", number=len(forgotten))
    return [accepted[guid] for guid in sorted(forgotten)]


async def _plan(store: Store, attempt_id: int, guid: str) -> None:
    """Note when to ask for it: at once, or later if it was asked for before and failed again; not
    at all if that was often enough."""
    previous_requests = await store.deliveries.redelivery_count(guid)
    if previous_requests >= MAX_REDELIVERIES:
        return
    wait = min(RETRY_SECONDS * 2**previous_requests, MAX_RETRY_SECONDS) if previous_requests else 0
    await store.deliveries.plan_redelivery(attempt_id, guid, await store.time() + wait)
