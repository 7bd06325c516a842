"""The files of a clone at both its commits, for looking things up: found by path, brought in few
requests, searched and shown without secrets.

No path and no pattern of a model reaches git as a path or an option: paths are looked for in the
listed trees, what is searched is a tree of our own making whose files have numbers for names, and
patterns go in by standard input. What it costs is bounded by the constants, whatever the
repository holds.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from bot.config.repository_config import RepoConfig
from bot.domain.diff import Side, is_printable
from bot.domain.model import MaskedLine
from bot.text.invisible_characters import visible
from bot.text.languages import language_of
from bot.text.secrets import redact
from workers.repository.search_pattern import SearchPattern
from workers.scan.context.grammar_nodes import NODES
from workers.scan.context.path_distance import PathDistance
from workers.scan.redaction import taken_out
from workers.scan.repository.clone import Clone
from workers.scan.repository.git import Git
from workers.scan.selection.file_filters import by_path
from workers.scan.selection.gitattributes import Attributes
from workers.scan.selection.path_rules import PathRules

#: Files of one search, nearest to the change first, and what one of them may have.
MAX_FILES = 2000
MAX_SEARCHED_BYTES = 200_000
#: A larger file is not shown.
MAX_SHOWN_BYTES = 1_000_000
#: All that a clone may grow by, and what one fetch and one search may take.
_MAX_BYTES = 64 << 20
_FETCH_SECONDS = 10
_SEARCH_SECONDS = 2
_MAX_OUTPUT = 2 << 20
_MAX_READ = 64 << 20
_MAX_MASKED = 100

_GREP = (
    *("grep", "--threads=2", "--no-color", "--no-recurse-submodules", "--no-textconv", "-I"),
    *("--line-number", "--null", "-f", "-"),
)


@dataclass(frozen=True, slots=True)
class Hit:
    path: str
    line: int


@dataclass(frozen=True, slots=True)
class Found:
    """Hits in the order of the searched files; `complete` is false where there are more. Files
    that are too large, or `beyond` the first MAX_FILES, could hold others."""

    hits: tuple[Hit, ...]
    searched: int
    too_large: int = 0
    beyond: int = 0
    complete: bool = True


@dataclass(slots=True)
class RepositoryFiles:
    """`changed` are the change's paths, `masked_lines` its lines whose secrets only an analyzer
    knows (`Scan.masked_lines`): what they hide is taken out of everything. Every method may
    raise CloneError."""

    clone: Clone
    config: RepoConfig
    changed: Sequence[str]
    masked_lines: Sequence[MaskedLine] = ()
    _max_bytes: int = 0
    _trees: dict[Side, dict[str, str]] = field(default_factory=dict)
    _texts: dict[str, str | None] = field(default_factory=dict)
    _made: dict[tuple[str, ...], str] = field(default_factory=dict)
    _secrets: list[str] | None = None
    _rules: PathRules | None = None
    _excluded: dict[str, bool] = field(default_factory=dict)
    _searchable: asyncio.Future[dict[str, bool]] | None = None

    async def tree(self, side: Side) -> dict[str, str]:
        """Blobs by path, of every regular file that may be shown, in git's order."""
        if side not in self._trees:
            here = self._here(_FETCH_SECONDS, _MAX_READ)
            entries = await (here.tree() if side is Side.RIGHT else here.base_tree())
            self._trees[side] = await asyncio.to_thread(
                lambda: {e.path: e.blob for e in entries if is_printable(e.path)}
            )
        return self._trees[side]

    def excluded(self, path: str) -> bool:
        """Whether the repository's configuration keeps the path from reviews."""
        if path not in self._excluded:
            if self._rules is None:
                self._rules = PathRules(self.config, Attributes())
            self._excluded[path] = self._rules.excludes(path)
        return self._excluded[path]

    async def lines(self, path: str, side: Side) -> list[str] | None:
        """The file as it may be shown, None if it is binary or too large. KeyError where there is
        none."""
        blob = (await self.tree(side))[path]
        texts = await self._read([blob])
        text = texts[blob]
        return None if text is None else text.split("\n")

    async def texts(self, paths: Sequence[str]) -> dict[str, list[str]]:
        """Those of the head's files that can be shown."""
        tree = await self.tree(Side.RIGHT)
        found = await self._read([tree[path] for path in paths])
        shown = {path: found[tree[path]] for path in paths}
        return {path: text.split("\n") for path, text in shown.items() if text is not None}

    async def search(
        self,
        pattern: SearchPattern,
        fits: Callable[[str], bool],
        near: Sequence[str],
        *,
        word: bool = False,
    ) -> Found:
        """Lines of the head that match, in those files that fit; `word`: not within a longer
        word."""
        is_code = await self._is_code()
        candidates = await asyncio.to_thread(self._candidates, is_code, fits, near)
        paths = candidates[:MAX_FILES]
        if not paths:
            return Found((), 0)
        made, small = await self._made_tree(paths)
        here = self._here(_SEARCH_SECONDS, _MAX_OUTPUT)
        options = ["--extended-regexp" if pattern.regex else "--fixed-strings"]
        options += ["--word-regexp"] if word else []
        options += ["--ignore-case"] if pattern.ignore_case else []
        out, complete = await here.git.some(
            *_GREP, *options, made, "--", stdin=pattern.text.encode(), codes=(0, 1)
        )
        hits = await asyncio.to_thread(_hits, out, small)
        return Found(
            hits=tuple(hits),
            searched=len(small),
            too_large=len(paths) - len(small),
            beyond=len(candidates) - len(paths),
            complete=complete,
        )

    async def _is_code(self) -> dict[str, bool]:
        """Of each file that may be searched, whether it is code. The same for each search, and
        costly with many files."""
        tree = await self.tree(Side.RIGHT)
        if self._searchable is None:
            self._searchable = asyncio.ensure_future(asyncio.to_thread(self._sorted_out, tree))
        return await asyncio.shield(self._searchable)

    def _sorted_out(self, tree: dict[str, str]) -> dict[str, bool]:
        return {
            path: language_of(path) in NODES
            for path in tree
            if by_path(path) is None and not self.excluded(path)
        }

    def _candidates(
        self, is_code: dict[str, bool], fits: Callable[[str], bool], near: Sequence[str]
    ) -> list[str]:
        """Code before other text, near before far."""
        distance = PathDistance(near or self.changed)
        return sorted(
            filter(fits, is_code),
            key=lambda path: (not is_code[path], distance.distance(path), path),
        )

    async def _made_tree(self, paths: Sequence[str]) -> tuple[str, list[str]]:
        """A tree of those files that are not too large, numbered in their order, which is
        returned too: the first number is 0."""
        tree = await self.tree(Side.RIGHT)
        here = self._here(_FETCH_SECONDS, _MAX_READ)
        blobs = [tree[path] for path in paths]
        await here.fetch(blobs)
        sizes = await here.sizes(blobs)
        small = [p for p in paths if sizes.get(tree[p], 0) <= MAX_SEARCHED_BYTES]
        key = tuple(small)
        if key not in self._made:
            records = "".join(f"100644 blob {tree[path]}\t{n}\0" for n, path in enumerate(small))
            made = await here.git.local("mktree", "-z", stdin=records.encode())
            self._made[key] = made.decode().strip()
        return self._made[key], small

    async def _read(self, blobs: Sequence[str]) -> dict[str, str | None]:
        missing = [blob for blob in dict.fromkeys(blobs) if blob not in self._texts]
        if missing:
            here = self._here(_FETCH_SECONDS, _MAX_READ)
            await here.fetch(missing)
            sizes = await here.sizes(missing)
            small = [blob for blob in missing if sizes.get(blob, 0) <= MAX_SHOWN_BYTES]
            contents = await here.read(small)
            secrets = await self._known_secrets()
            self._texts |= dict.fromkeys(missing)
            self._texts |= await asyncio.to_thread(
                lambda: {blob: _shown(data, secrets) for blob, data in contents.items()}
            )
        return {blob: self._texts[blob] for blob in blobs}

    async def _known_secrets(self) -> list[str]:
        """What analyzers masked in the change, as it stands there."""
        if self._secrets is None:
            tree = await self.tree(Side.RIGHT)
            masked = [line for line in self.masked_lines if line.path in tree][:_MAX_MASKED]
            blobs = {line.path: tree[line.path] for line in masked}
            here = self._here(_FETCH_SECONDS, _MAX_READ)
            await here.fetch(blobs.values())
            contents = await here.read(blobs.values())
            lines = {
                path: contents[blob].decode("utf-8", "replace").split("\n")
                for path, blob in blobs.items()
            }
            pairs = [(lines[m.path][m.line - 1 : m.line], m.text) for m in masked]
            found = {taken_out(one, text) for raw in pairs for one in raw[0] for text in [raw[1]]}
            self._secrets = sorted((text for text in found if text), key=len, reverse=True)
        return self._secrets

    def _here(self, seconds: float, max_output: int) -> Clone:
        """The clone with a deadline of its own: it lives longer than one clone may take."""
        git: Git = self.clone.git
        if not self._max_bytes:
            self._max_bytes = git.size() + _MAX_BYTES
        until = time.monotonic() + seconds
        return replace(
            self.clone,
            git=replace(git, deadline=until, max_bytes=self._max_bytes, max_output=max_output),
        )


def _shown(data: bytes, secrets: Sequence[str]) -> str | None:
    """Text as it may be shown, line by line as it is; None for what is no text."""
    if b"\0" in data[:8000]:
        return None
    text = data.decode("utf-8", "replace").replace("\r\n", "\n")
    for secret in secrets:
        text = text.replace(secret, "[redacted:secret]")
    return visible(redact(text))


def _hits(out: bytes, paths: Sequence[str]) -> list[Hit]:
    """The lines are `<tree>:<number>NUL<line>NUL<text>`; the last may be cut."""
    hits = []
    for record in out.split(b"\n"):
        place, _, rest = record.partition(b"\0")
        number, line = place.rpartition(b":")[2], rest.partition(b"\0")[0]
        if number.isdigit() and line.isdigit() and int(number) < len(paths):
            hits.append((int(number), int(line)))
    return [Hit(paths[number], line) for number, line in sorted(set(hits))]
