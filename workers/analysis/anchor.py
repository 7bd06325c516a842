"""Where a quote stands in the diff (pure).

A model's line number is a hint and never a proof: the quoted code itself has to be
found, whole lines first, with white space folded. What is found more than once is
decided by the hint only where no other place could be meant; else the quote is
refused, and the finding is told without a line. Refusing is cheap, a comment on
the wrong line is not.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bot.domain.diff import ChangedFile, Hunk, Line, Side

#: A hint may be this many lines off; two places within it of each other are not told apart.
TOLERANCE = 30
#: A part of a line is looked for only if it is this long, white space folded.
SHORTEST_PART = 10
#: Longer quotes are not looked for.
LONGEST_QUOTE = 200

#: The numbers and markers that prompts print before each line: `- 14 +|code`.
_NUMBERED = re.compile(
    r"^\s*(?:\d+\s+(?:\d+|-)|-\s+\d+|\d+)(?:\s*(?P<mark>[+-]))?\s*\|\s?(?P<text>.*)$"
)


@dataclass(frozen=True, slots=True)
class Anchor:
    """Lines of one side inside one hunk, at least one of them changed; `start <= end`."""

    side: Side
    start_line: int
    end_line: int


@dataclass(frozen=True, slots=True)
class _Candidate:
    """One way to read a quote: folded lines, and the side that its markers tell."""

    lines: tuple[str, ...]
    side: Side | None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the lines of a reading were found; `changed` if a comment may stand there."""

    side: Side
    start: int
    end: int
    changed: bool

    @property
    def anchor(self) -> Anchor | None:
        return Anchor(self.side, self.start, self.end) if self.changed else None

    def may_be_on(self, side: Side) -> bool:
        """Unchanged lines of the new side are on the old one too, under other numbers."""
        return self.side is side or (self.side is Side.RIGHT and not self.changed)


def anchor(
    file: ChangedFile,
    quote: str,
    line_hint: int | None = None,
    side_hint: Side | None = None,
    content: str | None = None,
) -> Anchor | None:
    """The lines that `quote` speaks of, or None if they are not in the diff or not certain.

    `content` is the whole file at the head, where known: it tells whether the quote
    also stands outside the diff.
    """
    candidates = _candidates(quote)
    places = _whole_lines(file, candidates, content)
    if not places:
        places = _parts_of_lines(file, candidates, content)
    place = _decide(places, line_hint, side_hint, known_whole=content is not None)
    return place.anchor if place else None


def _fold(line: str) -> str:
    return " ".join(line.split())


def _candidates(quote: str) -> tuple[_Candidate, ...]:
    lines = _trimmed(quote.split("\n"))
    if len(lines) > LONGEST_QUOTE:
        return ()
    candidates = [_candidate(lines, None), _numbered(lines), _marked(lines)]
    found = dict.fromkeys(each for each in candidates if each)  # a set that keeps its order
    return tuple(found)


def _candidate(lines: list[str], side: Side | None) -> _Candidate | None:
    folded = _trimmed([_fold(line) for line in lines])
    return _Candidate(tuple(folded), side) if folded else None


def _trimmed(lines: list[str]) -> list[str]:
    """Without the blank lines at both ends."""
    full = [number for number, line in enumerate(lines) if line.strip()]
    return lines[full[0] : full[-1] + 1] if full else []


def _numbered(lines: list[str]) -> _Candidate | None:
    """The quote without the numbers that the prompt shows, if every line has them."""
    matches = [_NUMBERED.match(line) for line in lines]
    if not all(matches):
        return None
    return _split_marks([(match["mark"] or " ", match["text"]) for match in matches if match])


def _marked(lines: list[str]) -> _Candidate | None:
    """The quote without a diff's markers, if every line has one."""
    if any(line and line[0] not in "+- " for line in lines):
        return None
    if not any(line.startswith(("+", "-")) for line in lines):
        return None
    return _split_marks([(line[:1] or " ", line[1:]) for line in lines])


def _split_marks(pairs: list[tuple[str, str]]) -> _Candidate | None:
    marks = {mark for mark, _ in pairs}
    removed_mark, side = "", None
    if "+" in marks:  # a quote of both sides speaks of the new one
        removed_mark, side = "-", Side.RIGHT
    elif "-" in marks:
        side = Side.LEFT
    return _candidate([text for mark, text in pairs if mark != removed_mark], side)


