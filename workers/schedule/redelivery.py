"""Have GitHub deliver again what did not reach us: it never does so by itself.

https://docs.github.com/en/webhooks/using-webhooks/handling-failed-webhook-deliveries
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from bot.github import deliveries
from bot.github.deliveries import Delivery
from bot.github.errors import GitHubError, Invalid, NotFound
from bot.store import Store, keys
from bot.store.deliveries import DELIVERY_SECONDS
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
    store, now = services.store, services.store.now()
    since = datetime.fromtimestamp(now, UTC) - KEPT
    if (mark := await store.redis.get(keys.REDELIVERY_CHECKED_UNTIL)) is not None:
        since = max(since, datetime.fromtimestamp(float(mark), UTC) - OVERLAP)
    gh = services.github.as_app()
    for attempt in deliveries.undelivered(await deliveries.list_deliveries(gh, since)):
        await _plan(store, attempt)
    await store.redis.set(keys.REDELIVERY_CHECKED_UNTIL, now)
    due: Any = await store.redis.zrangebyscore(keys.REDELIVERIES, "-inf", store.now())
    for member in due:
        number, _, guid = member.decode().partition(":")
        try:
            await deliveries.redeliver(gh, int(number))
            _log.warning("redelivery_requested", delivery=guid)
        except NotFound:
            _log.warning("delivery_no_longer_kept", delivery=guid)
        except Invalid as exc:
            _log.warning("redelivery_refused", delivery=guid, why=str(exc))
            await _done(store, member, int(number), guid)
            await _request_redelivery(store, member.decode(), guid)
            continue
        except GitHubError:
            # Next time the others come first, should GitHub stumble over this one alone.
            await store.redis.zadd(keys.REDELIVERIES, {member: store.now()})
            raise
        await _done(store, member, int(number), guid)


async def _plan(store: Store, attempt: Delivery) -> None:
    """Note when to ask for it: at once, or later if it was asked for before and failed again."""
    if not await store.redis.exists(keys.redelivered(attempt.id)):
        await _request_redelivery(store, f"{attempt.id}:{attempt.guid}", attempt.guid)


async def _request_redelivery(store: Store, member: str, guid: str) -> None:
    """Note when, by how often its event was asked for; not at all if that was often enough."""
    previous_requests = int(await store.redis.get(keys.redelivery_count(guid)) or 0)
    if previous_requests >= MAX_REDELIVERIES:
        return
    wait = min(RETRY_SECONDS * 2**previous_requests, MAX_RETRY_SECONDS) if previous_requests else 0
    await store.redis.zadd(keys.REDELIVERIES, {member: store.now() + wait}, nx=True)


async def _done(store: Store, member: bytes, number: int, guid: str) -> None:
    async with store.redis.pipeline(transaction=True) as pipe:
        pipe.zrem(keys.REDELIVERIES, member)
        pipe.set(keys.redelivered(number), 1, ex=DELIVERY_SECONDS)
        pipe.incr(keys.redelivery_count(guid))
        pipe.expire(keys.redelivery_count(guid), DELIVERY_SECONDS)
        await pipe.execute()
