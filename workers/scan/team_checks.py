"""What is judged by the team's checks: the whole change, whatever was read of it before (pure).

A check is about the changed files that its paths fit, or about all. Where the model is not shown
one of these, the check cannot pass, or a file that is made too large would open a gate.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from bot.config.repository_config import TeamCheck
from bot.domain.diff import display_path
from bot.domain.model import Batch, BatchFile, SkippedFile
from bot.domain.reasons import FileSkipReason
from bot.domain.team_checks import CheckScope
from bot.text.globs import any_matches
from bot.text.languages import name_and_suffix
from workers.scan.overview import left_out, unread
from workers.scan.selection.file_filters import BINARY_SUFFIXES
from workers.scan.selection.file_selection import MAX_CANDIDATES, FileSelection

#: Nothing of these is hidden: that there is no line to read is all there is to say of them.
_LINELESS = frozenset(
    {
        FileSkipReason.DELETED,
        FileSkipReason.RENAMED,
        FileSkipReason.UNCHANGED,
        FileSkipReason.LINE_ENDS,
    }
)
#: Left out for want of room, or for a name or a content that its author can give to any code: a
#: first line that says "generated" must not open a gate. What is left out for what it is, as a lock
#: file, or by the repository's own rules is hidden from those checks alone whose paths name it:
#: else no change with a lock file would pass any.
_HIDDEN_FROM_ALL = frozenset(
    {
        FileSkipReason.UNPRINTABLE_PATH,
        FileSkipReason.PATH_NOT_UTF8,
        FileSkipReason.LONG_PATH,
        FileSkipReason.MINIFIED,
        FileSkipReason.GENERATED,
        FileSkipReason.VENDORED,
        FileSkipReason.SAYS_GENERATED,
        FileSkipReason.LONG_LINES,
        FileSkipReason.LFS_POINTER,
        FileSkipReason.UNDECIDED,
        FileSkipReason.TOO_LARGE,
        FileSkipReason.WAS_TOO_LARGE,
        FileSkipReason.FILE_LIMIT,
        FileSkipReason.LINE_LIMIT,
        FileSkipReason.CANDIDATE_LIMIT,
        FileSkipReason.UNLISTED,
        FileSkipReason.LONG_PART,
    }
)


def scopes(
    checks: Sequence[TeamCheck], selection: FileSelection, uncut: Sequence[SkippedFile]
) -> tuple[CheckScope, ...]:
    """Which checks apply, and what is hidden from each; `uncut` are parts too long for a prompt.
    Those that are wrong in the configuration cannot be judged, so they are not among them."""
    checks = [check for check in checks if not check.mistake]
    if not checks:
        return ()
    moved = [*(target.file for target in selection.targets), *selection.lineless]
    paths = {file.path for file in selection.files}
    paths |= {display_path(file.old_path) for file in moved if file.old_path}
    unlisted = selection.skipped_unlisted > 0 or len(selection.files) >= MAX_CANDIDATES
    skipped = [item for item in (*selection.skipped, *uncut) if item.reason not in _LINELESS]
    return tuple(_scope(check, paths, skipped, unlisted=unlisted) for check in checks)


def _scope(
    check: TeamCheck, paths: Iterable[str], skipped: Iterable[SkippedFile], *, unlisted: bool
) -> CheckScope:
    if not check.paths:
        unshown = (item.path for item in skipped if _is_hidden_from_all(item))
        return CheckScope(check.name, hidden=tuple(dict.fromkeys(unshown)))
    # Of files that are not even listed, nobody knows whether the paths fit them.
    hidden = (
        item.path
        for item in skipped
        if item.reason is FileSkipReason.UNLISTED or any_matches(check.paths, item.path)
    )
    applies = unlisted or any(any_matches(check.paths, path) for path in paths)
    return CheckScope(check.name, applies, tuple(dict.fromkeys(hidden)) if applies else ())


def _is_hidden_from_all(item: SkippedFile) -> bool:
    if item.reason is FileSkipReason.BINARY:  # by its suffix, or by a NUL in what may be code
        return name_and_suffix(item.path)[1] not in BINARY_SUFFIXES
    return item.reason in _HIDDEN_FROM_ALL


def checks_batch(
    applying: Sequence[CheckScope],
    parts: Sequence[BatchFile],
    selection: FileSelection,
    uncut: Sequence[SkippedFile],
) -> Batch | None:
    """The change as the checks are judged by it: its lines alone, the rest can be looked up."""
    if not any(scope.applies for scope in applying):
        return None
    silent = {file.path for file in selection.lineless}
    left = (item for item in (*selection.skipped, *uncut) if item.path not in silent)
    return Batch(
        0,
        tuple(replace(part, evidence=(), context=(), key="") for part in parts),
        overview=(*map(unread, selection.lineless), *map(left_out, left)),
        checks=tuple(scope for scope in applying if scope.applies),
    )
