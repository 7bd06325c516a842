"""What may be kept as a preference, for which files it counts, and what it may leave out (pure).

A preference is data to the reader, who reports a finding all the same and says which preference
speaks against it. Whether that counts is decided here.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from bot.domain.model import LLM_SOURCE, Category, Finding, Severity
from bot.domain.preferences import MAX_PATHS, MAX_TEXT
from bot.text.globs import any_matches, expand_braces
from bot.text.secrets import redact

_MAX_PATTERN = 200


class _ForPaths(Protocol):
    @property
    def paths(self) -> Sequence[str]: ...


P = TypeVar("P", bound=_ForPaths)


def sentence(text: str) -> str:
    """The text as a preference may have it: one line without secrets, at most MAX_TEXT characters;
    "" for none. Where it is shown, hidden characters are too."""
    line = " ".join(redact(text).split())
    return line if len(line) <= MAX_TEXT else line[: MAX_TEXT - 1].rstrip() + "…"


def globs(patterns: Iterable[str], path: str = "") -> tuple[str, ...]:
    """The first MAX_PATHS of the patterns that can be kept; of those that a model wrote, the ones
    that fit the `path` of its finding."""
    plain = (each.strip() for pattern in patterns for each in expand_braces(pattern[:_MAX_PATTERN]))
    kept = dict.fromkeys(
        each
        for each in plain
        if each and each == sentence(each) and "`" not in each
        if not path or any_matches((each,), path)
    )
    return tuple(kept)[:MAX_PATHS]


def folder_of(path: str) -> tuple[str, ...]:
    """Globs for what is beside the file: its folder with all it holds, or the nearest one above it
    that can be written as a glob; in the root, the file."""
    escaped = "".join(f"[{char}]" if char in "*?[" else char for char in path)
    folders = escaped.split("/")[:-1]
    tried = ["/".join([*folders[:depth], "**"]) for depth in range(len(folders), 0, -1)]
    return next(filter(None, (globs([each], path) for each in tried or [f"/{escaped}"])), ("**",))


def concerning(preferences: Iterable[P], paths: Sequence[str]) -> list[P]:
    """Those that match any of the paths."""
    return [each for each in preferences if any(any_matches(each.paths, path) for path in paths)]


def may_leave_out(finding: Finding) -> bool:
    """Whether a preference may speak against it: against nothing that is critical or about
    security, nor that an analyzer says too."""
    return (
        finding.severity is not Severity.CRITICAL
        and finding.category is not Category.SECURITY
        and finding.tools == {LLM_SOURCE}
        and finding.agreement == 1
    )
