"""ruff: real defects in Python; what is style is not asked for.

Selected are the rules of `rules/ruff.rules.toml`. Left out is what is right more often than not:
star imports and what they hide from ruff (F403, F405), time-outs as parameters, polling and
`os.path` in coroutines (ASYNC109, ASYNC110, ASYNC240), `raise` without `from` (B904).
https://docs.astral.sh/ruff/rules/. `# noqa` is honoured: it stands in the diff
for people to see. Security is bandit's part.
"""

import json
import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatch
from pathlib import PurePath, PurePosixPath
from typing import Any

from bot.domain.model import Category, Severity
from workers.scan.analyzers.analyzer import SYNTAX, Analyzer, Diagnostic, Target
from workers.scan.analyzers.rules import rules
from workers.scan.selection.risk import is_test

_NAME = "ruff"
_NEWER_SYNTAX = "newer-syntax"
_PROPERTY = re.compile(r"\w+(?:\.\w+)*\.(?P<name>\w+)")
_ACTIONS = """acquire append cancel clear close commit disconnect flush join lock pop print
release remove reset rollback run save shutdown start stop unlock update wait write"""
_METHODS = frozenset(_ACTIONS.split())
_PYTHON_2 = re.compile(
    r"^[ \t]*(?:print[ \t]+[^=\s(.,)\]]|except [\w., ()]+, *\w+:|exec \"|raise \w+, )", re.MULTILINE
)
_NAME_ALLOWED = re.compile(
    r"#.*(?:pylint: *disable=[\w, -]*(?:undefined-variable|E0602)|type: *ignore\[[^\]]*name-defined"
    r"|pyright: *ignore\[[^\]]*reportUndefinedVariable)"
)
_BY_LINE = frozenset({"F401", "F821", "B018"})
_IN_DOCS = re.compile(r"(?:^|/)(?:docs?|docs_src|documentation|examples?)/")
#: Rules of ours that are no codes of ruff's.
_NO_CODES = frozenset({SYNTAX, _NEWER_SYNTAX})
_ADDED_IN = re.compile(r"\bon Python 3\.\d+ \(syntax was added in Python 3\.\d+\)")
#: `tip` is there where a newer Python has the name.
_UNDEFINED = re.compile(r"(?P<what>Undefined name `(?P<name>[^`]+)`)(?P<tip>\. Consider )?")
_INSTALLS_GETTEXT = re.compile(r"\bgettext\.install\(|\bbuiltins\.(?:_\b|__dict__\[)")
#: Names that are there without an import in files that a tool runs, by the file's name.
_GIVEN = {
    "conf.py": ("tags",),  # Sphinx
    "*_config.py": ("get_config", "c"),  # Jupyter and IPython
    "SConscript*": ("Import", "Export", "Return", "env"),
}
#: What tests do on purpose: expect any error, evaluate something to see it raise.
_NOT_IN_TESTS = frozenset({"B017", "B018"})


def _command(names: Mapping[str, Target]) -> list[str]:
    return [
        "ruff",
        "check",
        "--isolated",
        "--no-cache",
        "--no-fix",
        "--exit-zero",
        "--quiet",
        "--output-format=json",
        f"--select={','.join(rule for rule in rules(_NAME) if rule not in _NO_CODES)}",
        "--target-version=py314",
        *_versions(names),
        "--",
        *names,
    ]


def _versions(targets: Mapping[str, Target]) -> list[str]:
    """The oldest Python of each file whose project names one: newer syntax is an error there."""
    minors = {name: target.project.minor for name, target in targets.items()}
    entries = ", ".join(f'"{name}" = "py3{minor}"' for name, minor in minors.items() if minor)
    return [f"--config=per-file-target-version = {{{entries}}}"] if entries else []


def _read(out: bytes, targets: Mapping[str, Target]) -> Iterable[Diagnostic]:
    lines = {name: target.text.split("\n") for name, target in targets.items()}
    for item in json.loads(out):
        rule = _rule(item)
        file = PurePath(item["filename"]).name
        target = targets[file]
        undefined = _UNDEFINED.match(item["message"]) if rule == "F821" else None
        if rule in _NOT_IN_TESTS and is_test(target.path):
            continue
        if undefined and _is_builtin(undefined["name"], target):
            continue
        start, end = item["location"]["row"], item["end_location"]
        if rule in _BY_LINE and _is_meant(rule, lines[file][start - 1], target.path):
            continue
        message = undefined["what"] if undefined else item["message"]
        message = message.removeprefix("SyntaxError: ")
        yield Diagnostic(
            file=file,
            rule=rule,
            line=start,
            # Up to the beginning of a line is no part of that line.
            end_line=max(start, end["row"] - (end["column"] == 1)),
            category=Category.CORRECTNESS,
            severity=Severity.LOW,
            title=f"Syntax error: {message}" if rule in _NO_CODES else message,
            at_most=_at_most(rule, undefined, target),
        )


def _rule(item: Mapping[str, Any]) -> str:
    if item["code"] and item["code"] != "invalid-syntax":
        return str(item["code"])
    return _NEWER_SYNTAX if _ADDED_IN.search(item["message"]) else SYNTAX


def _is_builtin(name: str, target: Target) -> bool:
    """Whether the project, or what runs a file of that name, puts the name among the builtins."""
    if name in target.project.builtins:
        return True
    if name == "_" and _INSTALLS_GETTEXT.search(target.text):
        return True
    file = PurePosixPath(target.path).name
    return any(name in names for pattern, names in _GIVEN.items() if fnmatch(file, pattern))


def _at_most(rule: str, undefined: re.Match[str] | None, target: Target) -> Severity:
    """A name may be that of a newer Python, or of gettext, which another file may install; code in
    documentation is shown in fragments; and what does not parse may be Python 2, if no project says
    that it is not."""
    if rule == SYNTAX:
        doubtful = target.project.minor is None and bool(_PYTHON_2.search(target.text))
    else:
        doubtful = undefined is not None and bool(
            undefined["tip"] or undefined["name"] == "_" or _IN_DOCS.search(target.path)
        )
    return Severity.MEDIUM if doubtful else Severity.CRITICAL


def _is_meant(rule: str, line: str, path: str) -> bool:
    """Whether the line is right as it is: a package gives its imports on, and other linters were
    told that a name is there."""
    if rule == "F401":
        return path.endswith("__init__.py")
    if rule == "F821":
        return _NAME_ALLOWED.search(line) is not None
    return _is_for_effect(line)


def _is_for_effect(line: str) -> bool:
    """Whether the useless expression is a property, which may be read for its effect, as a response
    that is to be received. One that is named like a method lacks its call."""
    read = _PROPERTY.fullmatch(line.partition("#")[0].strip())
    return read is not None and read["name"] not in _METHODS


RUFF = Analyzer(
    _NAME,
    lambda target: target.language == "python",
    _command,
    _read,
    program="ruff",
    about="Python: syntax errors, undefined names and likely bugs; no style rules",
)
