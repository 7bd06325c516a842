"""Export of the audit log: `glossator audit`."""

import csv
import getpass
import json
from dataclasses import asdict, fields
from datetime import datetime
from typing import TextIO

from bot.cli.embedded_redis import opened_store
from bot.config.settings import Settings
from bot.domain.report_format import AuditFormat
from bot.store import Action, AuditEntry, AuditLine, Way

#: What a spreadsheet would take for a formula: who comments on a pull request writes details.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


async def export(settings: Settings, since: datetime, form: AuditFormat, out: TextIO) -> None:
    """Write the lines from `since` on, oldest first, but for the one that says so. Raises
    RedisError, RedisServerError."""
    async with opened_store(settings) as store:
        entry = AuditEntry(
            action=Action.AUDIT_EXPORTED,
            way=Way.CLI,
            who=_user(),
            detail=f"since {since.isoformat()}",
        )
        own = await store.audit.record(entry)  # first: nothing is exported without its line
        lines = (line async for line in store.audit.since(since.timestamp()) if line.id != own)
        names = [field.name for field in fields(AuditLine)]
        if form is AuditFormat.JSONL:
            async for line in lines:
                out.write(json.dumps(asdict(line), ensure_ascii=False) + "\n")
        else:
            writer = csv.DictWriter(out, names)
            writer.writeheader()
            async for line in lines:
                writer.writerow({name: cell(value) for name, value in asdict(line).items()})


def cell(value: object) -> str:
    """A cell of CSV that no spreadsheet runs."""
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return ""
