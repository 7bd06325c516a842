"""Do JSON, TOML and YAML files parse at all? No linter of style.

Not looked at: JSON that allows comments by custom, and YAML that is a template.
"""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from bot.domain.model import Category, Severity
from workers.scan.analyzers.analyzer import SYNTAX, Analyzer, Diagnostic, Target
from workers.scan.selection.risk import is_test

_PROBE = Path(__file__).parent / "probes" / "data_probe.py"
_COMMENTED_JSON = re.compile(
    r"(?:^|/)(?:[tj]sconfig[^/]*|\.eslintrc|\.babelrc|\.swcrc|angular|devcontainer|api-extractor)"
    r"\.json$|(?:^|/)(?:\.vscode|\.devcontainer)/",
    re.IGNORECASE,
)
_AGAIN = re.compile(r"(?P<key>the key .*) stands here again after line (?P<first>\d+)", re.DOTALL)
_LANGUAGES = frozenset({"json", "toml", "yaml"})


def _wants(target: Target) -> bool:
    if target.language not in _LANGUAGES or is_test(target.path):
        return False  # tests keep broken files on purpose
    if target.language == "json":
        return not _COMMENTED_JSON.search(target.path)
    return target.language == "toml" or ("{{" not in target.text and "{%" not in target.text)


def _command(names: list[str]) -> list[str]:
    return ["python", "-I", str(_PROBE), *names]


def _read(out: bytes, targets: Mapping[str, Target]) -> Iterable[Diagnostic]:
    for item in json.loads(out):
        target = targets[item["file"]]
        kind = target.language.upper()
        line, problem = item["line"], item["problem"]
        duplicate = _AGAIN.fullmatch(problem)
        if duplicate and line not in target.file.added_lines:  # then the first of the two is new
            line, problem = (
                int(duplicate["first"]),
                f"{duplicate['key']} is repeated on line {line}",
            )
        yield Diagnostic(
            file=item["file"],
            rule="duplicate-key" if duplicate else f"{target.language}-{SYNTAX}",
            line=line,
            end_line=line,
            category=Category.CORRECTNESS,
            severity=Severity.MEDIUM if duplicate else Severity.HIGH,
            title=f"{kind}: {problem}",
        )


DATA = Analyzer(
    "data",
    _wants,
    _command,
    _read,
    about="JSON, TOML and YAML: files that do not parse, duplicate keys",
)
