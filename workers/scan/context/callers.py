"""Where in the whole clone the names that a change touches are used.

The clone has no blobs but those of the change. So the files that could hold a use are
brought in one request, nearest first and MAX_FILES at most, and looked through by one
`git grep`, over a tree of our own making: its files have numbers for names, so no path and
no pathspec of the repository reaches git, and it has no blob that is not here, so git
never asks the remote for one. The names go in by standard input and are never options.
What it costs is bounded by the constants below, whatever the repository holds.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice

from workers.scan.context.path_distance import PathDistance
from workers.scan.context.related import Index, similar
from workers.scan.repository.clone import Clone
from workers.scan.selection.file_filters import by_path
from workers.scan.selection.risk import is_test

#: Files that are looked through, nearest to the change first: about 16 MB of source text.
MAX_FILES = 2000
#: Larger files are generated, or data.
MAX_FILE_BYTES = 200_000
#: All that one search may take: time, disk beyond the clone, and what git grep tells.
MAX_SECONDS = 20
MAX_BYTES = 64 << 20
MAX_OUTPUT = 4 << 20
#: Names of all changed files together.
MAX_NAMES = 60
#: A name that more files use says nothing of one definition.
_MAX_USERS = 40
#: Files that a changed file gets.
_MAX_FOUND = 8

GREP = (
    *("grep", "--threads=2", "--no-color", "--no-recurse-submodules", "--no-textconv", "-I"),
    *("--fixed-strings", "--word-regexp", "--only-matching", "--null", "-f", "-"),
)


async def callers(
    clone: Clone,
    names: Mapping[str, Sequence[str]],
    known: Index,
    may_show: Callable[[str], bool],
) -> dict[str, tuple[str, ...]]:
    """For each path of `names` the other files that use one of its names as a word and that
    `may_show` lets pass, best first: code before tests, near before far. Raises CloneError."""
    symbols_of = _first(names)
    paths = await asyncio.to_thread(
        _candidates, [path for path in names if symbols_of[path]], known
    )
    if not paths:
        return {}
    git = await asyncio.to_thread(
        clone.git.within, seconds=MAX_SECONDS, more_bytes=MAX_BYTES, max_output=MAX_OUTPUT
    )
    here = replace(clone, git=git)
    await here.fetch(known.blobs[path] for path in paths)
    sizes = await here.sizes(known.blobs[path] for path in paths)
    paths = [path for path in paths if sizes.get(known.blobs[path], 0) <= MAX_FILE_BYTES]
    found = await names_in(
        here, paths, known.blobs, {name for each in symbols_of.values() for name in each}
    )
    return await asyncio.to_thread(_ranked, symbols_of, found, may_show)


def _first(names: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """The names of the first files, MAX_NAMES in all."""
    remaining, kept = MAX_NAMES, {}
    for path, of_file in names.items():
        kept[path] = tuple(of_file[:remaining])
        remaining -= len(kept[path])
    return kept


def _candidates(targets: Sequence[str], known: Index) -> list[str]:
    """Files of the targets' languages, nearest first."""
    languages = {known.languages[path] for path in targets if path in known.languages}
    others = {
        language
        for language in set(known.languages.values())
        if any(similar(language, one) for one in languages)
    }
    near = PathDistance(targets)
    fitting = [path for path, language in known.languages.items() if language in others]
    fitting.sort(key=lambda path: (near.distance(path), path))
    return list(islice((path for path in fitting if by_path(path) is None), MAX_FILES))


async def names_in(
    clone: Clone, paths: Sequence[str], blobs: Mapping[str, str], names: Iterable[str]
) -> dict[str, set[str]]:
    """The names that each of these fetched files, whose `blobs` are known, holds."""
    tree = "".join(f"100644 blob {blobs[path]}\t{n}\0" for n, path in enumerate(paths))
    made = await clone.git.local("mktree", "-z", stdin=tree.encode())
    out = await clone.git.local(
        *GREP, made.decode().strip(), "--", stdin="\n".join(sorted(names)).encode(), codes=(0, 1)
    )
    return _parsed(out, paths)


def _parsed(out: bytes, paths: Sequence[str]) -> dict[str, set[str]]:
    """The lines are `<tree>:<number>NUL<name>`."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for line in set(out.split(b"\n")):
        place, _, name = line.partition(b"\0")
        number = place.rpartition(b":")[2]
        if number.isdigit():
            found[paths[int(number)]].add(name.decode("utf-8", "replace"))
    return found


def _ranked(
    symbols_of: Mapping[str, Sequence[str]],
    found: Mapping[str, set[str]],
    may_show: Callable[[str], bool],
) -> dict[str, tuple[str, ...]]:
    counts = Counter(name for names in found.values() for name in names)
    ranked = {}
    for path, names in symbols_of.items():
        distinctive = {name for name in names if counts[name] <= _MAX_USERS}
        near = PathDistance([path])
        using = [other for other, held in found.items() if other != path and distinctive & held]
        using.sort(key=lambda other: (is_test(other), near.distance(other), other))
        ranked[path] = tuple(islice(filter(may_show, using), _MAX_FOUND))
    return ranked
