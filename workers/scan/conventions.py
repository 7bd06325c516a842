"""What a team has written down for those who work on its code: AGENTS.md and its like (pure).

Read from the merge base, so that a pull request can't choose how it is reviewed. Each file holds
for a folder, or for the paths that its front matter names.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.domain.model import Convention
from bot.text.globs import PatternSet, expand_braces
from bot.text.secrets import redact

#: For all below their folder; those for reviewers first.
_NAMES = ("REVIEW.md", "AGENTS.md", "CLAUDE.md", ".cursorrules")
_COPILOT = ".github/copilot-instructions.md"
_COPILOT_FOLDER = ".github/instructions/"
_CURSOR_FOLDER = ".cursor/rules/"

MAX_FILES = 40
#: Of one file; the prompt has room for about as much in all.
_MAX_CHARACTERS = 12_000
_MAX_PATTERNS = 40
_FRONT = re.compile(r"---[ \t]*\n(.*?)\n---[ \t]*(?:\n|$)", re.DOTALL)
_KEY = re.compile(r"(\w+)[ \t]*:[ \t]*(.*)")
#: A file that only points at another one.
_REFERENCE = re.compile(r"@[\w./-]+")


@dataclass(frozen=True, slots=True)
class _Scope:
    """`folder` ends in a slash, or is ""; without patterns all that is in it."""

    folder: str
    patterns: tuple[str, ...] = ()


def wanted(paths: Iterable[str], changed: Sequence[str]) -> list[str]:
    """Those of a tree's paths that may hold conventions for the changed ones, nearest first, at
    most MAX_FILES."""
    above = {folder for path in changed for folder in _folders(path)}
    found = [path for path in paths if (of := _folder_of(path)) is not None and of in above]
    return sorted(found, key=lambda path: (-path.count("/"), _rank(path), path))[:MAX_FILES]


def conventions(texts: Mapping[str, str], changed: Sequence[str]) -> tuple[Convention, ...]:
    """Those of these files, by path, that hold for a changed path: first those for the deepest
    folder, then those for some paths of it."""
    found = []
    for path, text in texts.items():
        scope, body = _read(path, text)
        body = redact(body).strip()
        if scope is None or not body or _REFERENCE.fullmatch(body):
            continue
        depth = max((_depth(scope, each) for each in changed if _holds(scope, each)), default=-1)
        if depth >= 0:
            cut = body if len(body) <= _MAX_CHARACTERS else body[:_MAX_CHARACTERS] + "\n(cut)"
            order = (-depth, not scope.patterns, _rank(path), path)
            found.append((order, Convention(path=path, text=cut)))
    seen: set[str] = set()
    kept = []
    for _, convention in sorted(found, key=lambda item: item[0]):
        if convention.text not in seen:  # the same text under several names
            seen.add(convention.text)
            kept.append(convention)
    return tuple(kept)


def _folder_of(path: str) -> str | None:
    """The folder that the file holds for at most; None if it is no such file."""
    folder, _, name = path.rpartition("/")
    if name in _NAMES:
        return f"{folder}/" if folder else ""
    if path == _COPILOT or (path.startswith(_COPILOT_FOLDER) and path.endswith(".md")):
        return ""
    if path.endswith((".mdc", ".md")):
        before, inside, _ = path.partition(_CURSOR_FOLDER)
        if inside and (not before or before.endswith("/")):
            return before
    return None


def _rank(path: str) -> int:
    name = path.rpartition("/")[2]
    return _NAMES.index(name) if name in _NAMES else len(_NAMES)


def _folders(path: str) -> Iterator[str]:
    """All that hold the path, with their slash; the root is ""."""
    for position, character in enumerate(path):
        if character == "/":
            yield path[: position + 1]
    yield ""


def _read(path: str, text: str) -> tuple[_Scope | None, str]:
    """What the file holds for, None if for nothing by itself, and its text."""
    folder = _folder_of(path) or ""
    text = text.replace("\r\n", "\n")
    front = _FRONT.match(text)
    keys = _keys(front[1]) if front else {}
    body = text[front.end() :] if front else text
    if path.endswith(".mdc") or _CURSOR_FOLDER in path:
        if keys.get("alwaysApply", ["false"]) == ["true"]:
            return _Scope(folder), body
        patterns = keys.get("globs", [])
    elif path.startswith(_COPILOT_FOLDER):
        patterns = keys.get("applyTo", [])
    else:
        return _Scope(folder), body
    expanded = tuple(each for pattern in patterns for each in expand_braces(pattern))
    return (_Scope(folder, expanded[:_MAX_PATTERNS]) if expanded else None), body


def _keys(front: str) -> dict[str, list[str]]:
    """The front matter's lists of words, as YAML writes them or with commas between."""
    keys: dict[str, list[str]] = {}
    current: list[str] = []
    for line in front.split("\n"):
        if key := _KEY.match(line):
            current = keys.setdefault(key[1], [])
            current += _words(key[2])
        elif line.strip().startswith("- "):
            current += _words(line.strip()[2:])
    return keys


def _words(value: str) -> list[str]:
    """Split at commas that stand in no braces."""
    value = value.strip().removeprefix("[").removesuffix("]")
    parts = re.split(r",(?![^{}]*\})", value)
    return [word for part in parts if (word := part.strip().strip("\"'"))]


def _holds(scope: _Scope, path: str) -> bool:
    if not path.startswith(scope.folder):
        return False
    patterns = PatternSet(scope.patterns)
    return not scope.patterns or (
        patterns.matches(path) or patterns.matches(path.removeprefix(scope.folder))
    )


def _depth(scope: _Scope, path: str) -> int:
    """How near it is to the path: in its folder, or said to be for it."""
    return path.count("/") if scope.patterns else scope.folder.count("/")
