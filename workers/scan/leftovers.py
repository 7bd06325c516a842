"""Leftovers: what a change removes or renames, and other files still use. Needs no model.

A finding of it is certain, or it is not made: `leftover_uses` says what counts as a use. The whole
clone is searched as for callers, nearest files first and within the same limits; where the search
is cut, a finding may be missing, and none is wrong.
"""

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bot.domain.diff import ChangedFile, FileStatus, Side, is_printable
from bot.domain.model import Category, Finding, Place, Severity
from workers.scan.context import callers
from workers.scan.context.path_distance import PathDistance
from workers.scan.leftover_calls import Signature, changed_signatures, misfit_calls
from workers.scan.leftover_uses import (
    Removed,
    Tree,
    called_names,
    family,
    is_defined,
    makes_modules,
    packages_of,
    removed_fields,
    removed_names,
    uses,
)
from workers.scan.leftover_values import Kind, LostValue, concerns, lost_values, value_uses
from workers.scan.repository.clone import Clone
from workers.scan.selection.file_filters import by_path
from workers.scan.selection.file_selection import FileSelection

#: The name for ANALYZERS_DISABLED.
NAME = "leftovers"
#: What is looked for of one change, and places that are named for each.
_MAX_REMOVED = 60
_MAX_PLACES = 10
#: A function whose name more files hold is not followed: most of them mean another.
_MAX_USERS = 100
#: Characters of the files whose calls are looked at, each counted once a function.
_MAX_PARSED = 8_000_000

_SEVERITY = {
    Kind.ROUTE: Severity.HIGH,
    Kind.CSS_CLASS: Severity.LOW,
    Kind.VARIABLE: Severity.MEDIUM,
}


@dataclass(frozen=True, slots=True)
class _Texts:
    """Files of the head that hold a word of what was removed; `unread` are those of its languages
    that were not searched, `packages` hold what was removed or did so."""

    texts: Mapping[str, str]
    unread: frozenset[str]
    packages: Mapping[str, str] = field(default_factory=dict)


async def leftovers(clone: Clone, selection: FileSelection) -> tuple[Finding, ...]:
    """What is still used and no longer there, or no longer fits. Raises CloneError."""
    gone = await asyncio.to_thread(_removed, selection)
    signatures, values = await asyncio.to_thread(_changed, selection)
    if not (gone or signatures or values):
        return ()
    tree, blobs = await asyncio.to_thread(_paths_of, selection)
    names = await asyncio.to_thread(_gone_for_good, gone, tree)
    found: list[Finding] = []
    if names or signatures:
        held = await _search(clone, names, signatures, blobs)
        found += await asyncio.to_thread(_found, names, signatures, held, selection, tree)
    if values:
        here = await _with_limits(clone)
        paths = await asyncio.to_thread(_concerned, {each.kind for each in values}, blobs)
        texts = await _holding(here, paths, [each.path for each in values], values, blobs)
        found += await asyncio.to_thread(lambda: list(_lost(values, texts, selection)))
    return tuple(found)


def _paths_of(selection: FileSelection) -> tuple[Tree, dict[str, str]]:
    """The head's paths as a tree, and the blobs of those that can be shown."""
    blobs = {entry.path: entry.blob for entry in selection.tree if is_printable(entry.path)}
    return Tree.of([entry.path for entry in selection.tree]), blobs


def _concerned(kinds: Collection[Kind], paths: Iterable[str]) -> list[str]:
    return [path for path in paths if any(concerns(kind, path) for kind in kinds)]


def _found(
    names: Sequence[Removed],
    signatures: Sequence[Signature],
    held: _Texts,
    selection: FileSelection,
    tree: Tree,
) -> list[Finding]:
    return [
        *_findings(names, held, selection, tree),
        *_misfits(signatures, held, selection, tree),
    ]


def _changed(selection: FileSelection) -> tuple[list[Signature], list[LostValue]]:
    """Parameters that are others now, and routes, CSS classes and variables that are gone."""
    signatures, values = list[Signature](), list[LostValue]()
    paths = [entry.path for entry in selection.tree]
    for target in selection.targets:
        if target.file.status is FileStatus.MODIFIED:
            signatures += changed_signatures(target.file, target.text)
            values += lost_values(target.file, target.text, paths)
    return signatures[:_MAX_REMOVED], values[:_MAX_REMOVED]


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
            found += removed_fields(target.file, target.text)
    return found


