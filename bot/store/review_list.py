"""Reviews in lists: newest first, filtered, a page at a time."""

import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from bot.domain.model import Progress, Review, State, decode
from bot.store import keys
from bot.store.store import Store

#: When a page's last review was opened, and its id.
CURSOR = r"^[0-9]{1,15}(\.[0-9]{1,9})?:[0-9A-Za-z]{1,64}$"

#: Reviews looked at in one round trip.
_CHUNK = 100

_FIELDS = (
    "doc",
    "state",
    "percent",
    "status_text",
    "findings",
    "error",
    "files_total",
    "files_done",
    "title",
    "score",
    "tokens",
    "cost",
    "opened_at",
    "finished_at",
    "review_url",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A review as lists tell of it. Times in seconds since the epoch; what is not known yet
    is None, or "" for texts."""

    review: Review
    progress: Progress
    opened_at: float
    finished_at: float | None
    title: str
    score: int | None
    tokens: int
    cost: float | None
    review_url: str

    @property
    def seconds(self) -> float | None:
        """How long it took, once it is finished."""
        return None if self.finished_at is None else max(0.0, self.finished_at - self.opened_at)


class BadCursor(ValueError):
    """Raised for a cursor that no page gave."""


async def newest_first(store: Store, cursor: str = "") -> AsyncIterator[tuple[str, Listed]]:
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
                pipe.hmget(keys.review(name), list(_FIELDS))
            rows = await pipe.execute()
        for (name, opened), row in zip(entries, rows, strict=True):
            score, review_id = opened, name
            if row[0] is not None:
                yield f"{opened!r}:{name}", _listed(row)


async def page_of(
    store: Store, matches: Callable[[Listed], bool], *, limit: int, cursor: str = ""
) -> tuple[list[Listed], str]:
    """Up to `limit` reviews and the cursor of the next page ("" at the end)."""
    found: list[Listed] = []
    last = ""
    async for after, listed in newest_first(store, cursor):
        if not matches(listed):
            continue
        if len(found) == limit:
            return found, last
        found.append(listed)
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


def _listed(row: list[bytes | None]) -> Listed:
    values = {n: v.decode() for n, v in zip(_FIELDS, row, strict=True) if v is not None}
    return Listed(
        review=decode(Review, values["doc"]),
        progress=Progress(
            state=State(values["state"]),
            percent=int(values.get("percent", 0)),
            status_text=values.get("status_text", ""),
            findings=int(values.get("findings", 0)),
            files_total=int(values.get("files_total", 0)),
            files_done=int(values.get("files_done", 0)),
            error=values.get("error", ""),
        ),
        opened_at=float(values["opened_at"]),
        finished_at=float(values["finished_at"]) if "finished_at" in values else None,
        title=values.get("title", ""),
        score=int(values["score"]) if "score" in values else None,
        tokens=int(values.get("tokens", 0)),
        cost=float(values["cost"]) if "cost" in values else None,
        review_url=values.get("review_url", ""),
    )


async def find_listed(store: Store, review_id: str) -> Listed | None:
    row = await store.redis.hmget(keys.review(review_id), list(_FIELDS))
    return _listed(list(row)) if row[0] is not None else None  # type: ignore[arg-type]
