"""What has an id and is no review: one that was asked for over the API and has not begun, and a
pull request that was left alone. Pages, API and feed know both all the same."""

from dataclasses import dataclass, replace
from typing import Any

from bot.domain.model import State, Trigger, encode
from bot.domain.progress import Progress
from bot.store import keys
from bot.store.database import pack, unpack
from bot.store.store import Store

#: KEYS: the record, the events, the head's pull requests (if the head is known). ARGV: the record,
#: the event, seconds to keep them, the number. Where there are events it was told before, or the
#: review has begun and tells its own end.
_END = """
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[3])
if redis.call('EXISTS', KEYS[2]) == 0 then
  redis.call('XADD', KEYS[2], '*', 'type', 'failed', 'data', ARGV[2])
  redis.call('EXPIRE', KEYS[2], ARGV[3])
end
if KEYS[3] then
  redis.call('SADD', KEYS[3], ARGV[4])
  redis.call('EXPIRE', KEYS[3], ARGV[3])
end
"""


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
    script_keys = [keys.pending(review_id), keys.events(review_id)]
    if ended.head_sha:
        script_keys.append(keys.head(ended.repository_id, ended.head_sha))
    args: list[Any] = [pack(ended), event, store.keep_seconds, ended.number]
    await store.redis.register_script(_END)(keys=script_keys, args=args)


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
