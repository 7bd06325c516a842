"""What a batch is told of the rest of the change, in a few short lines (pure).

A file of another batch: its path, status and size, what its hunks stand in, and the signatures
that it adds or takes away. A file that nobody reads: why.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from bot.domain.diff import ChangedFile, FileStatus, display_path
from bot.domain.model import Batch, SkippedFile
from bot.text.tokens import count_tokens
from workers.scan.bundles import Relations
from workers.scan.context.changed_symbols import removed_definitions
from workers.scan.context.path_distance import PathDistance
from workers.scan.context.snippets import Text

#: Of one file: what its hunks stand in, signatures, and characters of each.
_MAX_SECTIONS = 4
_MAX_SIGNATURES = 6
_MAX_CHARACTERS = 100
_LINE_COST = 4  # tokens for what stands before a line


def brief(file: ChangedFile, own: Text) -> str:
    """One line on a file that is read elsewhere; `own` is its text at the head."""
    said = [f"{display_path(file.path)}: {_status(file)}, +{file.additions} -{file.deletions}"]
    added = _added(file, own)
    gone = (_shortened(text) for _, text in removed_definitions(file.hunks, own.language))
    removed = [signature for signature in gone if signature not in added]
    inside = [
        text
        for hunk in file.hunks
        if (text := _shortened(hunk.section)) and text not in added and text not in removed
    ]
    for word, texts, most in (
        ("in", inside, _MAX_SECTIONS),
        ("has new or changed", added, _MAX_SIGNATURES),
        ("no longer has", removed, _MAX_SIGNATURES),
    ):
        unique = list(dict.fromkeys(texts))
        if unique:
            more = f" and {len(unique) - most} more" if len(unique) > most else ""
            said.append(f"{word} {' | '.join(unique[:most])}{more}")
    return "; ".join(said)


def unread(file: ChangedFile) -> str:
    """One line on a file whose change has no lines to read."""
    path = display_path(file.path)
    if file.status is FileStatus.RENAMED and file.old_path is not None:
        return f"{path}: renamed from {display_path(file.old_path)}, not changed"
    if file.status is FileStatus.DELETED:
        return f"{path}: deleted"
    if file.status is FileStatus.ADDED:
        return f"{path}: added, empty"
    return f"{path}: only its mode changed"


def left_out(skipped: SkippedFile) -> str:
    """One line on a file that is not shown to the reader."""
    return f"{display_path(skipped.path)}: changed, not shown ({skipped.text})"


def with_overviews(
    batches: Iterable[Batch],
    briefs: Mapping[str, str],
    others: Sequence[str],
    related: Relations,
    budget: int,
) -> tuple[Batch, ...]:
    """The batches, each with lines of at most `budget` tokens: `others`, of the files that no
    batch holds, and of `briefs`, by path, those of other batches' files, nearest first."""
    return tuple(
        replace(batch, overview=_fitting(_lines(batch, briefs, others, related), budget))
        for batch in batches
    )


def overview_tokens(lines: Iterable[str]) -> int:
    """What these lines cost in a prompt."""
    return sum(count_tokens(line) + _LINE_COST for line in lines)


def _lines(
    batch: Batch, briefs: Mapping[str, str], others: Sequence[str], related: Relations
) -> list[str]:
    held = {part.file.path for part in batch.files}
    near = PathDistance(held)
    weights = dict.fromkeys(briefs, 0)
    for pair, weight in related.items():
        for path, other in (pair, pair[::-1]):
            if path in weights and other in held:
                weights[path] += weight
    elsewhere = sorted(
        (path for path in briefs if path not in held),
        key=lambda path: (-weights[path], near.distance(path), path),
    )
    return [*(briefs[path] for path in elsewhere), *others]


def _fitting(lines: Sequence[str], budget: int) -> tuple[str, ...]:
    kept: list[str] = []
    for line in lines:
        budget -= overview_tokens((line,))
        if budget < 0:
            kept.append(f"and {len(lines) - len(kept)} more changed files")
            break
        kept.append(line)
    return tuple(kept)


def _status(file: ChangedFile) -> str:
    if file.status is FileStatus.RENAMED and file.old_path is not None:
        return f"renamed from {display_path(file.old_path)} and changed"
    return file.status.value


def _added(file: ChangedFile, own: Text) -> list[str]:
    lines, new = own.lines, set(file.added_lines)
    return [
        _shortened(lines[block.start - 1])
        for block in own.outline.definitions
        if block.start in new
    ]


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _MAX_CHARACTERS else text[: _MAX_CHARACTERS - 1] + "…"
