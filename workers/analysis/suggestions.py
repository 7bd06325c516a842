"""Suggestions that can be committed as they are, or none (pure).

A suggestion replaces exactly the anchored lines. It is kept only if it changes them, fits their
indentation, brings along nothing that stands around them, and the file still parses; where no
parser can tell, only if it is line for line like what it replaces.
"""

import re
from difflib import SequenceMatcher

from bot.domain.diff import Side
from bot.text.languages import has_verdict, is_notebook, is_python, parses
from workers.analysis.anchor import Anchor
from workers.analysis.redacted_view import RedactedView

#: A longer replacement is a rewrite, which nobody reads in a margin.
MAX_LINES = 60

_OPENING = re.compile(r"(`{3,})([^\n`]*)\n")
#: In a Markdown file another fence is a part of the text.
_AROUND_MARKDOWN = frozenset({"suggestion", "markdown", "md"})
#: As models write it: `# ...`, `// ... existing code ...`, `/* rest of the function */`.
_ELISION = re.compile(
    r"\s*(?:#|//|/\*|--|<!--)\s*(?:(?:\.{3}|…)|"
    r"\(?(?:the )?(?:rest|remainder) of (?:the|this|your)\b|"
    r"(?:existing|remaining|unchanged) (?:code|lines?|logic)\b)",
    re.IGNORECASE,
)
#: In place of a secret, and of bytes that are no UTF-8.
_PLACEHOLDERS = re.compile(r"\[redacted:|\ufffd")
#: Two lines that share this part of their characters are versions of one.
_ALIKE = 0.6
_INDENT = re.compile(r"[ \t]*")


def fitting_suggestion(suggestion: str, shown: RedactedView, anchor: Anchor) -> str | None:
    """The text to put in place of the anchored lines (no final line end), or None."""
    content = shown.source.content
    if anchor.side is not Side.RIGHT or content is None or shown.content is None:
        return None
    if is_notebook(shown.source.file.path):
        return None  # its lines are strings of JSON
    lines = content.replace("\r\n", "\n").split("\n")
    first, last = anchor.start_line - 1, anchor.end_line
    old = lines[first:last]
    # What the model saw differently (a secret, a hidden character) it cannot replace.
    hidden = any(map(_PLACEHOLDERS.search, (*old, suggestion)))
    if hidden or _leaves_out(suggestion, old) or old != shown.content.split("\n")[first:last]:
        return None
    before, after = lines[:first], lines[last:]
    unwrapped = _without_marks(_unfenced(suggestion, shown.language), old)
    for new in [] if unwrapped is None else _indented(unwrapped, old):
        fits = _changes(old, new) and not _repeats(old, new, before, after)
        if fits and not has_verdict(shown.language, content):
            fits = _alike(old, new)
        if fits and _still_parses(shown.language, lines, before + new + after):
            return "\n".join(new)
    return None


def _unfenced(suggestion: str, language: str) -> list[str]:
    text = suggestion.replace("\r\n", "\n")
    whole = text.strip()
    opening = _OPENING.match(whole)
    is_added_fence = opening and (language != "markdown" or opening[2].strip() in _AROUND_MARKDOWN)
    if opening and is_added_fence and whole.endswith(opening[1], opening.end()):
        text = whole[opening.end() : -len(opening[1])].rstrip(" \t").removesuffix("\n")
    lines = text.rstrip("\n").split("\n")
    return [] if lines == [""] else lines


def _leaves_out(suggestion: str, old: list[str]) -> bool:
    """Whether a comment stands for code that the suggestion leaves out, which would be lost."""
    return any(
        _ELISION.match(line) and line.strip() not in (text.strip() for text in old)
        for line in suggestion.splitlines()
    )


def _without_marks(new: list[str], old: list[str]) -> list[str] | None:
    """The new side of a suggestion that is written as a diff of the old lines; None if it is
    one of other lines."""
    marks = {line[:1] for line in new if line}
    if not {"+", "-"} <= marks <= {"+", "-", " "}:
        return new
    before = [line[1:].strip() for line in new if not line.startswith("+")]
    if before != [line.strip() for line in old]:
        return None
    return [line[1:] for line in new if not line.startswith("-")]


def _indented(new: list[str], old: list[str]) -> list[list[str]]:
    """Ways to give `new` the indentation of `old`, the likeliest first."""
    if len(new) > MAX_LINES:
        return []
    expected_indent = _indent(next((line for line in old if line.strip()), ""))
    if not new or not new[0].strip() or _indent(new[0]) == expected_indent:
        return [new]
    if found := _indent(new[0]):
        # Deeper or less deep may be on purpose: the parser decides. Tabs for spaces are not.
        return (
            [new] if expected_indent.startswith(found) or found.startswith(expected_indent) else []
        )
    whole = [expected_indent + line if line.strip() else line for line in new]
    only_first = [expected_indent + new[0], *new[1:]]
    rest = [line for line in new[1:] if line.strip()]
    if (
        rest
        and _indent(rest[-1]) == expected_indent
        and all(_indent(x).startswith(expected_indent) for x in rest)
    ):
        return [only_first, whole]
    return [whole]


def _indent(line: str) -> str:
    match = _INDENT.match(line)
    return match.group() if match else ""


def _changes(old: list[str], new: list[str]) -> bool:
    return [line.rstrip() for line in old] != [line.rstrip() for line in new]


def _repeats(old: list[str], new: list[str], before: list[str], after: list[str]) -> bool:
    """Whether `new` brings along what stands around the lines, which would then stand twice: a
    neighbor, or the whole function for a line of it."""
    if (_defined(new) - _defined(old)) & (_defined(before) | _defined(after)):
        return True
    if len(new) <= len(old):
        return False
    above = before[-1].strip() if before else ""
    below = after[0].strip() if after else ""
    leads = len(above) > 3 and new[0].strip() == above != old[0].strip()
    trails = bool(below) and new[-1].strip() == below != old[-1].strip()
    return leads or trails


_DEFINITION = re.compile(
    r"^\s*(?:(?:export|default|public|private|protected|internal|static|async|abstract|final|override"
    r"|pub(?:\([^)\n]{0,30}\))?|inline|virtual|unsafe|const)\s+)*"
    r"(?:(?:def|class|function\*?|func(?: \([^)\n]{0,60}\))?|fn|interface|struct|enum|trait|module"
    r"|type|sub|proc)\s+|(?:[\w<>\[\].?]{1,60}\s+)?(?=\w+\s*\([^;\n]{0,200}\{\s*$))([A-Za-z_$][\w$]*)"
)
_STATEMENTS = frozenset(
    {"if", "for", "while", "switch", "catch", "return", "else", "with", "match"}
)


def _defined(lines: list[str]) -> set[str]:
    """Names of functions and types that begin in the lines, as far as their look tells."""
    found = (_DEFINITION.match(line[:400]) for line in lines)
    return {match[1] for match in found if match and match[1]} - _STATEMENTS


def _alike(old: list[str], new: list[str]) -> bool:
    """Whether each line is one of before with a change in it: prose, numbers and marks are none."""
    if len(old) != len(new):
        return False
    pairs = (
        (before.strip()[:400], after.strip()[:400]) for before, after in zip(old, new, strict=True)
    )
    return all(
        before == after or SequenceMatcher(None, before, after).ratio() >= _ALIKE
        for before, after in pairs
    )


def _still_parses(language: str, old: list[str], new: list[str]) -> bool:
    """Whether no parser that took the old text refuses the new one."""
    before, after = "\n".join(old), "\n".join(new)
    if parses(language, before) and not parses(language, after):
        return False
    return language != "python" or is_python(after) or not is_python(before)
