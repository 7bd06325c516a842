"""The text of an answer to a look-up, built line by line (pure)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bot.domain.model import Place

_MAX_CHARACTERS = 300  # of one line


class Problem(Exception):
    """Why there is no answer: a sentence for the model."""


@dataclass(slots=True)
class AnswerText:
    """`problem` is what the model has to know beside the text, "" if nothing."""

    places: list[Place] = field(default_factory=list)
    truncated: bool = False
    problem: str = ""
    _lines: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n".join(self._lines)

    def add(self, line: str) -> None:
        self._lines.append(line)

    def add_lines(self, lines: Sequence[str], numbers: Iterable[int]) -> None:
        """Lines of a file, each under its number, which counts from 1."""
        for number in numbers:
            line = lines[number - 1]
            cut = line if len(line) <= _MAX_CHARACTERS else line[:_MAX_CHARACTERS] + "…"
            self._lines.append(f"{number} |{cut}")
