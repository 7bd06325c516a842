"""ShellCheck: defects in shell scripts, from its level `warning` on.

https://www.shellcheck.net/wiki/. Left out: SC1071 and SC2148, which say only that
it can't know the shell, and SC1090/SC1091, sourced files that we don't give it.
"""

import json
from collections.abc import Iterable, Mapping

from bot.domain.model import Category, Severity
from workers.scan.analyzers.analyzer import Analyzer, Diagnostic, Target

_RATINGS = {
    "error": (Category.CORRECTNESS, Severity.HIGH),
    "warning": (Category.CORRECTNESS, Severity.MEDIUM),
}
_UNUSED = {
    2034: (Category.MAINTAINABILITY, Severity.INFO),
    2154: (Category.CORRECTNESS, Severity.LOW),
}


def _command(names: list[str]) -> list[str]:
    return [
        "shellcheck",
        "--norc",
        "--severity=warning",
        "--format=json1",
        "--exclude=SC1071,SC1090,SC1091,SC2148",
        *names,
    ]


def _read(out: bytes, targets: Mapping[str, Target]) -> Iterable[Diagnostic]:
    for item in json.loads(out)["comments"]:
        category, severity = _UNUSED.get(item["code"]) or _RATINGS[item["level"]]
        yield Diagnostic(
            file=item["file"],
            rule=f"SC{item['code']}",
            line=item["line"],
            end_line=item["endLine"],
            category=category,
            severity=severity,
            title=item["message"].partition("\n")[0],
            body=f"[SC{item['code']}](https://www.shellcheck.net/wiki/SC{item['code']})",
        )


SHELLCHECK = Analyzer(
    "shellcheck",
    lambda target: target.language == "bash",
    _command,
    _read,
    program="shellcheck",
    about="Shell scripts: warnings and errors",
)
