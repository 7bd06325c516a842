"""Reviews that were asked for over the API and have not begun: known by their ids all the same."""

from dataclasses import dataclass, replace

from bot.store.store import PREFIX, Store, pack, unpack


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """`error` says why nothing came of it; `asked_at` is in seconds since the epoch."""

    repository: str
    number: int
    requested_by: str
    asked_at: float
    error: str = ""


async def note(store: Store, review_id: str, wish: Wish) -> None:
    await store.redis.set(f"{PREFIX}wish:{review_id}", pack(wish), ex=store.keep_seconds, nx=True)


async def refuse(store: Store, review_id: str, sentence: str) -> None:
    """Nothing will come of the wish, and why."""
    if (wish := await wish_of(store, review_id)) is not None:
        refused = pack(replace(wish, error=sentence))
        await store.redis.set(f"{PREFIX}wish:{review_id}", refused, ex=store.keep_seconds)


async def wish_of(store: Store, review_id: str) -> Wish | None:
    data = await store.redis.get(f"{PREFIX}wish:{review_id}")
    return unpack(Wish, data) if data else None
