"""Secrets taken out of text before Redis, a language model or a report sees it (pure).

Each becomes `[redacted:<kind>]`. Line feeds stay where they are, so that line numbers
and anchors hold. The patterns are those of the issuers' published token formats;
they favour precision, except for the last two, which go by entropy.
"""

import math
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from bot.domain.diff import ChangedFile, Line

#: Bits a character: random base64 of 20 characters has about 4, words have 3 or less.
_ENTROPY = 3.2

#: Stand-ins that people write where a secret goes.
_PLACEHOLDER = re.compile(
    r"(?i)^(?:.*(?:example|change[_-]?me|placeholder|dummy|your[_-]|xxxx|\*{3,}|<[^>]*>|\$\{|\{\{|%\().*"
    r"|none|null|true|false|test|password|secret|(.)\1*)$"
)


@dataclass(frozen=True, slots=True)
class _Rule:
    """`pattern` finds the secret as its group `s`, or else as the whole match."""

    kind: str
    pattern: re.Pattern[str]
    is_secret: Callable[[str], bool] = lambda _: True


def entropy(text: str) -> float:
    """Shannon entropy in bits a character."""
    counts = Counter(text)
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values())


def _random_looking(text: str) -> bool:
    return not _PLACEHOLDER.match(text) and entropy(text) >= _ENTROPY


def _secret_value(text: str) -> bool:
    """A value assigned to a name such as `password`: no stand-in and no plain word."""
    if _PLACEHOLDER.match(text):
        return False
    mixed = sum(bool(re.search(kind, text)) for kind in ("[a-z]", "[A-Z]", "[0-9]", "[^A-Za-z0-9]"))
    return entropy(text) >= 2.5 and mixed >= 2


def _key_line(text: str) -> bool:
    return entropy(text) >= 4.5


def _key_body(text: str) -> bool:
    return re.search(r"[A-Za-z0-9+/]{16}", text) is not None


def _strong(text: str) -> bool:
    """What no name of code is: letters, digits and signs mixed."""
    return (
        re.search("[!@#%^&*?~+]", text) is not None
        and re.search("[0-9]", text) is not None
        and _random_looking(text)
    )


def _no_variable(text: str) -> bool:
    return re.match(r"\$[{(]|\{\{?|<|%[(s]|\$\w+$|\*+$", text) is None


def _value(text: str) -> bool:
    """Random, and no name of code such as `settings.secret_key`."""
    return _random_looking(text) and re.fullmatch(r"[A-Za-z_]+(?:\.[A-Za-z_]+)+", text) is None


#: Where a token may begin: not within a word, but right after an escape, whose last character
#: is a letter or digit: `\n`, `\x22`, `\u0022`, `%22`.
_START = (
    r"(?:(?<![A-Za-z0-9_])|(?<=\\[bfnrt])|(?<=%[0-9A-Fa-f]{2})|(?<=\\x[0-9A-Fa-f]{2})"
    r"|(?<=\\u[0-9A-Fa-f]{4}))"
)


def _rule(kind: str, pattern: str, is_secret: Callable[[str], bool] = lambda _: True) -> _Rule:
    return _Rule(kind, re.compile(pattern.replace("<START>", _START)), is_secret)


