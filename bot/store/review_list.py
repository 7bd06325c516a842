"""Reviews in lists: newest first, filtered, a page at a time."""

import re
from collections.abc import AsyncIterator, Callable
from typing import Any

from bot.store import keys
from bot.store.review_state import ReviewSummary, field_names, from_hash
from bot.store.store import Store

#: When a page's last review was opened, and its id.
CURSOR = r"^[0-9]{1,15}(\.[0-9]{1,9})?:[0-9A-Za-z]{1,64}$"

#: Reviews looked at in one round trip.
_CHUNK = 100


class BadCursor(ValueError):
    """Raised for a cursor that no page gave."""


async def newest_first(store: Store, cursor: str = "") -> AsyncIterator[tuple[str, ReviewSummary]]:
    """Every review that is still kept, with the cursor that goes on after it.

    Raises BadCursor. Ids of reviews that expired are skipped.
    """
    score, review_id = _position(cursor)
    while True:
        entries = await _ids(store, score, review_id)
        if not entries:
            return
        async with store.redis.pipeline(transaction=False) as pipe:
            for name, _ in entries:
                pipe.hmget(keys.review(name), list(field_names(ReviewSummary)))
            rows = await pipe.execute()
        for (name, opened), row in zip(entries, rows, strict=True):
            score, review_id = opened, name
            if (summary := from_hash(ReviewSummary, row)) is not None:
                yield f"{opened!r}:{name}", summary


async def page_of(
    store: Store, matches: Callable[[ReviewSummary], bool], *, limit: int, cursor: str = ""
) -> tuple[list[ReviewSummary], str]:
    """Up to `limit` reviews and the cursor of the next page ("" at the end)."""
    found: list[ReviewSummary] = []
    last = ""
    async for after, summary in newest_first(store, cursor):
        if not matches(summary):
            continue
        if len(found) == limit:
            return found, last
        found.append(summary)
        last = after
    return found, ""


def _position(cursor: str) -> tuple[float, str]:
    """When and which review the last page ended with."""
    if not cursor:
        return float("inf"), ""
    if not re.fullmatch(CURSOR, cursor, re.ASCII):
        raise BadCursor("The cursor is none that a page gave.")
    opened, _, review_id = cursor.partition(":")
    return float(opened), review_id


async def _ids(store: Store, score: float, review_id: str) -> list[tuple[str, float]]:
    """The next ids and when they were opened. Reviews of the same moment are ordered by id,
    so that a page neither skips nor repeats one."""
    entries: Any = await store.redis.zrange(
        keys.REVIEWS,
        f"{score!r}",
        "-inf",
        desc=True,
        byscore=True,
        offset=0,
        num=_CHUNK,
        withscores=True,
    )
    found = [(name.decode(), float(opened)) for name, opened in entries]
    return [e for e in found if not review_id or (e[1], e[0]) < (score, review_id)]
