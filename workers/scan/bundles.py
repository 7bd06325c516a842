"""Decide which changed files are read together (pure).

A change that fits one prompt is read whole. A larger one is cut into groups of related
files: what one file changes and another uses, imports, tests beside their subject, the same
folder. Nearness of paths only fills the groups up.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from bot.domain.diff import ChangedFile
from bot.domain.model import Batch, BatchFile
from bot.text.tokens import count_tokens
from workers.scan.context.changed_symbols import changed_symbols
from workers.scan.context.snippets import Text
from workers.scan.file_parts import hunk_tokens

#: Over so many changed lines a reader misses more: then related files read better apart.
MAX_LINES = 1500
_EVIDENCE_COST = 12  # tokens for the tool's rule, side and line before each title

#: How much speaks for reading two files together; several reasons add up.
_SHARED_NAME = 3  # for each name that one file changes and the other's change uses, and at most
_MAX_SHARED_NAMES = 3
_RELATIVE = 2  # one imports, calls or tests the other, or stands beside it
_SAME_FOLDER = 1  # for neighbors in the order of names
#: A name that more changed files use groups nothing.
_MAX_USERS = 8
_WORD = re.compile(r"[A-Za-z_$][\w$]{2,}")

#: For a pair of paths, the smaller first, what speaks for reading them together.
Relations = Mapping[tuple[str, str], int]


def relations(
    files: Iterable[ChangedFile], own: Mapping[str, Text], others: Mapping[str, tuple[Text, ...]]
) -> Relations:
    """How the changed files hang together. `own` are their texts at the head, `others` what was
    found to help with each."""
    by_path = {file.path: file for file in files}
    found: defaultdict[tuple[str, str], int] = defaultdict(int)
    for path in by_path:
        for text in others.get(path, ()):
            if text.path in by_path and text.path != path:
                found[_pair(path, text.path)] = _RELATIVE
    for path, users in _users(by_path, own):
        for user in users:
            pair = _pair(path, user)
            most = _RELATIVE + _SHARED_NAME * _MAX_SHARED_NAMES
            found[pair] = min(found[pair] + _SHARED_NAME, most)
    by_folder: defaultdict[str, list[str]] = defaultdict(list)
    for path in by_path:
        by_folder[path.rpartition("/")[0]].append(path)
    for together in by_folder.values():
        for pair in pairwise(sorted(together)):
            found[pair] += _SAME_FOLDER
    return found


def _users(
    files: Mapping[str, ChangedFile], own: Mapping[str, Text]
) -> Iterable[tuple[str, list[str]]]:
    """For each name that a file changes, that file and those whose changed lines use it."""
    using: defaultdict[str, list[str]] = defaultdict(list)
    for path, file in files.items():
        changed = "\n".join(
            line.text for h in file.hunks for line in h.lines if line.added or line.removed
        )
        for word in set(_WORD.findall(changed)):
            using[word].append(path)
    for path, file in files.items():
        for name in changed_symbols(file, own[path].outline, own[path].language):
            users = [user for user in using[name] if user != path]
            if len(users) <= _MAX_USERS:
                yield path, users


def _pair(one: str, other: str) -> tuple[str, str]:
    return (one, other) if one < other else (other, one)


@dataclass(slots=True)
class _Group:
    parts: list[BatchFile] = field(default_factory=list)
    tokens: int = 0
    lines: int = 0

    def joined(self, other: "_Group") -> "_Group":
        return _Group(
            self.parts + other.parts, self.tokens + other.tokens, self.lines + other.lines
        )

    def fits(self, budget: int, max_files: int) -> bool:
        """No two parts of a file are in one group: what is said of it is known by its path."""
        paths = {part.file.path for part in self.parts}
        return (
            len(self.parts) == len(paths) <= max_files
            and self.tokens <= budget
            and self.lines <= MAX_LINES
        )


def bundle(
    parts: Sequence[BatchFile], budget: int, max_files: int, related: Relations
) -> tuple[Batch, ...]:
    """Batches of at most `budget` tokens of hunks and MAX_LINES changed lines, in the order of
    paths. `max_files` bounds the files of a batch where there is more than one; a single part
    that is larger is a batch of its own."""
    groups = [_group(part) for part in sorted(parts, key=_by_folder)]
    whole = _Group()
    for group in groups:
        whole = whole.joined(group)
    if whole.fits(budget, len(parts)):
        groups = [whole] if parts else []
    else:
        groups = _filled(_grouped(groups, related, budget, max_files), budget, max_files)
    return _numbered(groups)


def _group(part: BatchFile) -> _Group:
    lines = [line for hunk in part.file.hunks for line in hunk.lines]
    changed = sum(line.added or line.removed for line in lines)
    return _Group([part], sum(map(hunk_tokens, part.file.hunks)), changed)


def _grouped(
    groups: Sequence[_Group], related: Relations, budget: int, max_files: int
) -> list[_Group]:
    """Join what hangs together most, as long as it fits."""
    of_path: defaultdict[str, list[int]] = defaultdict(list)
    for number, group in enumerate(groups):
        of_path[group.parts[0].file.path].append(number)
    at = list(range(len(groups)))  # for each part the number of its group
    current = dict(enumerate(groups))
    for one, other in sorted(related, key=lambda pair: (-related[pair], pair)):
        for left in of_path[one]:
            for right in of_path[other]:
                into, gone = sorted((at[left], at[right]))
                both = current[into].joined(current[gone]) if into != gone else None
                if both is not None and both.fits(budget, max_files):
                    current[into] = both
                    del current[gone]
                    at = [into if number == gone else number for number in at]
    return list(current.values())


def _filled(groups: Sequence[_Group], budget: int, max_files: int) -> list[_Group]:
    """Join neighbors in the order of paths, so that few calls do."""
    filled: list[_Group] = []
    for group in sorted(groups, key=lambda group: min(map(_by_folder, group.parts))):
        if filled and (both := filled[-1].joined(group)).fits(budget, max_files):
            filled[-1] = both
        else:
            filled.append(group)
    return filled


def _numbered(groups: Iterable[_Group]) -> tuple[Batch, ...]:
    ordered = [sorted(group.parts, key=_by_folder) for group in groups]
    last = {part.file.path: number for number, parts in enumerate(ordered) for part in parts}
    return tuple(
        Batch(
            number,
            tuple(replace(part, continued=last[part.file.path] > number) for part in parts),
        )
        for number, parts in enumerate(ordered)
    )


def _by_folder(part: BatchFile) -> tuple[str, str, int]:
    folder, _, name = part.file.path.rpartition("/")
    return folder, name, part.file.hunks[0].new_start if part.file.hunks else 0


def with_less_evidence(batch: Batch, budget: int) -> Batch:
    """The batch with evidence of at most `budget` tokens, the most severe first: an analyzer may
    report every line. What is left out stays in the report."""
    items = [(item, number) for number, part in enumerate(batch.files) for item in part.evidence]
    items.sort(key=lambda each: (each[0].severity.rank, -each[0].confidence, each[1]))
    kept: set[str] = set()
    for item, _ in items:
        budget -= count_tokens(item.title) + _EVIDENCE_COST
        if budget < 0:
            break
        kept.add(item.fingerprint)
    return replace(
        batch,
        files=tuple(
            replace(part, evidence=tuple(e for e in part.evidence if e.fingerprint in kept))
            for part in batch.files
        ),
    )
