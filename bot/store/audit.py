"""Who asked for, cancelled, dismissed or changed what, and by which way: lines that are only added.

Their times and order are those of Redis. They are kept for AUDIT_DAYS.
"""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

from bot.domain.audit import Action, AuditEntry, Way
from bot.store import keys
from bot.store.database import Database, as_audit_line, to_bytes
from bot.store.lua.scripts import Script
from bot.store.review_views import BadCursor

#: The id of a line, which a page ends with.
AUDIT_CURSOR = r"^[0-9]{1,15}-[0-9]{1,9}$"

_DAY_MS = 86_400_000

#: Lines read at once.
_CHUNK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLine(AuditEntry):
    """`at` is ISO 8601 in UTC, to the millisecond."""

    id: str
    at: str


class Audit:
    """All methods raise RedisError."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._redis = database.redis

    async def record(self, entry: AuditEntry, *, once: str = "") -> str:
        """Add a line, and return its id; one that names what it tells with `once` is added once in
        four days, however often whoever does that tries again, "" from then on.

        What is done in Redis takes its line along instead (`audit`), so that whoever dies leaves
        both or neither. For all else: the line first, or with `once` where it is tried again."""
        line = await self._database.scripts.run(
            Script.RECORD_AUDIT, audit=as_audit_line(entry, once=once)
        )
        return to_bytes(line).decode()

    async def page(
        self, *, since: float = 0.0, cursor: str = "", limit: int
    ) -> tuple[list[AuditLine], str]:
        """Up to `limit` lines from `since` (Unix seconds) on, oldest first, and the cursor of the
        next page, "" at the end. Raises BadCursor."""
        if cursor and not re.fullmatch(AUDIT_CURSOR, cursor, re.ASCII):
            raise BadCursor("Invalid cursor.")
        start = f"({cursor}" if cursor else str(max(0, int(since * 1000)))
        entries: Any = await self._redis.xrange(keys.AUDIT, start, "+", count=limit + 1)
        found = [_line(entry_id.decode(), row) for entry_id, row in entries[:limit]]
        return found, found[-1].id if len(entries) > limit else ""

    async def since(self, since: float) -> AsyncIterator[AuditLine]:
        """All lines from then on (Unix seconds), oldest first."""
        cursor, more = "", True
        while more:
            lines, cursor = await self.page(since=since, cursor=cursor, limit=_CHUNK)
            for line in lines:
                yield line
            more = bool(cursor)

    async def trim(self, days: int) -> int:
        """Drop the lines that are older; returns how many."""
        before = int(await self._database.time() * 1000) - days * _DAY_MS
        return int(await self._redis.xtrim(keys.AUDIT, minid=str(before), approximate=False))


_NAMES = tuple(field.name for field in fields(AuditEntry))


def _line(entry_id: str, row: dict[bytes, bytes]) -> AuditLine:
    values = {name: row.get(name.encode(), b"").decode() for name in _NAMES}
    milliseconds = int(entry_id.partition("-")[0])
    at = datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")
    return AuditLine(
        id=entry_id,
        at=at.replace("+00:00", "Z"),
        action=Action(values["action"]),
        way=Way(values["way"]),
        who=values["who"],
        repository=values["repository"],
        number=int(values["number"] or 0),
        review=values["review"],
        detail=values["detail"],
    )
