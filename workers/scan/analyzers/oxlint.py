"""oxlint: JavaScript and TypeScript that is plainly wrong.

Selected are the rules of `rules/oxlint.rules.toml`: its category `correctness`, without matters of
style and without the advice of React's compiler, and `eval`.

https://oxc.rs/docs/guide/usage/linter/rules.html
"""

import json
import re
from collections.abc import Container, Iterable, Mapping
from pathlib import PurePath
from typing import Any

from bot.domain.model import Category, Severity
from workers.scan.analyzers.analyzer import SYNTAX, Analyzer, Diagnostic, Target
from workers.scan.analyzers.rules import rules
from workers.scan.selection.risk import is_test

_LANGUAGES = frozenset({"javascript", "typescript", "tsx", "vue", "svelte"})
_CODE = re.compile(r"(?P<plugin>[\w-]+)\((?P<rule>[\w/-]+)\)")
_NAME = "oxlint"
#: Flow's types, translations of Qt (.ts) and Adobe's preprocessor have names of JavaScript.
_OTHER_LANGUAGE = re.compile(
    r"@flow\b|^\s*<\?xml|^\s*<!DOCTYPE TS|^#(?:include|target)", re.MULTILINE
)
_LOW_IN_TESTS = frozenset(
    {
        "no-eval",
        "no-implied-eval",
        "no-script-url",
        "no-constant-binary-expression",
        "no-unreachable",
    }
)
_SAME_TWICE = re.compile(r"([\w.]+) (?:&&|\|\|) \1(?![\w.])")
_SHORT_CIRCUIT = re.compile(r"&&|\|\||\?")
_LOOP = re.compile(r"\b(?:while|for)\b")
_ASSIGNED = "(no-cond-assign)"


def _wants(target: Target) -> bool:
    return target.language in _LANGUAGES and _OTHER_LANGUAGE.search(target.text[:2000]) is None


def _command(names: Mapping[str, Target]) -> list[str]:
    return [
        "oxlint",
        "--allow=all",
        *(f"--deny={rule}" for rule in rules(_NAME) if rule != SYNTAX),
        "--react-plugin",
        "--promise-plugin",
        "--disable-nested-config",
        "--no-ignore",
        "--format=json",
        *names,
    ]


def _read(out: bytes, targets: Mapping[str, Target]) -> Iterable[Diagnostic]:
    items = json.loads(out)["diagnostics"]
    lines = {name: target.text.split("\n") for name, target in targets.items()}
    added = {name: frozenset(target.file.added_lines) for name, target in targets.items()}
    assigned = {_place(item) for item in items if (item.get("code") or "").endswith(_ASSIGNED)}
    for item in items:
        code = _CODE.fullmatch(item.get("code") or "")
        if not item["labels"]:
            continue
        if code and code["rule"] == "no-constant-condition" and _place(item) in assigned:
            continue  # the consequence of the other
        file, rule = PurePath(item["filename"]).name, _rule(code)
        line = _line(item, rule, added[file])
        yield Diagnostic(
            file=file,
            rule=rule,
            line=line,
            end_line=line,
            category=Category.CORRECTNESS,
            severity=Severity.MEDIUM if rule.startswith("TS") else Severity.LOW,
            at_most=_at_most(rule, lines[file][line - 1], targets[file].path),
            title=item["message"].partition("\n")[0],
            body=item.get("help") or "",
        )


def _rule(code: re.Match[str] | None) -> str:
    """The rule; an error of TypeScript's own is named as there: TS2391."""
    if code is None:
        return SYNTAX
    return code["plugin"] + code["rule"] if code["plugin"] == "TS" else code["rule"]


def _at_most(rule: str, line: str, path: str) -> Severity:
    """Habits are no defects: to assign in the condition of a loop, to call after `&&`, to assert by
    a property in tests. Nor is what a test passes to the code a weakness of it."""
    if rule == "no-cond-assign" and _LOOP.search(line):
        return Severity.LOW
    if rule == "const-comparisons" and _SAME_TWICE.search(line):
        return Severity.LOW  # `{icon && icon}` shows it if there is one
    if rule == "no-unused-expressions" and (is_test(path) or _SHORT_CIRCUIT.search(line)):
        return Severity.INFO
    return Severity.LOW if rule in _LOW_IN_TESTS and is_test(path) else Severity.CRITICAL


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


OXLINT = Analyzer(
    _NAME,
    _wants,
    _command,
    _read,
    program="oxlint",
    about="JavaScript and TypeScript: correctness and `eval`",
)
