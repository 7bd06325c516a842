"""The rows of a diff as a page shows them (pure)."""

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from bot.sandbox.git.diff import HUNK_HEADER
from bot.sandbox.pages.markup import code_lines

_KINDS = {"+": "add", "-": "del"}


@dataclass(frozen=True, slots=True)
class Row:
    """A line with its numbers on both sides, colored; `kind` is add, del, context or hunk."""

    kind: str
    old: int | None
    new: int | None
    text: str
    code: Markup

    @property
    def sides(self) -> tuple[tuple[str, int], ...]:
        """Where comments on this line are, as (side, line)."""
        if self.kind == "hunk":
            return ()
        old = [("LEFT", self.old)] if self.old is not None else []
        new = [("RIGHT", self.new)] if self.new is not None else []
        return tuple((side, line) for side, line in (*old, *new) if line is not None)


def rows(patch: str, path: str) -> list[Row]:
    """The rows of a patch or of a comment's `diff_hunk`; both start at an `@@` line."""
    found: list[Row] = []
    hunk: list[str] = []
    for line in patch.split("\n"):
        if HUNK_HEADER.match(line):
            found += _of_hunk(hunk, path)
            hunk = []
        hunk.append(line)
    return [*found, *_of_hunk(hunk, path)]


def _of_hunk(lines: list[str], path: str) -> Iterator[Row]:
    header = HUNK_HEADER.match(lines[0]) if lines else None
    if header is None:
        return
    yield Row("hunk", None, None, lines[0], Markup.escape(lines[0]))
    body = [line for line in lines[1:] if not line.startswith("\\")]
    old, new = int(header[1]), int(header[2])
    colored = code_lines("\n".join(line[1:] for line in body), path=path)
    for line, code in zip(body, colored, strict=False):
        kind = _KINDS.get(line[:1], "context")
        yield Row(
            kind, old if kind != "add" else None, new if kind != "del" else None, line[1:], code
        )
        old += kind != "add"
        new += kind != "del"
