"""squawk: PostgreSQL migrations that block a table, or break what still runs on it.

https://squawkhq.com/docs/rules. Only new files of a folder of migrations are looked at, and only
those whose SQL is plainly PostgreSQL's: what its locks do is not true of other databases. Left out
are matters of taste (`prefer-*`, `require-timeout-*`) and what a migration says in so many words
(`ban-drop-table`, `ban-drop-column`). `-- squawk-ignore` is honored: it stands in the diff.
"""

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache

from bot.domain.diff import FileStatus
from bot.domain.model import Category, Severity
from workers.scan.analyzers.analyzer import Analyzer, Diagnostic, Target
from workers.scan.analyzers.rules import rules

#: Longer files, in characters, are data rather than changes of tables.
_MAX_LENGTH = 200_000
# The texts are hostile: no expression below may start at every line and read on over the next ones.
#: Folders and file names by which tools know their migrations: Flyway, Rails, Prisma, sqlx, goose,
#: golang-migrate and others; those that take a migration back are left alone.
_MIGRATION = re.compile(
    r"(?:^|/)(?:(?>[\w-]*migrat)\w*|versions)/|(?:^|/)V(?>[\d._]+?__)[^/]++$", re.I
)
_BACK = re.compile(r"(?:^|[./_-])(?:down|undo|rollback|revert)\b|(?:^|/)U[\d._]+__", re.I)
#: What hardly another database takes.
_POSTGRESQL = re.compile(
    r"\bCONCURRENTLY\b|\b(?:big|small)serial\b|\btimestamptz\b|\bjsonb\b|\bbytea\b|\btsvector\b"
    r"|\bcitext\b|::\w|\$\w*\$|\bALTER\s+COLUMN\s+\S+\s+(?:SET\s+(?:NOT\s+NULL|DATA)|TYPE\b)"
    r"|\bUSING\s+(?:gin|gist|brin)\b|\bgen_random_uuid\b|\buuid_generate_v\d"
    r"|\bCREATE\s+EXTENSION\b|\bNOT\s+VALID\b|\bOWNER\s+TO\b|\b(?:lock|statement)_timeout\b"
    r'|\bpublic"?\.',
    re.I,
)
_OTHERS = re.compile(
    r"`|\bENGINE\s*=|\bAUTO_?INCREMENT\b|\bPRAGMA\b|^[ \t]*GO[ \t\r]*$|\[dbo\]|\bNVARCHAR\b"
    r"|\bVARCHAR2\b",
    re.I | re.M,
)
_BEGINS = re.compile(r"^[ \t]*(?:BEGIN|START\s+TRANSACTION)\b[^;]{0,200};", re.I | re.M)
_NAME = r"(?:\s+IF\s+(?:NOT\s+)?EXISTS)?(?:\s+ONLY)?\s+([\w.\"]+)"
_CREATES = re.compile(rf"\bCREATE(?:\s+UNLOGGED)?\s+TABLE{_NAME}", re.I)
_ALTERS = re.compile(rf"\bALTER\s+TABLE{_NAME}", re.I)
_IN_TRANSACTION = "ban-concurrent-index-creation-in-transaction"
_NO_SYNTAX = "syntax-error"


def _wants(target: Target) -> bool:
    path = target.path
    return (
        path.lower().endswith(".sql")
        and len(target.text) <= _MAX_LENGTH
        and target.file.status is FileStatus.ADDED
        and _MIGRATION.search(path) is not None
        and _BACK.search(path) is None
        and _POSTGRESQL.search(target.text) is not None
        and _OTHERS.search(target.text) is None
    )


def _command(names: Mapping[str, Target]) -> list[str]:
    # As most tools run a migration: then what it does to a table that it has made itself is fine.
    as_run = "--assume-in-transaction"
    return ["squawk", "--config=/dev/null", as_run, "--reporter=json", "--", *names]


def _read(out: bytes, targets: Mapping[str, Target]) -> Iterable[Diagnostic]:
    found = json.loads(out)
    # It reads on after an error, and what it makes of the rest is a guess.
    unread = {item["file"] for item in found if item["rule_name"] == _NO_SYNTAX}
    known = rules("squawk")
    migrations = {name: _Migration(target.text) for name, target in targets.items()}
    for item in found:
        rule, file = item["rule_name"], item["file"]
        if file in unread or rule not in known:
            continue
        if rule == _IN_TRANSACTION and not migrations[file].begins:
            continue
        if migrations[file].alters_its_own(item["line"], item["line_end"]):
            continue
        yield Diagnostic(
            file=file,
            rule=rule,
            line=item["line"] + 1,
            end_line=item["line_end"] + 1,
            category=Category.PERFORMANCE,
            severity=Severity.LOW,
            title=item["message"].partition(". ")[0].rstrip("."),
        )


class _Migration:
    """What a file says of itself, read once: findings can be as many as its statements."""

    def __init__(self, text: str) -> None:
        self.begins = _BEGINS.search(text) is not None
        self._lines = text.split("\n")
        self._made = {_bare(name) for name in _CREATES.findall(text)}
        self._altered = cache(self._altered_at)

    def alters_its_own(self, first: int, last: int) -> bool:
        """Whether the statement at these lines, counted from 0, alters a table that the file
        itself makes: it is empty, and nothing uses it."""
        return self._altered(first, last) in self._made

    def _altered_at(self, first: int, last: int) -> str | None:
        found = _ALTERS.search("\n".join(self._lines[first : last + 1]))
        return _bare(found[1]) if found else None


def _bare(name: str) -> str:
    return name.rpartition(".")[2].strip('"').lower()


SQUAWK = Analyzer(
    "squawk",
    _wants,
    _command,
    _read,
    suffix=".sql",
    program="squawk",
    about="new PostgreSQL migrations: locks that block a table, changes that break running code",
)
