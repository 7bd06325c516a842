"""bandit: security of Python code.

Left out: what bandit itself rates low, `assert` (B101), the import lists (B4xx: an
import is no weakness), partial paths and shell-less subprocesses (B603, B607), passwords
by variable name (B105-B107: the secrets analyser does it, and never shows them), and what
is weak only in tests. `# nosec` is honoured, and so is ruff's `# noqa` of the same rule
(S108 is B108): both stand in the diff for people to see.
https://bandit.readthedocs.io/en/latest/plugins/
"""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePath
from typing import Any

from bot.domain.model import Category, Severity
from workers.scan.analyzers.analyzer import Analyzer, Diagnostic, Target
from workers.scan.selection.risk import is_test

_PROBE = Path(__file__).parent / "probes" / "bandit_probe.py"
_SKIPPED = (
    "B101,B105,B106,B107,B311,B403,B404,B405,B406,B407,B408,B409,B411,B412,B413,B415,B603,B607"
)
_SEVERITIES = {"MEDIUM": Severity.MEDIUM, "HIGH": Severity.HIGH}
_CONFIDENCES = {"LOW": 0.4, "MEDIUM": 0.7, "HIGH": 0.95}

#: What an f-string puts in, and where SQL wants the name of a column or table.
_PUT_IN = re.compile(r"\{([^{}]*)\}")
_VARIABLE = re.compile(r"\w+(?:\.\w+)*")
_WANTS_A_NAME = re.compile(
    r"\b(?:order\s+by|group\s+by|from|join|into|update|table|select|where)\s+$", re.IGNORECASE
)


def _wants(target: Target) -> bool:
    return target.language == "python" and not is_test(target.path)


def _command(names: Mapping[str, Target]) -> list[str]:
    return [
        "python",
        "-I",
        str(_PROBE),
        "--quiet",
        "--format=json",
        "--exit-zero",
        "--severity-level=medium",
        f"--skip={_SKIPPED}",
        *names,
    ]


def _read(out: bytes, targets: Mapping[str, Target]) -> Iterable[Diagnostic]:
    for item in json.loads(out)["results"]:
        target = targets[PurePath(item["filename"]).name]
        if _noqa(target.text.split("\n")[item["line_number"] - 1], item["test_id"]):
            continue
        yield Diagnostic(
            file=PurePath(item["filename"]).name,
            rule=item["test_id"],
            line=item["line_number"],
            end_line=max(item["line_number"], *item["line_range"]),
            category=Category.SECURITY,
            severity=_SEVERITIES[item["issue_severity"]],
            title=item["issue_text"].partition("\n")[0],
            at_most=Severity.MEDIUM if _is_doubtful(item) else Severity.CRITICAL,
            confidence=_confidence(item, target.text.split("\n")),
        )


def _is_doubtful(item: Mapping[str, Any]) -> bool:
    """Whether SQL is put together, but bandit does not see it executed."""
    return bool(item["test_id"] == "B608" and item["issue_confidence"] == "LOW")


def _confidence(item: Mapping[str, Any], lines: list[str]) -> float:
    """As bandit says; low for SQL into which names of columns and tables alone are put."""
    text = "\n".join(lines[number - 1] for number in item["line_range"])
    if item["test_id"] == "B608" and _only_names(text):
        return _CONFIDENCES["LOW"]
    return _CONFIDENCES.get(item["issue_confidence"], _CONFIDENCES["LOW"])


def _only_names(text: str) -> bool:
    """Whether variables are put where SQL wants a name, and nothing where it wants a value."""
    spots = list(_PUT_IN.finditer(text))
    return bool(spots) and all(
        _VARIABLE.fullmatch(spot[1]) and _WANTS_A_NAME.search(text[: spot.start()])
        for spot in spots
    )


def _noqa(line: str, rule: str) -> bool:
    found = re.search(r"#\s*noqa:([^#]*)", line)
    return found is not None and f"S{rule[1:]}" in re.findall(r"[A-Z]+\d+", found[1])


BANDIT = Analyzer(
    "bandit",
    _wants,
    _command,
    _read,
    suffix=".py",
    program="bandit",
    about="Python: security, except in tests",
)