_RULES = (
    _rule(
        "private-key",
        # Up to its end, the next beginning, or what cannot stand in a key, as in code that
        # only names the first line.
        r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
        r"(?:(?!-----(?:BEGIN|END))[A-Za-z0-9+/=\s\\\"',:.#|<>*-]){0,20000}+"
        r"(?:-----END [A-Z0-9 ]{0,40}-----)?",
        _key_body,
    ),
    _rule(
        "github-token",
        # Those of installations name the App and are JWTs, but for GitHub Enterprise Server's.
        # https://github.blog/changelog/2026-05-15-github-app-installation-tokens-per-request-override-header/
        r"ghs_(?:[A-Za-z0-9]{1,20}_)?eyJ[A-Za-z0-9_-]{8,2000}\.[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{8,2000}"
        r"|gh[pousr]_(?:(?!gh[pousr]_)[A-Za-z0-9]){36,255}|github_pat_[A-Za-z0-9_]{22,255}",
    ),
    _rule("gitlab-token", r"gl(?:pat|dt|rt|soat|cbt|ptt|ft|imt|agent)-[A-Za-z0-9_-]{20,255}"),
    _rule("slack-token", r"xox[abeoprs]-[A-Za-z0-9-]{10,255}|xapp-\d-[A-Za-z0-9-]{10,255}"),
    _rule(
        "slack-webhook",
        r"https://hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_-]{20,200}",
    ),
    _rule("aws-key-id", r"<START>(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}(?![A-Za-z0-9])"),
    _rule(
        "aws-secret",
        r"(?i)aws.{0,30}?(?:secret|key).{0,20}?[=:\s\"']{1,5}(?P<s>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])",
        _random_looking,
    ),
    _rule("google-key", r"AIza[A-Za-z0-9_-]{35}"),
    _rule("google-oauth", r"GOCSPX-[A-Za-z0-9_-]{28}|ya29\.[A-Za-z0-9_-]{20,500}"),
    _rule(
        "stripe-key",
        r"<START>(?:sk|rk|whsec)_(?:(?:live|test|prod)_)?[A-Za-z0-9]{16,255}(?![A-Za-z0-9])",
    ),
    _rule("anthropic-key", r"sk-ant-[A-Za-z0-9_-]{20,255}"),
    _rule(
        "openai-key",
        r"<START>sk-(?:proj-|svcacct-|admin-|or-v1-)?[A-Za-z0-9_-]{20,255}",
        _random_looking,
    ),
    _rule("azure-key", r"AccountKey=(?P<s>[A-Za-z0-9+/]{86}==)"),
    _rule("digitalocean-token", r"do[opr]_v1_[a-f0-9]{64}"),
    _rule("vault-token", r"\bhv[sbr]\.[A-Za-z0-9_-]{24,300}"),
    _rule(
        "discord-webhook",
        r"https://discord(?:app)?\.com/api/webhooks/\d{10,25}/[A-Za-z0-9_-]{40,100}",
    ),
    _rule("npm-token", r"npm_[A-Za-z0-9]{36}"),
    _rule("pypi-token", r"pypi-AgE[A-Za-z0-9_-]{50,500}"),
    _rule("hugging-face-token", r"hf_(?:(?!hf_)[A-Za-z0-9]){30,60}"),
    _rule("sendgrid-key", r"SG\.[A-Za-z0-9_-]{16,40}\.[A-Za-z0-9_-]{30,60}"),
    _rule("telegram-token", r"\b\d{8,10}:AA[A-Za-z0-9_-]{33}(?![A-Za-z0-9_-])"),
    _rule(
        "jwt", r"<START>eyJ[A-Za-z0-9_-]{8,2000}\.eyJ[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{8,2000}"
    ),
    _rule(
        "url-password",
        # A slash has to be escaped there, and often is not; after a port begins the path.
        r"\b[a-zA-Z][a-zA-Z0-9+.-]{1,20}://[^\s:/@\"'<>\[]{0,100}:"
        r"(?P<s>[^\s/\"'<>]{3,200}|(?!\d{1,5}/|\$)[^\s@\"'<>]{3,200})@",
        _no_variable,
    ),
    _rule(
        "password",  # of curl and its like
        r"\bcurl\b[^\n|;&]{0,200}?\s(?:-u[ \t]{0,3}|--user[ \t=]{1,3})[\"']?[^\s:\"']{1,100}:"
        r"(?P<s>[^\s\"']{3,200})",
        _no_variable,
    ),
    _rule(
        "bearer-token",
        r"(?i)\bauthorization[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?:bearer|basic|token)\s{1,3}(?P<s>[A-Za-z0-9._~+/=-]{16,500})",
        _random_looking,
    ),
    _rule(
        "secret",
        r"(?i)(?:passw(?:or)?d|passwd|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key"
        r"|client[_-]?secret|auth[_-]?key|credential)[A-Za-z0-9_-]{0,20}\\{0,3}[\"'\]]{0,2}\s{0,5}(?::=|=>|[=:])\s{0,5}"
        r"[rbuf]?(?P<q>\\{0,3}[\"'`])(?P<s>(?:[^\"'`\s\\]|\\(?![\"'`\\])|\\\\(?![\"'`])){8,200})(?P=q)",
        _secret_value,
    ),
    _rule(
        "secret",
        r"(?im)^\s{0,20}(?:export\s)?[A-Z0-9_]{0,40}(?:PASSWORD|SECRET|TOKEN|API_?KEY|PRIVATE_KEY)[A-Z0-9_]{0,20}\s{0,3}[=:]\s{0,3}"
        r"(?P<s>[A-Za-z0-9+/=_.~-]{16,200})\s{0,20}$",
        _value,
    ),
    _rule(
        "secret",  # as YAML and dotenv files have it, without quotes
        r"(?im)^[ \t]{0,40}(?:- |export )?[\"']?[A-Z0-9_.-]{0,40}"
        r"(?:PASSW(?:OR)?D|PWD|SECRET|TOKEN|KEY)[A-Z0-9_-]{0,20}[\"']?[ \t]{0,3}[=:][ \t]{0,3}"
        r"(?P<s>[A-Za-z0-9!@#%^&*?~+=_./-]{10,200})[ \t\r]{0,20}$",
        _strong,
    ),
    _rule(
        "key-material", r"(?m)^[ \t]{0,40}(?P<s>[A-Za-z0-9+/]{60,80}={0,2})[ \t]{0,20}$", _key_line
    ),
)