def _gone_for_good(removed: Iterable[Removed], tree: Tree) -> list[Removed]:
    """Those of which the head has no other, as many as are looked for."""
    return [
        each
        for each in removed
        if (each.name or each.module not in tree.paths) and not tree.has_another(each.module)
    ][:_MAX_REMOVED]


def _gone(file: ChangedFile) -> str:
    """The path at which there is no file any more."""
    if file.status is FileStatus.DELETED:
        return file.path
    return file.old_path or "" if file.status is FileStatus.RENAMED else ""


async def _search(
    clone: Clone,
    removed: Sequence[Removed],
    signatures: Sequence[Signature],
    blobs: Mapping[str, str],
) -> _Texts:
    words: list[Removed | Signature] = [*removed, *signatures]
    families = {family(each.module) for each in words}
    fitting = [path for path in blobs if family(path) in families]
    here = await _with_limits(clone)
    near = [each.module for each in words]
    held = await _holding(here, fitting, near, words, blobs)
    searched = {*fitting} - held.unread
    packages = {path for each in removed for path in packages_of(each) if path in searched}
    contents = await here.read(blobs[path] for path in packages)
    return replace(
        held,
        packages={path: contents[blobs[path]].decode("utf-8", "replace") for path in packages},
    )


async def _with_limits(clone: Clone) -> Clone:
    """The clone, with what one search may take."""
    git = await asyncio.to_thread(
        clone.git.within,
        seconds=callers.MAX_SECONDS,
        more_bytes=callers.MAX_BYTES,
        max_output=callers.MAX_OUTPUT,
    )
    return replace(clone, git=git)


async def _holding(
    clone: Clone,
    fitting: Sequence[str],
    near: Sequence[str],
    wanted: Sequence[Removed | Signature | LostValue],
    blobs: Mapping[str, str],
) -> _Texts:
    """The files of those that hold a word of what is wanted, those near to some paths first."""
    distance = PathDistance(near)
    paths = sorted(fitting, key=lambda path: (distance.distance(path), path))[: callers.MAX_FILES]
    await clone.fetch(blobs[path] for path in paths)
    sizes = await clone.sizes(blobs[path] for path in paths) if paths else {}
    small = [path for path in paths if sizes.get(blobs[path], 0) <= callers.MAX_FILE_BYTES]
    unread = frozenset(fitting) - frozenset(small)
    if not small:
        return _Texts({}, unread)
    holding = await callers.names_in(clone, small, blobs, {each.word for each in wanted})
    contents = await clone.read(blobs[path] for path in holding)
    return _Texts(
        {path: contents[blobs[path]].decode("utf-8", "replace") for path in holding}, unread
    )


def _findings(
    removed: Iterable[Removed], held: _Texts, selection: FileSelection, tree: Tree
) -> Iterator[Finding]:
    places: dict[Removed, list[Place]] = {
        each: []
        for each in removed
        if not (family(each.module) == "go" and _may_be_defined(each, held))
        and not any(makes_modules(held.packages.get(path, "")) for path in packages_of(each))
    }
    for path, text in _named(held, selection):  # each text is looked through once for all
        for each, found in places.items():
            if each.word in text:
                found += [
                    Place(path=path, start_line=line, end_line=line, description="still used")
                    for line in uses(each, path, text, tree)
                ]
    yield from (_finding(each, found) for each, found in places.items() if found)


def _named(held: _Texts, selection: FileSelection) -> Iterator[tuple[str, str]]:
    """The texts of files in which a use is worth a word."""
    return ((path, text) for path, text in held.texts.items() if _may_be_named(path, selection))


def _misfits(
    signatures: Iterable[Signature], held: _Texts, selection: FileSelection, tree: Tree
) -> Iterator[Finding]:
    """A finding for each signature that calls do not fit, with the first reason."""
    calls: dict[Signature, list[tuple[str, int, str]]] = {
        each: []
        for each in signatures
        if sum(each.word in text for text in held.texts.values()) <= _MAX_USERS
    }
    left = _MAX_PARSED
    for path, text in _named(held, selection):
        for each, found in calls.items():
            if family(path) != "python" or each.word not in text:
                continue
            left -= len(text)
            if left < 0:
                break
            names = [each.name]
            if path != each.module:
                names = list(called_names(each.module, each.name, path, text, tree))
            if names:
                found += [(path, *call) for call in misfit_calls(each, path, text, names)]
    for each, found in calls.items():
        if found:
            yield _misfit(each, found)


