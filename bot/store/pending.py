"""What has an id and is no review: one that was asked for over the API and has not begun, and a
pull request that was left alone. Pages, API and feed know both all the same."""

from dataclasses import dataclass, replace

from bot.domain.model import State, Trigger, encode
from bot.domain.progress import Progress
from bot.store import keys
from bot.store.database import pack, unpack
from bot.store.scripts import Script
from bot.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingRequest:
    """`error` says why nothing comes of it, "" while something may. `repository_id` and `head_sha`
    are known (else 0 and "") where the pull request was looked at. Times in seconds since the
    epoch."""

    repository: str
    number: int
    trigger: Trigger
    requested_by: str
    requested_at: float
    repository_id: int = 0
    head_sha: str = ""
    ended_at: float | None = None
    error: str = ""


async def add(store: Store, review_id: str, pending: PendingRequest) -> None:
    """Know it from now on, unless it is known."""
    await store.redis.set(keys.pending(review_id), pack(pending), ex=store.keep_seconds, nx=True)


async def end(store: Store, review_id: str, pending: PendingRequest, reason: str) -> None:
    """Nothing comes of it, which those who watch are told once, and not if it has begun."""
    ended = replace(pending, ended_at=store.now(), error=reason)
    event = encode(Progress(state=State.FAILED, error=reason))
    is_head_known = bool(ended.head_sha)
    await store.scripts.run(
        Script.END_PENDING,
        pack(ended),
        id=review_id,
        event=event.decode(),
        keep=store.keep_seconds,
        head_pulls=keys.head(ended.repository_id, ended.head_sha) if is_head_known else None,
        number=ended.number,
    )


async def reject(store: Store, review_id: str, reason: str) -> None:
    """Nothing comes of what `add` was told of, if that was not said before."""
    found = await find(store, review_id)
    if found is not None and not found.error:
        await end(store, review_id, found, reason)


async def find(store: Store, review_id: str) -> PendingRequest | None:
    """It is also found once it has begun: look for the review first."""
    data = await store.redis.get(keys.pending(review_id))
    return unpack(PendingRequest, data) if data else None


async def skipped_pull_number(store: Store, review_id: str, repository_id: int) -> int | None:
    """The number of the pull request of that repository that has this instead of a review."""
    found = await find(store, review_id)
    return found.number if found and found.repository_id == repository_id else None
