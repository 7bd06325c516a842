"""ShellCheck: defects in shell scripts, from its level `warning` on.

https://www.shellcheck.net/wiki/. Left out: SC1008, SC1071 and SC2148, which say only that
it can't know the shell, SC1090/SC1091, sourced files that we don't give it, and SC3043: every
`sh` in use knows `local`.
"""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from bot.domain.model import Category, Severity
from workers.scan.analyzers.analyzer import Analyzer, Diagnostic, Target

#: From here on it does not follow the flow of data, which takes it minutes in a script of 5,000
#: lines, and tells little above the level `info`.
_LARGE = 40_000
#: Words of zsh, where neither name nor first line say which shell it is.
_ZSH = re.compile(
    r"^#(?:compdef|autoload)\b|^[ \t]*(?:setopt|unsetopt|emulate|zstyle|autoload|zmodload)[ \t]"
    r"|\}[ \t]*always[ \t]*\{|\$\{\([A-Za-z@]",
    re.MULTILINE,
)
_KNOWN_SHELL = re.compile(r"\b(?:ba|da|k|a)?sh\b|\bbats\b|\bbusybox\b")
#: Arrays of which the first element is what people want.
_FIRST_ELEMENT = re.compile(r"\$\{?(?:BASH_SOURCE|FUNCNAME)\b")
_SEVERITIES = {"error": Severity.MEDIUM, "warning": Severity.LOW}


def _command(names: Mapping[str, Target]) -> list[str]:
    large = any(len(target.text) > _LARGE for target in names.values())
    return [
        "shellcheck",
        "--norc",
        "--severity=warning",
        "--format=json1",
        "--exclude=SC1008,SC1071,SC1090,SC1091,SC2148,SC3043",
        f"--extended-analysis={'false' if large else 'true'}",
        *names,
    ]


def _read(out: bytes, targets: Mapping[str, Target]) -> Iterable[Diagnostic]:
    for item in json.loads(out)["comments"]:
        if item["code"] == 2128 and _FIRST_ELEMENT.search(
            _line(targets[item["file"]], item["line"])
        ):
            continue
        yield Diagnostic(
            file=item["file"],
            rule=f"SC{item['code']}",
            line=item["line"],
            end_line=item["endLine"],
            category=Category.CORRECTNESS,
            severity=_SEVERITIES[item["level"]],
            title=item["message"].partition("\n")[0],
        )


def _line(target: Target, number: int) -> str:
    return target.text.split("\n")[number - 1]


def _wants(target: Target) -> bool:
    """Scripts of the shells that it knows: by the first line, else by the name."""
    if target.language != "bash":
        return False
    first = target.text.partition("\n")[0]
    suffix = PurePosixPath(target.path).suffix.lower()
    if suffix == ".zsh" or (first.startswith("#!") and not _KNOWN_SHELL.search(first)):
        return False
    says_bash = first.startswith("#!") or suffix in (".bash", ".bats")
    return says_bash or _ZSH.search(target.text) is None


SHELLCHECK = Analyzer(
    "shellcheck",
    _wants,
    _command,
    _read,
    program="shellcheck",
    about="Shell scripts: warnings and errors",
)
