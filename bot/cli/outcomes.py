"""What became of posted findings, as a report on this machine: `glossator outcomes`."""

import csv
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TextIO

from bot.cli.audit import cell
from bot.cli.embedded_redis import connected, opened_store, running_url
from bot.config.settings import Settings
from bot.domain.model import encode
from bot.domain.outcomes import (
    Dimension,
    FindingOutcome,
    Outcome,
    OutcomeReport,
    Signal,
    Tally,
    outcome_report,
)
from bot.domain.report_format import OutcomeFormat
from bot.store import is_ready


async def report(
    settings: Settings, since: float, repository: str, form: OutcomeFormat, out: TextIO
) -> None:
    """Write what became of the findings posted since then (Unix seconds), in one repository or in
    all. Raises RedisError, RedisServerError."""
    async with opened_store(settings) as store:
        found, complete = await store.outcomes.since(since, lambda _: True, repository)
        made = outcome_report(found, since, await store.time(), complete=complete)
    match form:
        case OutcomeFormat.JSON:
            out.write(encode(made).decode() + "\n")
        case OutcomeFormat.CSV:
            _write_csv(found, out)
        case OutcomeFormat.MARKDOWN:
            out.write(as_markdown(made, repository))


async def read(settings: Settings, since: float, repository: str) -> OutcomeReport | None:
    """The same of one repository, for a program; None where no server keeps its data here."""
    url = settings.redis_url or running_url(settings.data_dir / "redis")
    if not url or not await is_ready(url):
        return None
    async with connected(url) as store:
        return await store.outcomes.report(since, lambda _: True, repository)


def _write_csv(found: Sequence[FindingOutcome], out: TextIO) -> None:
    """A line for each finding, oldest first."""
    writer = csv.writer(out)
    writer.writerow(
        (
            *("repository", "number", "fingerprint", "path", "title", "category", "severity"),
            *("source", "model", "effort", "inline", "posted_at", "outcome", "settled"),
            *(f"{signal}_at" for signal in Signal),
            *("merged_at", "closed_at", "reason"),
        )
    )
    for one in sorted(found, key=lambda each: each.posted_at):
        about = one.finding
        row = (
            *(about.repository, one.number, about.fingerprint, about.path, about.title),
            *(about.category, about.severity, about.source, about.model, about.effort),
            *(about.inline, _time(one.posted_at), one.outcome, one.settled),
            *(_time(one.signals.get(signal)) for signal in Signal),
            *(_time(one.merged_at), _time(one.closed_at), one.reason),
        )
        writer.writerow([cell(value) for value in row])


def _time(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


#: What ends a cell of a table, or could begin Markdown or HTML in it.
_MARKUP = re.compile(r"[\\`*_\[\]<>|&~]")


def as_markdown(made: OutcomeReport, repository: str) -> str:
    """Tables of the shares, and of the weeks."""
    begin, end = (datetime.fromtimestamp(at, UTC).date() for at in (made.since, made.until))
    where = f" in {_text(repository)}" if repository else ""
    lines = [f"# Outcomes of findings{where}", "", f"Posted from {begin} to {end} (UTC).", ""]
    if not made.complete:
        lines += ["There are too many pull requests; only the newest were counted.", ""]
    counts = made.total.outcomes
    lines += [
        *_table("All", "", [made.total]),
        "| outcome | findings |",
        "| --- | ---: |",
        *(f"| {outcome.label} | {counts.get(outcome, 0)} |" for outcome in Outcome),
        "",
    ]
    for dimension in Dimension:
        lines += _table(f"By {dimension}", dimension, made.by[dimension])
    lines += _table("By week", "week of", made.weeks)
    return "\n".join(lines)


def _table(title: str, first: str, tallies: Sequence[Tally]) -> list[str]:
    return [
        f"## {title}",
        "",
        f"| {first} | posted | settled | accepted | false positives | time to fix |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
        *(
            f"| {_text(one.name) or '—'} | {one.posted} | {one.settled} | "
            f"{percent(one.acceptance)} | {percent(one.false_positives)} | "
            f"{_duration(one.fix_seconds)} |"
            for one in tallies
        ),
        "",
    ]


def _text(name: str) -> str:
    return _MARKUP.sub(lambda found: f"\\{found[0]}", " ".join(name.split()))


def percent(share: float | None) -> str:
    return "—" if share is None else f"{share:.0%}"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "—"
    hours = seconds / 3600
    return f"{hours:.1f} h" if hours < 48 else f"{hours / 24:.1f} days"
