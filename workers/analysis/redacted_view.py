"""A file as the model may see it: secrets redacted, hidden characters as escapes (pure).

Line numbers stay true, so a quote of what was shown is anchored in what was shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.domain.diff import ChangedFile
from bot.domain.model import BatchFile
from bot.text.invisible_characters import visible
from bot.text.secrets import redact, redact_file
from templates.languages import _, listed

#: Paths that a sentence names.
_MAX_NAMED = 3


@dataclass(frozen=True, slots=True)
class RedactedView:
    """`path` is the path as shown; `content` the head's file as shown, if it is known;
    `left_out` are the first lines of hunks that are not shown."""

    path: str
    file: ChangedFile
    language: str
    content: str | None
    source: BatchFile
    left_out: tuple[int, ...] = ()

    def without_context(self) -> "RedactedView":
        """The diff alone, for a model that reads little at once."""
        return replace(self, source=replace(self.source, context=()))


def show(source: BatchFile) -> RedactedView:
    """What a model may see of a file of the batch."""
    return RedactedView(
        path=one_line(source.file.path),
        file=_show_file(source.file),
        language=source.language,
        content=None if source.content is None else clean(source.content),
        source=source,
    )


def clean(text: str) -> str:
    """Text of the repository or of people, safe to show; as many lines as before."""
    return visible(redact(text.replace("\r\n", "\n")))


def one_line(text: str) -> str:
    """The same for what stands in a heading, as a path: no line feed either."""
    return clean(text).replace("\n", "\\n").replace("\t", " ")


def named_paths(paths: Sequence[str]) -> str:
    """The first of some paths, as they are shown, and how many more there are, in words."""
    words = list(paths[:_MAX_NAMED])
    if len(paths) > _MAX_NAMED:
        words.append(_("{number} more", number=len(paths) - _MAX_NAMED))
    return listed(words)


def _show_file(file: ChangedFile) -> ChangedFile:
    hunks = tuple(
        replace(
            hunk,
            section=one_line(hunk.section),
            lines=tuple(
                replace(line, text=visible(line.text.removesuffix("\r"))) for line in hunk.lines
            ),
        )
        for hunk in redact_file(file).hunks
    )
    return replace(file, hunks=hunks)
