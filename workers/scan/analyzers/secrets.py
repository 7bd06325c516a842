"""detect-secrets: keys, tokens and passwords. Their values are masked in all that we keep.

`# pragma: allowlist secret` is honoured: it stands in the diff for people to see.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from bot.model import Category, Severity
from workers.scan.analyzers.model import Analyzer, Said, Target
from workers.scan.risk import is_test

_PROBE = Path(__file__).with_name("secrets_probe.py")
MASK = "[secret]"
_GUESSED = "Secret Keyword"  # the variable's name speaks for it, not the value's form
_CERTAIN_HEADER = "Private Key"  # its value is the header, which is no secret


def _command(names: list[str]) -> list[str]:
    return ["python", "-I", str(_PROBE), *names]


def _read(out: bytes, targets: Mapping[str, Target]) -> Iterable[Said]:
    for item in json.loads(out):
        target = targets[item["file"]]
        line = target.text.split("\n")[item["line"] - 1].rstrip("\r")
        sure = item["type"] != _GUESSED
        spans = [] if item["type"] == _CERTAIN_HEADER else item["spans"]
        yield Said(
            file=item["file"],
            rule=item["type"].lower().replace(" ", "-"),
            line=item["line"],
            end_line=item["line"],
            category=Category.SECURITY,
            severity=_severity(sure, is_test(target.path)),
            title=f"{item['type'] if sure else 'Password or key'} in the code",
            body="Who can read the repository, or any later copy of it, can use it. Revoke it, "
            "and read it from the environment or a secret store instead.",
            confidence=0.95 if sure else 0.6,
            quote=masked(line, spans),
        )


def _severity(sure: bool, in_test: bool) -> Severity:
    if in_test:
        return Severity.MEDIUM if sure else Severity.INFO
    return Severity.CRITICAL if sure else Severity.HIGH


def masked(line: str, spans: Iterable[Iterable[int]]) -> str:
    """`line` with each span (start and end, in characters) replaced by a mask."""
    for start, end in sorted((tuple(span) for span in spans), reverse=True):
        line = line[:start] + MASK + line[end:]
    return line


SECRETS = Analyzer("secrets", lambda target: True, _command, _read, suffix=".txt")
