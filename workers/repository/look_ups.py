"""Looks up in the repository what a model wants to see: read, search, definition, uses, list.

Answers are short texts with line numbers, as redacted as all else that a model is shown.
Whatever is asked, the repository's configuration is obeyed, nothing of it is run, and what is
wrong is a sentence for the model.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.domain.diff import Side, is_printable
from bot.domain.look_ups import LookUp, LookUpResult, Operation
from bot.domain.model import Place
from workers.repository import code_search
from workers.repository.look_up_text import AnswerText, Problem
from workers.repository.repository_files import RepositoryFiles
from workers.scan.repository.errors import CloneError

#: Of one call; a reader is given fewer.
MAX_LOOK_UPS = 40
#: Lines of a file, and names of a folder.
MAX_READ = 200
_MAX_LISTED = 150
_MAX_NAMESAKES = 5
#: One look-up may take so long, with what has to be fetched for it, and all of one call.
_SECONDS = 12
_SECONDS_IN_ALL = 45
_MAX_PATH = 1024


@dataclass(slots=True)
class CodeLookUps:
    """A CodeSource over the files of one clone: one look-up after another."""

    files: RepositoryFiles
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def answer(self, look_ups: Sequence[LookUp]) -> Sequence[LookUpResult]:
        """One result for each wish, in their order."""
        known: dict[LookUp, LookUpResult] = {}
        async with self._lock:
            until = time.monotonic() + _SECONDS_IN_ALL
            for wish in look_ups:
                if wish not in known and len(known) < MAX_LOOK_UPS:
                    known[wish] = await self._one(wish, until)
        beyond = f"not looked up: at most {MAX_LOOK_UPS} are possible at a time"
        return [known.get(wish) or LookUpResult(look_up=wish, problem=beyond) for wish in look_ups]

    async def _one(self, wish: LookUp, until: float) -> LookUpResult:
        seconds = min(_SECONDS, until - time.monotonic())
        try:
            async with asyncio.timeout(seconds):
                found = await self._looked_up(wish)
        except Problem as exc:
            return LookUpResult(look_up=wish, problem=str(exc))
        except CloneError as exc:
            return LookUpResult(look_up=wish, problem=f"not looked up: {exc}")
        except TimeoutError:
            problem = f"not looked up: it took longer than {_SECONDS} seconds"
            if seconds < _SECONDS:
                problem = "not looked up: the look-ups before it took too long"
            return LookUpResult(look_up=wish, problem=problem)
        return LookUpResult(
            look_up=wish,
            text=found.text,
            places=tuple(found.places),
            truncated=found.truncated,
            problem=found.problem,
        )

    async def _looked_up(self, wish: LookUp) -> AnswerText:
        path = _checked(wish.path)
        match wish.operation:
            case Operation.READ:
                return await self._read(path, wish.start, wish.end, wish.side)
            case Operation.LIST:
                return await self._list(path, wish.side)
            case Operation.SEARCH:
                return await code_search.search(self.files, wish.pattern, _checked(wish.glob))
            case Operation.DEFINITION:
                return await code_search.definition(self.files, wish.symbol, path)
            case Operation.USES:
                return await code_search.uses(self.files, wish.symbol, path)

    async def _read(self, path: str, start: int, end: int, side: Side) -> AnswerText:
        if self.files.excluded(path):
            raise Problem("excluded by the repository's configuration")
        try:
            lines = await self.files.lines(path, side)
        except KeyError:
            raise Problem(await self._not_found(path, side)) from None
        if lines is None:
            raise Problem("a binary file, or too large to be shown")
        if lines[-1] == "":
            lines = lines[:-1]
        first = max(start, 1)
        if first > len(lines):
            raise Problem(f"the file has {len(lines)} lines")
        wanted = min(max(end, first) if end > 0 else len(lines), len(lines))
        last = min(wanted, first + MAX_READ - 1)
        when = "before the change" if side is Side.LEFT else "after the change"
        answer = AnswerText(truncated=last < wanted)
        answer.add(f"{path} {when}, lines {first} to {last} of {len(lines)}")
        answer.add_lines(lines, range(first, last + 1))
        answer.places.append(Place(path=path, start_line=first, end_line=last, side=side))
        return answer

    async def _not_found(self, path: str, side: Side) -> str:
        tree = await self.files.tree(side)
        if not path or any(other.startswith(f"{path}/") for other in tree):
            return "a folder: `list` shows what it holds"
        elsewhere = await self.files.tree(Side.LEFT if side is Side.RIGHT else Side.RIGHT)
        if path in elsewhere:
            return (
                "not found after the change, which deletes or moves it; `side` `old` has it"
                if side is Side.RIGHT
                else "not found before the change, which adds it; `side` `new` has it"
            )
        name = path.rpartition("/")[2]
        namesakes = [
            other
            for other in tree
            if other.rpartition("/")[2] == name and not self.files.excluded(other)
        ]
        if not namesakes:
            return "not found"
        return f"not found; files of that name: {', '.join(namesakes[:_MAX_NAMESAKES])}"

    async def _list(self, path: str, side: Side) -> AnswerText:
        tree = await self.files.tree(side)
        start = f"{path}/" if path else ""
        if path in tree:
            raise Problem("a file, not a folder: `read` shows it")
        inside = await asyncio.to_thread(
            lambda: [p for p in tree if p.startswith(start) and not self.files.excluded(p)]
        )
        if not inside:
            raise Problem("not found, or nothing in it that may be shown")
        entries: Counter[str] = Counter()
        for other in inside:
            name, slash, _ = other[len(start) :].partition("/")
            entries[name + slash] += 1
        answer = AnswerText(truncated=len(entries) > _MAX_LISTED)
        answer.add(f"{path or 'The root'} holds {len(inside)} files, with those of its folders")
        for name in sorted(entries, key=lambda name: (not name.endswith("/"), name))[:_MAX_LISTED]:
            answer.add(f"{name} ({entries[name]} files)" if name.endswith("/") else name)
        return answer


def _checked(path: str) -> str:
    """The path in the repository that a model means. Raises Problem."""
    path = path.strip().removeprefix("./").rstrip("/")
    if len(path) > _MAX_PATH or not is_printable(path):
        raise Problem("no path in a repository")
    if path.startswith(("/", "~", "-")) or ".." in path.split("/") or "\\" in path:
        raise Problem("outside the repository: paths are relative to its root")
    return "" if path == "." else path
