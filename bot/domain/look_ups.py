"""What a model may ask to see of the repository, and what it is shown (no I/O).

The model asks in its answer; a `CodeSource` reads git objects and never runs anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from bot.domain.diff import Side
from bot.domain.model import Place


class Operation(StrEnum):
    READ = "read"  # lines `start` to `end` of `path`; without them its beginning
    SEARCH = "search"  # text, or `/a regular expression/`, in the files of `glob`, all without one
    DEFINITION = "definition"  # where `symbol` is defined; `path` is where it was seen
    USES = "uses"  # where `symbol` is used; `path` as above
    LIST = "list"  # what the folder `path` holds; "" is the root


@dataclass(frozen=True, slots=True, kw_only=True)
class LookUp:
    """One wish, as a model wrote it: hostile text, not yet checked. Lines count from 1, both ends
    included; 0 is none. `side` LEFT reads the merge base, RIGHT the head."""

    operation: Operation
    path: str = ""
    symbol: str = ""
    pattern: str = ""
    glob: str = ""
    start: int = 0
    end: int = 0
    side: Side = Side.RIGHT


@dataclass(frozen=True, slots=True, kw_only=True)
class LookUpResult:
    """What came of it. `text` is ready to be shown to a model: bounded, redacted, with line
    numbers; `places` are the lines that it holds. `truncated` tells that there was more.
    `problem` is a sentence for the model ("not found"), "" if there is none."""

    look_up: LookUp
    text: str = ""
    places: tuple[Place, ...] = ()
    truncated: bool = False
    problem: str = ""


class CodeSource(Protocol):
    """A repository at two commits, for looking things up."""

    async def answer(self, look_ups: Sequence[LookUp]) -> Sequence[LookUpResult]:
        """One result for each wish, in their order. A bad wish gives a `problem`; nothing is
        raised for it."""
        ...