#: What every match of every rule has in it; most titles, names and sentences have none of it.
_MAYBE = re.compile(
    r"[\w+/=.~-]{15}|://|-----BEGIN|[\"'`]|(?i:passw|pwd|secret|token|key).{0,30}[=:]|curl"
)


def redact(text: str) -> str:
    """`text` with each secret as `[redacted:<kind>]`; as many lines as before."""
    if not _MAYBE.search(text):
        return text
    for rule in _RULES:
        text = rule.pattern.sub(partial(_replaced, rule), text)
    return text


def _replaced(rule: _Rule, match: re.Match[str]) -> str:
    group: str | int = "s" if "s" in match.re.groupindex else 0
    secret = match.group(group)
    whole = match.group()
    if not rule.is_secret(secret) or secret.startswith("[redacted:"):
        return whole
    start = match.start(group) - match.start()
    mark = f"[redacted:{rule.kind}]"
    masked = "\n".join(mark if line else "" for line in secret.split("\n"))
    return whole[:start] + masked + whole[start + len(secret) :]


def redact_file(file: ChangedFile, content: str | None = None) -> ChangedFile:
    """The same diff, its lines redacted; numbers and counts as before.

    `content` is the whole file at the head, where known: a hunk may show the middle of a
    key whose beginning, by which it is known, stands outside.
    """
    hunks = tuple(
        replace(hunk, section=redact(hunk.section), lines=_redact_lines(hunk.lines))
        for hunk in file.hunks
    )
    return carry_redactions(replace(file, hunks=hunks), file, content, redact(content or ""))


def carry_redactions(
    file: ChangedFile, original: ChangedFile, content: str | None, redacted: str
) -> ChangedFile:
    """`file` with each line of the new side as `redacted` has it, if `content`, the text that
    was redacted, has there what the `original` shows."""
    if not content or content == redacted:
        return file
    pairs = list(zip(content.split("\n"), redacted.split("\n"), strict=True))

    def line(shown: Line, before: Line) -> Line:
        if before.new is None or before.new > len(pairs):
            return shown
        raw, masked = (text.removesuffix("\r") for text in pairs[before.new - 1])
        return replace(shown, text=masked) if raw == before.text and raw != masked else shown

    hunks = tuple(
        replace(hunk, lines=tuple(map(line, hunk.lines, old.lines)))
        for hunk, old in zip(file.hunks, original.hunks, strict=True)
    )
    return replace(file, hunks=hunks)


def _redact_lines(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """Each side is read by itself, as a secret of several lines may be interleaved with another."""
    new = _redacted_on(lines, lambda line: not line.removed)
    return _redacted_on(new, lambda line: line.removed)


def _redacted_on(lines: tuple[Line, ...], here: Callable[[Line], bool]) -> tuple[Line, ...]:
    chosen = [line.text for line in lines if here(line)]
    texts = iter(redact("\n".join(chosen)).split("\n"))
    return tuple(replace(line, text=next(texts)) if here(line) else line for line in lines)
