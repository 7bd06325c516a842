"""Choose what is read: ask the clone step by step, so that nothing is fetched in vain."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from bot.config.repository_config import RepoConfig
from bot.config.settings import Settings
from bot.domain.diff import ChangedFile, FileStatus, display_path, is_printable
from bot.domain.model import FileSummary, SkippedFile
from bot.domain.reasons import FileSkipReason
from bot.policy.precedence import effective
from bot.text.file_kinds import language_of_file
from templates.languages import plural
from workers.scan import conventions, own_rules
from workers.scan.analyzers.analyzer import Target
from workers.scan.notebooks import read_by_people
from workers.scan.repository.clone import Clone, Entry
from workers.scan.selection import file_filters, gitattributes, python_project
from workers.scan.selection.path_rules import PathRules
from workers.scan.selection.python_project import PythonProjects
from workers.scan.selection.risk import riskiest_first

#: Files whose blobs are fetched and counted; GitHub itself lists no more of a pull request.
MAX_CANDIDATES = 3000
#: Their names are arguments of one git call.
MAX_NAMES_BYTES = 1_000_000
#: Changed lines of one review: about twenty calls of an LLM, and 50 MB of memory.
MAX_CHANGED_LINES = 30_000
#: Of a pull request that touches more files, the others are named by number only.
MAX_NAMED = 1000


@dataclass(frozen=True, slots=True)
class FileSelection:
    """`targets` carry hunks and text; `files` are all changed files, `tree` all at the head;
    `conventions` are the texts of files such as AGENTS.md at the merge base, by path, and
    `own_rules` those of the repository's own rules;
    `lineless` are those that were only deleted, moved or made executable, and `unread` those that
    are left out and yet searched for secrets; `skipped_unlisted` is how many files were left out
    beside those that `skipped` names, and `rules` say which paths the repository leaves out."""

    targets: tuple[Target, ...]
    files: tuple[FileSummary, ...]
    skipped: tuple[SkippedFile, ...]
    skipped_unlisted: int
    tree: tuple[Entry, ...]
    rules: PathRules
    conventions: dict[str, str] = field(default_factory=dict)
    own_rules: dict[str, str] = field(default_factory=dict)
    lineless: tuple[ChangedFile, ...] = ()
    unread: tuple[ChangedFile, ...] = ()


async def select_files(clone: Clone, settings: Settings, config: RepoConfig) -> FileSelection:
    """The files to read, riskiest first. Raises CloneError."""
    changed = await clone.names()
    tree = await clone.tree()
    attributes, projects, written = await _at_base(clone, changed, tree)
    own = own_rules.wanted(written)
    # Patterns and paths are the repository's: no other review waits while they are matched.
    rules = await asyncio.to_thread(PathRules, config, attributes)
    files, beyond, skipped = await asyncio.to_thread(_sifted, changed, rules)
    counted, too_large = await _counted(clone, files, settings.max_file_bytes)
    files, nothing_to_read = file_filters.filter_files(counted, file_filters.by_counts)
    texts, unread = await _readable(
        clone, riskiest_first(files), effective(settings, config).max_files
    )
    hunks = await _hunks(clone, [file for file, _ in texts])
    targets = tuple(
        Target(hunks[file.path], language_of_file(file.path, text), text, projects.of(file.path))
        for file, text in texts
        if file.path in hunks
    )
    skipped += beyond + too_large + nothing_to_read + unread
    listed, skipped_unlisted = _listed(skipped)
    summaries = await asyncio.to_thread(_summaries, changed, counted)
    silent = {item.path for item in nothing_to_read}
    return FileSelection(
        targets=targets,
        files=summaries,
        skipped=listed,
        skipped_unlisted=skipped_unlisted,
        tree=tree,
        rules=rules,
        conventions={
            path: text
            for path, text in written.items()
            if not rules.excludes(path) and path not in own
        },
        own_rules={path: written[path] for path in own},
        lineless=tuple(file for file in counted if file.path in silent and not file.binary),
        unread=file_filters.searched_anyway(changed, skipped),
    )


def _sifted(
    changed: Iterable[ChangedFile], rules: PathRules
) -> tuple[list[ChangedFile], list[SkippedFile], list[SkippedFile]]:
    """The files whose blobs are worth fetching, riskiest first, and those that are left out, for
    their number and by their names."""
    files, skipped = file_filters.filter_files(
        changed, lambda file: file_filters.by_name(file, rules)
    )
    return *_first(riskiest_first(files)), skipped


async def _at_base(
    clone: Clone, changed: Sequence[ChangedFile], tree: Sequence[Entry]
) -> tuple[gitattributes.Attributes, PythonProjects, dict[str, str]]:
    """The merge base's attributes, what its Python projects say, and its files of conventions by
    path, in one request: as at the head, but for those that the change touches."""
    blobs = await asyncio.to_thread(_blobs_at_base, changed, tree)
    texts = await _texts(clone, blobs.values(), 1 << 20)
    found = {path: texts[blob] for path, blob in blobs.items() if blob in texts}
    rules = {path: text for path, text in found.items() if _is_attributes(path)}
    projects = {path: text for path, text in found.items() if _name(path) in python_project.NAMES}
    others = {path: text for path, text in found.items() if path not in rules | projects}
    attributes = await asyncio.to_thread(gitattributes.parse, rules)
    return attributes, await asyncio.to_thread(PythonProjects, projects), others


def _blobs_at_base(changed: Sequence[ChangedFile], tree: Sequence[Entry]) -> dict[str, str]:
    at_base = {file.path: file.old_blob for file in changed}
    for entry in tree:
        at_base.setdefault(entry.path, entry.blob)
    names = [path for path in at_base if _is_attributes(path)]
    names += own_rules.wanted(at_base)
    names += python_project.wanted(at_base, [file.path for file in changed])
    names += conventions.wanted(
        (path for path, blob in at_base.items() if blob and is_printable(path)),
        [file.path for file in changed],
    )
    return {path: blob for path in names if (blob := at_base[path])}


def _is_attributes(path: str) -> bool:
    return _name(path) == gitattributes.NAME


def _name(path: str) -> str:
    return path.rpartition("/")[2]


async def _texts(clone: Clone, blobs: Iterable[str], limit: int) -> dict[str, str]:
    """Contents of the blobs that are not larger than `limit` bytes."""
    unique_blobs = list(dict.fromkeys(blobs))
    if not unique_blobs:
        return {}
    await clone.fetch(unique_blobs)
    sizes = await clone.sizes(unique_blobs)
    contents = await clone.read(
        blob for blob in unique_blobs if sizes.get(blob, limit + 1) <= limit
    )
    return {blob: data.decode("utf-8", "replace") for blob, data in contents.items()}


def _first(files: list[ChangedFile]) -> tuple[list[ChangedFile], list[SkippedFile]]:
    """As many as one git call can take."""
    size = count = 0
    for file in files[:MAX_CANDIDATES]:
        size += len(file.path.encode("utf-8", "replace")) + 1
        if size > MAX_NAMES_BYTES:
            break
        count += 1
    reason = FileSkipReason.CANDIDATE_LIMIT
    return files[:count], [SkippedFile(file.path, reason, str(count)) for file in files[count:]]


async def _counted(
    clone: Clone, files: list[ChangedFile], limit: int
) -> tuple[list[ChangedFile], list[SkippedFile]]:
    blobs = [blob for file in files for blob in (file.old_blob, file.new_blob) if blob]
    if not blobs:
        return [], []
    await clone.fetch(blobs)
    sizes = await clone.sizes(blobs)
    kept: list[ChangedFile] = []
    skipped: list[SkippedFile] = []
    for file in files:
        before, now = (sizes.get(blob or "", 0) for blob in (file.old_blob, file.new_blob))
        if max(before, now) <= limit:
            kept.append(file)
        elif file.status is FileStatus.DELETED:
            skipped.append(SkippedFile(file.path, FileSkipReason.DELETED))
        else:
            too_large = FileSkipReason.TOO_LARGE if now > limit else FileSkipReason.WAS_TOO_LARGE
            skipped.append(SkippedFile(file.path, too_large, _size(limit)))
    return list(await clone.counted([file.path for file in kept])), skipped


async def _readable(
    clone: Clone, files: list[ChangedFile], max_files: int
) -> tuple[list[tuple[ChangedFile, str]], list[SkippedFile]]:
    """The first `max_files` files whose text is for review, read a chunk at a time."""
    chosen: list[tuple[ChangedFile, str]] = []
    skipped: list[SkippedFile] = []
    contents: dict[str, bytes] = {}
    lines = 0
    for position, file in enumerate(files):
        if len(chosen) >= max_files:
            skipped += [
                SkippedFile(other.path, FileSkipReason.FILE_LIMIT, str(max_files))
                for other in files[position:]
            ]
            break
        if position % max_files == 0:
            chunk = files[position : position + max_files]
            contents = await clone.read(other.new_blob for other in chunk if other.new_blob)
        text = contents.get(file.new_blob or "", b"").decode("utf-8", "replace")
        if (
            reason := file_filters.by_content(read_by_people(file.path, text), file.path)
        ) is not None:
            skipped.append(SkippedFile(file.path, reason))
        elif lines + file.changed_lines > MAX_CHANGED_LINES:
            limit = f"{MAX_CHANGED_LINES:,}"
            skipped.append(SkippedFile(file.path, FileSkipReason.LINE_LIMIT, limit))
        else:
            chosen.append((file, text))
            lines += file.changed_lines
    return chosen, skipped


async def _hunks(clone: Clone, files: list[ChangedFile]) -> dict[str, ChangedFile]:
    paths = {path for file in files for path in (file.path, file.old_path) if path}
    return {file.path: file for file in await clone.hunks(sorted(paths))}


def _summaries(
    changed: Iterable[ChangedFile], counted: Iterable[ChangedFile]
) -> tuple[FileSummary, ...]:
    """Every changed file, with its lines where they were counted; a rename is one file."""
    known = {file.path: file for file in counted}
    moved_away = {file.old_path for file in known.values() if file.old_path}
    files = [known.get(f.path, f) for f in changed if f.path not in moved_away or f.path in known]
    return tuple(
        FileSummary(
            path=display_path(file.path),
            status=file.status,
            additions=file.additions,
            deletions=file.deletions,
        )
        for file in files[:MAX_CANDIDATES]
    )


def _listed(skipped: list[SkippedFile]) -> tuple[tuple[SkippedFile, ...], int]:
    """Those that are named, and how many are not, which one more line tells people."""
    listed = [replace(item, path=display_path(item.path)) for item in skipped[:MAX_NAMED]]
    rest = len(skipped) - len(listed)
    if rest:
        listed.append(SkippedFile(plural(rest, "more file"), FileSkipReason.UNLISTED))
    return tuple(listed), rest


def _size(limit: int) -> str:
    return f"{limit / 1_000_000:g} MB" if limit >= 1_000_000 else f"{limit / 1000:g} kB"
