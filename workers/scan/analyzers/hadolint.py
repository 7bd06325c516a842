"""hadolint: Dockerfiles, without its matters of taste and pinning.

https://github.com/hadolint/hadolint/wiki. Left out: pinned versions of packages
(DL3008, DL3013, DL3016, DL3018, DL3028, DL3033, DL3037, DL3041, DL3062), tidiness
(DL3003, DL3009, DL3015, DL3032, DL3036, DL3040, DL3042, DL3048, DL3059, DL4001), platforms that
people fix for a reason (DL3029, DL3065), copies from other images (DL3022), `local` in `sh`, and
ShellCheck's level `info` and `style`.
"""

import json
import re
from collections.abc import Iterable, Mapping

from bot.domain.model import Category, Severity
from workers.scan.analyzers.analyzer import Analyzer, Diagnostic, Target

_RULES = """DL3003 DL3008 DL3009 DL3013 DL3015 DL3016 DL3018 DL3022 DL3028 DL3029 DL3032 DL3033
DL3036 DL3037 DL3040 DL3041 DL3042 DL3048 DL3059 DL3062 DL3065 DL4001 SC3043"""
_IGNORED = _RULES.split()
_SEVERITIES = {"error": Severity.MEDIUM, "warning": Severity.LOW}
#: What every Dockerfile has; a fragment of one, or notes on one, has not.
_FROM = re.compile(r"^[ \t]*FROM[ \t]+\S", re.IGNORECASE | re.MULTILINE)
_UNREADABLE = "DL1000"


def _command(names: Mapping[str, Target]) -> list[str]:
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
        yield Diagnostic(
            file=item["file"],
            rule=rule,
            line=item["line"],
            end_line=item["line"],
            category=Category.CORRECTNESS,
            severity=_SEVERITIES[item["level"]],
            title=item["message"].partition("\n")[0],
        )


def _wants(target: Target) -> bool:
    return target.language == "dockerfile" and _FROM.search(target.text) is not None


HADOLINT = Analyzer(
    "hadolint",
    _wants,
    _command,
    _read,
    suffix=".Dockerfile",
    program="hadolint",
    about="Dockerfiles: warnings and errors",
)
