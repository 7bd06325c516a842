"""Keys, tokens and passwords that a change adds: reported by the rules that mask them.

`# pragma: allowlist secret`, or `nextline secret` in the line above, keeps one from being reported,
but not from being masked: it is in the diff for people to see.
"""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate
from pathlib import PurePosixPath

from bot.domain.model import SECRETS_SOURCE, Category, Finding, Severity
from bot.text.languages import language_of
from bot.text.secret_rules import DATA_RULES, RULES, Secret, find
from bot.text.secrets import mask
from workers.scan.analyzers.analyzer import Diagnostic, Target, TextCheck
from workers.scan.selection.risk import is_test

#: Of files in which a value without quotes is one; "" where the language is not known.
_DATA = frozenset({"", "yaml", "toml", "ini", "properties", "bash", "dockerfile", "json"})
_PROSE = frozenset({".txt", ".adoc", ".license"})

_ALLOWED = re.compile(r"pragma: ?(?:allow|white)list[ -]secret|gitleaks:allow")
_ALLOWS_NEXT = re.compile(r"pragma: ?(?:allow|white)list[ -]nextline[ -]secret")

#: A password for this machine or a reserved name, and a line of a doctest, open nothing.
_NOWHERE = re.compile(
    r"@(?:localhost|127\.0\.0\.1|\[::1\]|(?:[\w-]+\.)*(?:example|test|invalid)(?:\.\w+)?|host(?:name)?)"
    r"(?![\w.-])"
)
_DOCTEST = re.compile(r"\s*(?:>>>|\.\.\.) ")


def added_secrets(target: Target) -> Iterator[Diagnostic]:
    """One message for each secret on an added line."""
    found = find(target.text, (*RULES, *DATA_RULES) if _is_data(target.path) else RULES)
    if not found:
        return
    lines, added = target.text.split("\n"), target.file.added_lines
    starts = [0, *accumulate(len(line) + 1 for line in lines)]
    masked = mask(target.text, found).split("\n")
    for secret in found:
        first, last = (bisect_right(starts, at) for at in (secret.start, secret.end - 1))
        number = next((line for line in added if first <= line <= last), None)
        if number is None or not _worth_reporting(secret, target, lines, first):
            continue
        rule = secret.rule
        yield Diagnostic(
            file=target.path,
            rule=rule.kind,
            line=number,
            end_line=number,
            category=Category.SECURITY,
            severity=_severity(rule.guess, is_test(target.path)),
            title=f"{rule.title} in the code",
            body="Anyone with read access to the repository can use it. Revoke it and load it from "
            "the environment or a secret store.",
            confidence=0.6 if rule.guess else 0.95,
            quote=masked[number - 1].rstrip("\r"),  # all that are in the line
        )


def _worth_reporting(secret: Secret, target: Target, lines: Sequence[str], first: int) -> bool:
    if not secret.rule.title or (secret.rule.data and not _is_data(target.path)):
        return False
    line, above = lines[first - 1], lines[first - 2] if first > 1 else ""
    if _ALLOWED.search(line) or _ALLOWS_NEXT.search(above) or _DOCTEST.match(line):
        return False
    return _NOWHERE.match(target.text, secret.end) is None


def _is_data(path: str) -> bool:
    return language_of(path) in _DATA and PurePosixPath(path).suffix.lower() not in _PROSE


def _severity(guess: bool, in_test: bool) -> Severity:
    if in_test:
        return Severity.INFO if guess else Severity.MEDIUM
    return Severity.HIGH if guess else Severity.CRITICAL


def masks(found: Iterable[Finding]) -> dict[str, dict[int, str]]:
    """By path and line: each line that holds a secret, under its mask."""
    known: defaultdict[str, dict[int, str]] = defaultdict(dict)
    for item in found:
        if item.source.startswith(f"{SECRETS_SOURCE}:") and item.start_line is not None:
            known[item.path][item.start_line] = item.quote
    return known


def without_secrets(found: Sequence[Finding]) -> list[Finding]:
    """The same findings; what others quote of a line with a secret is masked as here."""
    known = masks(found)

    def quoted(item: Finding) -> str:
        lines = item.quote.split("\n")
        return "\n".join(
            known.get(item.path, {}).get(number, line)
            for number, line in enumerate(lines, item.start_line or 0)
        )

    return [replace(item, quote=quoted(item)) for item in found]


SECRETS = TextCheck(SECRETS_SOURCE, added_secrets, about="Any file: keys, tokens and passwords")
