"""Secrets taken out of text before Redis, a language model or a report sees it (pure).

Each becomes `[redacted:<kind>]`. Line feeds stay where they are, so that line numbers
and anchors hold. What is a secret: `bot.text.secret_rules`.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace

from bot.domain.diff import ChangedFile, Line
from bot.text.secret_rules import Secret, find


def redact(text: str) -> str:
    """`text` with each secret as `[redacted:<kind>]`; as many lines as before."""
    return mask(text, find(text))


def mask(text: str, secrets: Iterable[Secret]) -> str:
    """The same for secrets that were found in it."""
    parts, end = [], 0
    for secret in secrets:
        mark = f"[redacted:{secret.rule.kind}]"
        value = text[secret.start : secret.end]
        parts += [text[end : secret.start], "\n".join(mark if x else "" for x in value.split("\n"))]
        end = secret.end
    return "".join(parts) + text[end:]


def redact_file(file: ChangedFile, content: str | None = None) -> ChangedFile:
    """The same diff, its lines redacted; numbers and counts as before.

    `content` is the whole file at the head, where known: a hunk may show the middle of a
    key whose beginning, by which it is known, stands outside.
    """
    hunks = tuple(
        replace(hunk, section=redact(hunk.section), lines=_redact_lines(hunk.lines))
        for hunk in file.hunks
    )
    return carry_redactions(replace(file, hunks=hunks), file, content, redact(content or ""))


def carry_redactions(
    file: ChangedFile, original: ChangedFile, content: str | None, redacted: str
) -> ChangedFile:
    """`file` with each line of the new side as `redacted` has it, if `content`, the text that
    was redacted, has there what the `original` shows."""
    if not content or content == redacted:
        return file
    pairs = list(zip(content.split("\n"), redacted.split("\n"), strict=True))

    def line(shown: Line, before: Line) -> Line:
        if before.new is None or before.new > len(pairs):
            return shown
        raw, masked = (text.removesuffix("\r") for text in pairs[before.new - 1])
        return replace(shown, text=masked) if raw == before.text and raw != masked else shown

    hunks = tuple(
        replace(hunk, lines=tuple(map(line, hunk.lines, old.lines)))
        for hunk, old in zip(file.hunks, original.hunks, strict=True)
    )
    return replace(file, hunks=hunks)


def _redact_lines(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """Each side is read by itself, as a secret of several lines may be interleaved with another."""
    new = _redacted_on(lines, lambda line: not line.removed)
    return _redacted_on(new, lambda line: line.removed)


def _redacted_on(lines: tuple[Line, ...], here: Callable[[Line], bool]) -> tuple[Line, ...]:
    chosen = [line.text for line in lines if here(line)]
    texts = iter(redact("\n".join(chosen)).split("\n"))
    return tuple(replace(line, text=next(texts)) if here(line) else line for line in lines)
