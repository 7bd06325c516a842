"""detect-secrets: keys, tokens and passwords. Their values are masked in all that we keep.

`# pragma: allowlist secret` is honoured: it stands in the diff for people to see.
"""

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from bot.domain.model import Category, Finding, Severity
from workers.scan.analyzers.analyzer import Analyzer, Diagnostic, Target
from workers.scan.selection.risk import is_test

_PROBE = Path(__file__).parent / "probes" / "secrets_probe.py"
MASK = "[redacted:secret]"
_NAME = "secrets"
_GUESSED = "Secret Keyword"  # the variable's name speaks for it, not the value's form
_CERTAIN_HEADER = "Private Key"  # its value is the header, which is no secret


def _command(names: list[str]) -> list[str]:
    return ["python", "-I", str(_PROBE), *names]


def _read(out: bytes, targets: Mapping[str, Target]) -> Iterable[Diagnostic]:
    items = json.loads(out)
    shown = {name: _shown(targets[name]) for name in {item["file"] for item in items}}
    for item in items:
        item["line"] = shown[item["file"]][item["line"] - 1]
    spans: defaultdict[tuple[str, int], list[list[int]]] = defaultdict(list)
    for item in items:
        if item["type"] != _CERTAIN_HEADER:
            spans[item["file"], item["line"]] += item["spans"]
    for item in items:
        target = targets[item["file"]]
        line = target.text.split("\n")[item["line"] - 1].rstrip("\r")
        sure = item["type"] != _GUESSED
        yield Diagnostic(
            file=item["file"],
            rule=item["type"].lower().replace(" ", "-"),
            line=item["line"],
            end_line=item["line"],
            category=Category.SECURITY,
            severity=_severity(sure, is_test(target.path)),
            title=f"{item['type'] if sure else 'Password or key'} in the code",
            body="Anyone with read access to the repository can use it. Revoke it and load it from "
            "the environment or a secret store.",
            confidence=0.95 if sure else 0.6,
            quote=masked(line, spans[item["file"], item["line"]]),  # all that stand there
        )


def _severity(sure: bool, in_test: bool) -> Severity:
    if in_test:
        return Severity.MEDIUM if sure else Severity.INFO
    return Severity.CRITICAL if sure else Severity.HIGH


def masked(line: str, spans: Iterable[Sequence[int]]) -> str:
    """`line` with each span (start and end, in characters; they may overlap) under a mask."""
    shown, end = "", 0
    for start, stop in sorted((span[0], span[1]) for span in spans):
        if start >= end:
            shown += line[end:start] + MASK
        end = max(end, stop)
    return shown + line[end:]


def masks(found: Iterable[Finding]) -> dict[str, dict[int, str]]:
    """By path and line: each line that holds a secret, under its mask."""
    known: defaultdict[str, dict[int, str]] = defaultdict(dict)
    for item in found:
        if item.source.startswith(f"{_NAME}:") and item.start_line is not None:
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


def _shown(target: Target) -> list[int]:
    """The numbers of the added lines, and of the one above each, which may allow its secret: it
    takes its time for each line, looks at one at a time, and is asked about no others."""
    added = set(target.file.added_lines)
    return sorted(added | {number - 1 for number in added} - {0})


def _lines(target: Target) -> str:
    lines = target.text.split("\n")
    return "\n".join(lines[number - 1] for number in _shown(target))


SECRETS = Analyzer(
    _NAME,
    lambda target: True,
    _command,
    _read,
    shows=_lines,
    suffix=".txt",
    reviews=False,
    program="detect-secrets",
    about="Any file: keys, tokens and passwords",
    max_findings=math.inf,  # each of them is masked by what it found
)
