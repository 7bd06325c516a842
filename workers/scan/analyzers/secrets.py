"""Keys, tokens and passwords that a change adds: reported by the rules that mask them.

`# pragma: allowlist secret`, or `nextline secret` in the line above, keeps one from being reported,
but not from being masked: it is in the diff for people to see.
"""

import re
from base64 import b64decode
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate
from pathlib import PurePosixPath

from bot.domain.model import SECRETS_SOURCE, Category, Finding, Severity
from bot.text.languages import language_of
from bot.text.secret_rules import DATA_RULES, RULES, KnownBy, Secret, find
from bot.text.secret_values import is_stand_in, is_typed
from bot.text.secrets import mask
from workers.scan.analyzers.analyzer import Diagnostic, Target, TextCheck
from workers.scan.selection.risk import (
    is_development,
    is_example,
    is_test,
    is_translation,
    is_trial,
)

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


#: How a name ends whose value is about secrets and none: `PatPrefix`, `token_header`.
_NAME_OF_NO_SECRET = re.compile(
    r"(?i)(?:prefix|suffix|charset|alphabet|pattern|regexp?|header|field|param|template|format"
    r"|length|label|placeholder|type|name|key_?id|message|hint|title|description|status|policy)"
    r"[\"'`\]]{0,2}\s{0,5}(?::=|=>|[=:])\s{0,5}[rbuf]?[\"'`]?\Z"
)
_COMMENT = re.compile(r"\s*(?:#|//|/?\*|--|;|<!--|REM )")
#: Whoever the password is of, as files of data and commands say it.
_OWNERS = re.compile(
    r"(?im)(?:user(?:name)?|login|database|db|name|role)[\"']?[ \t]{0,3}[=:][ \t]{0,3}"
    r"[\"']?([\w.-]{3,60})[\"']?[ \t\r]{0,20}[,;]?$"
)
#: After the password in an address: a name that only services beside this one resolve.
_BESIDE = re.compile(r"@(?:[A-Za-z0-9_-]+|0\.0\.0\.0|[$%]?[({][^\s/@]*)(?=[:/?#\"'`\s]|\Z)")


def added_secrets(target: Target) -> Iterator[Diagnostic]:
    """One message for each secret on an added line."""
    found = find(target.text, (*RULES, *DATA_RULES) if _is_data(target.path) else RULES)
    if not found:
        return
    lines, added = target.text.split("\n"), target.file.added_lines
    starts = [0, *accumulate(len(line) + 1 for line in lines)]
    masked = mask(target.text, found).split("\n")
    owners = frozenset(name.lower() for name in _OWNERS.findall(target.text))
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
            severity=_severity(secret, target, lines[first - 1], owners),
            title=f"{rule.title} in the code",
            body="Anyone with read access to the repository can use it. Revoke it and load it from "
            "the environment or a secret store.",
            confidence=0.6 if rule.known_by is KnownBy.NAME else 0.95,
            quote=masked[number - 1].rstrip("\r"),  # all that are in the line
        )


def _worth_reporting(secret: Secret, target: Target, lines: Sequence[str], first: int) -> bool:
    rule, value = secret.rule, target.text[secret.start : secret.end]
    if not rule.title or (rule.data and not _is_data(target.path)):
        return False
    line, above = lines[first - 1], lines[first - 2] if first > 1 else ""
    if _ALLOWED.search(line) or _ALLOWS_NEXT.search(above) or _DOCTEST.match(line):
        return False
    if _NOWHERE.match(target.text, secret.end):
        return False
    match rule.known_by:
        case KnownBy.FORM:
            return True
        case KnownBy.SYNTAX:
            return not is_stand_in(_decoded(value))
        case KnownBy.NAME:
            before = target.text[max(0, secret.start - 40) : secret.start]
            return not (
                is_stand_in(value)
                or _NAME_OF_NO_SECRET.search(before)
                or (is_translation(target.path) and _is_worded(value))
            )


def _is_worded(value: str) -> bool:
    return not value.isascii() or not any(map(str.isdigit, value))


def _decoded(value: str) -> str:
    """The password of `Authorization: Basic`, where it is one; else the value itself."""
    try:
        user, colon, password = b64decode(value, validate=True).decode().partition(":")
    except ValueError:
        return value
    return password if colon and user.isprintable() else value


def _is_data(path: str) -> bool:
    return language_of(path) in _DATA and PurePosixPath(path).suffix.lower() not in _PROSE


def _severity(secret: Secret, target: Target, line: str, owners: frozenset[str]) -> Severity:
    """How far a secret opens something: one in its issuer's form does wherever it is, what is
    known by less may belong to a service that only exists for a test or on a desk."""
    path, known_by = target.path, secret.rule.known_by
    if known_by is KnownBy.FORM:
        # A token of hours, where people show what an answer looks like.
        shown = secret.rule.kind == "jwt" and (is_trial(path) or is_example(path))
        return Severity.MEDIUM if is_test(path) or shown else Severity.CRITICAL
    value = target.text[secret.start : secret.end]
    of_owner = _is_of_owner(value, secret, target.text, owners)
    weak = of_owner or is_typed(value)
    beside = known_by is KnownBy.SYNTAX and _BESIDE.match(target.text, secret.end) is not None
    by_name = known_by is KnownBy.NAME or beside
    if is_trial(path) or is_example(path) or _COMMENT.match(line):
        return Severity.INFO if weak or by_name else Severity.MEDIUM
    near = beside or is_development(path)
    if of_owner or (weak and near):
        return Severity.LOW
    if near:
        return Severity.MEDIUM
    return Severity.HIGH if by_name else Severity.CRITICAL


def _is_of_owner(value: str, secret: Secret, text: str, owners: frozenset[str]) -> bool:
    """Whether the password is the name of its user, database or service, perhaps with a number
    behind: what images and guides set where nobody else gets in."""
    word = value.lower().rstrip("0123456789!")
    if len(word) < 3 or not word.isidentifier():
        return False
    start = text.rfind("\n", 0, secret.start) + 1
    before = text[max(start, secret.start - 200) : secret.start].lower()
    return word in owners or re.search(rf"(?<![a-z]){word}[_.:]", before) is not None


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
