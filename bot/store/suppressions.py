"""What people told us to leave: paused pull requests, findings dismissed for one pull request,
and lessons that hold for a whole repository."""

from bot.domain.model import Suppression, decode, encode
from bot.store import keys
from bot.store.deliveries import DELIVERY_SECONDS
from bot.store.scripts import Script
from bot.store.store import Store

#: More lessons than this say that something else is wrong; the oldest stay.
MAX_SUPPRESSIONS = 500


async def pause(store: Store, repository_id: int, number: int, by: str) -> None:
    """Leave new commits of a pull request alone."""
    key = keys.pull(repository_id, number)
    async with store.redis.pipeline(transaction=True) as pipe:
        pipe.hset(key, "paused", by)
        pipe.expire(key, store.keep_seconds)
        await pipe.execute()


async def resume(store: Store, repository_id: int, number: int) -> None:
    await store.redis.hdel(keys.pull(repository_id, number), "paused")


async def dismiss(store: Store, repository_id: int, number: int, *fingerprints: str) -> None:
    """Never report those findings again on that pull request."""
    key = keys.dismissed(repository_id, number)
    await store.redis.sadd(key, *fingerprints)
    await store.redis.expire(key, store.keep_seconds)


async def suppress(store: Store, repository_id: int, suppression: Suppression) -> bool:
    """Never tell that finding again in that repository. False if there is no room for it."""
    key = keys.suppressions(repository_id)
    has_capacity = await store.redis.hlen(key) < MAX_SUPPRESSIONS
    if not has_capacity and not await store.redis.hexists(key, suppression.fingerprint):
        return False
    await store.redis.hset(key, suppression.fingerprint, encode(suppression).decode())
    return True


async def unsuppress(
    store: Store, repository_id: int, number: int, fingerprint: str, *, by: str
) -> str | None:
    """Tell that finding again, in the repository and on that pull request. Returns the reason for
    which it was left, "" if there was none, None if it was not to be left; and for a wish, which
    `by` names, that is tried again the same as before."""
    suppression = await store.scripts.run(
        Script.UNSUPPRESS,
        fingerprint=fingerprint,
        suppressions=keys.suppressions(repository_id),
        dismissed=keys.dismissed(repository_id, number),
        posted=keys.posted(repository_id, number),
        unsuppressed=keys.unsuppressed(by),
        seconds=DELIVERY_SECONDS,
    )
    if suppression is None:
        return None
    return decode(Suppression, suppression).reason if suppression else ""


async def suppressions(store: Store, repository_id: int) -> tuple[Suppression, ...]:
    """All that a repository taught us, by path."""
    found = await store.redis.hvals(keys.suppressions(repository_id))
    return tuple(
        sorted((decode(Suppression, body) for body in found), key=lambda one: (one.path, one.title))
    )


async def dismissed(store: Store, repository_id: int, number: int) -> frozenset[str]:
    """The fingerprints that are not to be told on a pull request, for either reason."""
    async with store.redis.pipeline(transaction=False) as pipe:
        pipe.smembers(keys.dismissed(repository_id, number))
        pipe.hkeys(keys.suppressions(repository_id))
        on_pull, in_repository = await pipe.execute()
    return frozenset(name.decode() for name in (*on_pull, *in_repository))
