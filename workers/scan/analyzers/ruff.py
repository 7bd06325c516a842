"""ruff: real defects in Python, and its security; what is style is not asked for.

Selected are the rules of `rules/ruff.rules.toml` and `rules/ruff-security.rules.toml`. Left out is
what is right more often than not: star imports and what they hide from ruff (F403, F405), time-outs
as parameters, polling and `os.path` in coroutines (ASYNC109, ASYNC110, ASYNC240), `raise` without
`from` (B904); of security `assert` (S101), errors that are passed over (S110, S112), random numbers
(S311), partial paths and processes without a shell (S603, S606, S607), and passwords by variable
name (S105 to S107: the secrets analyser does it, and never shows them).
https://docs.astral.sh/ruff/rules/
"""

import json
import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatch
from functools import cached_property
from pathlib import PurePath, PurePosixPath
from typing import Any

from tree_sitter import Tree

from bot.domain.model import Category, Severity
from bot.text.languages import tree_of
from workers.scan.analyzers.analyzer import MAX_FINDINGS, SYNTAX, Analyzer, Diagnostic, Target
from workers.scan.analyzers.rules import rules
from workers.scan.analyzers.rules.marks import Marks
from workers.scan.selection.risk import is_test

_NAME = "ruff"
_SECURITY = "ruff-security"
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
#: Rules that ruff reports at the name of what is called: a change of an argument brings them, too.
_NAMED = "S102 S113 S202 S324 S602 S604 S605 S609 S611 S612 S701 S702"
_AT_THE_NAME = frozenset(_NAMED.split())
#: Code of a rule that is not told: members that were chosen, a request that is not yet opened.
_HARMLESS = {"S202": re.compile(r"\bmembers\s*="), "S310": re.compile(r"\A[\w.]*\bRequest\(")}
_NEVER = re.compile(r"(?!)")
#: Before SQL that is run where it is put together; elsewhere it may be no SQL at all.
_EXECUTES = re.compile(r"\bexecute(?:many)?\((?:\s|#[^\n]*\n)*\Z")
_DOUBTFUL = 0.4
#: Characters that are looked at in one place.
_LONG = 5_000
#: What an f-string puts in, and where SQL wants the name of a column or table.
_PUT_IN = re.compile(r"\{([^{}]*)\}")
_VARIABLE = re.compile(r"\w+(?:\.\w+)*")
_WANTS_A_NAME = re.compile(
    r"\b(?:order\s+by|group\s+by|from|join|into|update|table|select|where)\s+$", re.IGNORECASE
)
_OF_IMPORTS = frozenset({"F401", "F811"})
_IMPORT = re.compile(r"\s*(?:from|import)\b")
_LONGEST_IMPORT = 100  # lines
#: What tests do on purpose: expect any error, evaluate something to see it raise.
_NOT_IN_TESTS = frozenset({"B017", "B018"})


