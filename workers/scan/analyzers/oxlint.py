"""oxlint: JavaScript and TypeScript, its category `correctness` (code that is plainly wrong).

https://oxc.rs/docs/guide/usage/linter/rules.html
"""

import json
import re
from collections.abc import Container, Iterable, Mapping
from pathlib import PurePath
from typing import Any

from bot.domain.model import Category, Severity
from workers.scan.analyzers.analyzer import Analyzer, Diagnostic, Target

_LANGUAGES = frozenset({"javascript", "typescript", "tsx", "vue", "svelte"})
_CODE = re.compile(r"(?P<plugin>[\w-]+)\((?P<rule>[\w/-]+)\)")
_ASSIGNED = "(no-cond-assign)"
_SYNTAX = (Category.CORRECTNESS, Severity.HIGH)
_PLAINLY_WRONG = (Category.CORRECTNESS, Severity.MEDIUM)
_RATINGS = {
    "no-const-assign": (Category.CORRECTNESS, Severity.HIGH),
    "no-undef": (Category.CORRECTNESS, Severity.HIGH),
    "no-eval": (Category.SECURITY, Severity.MEDIUM),
    "no-implied-eval": (Category.SECURITY, Severity.MEDIUM),
    "no-script-url": (Category.SECURITY, Severity.MEDIUM),
    "no-debugger": (Category.QUALITY, Severity.LOW),
    "no-unused-vars": (Category.MAINTAINABILITY, Severity.INFO),
    "no-unused-labels": (Category.MAINTAINABILITY, Severity.INFO),
    "no-useless-escape": (Category.MAINTAINABILITY, Severity.INFO),
    "no-useless-catch": (Category.MAINTAINABILITY, Severity.INFO),
    "no-useless-rename": (Category.MAINTAINABILITY, Severity.INFO),
    "no-await-in-promise-methods": (Category.PERFORMANCE, Severity.LOW),
}


def _command(names: list[str]) -> list[str]:
    return [
        "oxlint",
        "--allow=all",
        "--deny=correctness",
        "--deny=no-eval",
        "--deny=no-implied-eval",
        "--deny=no-script-url",
        "--deny=no-async-promise-executor",
        "--react-plugin",
        "--promise-plugin",
        "--allow=react/no-children-prop",
        "--disable-nested-config",
        "--no-ignore",
        "--format=json",
        *names,
    ]


def _read(out: bytes, targets: Mapping[str, Target]) -> Iterable[Diagnostic]:
    items = json.loads(out)["diagnostics"]
    added = {name: frozenset(target.file.added_lines) for name, target in targets.items()}
    assigned = {_place(item) for item in items if (item.get("code") or "").endswith(_ASSIGNED)}
    for item in items:
        code = _CODE.fullmatch(item.get("code") or "")
        category, severity = _RATINGS.get(code["rule"], _PLAINLY_WRONG) if code else _SYNTAX
        if not item["labels"]:
            continue
        if code and code["rule"] == "no-constant-condition" and _place(item) in assigned:
            continue  # the consequence of the other
        file, rule = PurePath(item["filename"]).name, code["rule"] if code else "syntax"
        line = _line(item, rule, added[file])
        yield Diagnostic(
            file=file,
            rule=rule,
            line=line,
            end_line=line,
            category=category,
            severity=severity,
            title=item["message"].partition("\n")[0],
            body=" ".join(filter(None, (item.get("help"), _link(item.get("url"))))),
        )


def _line(item: Mapping[str, Any], rule: str, added: Container[int]) -> int:
    """Of two places, as where a name is declared and where it is so again, the second is at
    fault, or the one that is new; a variable that nothing uses is so where it is declared."""
    lines: list[int] = [label["span"]["line"] for label in item["labels"]]
    if rule == "no-unused-vars":
        return lines[0]
    return next((line for line in reversed(lines) if line in added), lines[0])


def _place(item: Mapping[str, Any]) -> tuple[str, int]:
    """File and line of a message; line 0 is none."""
    return item["filename"], item["labels"][0]["span"]["line"] if item["labels"] else 0


def _link(url: str | None) -> str:
    return f"([rule]({url}))" if url else ""


OXLINT = Analyzer(
    "oxlint",
    lambda target: target.language in _LANGUAGES,
    _command,
    _read,
    program="oxlint",
    about="JavaScript and TypeScript: correctness and `eval`",
)
