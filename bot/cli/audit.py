"""Export of the audit log: `glossator audit`."""

import csv
import getpass
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, fields
from datetime import datetime
from typing import TextIO

from bot.cli.embedded_redis import embedded_redis, running_url
from bot.config.settings import Settings
from bot.domain.report_format import AuditFormat
from bot.store import Action, AuditEntry, AuditLine, Store, Way, connect, is_ready

#: What a spreadsheet would take for a formula: who comments on a pull request writes details.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


async def export(settings: Settings, since: datetime, form: AuditFormat, out: TextIO) -> None:
    """Write the lines from `since` on, oldest first, and note in the log that it was done. Raises
    RedisError, RedisServerError."""
    async with _store(settings) as store:
        entry = AuditEntry(
            action=Action.AUDIT_EXPORTED,
            way=Way.CLI,
            who=_user(),
            detail=f"since {since.isoformat()}",
        )
        lines = store.audit.since(since.timestamp())
        names = [field.name for field in fields(AuditLine)]
        if form is AuditFormat.JSONL:
            async for line in lines:
                out.write(json.dumps(asdict(line), ensure_ascii=False) + "\n")
        else:
            writer = csv.DictWriter(out, names)
            writer.writeheader()
            async for line in lines:
                writer.writerow({name: _cell(value) for name, value in asdict(line).items()})
        await store.audit.record(entry)


def _cell(value: object) -> str:
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return ""


@asynccontextmanager
async def _store(settings: Settings) -> AsyncIterator[Store]:
    """That of the settings; without one, that of `serve`, which is started unless it runs."""
    directory = settings.data_dir / "redis"
    url = settings.redis_url or running_url(directory)
    if url and (settings.redis_url or await is_ready(url)):
        async with _connected(url) as store:
            yield store
    else:
        async with embedded_redis(directory) as url, _connected(url) as store:
            yield store


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[Store]:
    store = Store(connect(url), keep_seconds=0)
    try:
        yield store
    finally:
        await store.aclose()
