"""Have GitHub deliver again what did not reach us: it never does so by itself.

https://docs.github.com/en/webhooks/using-webhooks/handling-failed-webhook-deliveries
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from bot.github import deliveries
from bot.github.deliveries import Delivery
from bot.github.errors import GitHubError, Invalid, NotFound
from bot.store.store import DELIVERY_SECONDS, PREFIX, Store
from bot.telemetry import log
from workers.services import Services

#: GitHub keeps deliveries for three days:
#: https://docs.github.com/en/webhooks/testing-and-troubleshooting-webhooks/redelivering-webhooks
KEPT = timedelta(days=3)

#: Deliveries are told with the time at which they began, and listed when they ended.
OVERLAP = timedelta(minutes=5)

#: A delivery that failed again is not asked for more often than this.
MOST = 10

#: The first wait after one that failed again; it doubles, up to an hour.
AGAIN_SECONDS, AGAIN_AT_MOST_SECONDS = 5.0, 3600.0

#: Up to when deliveries were looked through, in seconds since the epoch.
LOOKED = f"{PREFIX}deliveries_looked_through"

#: Sorted set: attempts that failed, by when their redelivery is due.
DUE = f"{PREFIX}redeliveries"

_log = log.get(__name__)


async def redeliver(services: Services) -> None:
    """Ask once for each attempt that failed since we last looked, also while we were away."""
    store, now = services.store, services.store.now()
    since = datetime.fromtimestamp(now, UTC) - KEPT
    if (mark := await store.redis.get(LOOKED)) is not None:
        since = max(since, datetime.fromtimestamp(float(mark), UTC) - OVERLAP)
    gh = services.github.as_app()
    for attempt in deliveries.undelivered(await deliveries.list_deliveries(gh, since)):
        await _plan(store, attempt)
    await store.redis.set(LOOKED, now)
    due: Any = await store.redis.zrangebyscore(DUE, "-inf", store.now())
    for member in due:
        number, _, guid = member.decode().partition(":")
        try:
            await deliveries.redeliver(gh, int(number))
            _log.warning("redelivery_asked_for", delivery=guid)
        except NotFound:
            _log.warning("delivery_no_longer_kept", delivery=guid)
        except Invalid as exc:
            _log.warning("redelivery_refused", delivery=guid, why=str(exc))
            await _done(store, member, int(number), guid)
            await _ask_again(store, member.decode(), guid)
            continue
        except GitHubError:
            # Next time the others come first, should GitHub stumble over this one alone.
            await store.redis.zadd(DUE, {member: store.now()})
            raise
        await _done(store, member, int(number), guid)


async def _plan(store: Store, attempt: Delivery) -> None:
    """Note when to ask for it: at once, or later if it was asked for before and failed again."""
    if not await store.redis.exists(_asked(attempt.id)):
        await _ask_again(store, f"{attempt.id}:{attempt.guid}", attempt.guid)


async def _ask_again(store: Store, member: str, guid: str) -> None:
    """Note when, by how often its event was asked for; not at all if that was often enough."""
    before = int(await store.redis.get(_count(guid)) or 0)
    if before >= MOST:
        return
    wait = min(AGAIN_SECONDS * 2**before, AGAIN_AT_MOST_SECONDS) if before else 0
    await store.redis.zadd(DUE, {member: store.now() + wait}, nx=True)


async def _done(store: Store, member: bytes, number: int, guid: str) -> None:
    async with store.redis.pipeline(transaction=True) as pipe:
        pipe.zrem(DUE, member)
        pipe.set(_asked(number), 1, ex=DELIVERY_SECONDS)
        pipe.incr(_count(guid))
        pipe.expire(_count(guid), DELIVERY_SECONDS)
        await pipe.execute()


def _asked(number: int) -> str:
    return f"{PREFIX}redelivered:{number}"


def _count(guid: str) -> str:
    return f"{PREFIX}redelivered-times:{guid}"
