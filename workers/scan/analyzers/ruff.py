"""ruff: real defects in Python; what is style is not asked for.

Selected are the rules of `rules/ruff.rules.toml`. Left out is what is right more often than not:
star imports and what they hide from ruff (F403, F405), time-outs as parameters, polling and
`os.path` in coroutines (ASYNC109, ASYNC110, ASYNC240), `raise` without `from` (B904).
https://docs.astral.sh/ruff/rules/. `# noqa` is honoured: it stands in the diff
for people to see. Security is bandit's part.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import PurePath

from bot.domain.model import Category, Severity
from workers.scan.analyzers.analyzer import SYNTAX, Analyzer, Diagnostic, Target
from workers.scan.analyzers.rules import rules
from workers.scan.selection.risk import is_test

_NAME = "ruff"
#: What tests do on purpose: expect any error, evaluate something to see it raise.
_NOT_IN_TESTS = frozenset({"B017", "B018"})


def _command(names: list[str]) -> list[str]:
    return [
        "ruff",
        "check",
        "--isolated",
        "--no-cache",
        "--no-fix",
        "--exit-zero",
        "--quiet",
        "--output-format=json",
        f"--select={','.join(rule for rule in rules(_NAME) if rule != SYNTAX)}",
        "--target-version=py314",
        "--",
        *names,
    ]


def _read(out: bytes, targets: Mapping[str, Target]) -> Iterable[Diagnostic]:
    for item in json.loads(out):
        rule = item["code"] if item["code"] and item["code"] != "invalid-syntax" else SYNTAX
        file = PurePath(item["filename"]).name
        if rule in _NOT_IN_TESTS and is_test(targets[file].path):
            continue
        start, end = item["location"]["row"], item["end_location"]
        message = item["message"].removeprefix("SyntaxError: ")
        yield Diagnostic(
            file=file,
            rule=rule,
            line=start,
            # Up to the beginning of a line is no part of that line.
            end_line=max(start, end["row"] - (end["column"] == 1)),
            category=Category.CORRECTNESS,
            severity=Severity.LOW,
            title=f"Syntax error: {message}" if rule == SYNTAX else message,
        )


RUFF = Analyzer(
    _NAME,
    lambda target: target.language == "python",
    _command,
    _read,
    program="ruff",
    about="Python: syntax errors, undefined names and likely bugs; no style rules",
)
