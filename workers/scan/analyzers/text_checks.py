"""What a reader can't see, and what a merge left behind: pure Python, on added lines only.

Hidden characters let code look other than it runs ("Trojan Source", CVE-2021-42574) or
carry instructions for a model. Conflict markers are committed by mistake.
"""

import re
from collections.abc import Iterator

from bot.domain.model import Category, Severity
from bot.text.invisible_characters import visible
from workers.scan.analyzers.analyzer import Diagnostic, Target, TextCheck
from workers.scan.selection.risk import is_test

_HIDDEN = re.compile(
    "(?P<bidi>[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069])"
    "|(?P<tag>[\U000e0001-\U000e007f])"
    "|(?P<zero>[\u200b\u2060-\u2064\u180e\u00ad\u3164\uffa0\u115f\u1160]|(?<=[\x21-\x7e])[\u200c\u200d]|\ufeff)"
    "|(?P<control>[\x00-\x08\x0d-\x1a\x1c-\x1f\x7f-\x84\x86-\x9f])"
)
_KINDS = {
    "bidi": ("Bidirectional control character", Severity.HIGH),
    "tag": ("Invisible tag character", Severity.HIGH),
    "zero": ("Zero-width character", Severity.MEDIUM),
    "control": ("Control character", Severity.LOW),
}
#: A flag of a region is a black flag followed by tag characters: an emoji, not a message.
_FLAG = re.compile("\U0001f3f4[\U000e0020-\U000e007e]{2,6}\U000e007f")
_OURS, _THEIRS = re.compile(r"<{7} \S"), re.compile(r">{7} \S")
#: A file made of hidden characters needs no comment on each of its lines.
_MAX_LINES = 20


def hidden_characters(target: Target) -> Iterator[Diagnostic]:
    """One message for each added line that holds such characters."""
    reported_lines = 0
    for number, text in _added(target):
        text = _FLAG.sub("", text.removeprefix("\ufeff") if number == 1 else text)
        found = list(_HIDDEN.finditer(text))
        if not found or reported_lines >= _MAX_LINES:
            continue
        reported_lines += 1
        worst = min(found, key=lambda match: _KINDS[match.lastgroup or ""][1].rank)
        name, severity = _KINDS[worst.lastgroup or ""]
        codes = sorted({f"U+{ord(match[0]):04X}" for match in found})
        yield Diagnostic(
            file=target.path,
            rule=worst.lastgroup or "",
            line=number,
            end_line=number,
            category=Category.SECURITY,
            severity=severity,
            # The data of a test hold them to see that they are found.
            at_most=Severity.MEDIUM if is_test(target.path) else Severity.CRITICAL,
            title=f"{name} ({', '.join(codes[:4])}) hidden on this line",
            quote=visible(text),
        )


def conflict_markers(target: Target) -> Iterator[Diagnostic]:
    """The first line of each conflict that was committed with its markers."""
    added = list(_added(target))
    if not any(_THEIRS.match(text) for _, text in added):
        return
    for number, text in added:
        if _OURS.match(text):
            yield Diagnostic(
                file=target.path,
                rule="conflict",
                line=number,
                end_line=number,
                category=Category.CORRECTNESS,
                severity=Severity.HIGH,
                title="Merge conflict markers were committed",
            )


def _added(target: Target) -> Iterator[tuple[int, str]]:
    for hunk in target.file.hunks:
        for line in hunk.lines:
            if line.added and line.new is not None:
                yield line.new, line.text


HIDDEN = TextCheck(
    "hidden-characters",
    hidden_characters,
    about="Any file: bidirectional, zero-width and other invisible characters",
)
MERGE = TextCheck("merge", conflict_markers, about="Any file: merge conflict markers")
