"""Do JSON, TOML and YAML files parse at all? No linter of style.

A template is no such file before it is filled in: where it does not parse, nothing is said.
"""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from bot.domain.model import Category, Severity
from bot.text.file_kinds import allows_comments, has_control_marks, has_template_marks
from workers.scan.analyzers.analyzer import SYNTAX, Analyzer, Diagnostic, Target
from workers.scan.selection.risk import is_test

_PROBE = Path(__file__).parent / "probes" / "data_probe.py"
_AGAIN = re.compile(r"(?P<key>the key .*) stands here again after line (?P<first>\d+)", re.DOTALL)
_LANGUAGES = frozenset({"json", "toml", "yaml"})


def _wants(target: Target) -> bool:
    # Tests keep broken files on purpose.
    return target.language in _LANGUAGES and not is_test(target.path)


def _command(names: Mapping[str, Target]) -> list[str]:
    return ["python", "-I", str(_PROBE), *names]


def _read(out: bytes, targets: Mapping[str, Target]) -> Iterable[Diagnostic]:
    for item in json.loads(out):
        target = targets[item["file"]]
        kind = target.language.upper()
        line, problem = item["line"], item["problem"]
        duplicate = _AGAIN.fullmatch(problem)
        if has_control_marks(target.text) if duplicate else has_template_marks(target.text):
            continue
        if item["only"] and allows_comments(target.path):
            continue
        if duplicate and line not in target.file.added_lines:  # then the first of the two is new
            line, problem = (
                int(duplicate["first"]),
                f"{duplicate['key']} is repeated on line {line}",
            )
        yield Diagnostic(
            file=item["file"],
            rule=_rule(target, duplicate=bool(duplicate), commented=item["only"] == "comments"),
            line=line,
            end_line=line,
            category=Category.CORRECTNESS,
            severity=Severity.MEDIUM if duplicate else Severity.HIGH,
            title=f"{kind}: {problem}",
        )


def _rule(target: Target, *, duplicate: bool, commented: bool) -> str:
    if duplicate:
        return "duplicate-key"
    return "json-comments" if commented else f"{target.language}-{SYNTAX}"


DATA = Analyzer(
    "data",
    _wants,
    _command,
    _read,
    about="JSON, TOML and YAML: files that do not parse, duplicate keys",
)