def _whole_lines(
    file: ChangedFile, candidates: tuple[_Candidate, ...], content: str | None
) -> set[_Place]:
    places: set[_Place] = set()
    for candidate in candidates:
        for side in Side:
            if candidate.side in (None, side):
                for hunk in file.hunks:
                    places.update(_in_hunk(hunk, side, candidate.lines))
        if content is not None and candidate.side is not Side.LEFT:
            places.update(_outside(file, content, candidate.lines))
    return places


def _in_hunk(hunk: Hunk, side: Side, quoted: tuple[str, ...]) -> Iterator[_Place]:
    lines = list(hunk.on(side))
    folded = [_fold(line.text) for line in lines]
    for first in _starts(folded, quoted):
        yield _place(side, lines[first : first + len(quoted)])


def _starts(folded: list[str], quoted: tuple[str, ...]) -> Iterator[int]:
    for first in range(len(folded) - len(quoted) + 1):
        if folded[first] == quoted[0] and tuple(folded[first : first + len(quoted)]) == quoted:
            yield first


def _place(side: Side, lines: list[Line]) -> _Place:
    """Unchanged lines that stand together on both sides are one place, on the new side."""
    changed = any(line.added or line.removed for line in lines)
    if not changed and _contiguous([line.new for line in lines]):
        side = Side.RIGHT
    numbers = [number for line in lines if (number := line.number(side)) is not None]
    return _Place(side, numbers[0], numbers[-1], changed)


def _contiguous(numbers: list[int | None]) -> bool:
    return all(
        before is not None and after == before + 1
        for before, after in zip(numbers, numbers[1:], strict=False)
    )


def _outside(file: ChangedFile, content: str, quoted: tuple[str, ...]) -> Iterator[_Place]:
    """Where the lines stand in the head's file but not wholly in one hunk."""
    folded, hunk_of = [_fold(line) for line in content.split("\n")], _hunks_by_line(file)
    for first in _starts(folded, quoted):
        start, end = first + 1, first + len(quoted)
        if start not in hunk_of or hunk_of[start] != hunk_of.get(end):
            yield _Place(Side.RIGHT, start, end, changed=False)


def _hunks_by_line(file: ChangedFile) -> dict[int, int]:
    """The hunk that each line of the head is shown in: a quote may stand on every line of a
    large file, and no hunk is to be looked through for each."""
    return {
        line.new: number
        for number, hunk in enumerate(file.hunks)
        for line in hunk.lines
        if line.new is not None
    }


def _parts_of_lines(
    file: ChangedFile, candidates: tuple[_Candidate, ...], content: str | None
) -> set[_Place]:
    """Where one quoted line is a part of a line, bounded as words are."""
    places: set[_Place] = set()
    shown = _hunks_by_line(file)
    for candidate in candidates:
        if len(candidate.lines) != 1 or len(candidate.lines[0]) < SHORTEST_PART:
            continue
        part = re.compile(rf"(?<!\w){re.escape(candidate.lines[0])}(?!\w)")
        for side in Side:
            if candidate.side in (None, side):
                places.update(
                    _place(side, [line])
                    for hunk in file.hunks
                    for line in hunk.on(side)
                    if part.search(_fold(line.text))
                )
        for number, line in enumerate((content or "").split("\n"), start=1):
            if number not in shown and part.search(_fold(line)):
                places.add(_Place(Side.RIGHT, number, number, changed=False))
    return places


def _decide(
    places: set[_Place], line_hint: int | None, side_hint: Side | None, *, known_whole: bool
) -> _Place | None:
    """The one place that is meant, or None.

    A side is believed where the quote stands on both, since it is one of two words
    and not a count; unchanged lines are on both sides and are thought of as the new.
    """
    if side_hint is None and len({place.side for place in places if place.changed}) > 1:
        return None
    of_side = {place for place in places if side_hint and place.may_be_on(side_hint)}
    chosen = of_side or places
    if side_hint and not of_side and len(chosen) > 1:
        return None  # the number counts on the side that the quote is not on
    if line_hint is not None:
        near = {
            place
            for place in chosen
            if abs(place.start - line_hint) <= TOLERANCE or not _comparable(place, side_hint)
        }
        unambiguous = len(chosen) == 1 and known_whole and all(p.side is Side.RIGHT for p in chosen)
        chosen = chosen if unambiguous else near
    return next(iter(chosen)) if len(chosen) == 1 else None


def _comparable(place: _Place, side_hint: Side | None) -> bool:
    """Whether a hint's number counts on the side that the place has its numbers of: without a
    side it may be the old number of lines that stand on both."""
    if side_hint is None:
        return place.changed or place.side is Side.LEFT
    return side_hint is Side.RIGHT or place.side is Side.LEFT
