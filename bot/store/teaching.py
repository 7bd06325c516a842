"""What people told us to leave: paused pull requests, findings dismissed for one pull request,
and lessons that hold for a whole repository."""

from bot.model import Lesson, decode, encode
from bot.store.store import PREFIX, Store

#: More lessons than this say that something else is wrong; the oldest stay.
MAX_LESSONS = 500


async def pause(store: Store, repository_id: int, number: int, by: str) -> None:
    """Leave new commits of a pull request alone."""
    key = _pull(repository_id, number)
    async with store.redis.pipeline(transaction=True) as pipe:
        pipe.hset(key, "paused", by)
        pipe.expire(key, store.keep_seconds)
        await pipe.execute()


async def resume(store: Store, repository_id: int, number: int) -> None:
    await store.redis.hdel(_pull(repository_id, number), "paused")


async def dismiss(store: Store, repository_id: int, number: int, fingerprint: str) -> None:
    """Never tell that finding again on that pull request."""
    key = f"{PREFIX}dismissed:{repository_id}:{number}"
    await store.redis.sadd(key, fingerprint)
    await store.redis.expire(key, store.keep_seconds)


async def teach(store: Store, repository_id: int, lesson: Lesson) -> bool:
    """Never tell that finding again in that repository. False if there is no room for it."""
    key = f"{PREFIX}lessons:{repository_id}"
    room = await store.redis.hlen(key) < MAX_LESSONS
    if not room and not await store.redis.hexists(key, lesson.fingerprint):
        return False
    await store.redis.hset(key, lesson.fingerprint, encode(lesson).decode())
    return True


async def forget(store: Store, repository_id: int, number: int, fingerprint: str) -> bool:
    """Tell that finding again, in the repository and on that pull request. False if it was not
    to be left."""
    async with store.redis.pipeline(transaction=True) as pipe:
        pipe.hdel(f"{PREFIX}lessons:{repository_id}", fingerprint)
        pipe.srem(f"{PREFIX}dismissed:{repository_id}:{number}", fingerprint)
        pipe.srem(f"{PREFIX}posted:{repository_id}:{number}", fingerprint)
        everywhere, here, _ = await pipe.execute()
    return bool(everywhere or here)


async def lessons(store: Store, repository_id: int) -> tuple[Lesson, ...]:
    """All that a repository taught us, by path."""
    found = await store.redis.hvals(f"{PREFIX}lessons:{repository_id}")
    return tuple(
        sorted((decode(Lesson, body) for body in found), key=lambda one: (one.path, one.title))
    )


async def dismissed(store: Store, repository_id: int, number: int) -> frozenset[str]:
    """The fingerprints that are not to be told on a pull request, for either reason."""
    async with store.redis.pipeline(transaction=False) as pipe:
        pipe.smembers(f"{PREFIX}dismissed:{repository_id}:{number}")
        pipe.hkeys(f"{PREFIX}lessons:{repository_id}")
        here, everywhere = await pipe.execute()
    return frozenset(name.decode() for name in (*here, *everywhere))


def _pull(repository_id: int, number: int) -> str:
    return f"{PREFIX}pull:{repository_id}:{number}"