def _misfit(signature: Signature, calls: Sequence[tuple[str, int, str]]) -> Finding:
    places = [
        Place(path=path, start_line=line, end_line=line, description="does not fit")
        for path, line, _ in calls
    ]
    return _told(
        signature,
        "signature",
        places,
        title=f"{signature.name} is still called as before in {places[0].path}",
        before=f"The parameters of `{signature.name}` change here, but the call at",
        after=f"no longer fits: {calls[0][2]}.",
        side=Side.RIGHT,
    )


def _lost(values: Iterable[LostValue], held: _Texts, selection: FileSelection) -> Iterator[Finding]:
    # What defines it may be in what was not read.
    uncertain = {kind for kind in Kind if _concerned({kind}, held.unread)}
    for each in values:
        if each.kind in uncertain:
            continue
        places = [
            Place(path=path, start_line=line, end_line=line, description="still used")
            for path, line in value_uses(each, held.texts)
            if _may_be_named(path, selection)
        ]
        if not places:
            continue
        title, before, after = _words(each, places[0].path)
        yield _told(
            each,
            each.kind,
            places,
            title=title,
            before=before,
            after=after,
            severity=_SEVERITY[each.kind],
        )


def _words(lost: LostValue, where: str) -> tuple[str, str, str]:
    """The title, and what stands before and after the places."""
    value = lost.value
    match lost.kind:
        case Kind.ROUTE:
            title = f"{value} is no longer served but is still requested in {where}"
            return (
                title,
                f"The route `{value}` is removed or renamed here but still requested at",
                "",
            )
        case Kind.CSS_CLASS:
            title = f".{value} no longer has a style but is still used in {where}"
            return (
                title,
                f"The last rule for `.{value}` is removed here, but the class is still used at",
                "",
            )
        case Kind.VARIABLE:
            title = f"{value} is no longer in {lost.path} but is still required in {where}"
            return title, f"`{value}` is removed here but still read at", "without a default."


def _may_be_named(path: str, selection: FileSelection) -> bool:
    """Whether a use in that file is worth a word."""
    return by_path(path) is None and not _hidden(path, selection)


def _may_be_defined(removed: Removed, held: _Texts) -> bool:
    folder = removed.module.rpartition("/")[0]
    return any(path.rpartition("/")[0] == folder for path in held.unread) or any(
        is_defined(removed, path, text) for path, text in held.texts.items()
    )


def _hidden(path: str, selection: FileSelection) -> bool:
    rules = selection.rules
    return rules.excludes(path) or rules.attributed(path) is not None


def _finding(removed: Removed, places: Sequence[Place]) -> Finding:
    name = f"{removed.of}.{removed.name}" if removed.of else removed.name or removed.module
    what = f"`{name}`" if removed.name else f"The file `{name}`"
    return _told(
        removed,
        "name" if removed.name else "file",
        places,
        title=f"{name} no longer exists but is still used in {places[0].path}",
        before=f"{what} is removed or renamed here but still used at",
        quote=removed.text if removed.name else "",
    )


def _told(
    what: Removed | Signature | LostValue,
    kind: str,
    places: Sequence[Place],
    *,
    title: str,
    before: str,
    after: str = "",
    severity: Severity = Severity.HIGH,
    side: Side = Side.LEFT,
    quote: str | None = None,
) -> Finding:
    """The finding; its body names the places between two texts."""
    at = ", ".join(f"`{place.path}:{place.start_line}`" for place in places[:_MAX_PLACES])
    more = f" and {len(places) - _MAX_PLACES} more" if len(places) > _MAX_PLACES else ""
    return Finding(
        path=what.path,
        category=Category.CORRECTNESS,
        severity=severity,
        title=title,
        body=f"{before} {at}{more} {after}" if after else f"{before} {at}{more}.",
        confidence=0.95,
        source=f"{NAME}:{kind}",
        quote=what.text if quote is None else quote,
        side=side,
        start_line=what.line,
        end_line=what.line,
        looked_at=tuple(places[:_MAX_PLACES]),
    )