def _command(names: Mapping[str, Target]) -> list[str]:
    return [
        "ruff",
        "check",
        "--isolated",
        "--no-cache",
        "--no-fix",
        "--ignore-noqa",  # marks are ours to read: workers/scan/analyzers/rules/marks.py
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


class _File:
    """A file that ruff has read, with what is asked of it for each finding."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.lines = target.text.split("\n")
        self._asked = 0

    @cached_property
    def marks(self) -> Marks:
        return Marks(self.target.text)

    @cached_property
    def _tree(self) -> Tree | None:
        return tree_of("python", self.target.text)

    def before_and_after(self, item: Mapping[str, Any], end: int) -> tuple[str, str]:
        """What stands in front of the finding's place, and from there to the line `end`, cut."""
        row, column = item["location"]["row"], item["location"]["column"] - 1
        line = self.lines[row - 1]
        above = self.lines[max(0, row - 4) : row - 1]
        before = "\n".join((*above, line[max(0, column - _LONG) : column]))
        after = "\n".join((line[column : column + _LONG], *self.lines[row:end]))
        return before, after[:_LONG]

    def end_of_call(self, item: Mapping[str, Any]) -> int:
        """The last line of the call whose function, or an argument, the finding is about."""
        place = item["end_location"]
        row, line = place["row"], self.lines[place["row"] - 1]
        self._asked += 1
        if self._asked > MAX_FINDINGS or len(line) > _LONG or self._tree is None:
            return int(row)
        # The last character of it; the tree counts bytes.
        point = row - 1, len(line[: place["column"] - 2].encode("utf-8", "replace"))
        node = self._tree.root_node.descendant_for_point_range(point, point)
        while node is not None and node.type != "call":
            node = node.parent
        return int(row) if node is None else node.end_point.row + 1


def _read(out: bytes, targets: Mapping[str, Target]) -> Iterable[Diagnostic]:
    files = {name: _File(target) for name, target in targets.items()}
    for item in json.loads(out):
        rule, file = _rule(item), files[PurePath(item["filename"]).name]
        security = rule in rules(_SECURITY)
        found = (_weakness if security else _defect)(rule, item, file)
        if found is None:
            continue
        if security:
            marked = range(found.line, found.end_line + 1)
        else:
            marked = _start_of_import(rule, found, file)
        if rule in _NO_CODES or not file.marks.allow(
            rule, (*marked, item["noqa_row"]), security=security
        ):
            yield found


def _defect(rule: str, item: Mapping[str, Any], file: _File) -> Diagnostic | None:
    target = file.target
    undefined = _UNDEFINED.match(item["message"]) if rule == "F821" else None
    if rule in _NOT_IN_TESTS and is_test(target.path):
        return None
    if undefined and _is_builtin(undefined["name"], target):
        return None
    start, end = item["location"]["row"], item["end_location"]
    if rule in _BY_LINE and _is_meant(rule, file.lines[start - 1], target.path):
        return None
    message = undefined["what"] if undefined else item["message"]
    message = message.removeprefix("SyntaxError: ")
    return Diagnostic(
        file=PurePath(item["filename"]).name,
        rule=rule,
        line=start,
        # Up to the beginning of a line is no part of that line.
        end_line=max(start, end["row"] - (end["column"] == 1)),
        category=Category.CORRECTNESS,
        severity=Severity.LOW,
        title=f"Syntax error: {message}" if rule in _NO_CODES else message,
        at_most=_at_most(rule, undefined, target),
    )


def _weakness(rule: str, item: Mapping[str, Any], file: _File) -> Diagnostic | None:
    """None in tests, which no one attacks, and where ruff itself says that it "seems safe"."""
    if is_test(file.target.path) or "seems safe" in item["message"]:
        return None
    start, end = item["location"]["row"], item["end_location"]["row"]
    if rule in _AT_THE_NAME:
        end = file.end_of_call(item)
    before, text = file.before_and_after(item, end)
    if _HARMLESS.get(rule, _NEVER).search(text):
        return None
    executed = rule != "S608" or _EXECUTES.search(before)
    doubtful = not executed or (rule == "S608" and _only_names(text))
    return Diagnostic(
        file=PurePath(item["filename"]).name,
        rule=rule,
        line=start,
        end_line=end,
        category=Category.SECURITY,
        severity=Severity.LOW,
        title=item["message"],
        at_most=Severity.CRITICAL if executed else Severity.MEDIUM,
        confidence=_DOUBTFUL if doubtful else 1.0,
    )


def _only_names(text: str) -> bool:
    """Whether variables are put where SQL wants a name, and nothing where it wants a value."""
    spots = list(_PUT_IN.finditer(text))
    return bool(spots) and all(
        _VARIABLE.fullmatch(spot[1])
        and _WANTS_A_NAME.search(text[max(0, spot.start() - 30) : spot.start()])
        for spot in spots
    )


def _start_of_import(rule: str, found: Diagnostic, file: _File) -> range:
    """The first line of the import that the finding is in, where ruff looks for a mark as well."""
    if rule in _OF_IMPORTS:
        for number in range(found.line, max(0, found.line - _LONGEST_IMPORT), -1):
            if _IMPORT.match(file.lines[number - 1]):
                return range(number, number + 1)
    return range(0)


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
    about="Python: syntax errors, undefined names, likely bugs, and, except in tests, security; "
    "no style rules",
)
