"""hadolint: Dockerfiles, without its matters of taste and pinning.

https://github.com/hadolint/hadolint/wiki. Left out: pinned versions of packages
(DL3008, DL3013, DL3016, DL3018, DL3028, DL3059), tidiness (DL3003, DL3009, DL3015,
DL3042, DL3048) and ShellCheck's level `info` and `style`.
"""

import json
from collections.abc import Iterable, Mapping

from bot.domain.model import Category, Severity
from workers.scan.analyzers.analyzer import Analyzer, Diagnostic, Target

_RULES = """DL3003 DL3008 DL3009 DL3013 DL3015 DL3016 DL3018 DL3028 DL3033 DL3042 DL3048
DL3059"""
_IGNORED = _RULES.split()
_SEVERITIES = {"error": Severity.MEDIUM, "warning": Severity.LOW}
_UNREADABLE = "DL1000"
_SECURITY = {"DL3002": Severity.MEDIUM, "DL3004": Severity.LOW, "DL3020": Severity.LOW}


def _command(names: list[str]) -> list[str]:
    ignored = [f"--ignore={rule}" for rule in _IGNORED]
    return [
        "hadolint",
        "--no-fail",
        "--no-color",
        "--format=json",
        "--failure-threshold=warning",
        *ignored,
        "--",
        *names,
    ]


def _read(out: bytes, targets: Mapping[str, Target]) -> Iterable[Diagnostic]:
    for item in json.loads(out):
        rule = item["code"]
        if item["level"] not in _SEVERITIES:
            continue
        if rule == _UNREADABLE and "<<" in targets[item["file"]].text:
            continue  # it knows here-documents only where an empty line follows
        category = Category.SECURITY if rule in _SECURITY else Category.CORRECTNESS
        yield Diagnostic(
            file=item["file"],
            rule=rule,
            line=item["line"],
            end_line=item["line"],
            category=category,
            severity=_SECURITY.get(rule) or _SEVERITIES[item["level"]],
            title=item["message"].partition("\n")[0],
            body=f"[{rule}](https://github.com/hadolint/hadolint/wiki/{rule})",
        )


HADOLINT = Analyzer(
    "hadolint",
    lambda target: target.language == "dockerfile",
    _command,
    _read,
    suffix=".Dockerfile",
    program="hadolint",
    about="Dockerfiles: warnings and errors",
)
