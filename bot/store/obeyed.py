"""What was done about people's comments, so that a repeated delivery does only the rest."""

from typing import Any

from bot.store.store import DELIVERY_SECONDS, PREFIX, Store


async def note(store: Store, review_id: str, position: int, said: str) -> None:
    """Remember that the command at that position of a comment was carried out, and what there
    was to say about it. `review_id` is the one that the comment's delivery came with."""
    key = f"{PREFIX}obeyed:{review_id}"
    async with store.redis.pipeline(transaction=True) as pipe:
        pipe.hset(key, str(position), said)
        pipe.expire(key, DELIVERY_SECONDS)
        await pipe.execute()


async def done(store: Store, review_id: str) -> dict[int, str]:
    """What `note` was told, by position."""
    found: dict[Any, Any] = await store.redis.hgetall(f"{PREFIX}obeyed:{review_id}")
    return {int(position): said.decode() for position, said in found.items()}


async def first_told(store: Store, what: str, comment_id: int) -> bool:
    """True for the first comment that is told a thing, however often it is asked for that
    comment; False for all later ones, so that nobody is told again and again."""
    key = f"{PREFIX}told:{what}"
    await store.redis.set(key, comment_id, nx=True, ex=store.keep_seconds)
    return bool(await store.redis.get(key) == str(comment_id).encode())


async def note_skip(
    store: Store, review_id: str, repository_id: int, number: int, head_sha: str, told: str
) -> None:
    """Remember which pull request a skipped check run, and so its commit's check suite, stands
    for, and what it tells: it has no review."""
    head = f"{PREFIX}head:{repository_id}:{head_sha}"
    async with store.redis.pipeline(transaction=True) as pipe:
        where = f"{repository_id}:{number}:{told}"
        pipe.set(f"{PREFIX}skipped:{review_id}", where, ex=store.keep_seconds)
        pipe.sadd(head, number)
        pipe.expire(head, store.keep_seconds)
        await pipe.execute()


async def skipped_pull(store: Store, review_id: str, repository_id: int) -> int | None:
    """The number of the pull request whose skip `note_skip` was told of, in that repository."""
    where, number, _ = await _skipped(store, review_id)
    return int(number) if where == str(repository_id) else None


async def told_of_skip(store: Store, review_id: str) -> str:
    """What `note_skip` was told to tell, "" if there was nothing."""
    return (await _skipped(store, review_id))[2]


async def _skipped(store: Store, review_id: str) -> tuple[str, str, str]:
    found: Any = await store.redis.get(f"{PREFIX}skipped:{review_id}")
    where, _, rest = (found or b"").decode().partition(":")
    number, _, told = rest.partition(":")
    return where, number, told
