"""Leftovers: what a change removes or renames, and other files still use. Needs no model.

A finding of it is certain, or it is not made: `leftover_uses` says what counts as a use. The whole
clone is searched as for callers, nearest files first and within the same limits; where the search
is cut, a finding may be missing, and none is wrong.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from bot.domain.diff import ChangedFile, FileStatus, Side
from bot.domain.model import Category, Finding, Place, Severity
from workers.scan.context import callers
from workers.scan.context.path_distance import PathDistance
from workers.scan.context.related import Index, index
from workers.scan.leftover_uses import (
    Removed,
    Tree,
    family,
    is_defined,
    makes_modules,
    packages_of,
    removed_names,
    uses,
)
from workers.scan.repository.clone import Clone
from workers.scan.selection.file_filters import by_path
from workers.scan.selection.file_selection import FileSelection

#: The name for ANALYZERS_DISABLED.
NAME = "leftovers"
#: What is looked for of one change, and places that are named for each.
_MAX_REMOVED = 60
_MAX_PLACES = 10


@dataclass(frozen=True, slots=True)
class _Texts:
    """Files of the head that hold a word of what was removed; `unread` are those of its languages
    that were not searched, `packages` hold what was removed or did so."""

    texts: Mapping[str, str]
    unread: frozenset[str]
    packages: Mapping[str, str] = field(default_factory=dict)


async def leftovers(clone: Clone, selection: FileSelection) -> tuple[Finding, ...]:
    """What is still used and no longer there. Raises CloneError."""
    removed = await asyncio.to_thread(_removed, selection)
    if not removed:
        return ()
    known = await asyncio.to_thread(index, selection.tree)
    held = await _search(clone, removed, known)
    return await asyncio.to_thread(_findings, removed, held, selection)


def _removed(selection: FileSelection) -> list[Removed]:
    added = "\n".join(
        line.text
        for target in selection.targets
        for hunk in target.file.hunks
        for line in hunk.lines
        if line.added
    )
    found: list[Removed] = []
    for file in (*(target.file for target in selection.targets), *selection.lineless):
        gone = _gone(file)
        # Named in what was added, as in .gitignore: it is made when the program is built.
        made = gone.rpartition("/")[2] in added
        if gone and not made and gone.isprintable() and family(gone) in ("python", "script"):
            found.append(Removed(gone, "", file.path, None, gone))
    for target in selection.targets:
        if target.file.status is FileStatus.MODIFIED:
            found += removed_names(target.file, target.text)
    if not found:
        return []
    tree = Tree.of([entry.path for entry in selection.tree])
    gone_for_good = [
        each
        for each in found
        if (each.name or each.module not in tree.paths) and not tree.has_another(each.module)
    ]
    return gone_for_good[:_MAX_REMOVED]


def _gone(file: ChangedFile) -> str:
    """The path at which there is no file any more."""
    if file.status is FileStatus.DELETED:
        return file.path
    return file.old_path or "" if file.status is FileStatus.RENAMED else ""


async def _search(clone: Clone, removed: Sequence[Removed], known: Index) -> _Texts:
    families = {family(each.module) for each in removed}
    near = PathDistance([each.module for each in removed])
    fitting = [path for path in known.blobs if family(path) in families]
    fitting.sort(key=lambda path: (near.distance(path), path))
    paths = list(islice(fitting, callers.MAX_FILES))
    git = await asyncio.to_thread(
        clone.git.within,
        seconds=callers.MAX_SECONDS,
        more_bytes=callers.MAX_BYTES,
        max_output=callers.MAX_OUTPUT,
    )
    here = replace(clone, git=git)
    await here.fetch(known.blobs[path] for path in paths)
    sizes = await here.sizes(known.blobs[path] for path in paths) if paths else {}
    small = [p for p in paths if sizes.get(known.blobs[p], 0) <= callers.MAX_FILE_BYTES]
    if not small:
        return _Texts({}, frozenset(fitting))
    holding = await callers.names_in(here, small, known, {each.word for each in removed})
    packages = {path for each in removed for path in packages_of(each) if path in small}
    contents = await here.read(known.blobs[path] for path in {*holding, *packages})
    texts = {
        path: contents[known.blobs[path]].decode("utf-8", "replace")
        for path in {*holding, *packages}
    }
    return _Texts(
        {path: texts[path] for path in holding},
        frozenset(fitting) - frozenset(small),
        {path: texts[path] for path in packages},
    )


def _findings(
    removed: Iterable[Removed], held: _Texts, selection: FileSelection
) -> tuple[Finding, ...]:
    tree = Tree.of([entry.path for entry in selection.tree])
    found = []
    for each in removed:
        if family(each.module) == "go" and _may_be_defined(each, held):
            continue
        if any(makes_modules(held.packages.get(path, "")) for path in packages_of(each)):
            continue
        places = [
            Place(path=path, start_line=line, end_line=line, description="still used")
            for path, text in held.texts.items()
            if by_path(path) is None and not _hidden(path, selection)
            for line in uses(each, path, text, tree)
        ]
        if places:
            found.append(_finding(each, places))
    return tuple(found)


def _may_be_defined(removed: Removed, held: _Texts) -> bool:
    folder = removed.module.rpartition("/")[0]
    return any(path.rpartition("/")[0] == folder for path in held.unread) or any(
        is_defined(removed, path, text) for path, text in held.texts.items()
    )


def _hidden(path: str, selection: FileSelection) -> bool:
    rules = selection.rules
    return rules.excludes(path) or rules.attributed(path) is not None


def _finding(removed: Removed, places: Sequence[Place]) -> Finding:
    name = removed.name or removed.module
    at = ", ".join(f"`{place.path}:{place.start_line}`" for place in places[:_MAX_PLACES])
    more = f" and {len(places) - _MAX_PLACES} more" if len(places) > _MAX_PLACES else ""
    what = f"`{name}`" if removed.name else f"The file `{name}`"
    return Finding(
        path=removed.path,
        category=Category.CORRECTNESS,
        severity=Severity.HIGH,
        title=f"{name} no longer exists but is still used in {places[0].path}",
        body=f"{what} is removed or renamed here, and still used at {at}{more}.",
        confidence=0.95,
        source=f"{NAME}:{'name' if removed.name else 'file'}",
        quote=removed.text if removed.name else "",
        side=Side.LEFT,
        start_line=removed.line,
        end_line=removed.line,
        looked_at=tuple(places[:_MAX_PLACES]),
    )
