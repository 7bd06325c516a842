"""Nothing that leaves the scan shows a secret: not files, context, evidence nor brief (pure).

What is known by its form is found by `bot.text.secrets`; what the secrets analyser found beyond
that stands masked in its evidence, and is taken over from there. It is asked about added lines
alone: what it found there is looked for in removed ones too. Line numbers stay.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from os.path import commonprefix

from bot.domain.diff import ChangedFile
from bot.domain.model import Finding, PullRequest, PullRequestContext
from bot.security.signing import signature
from bot.text.secrets import carry_redactions, redact, redact_file
from workers.scan.analyzers.analyzer import Target
from workers.scan.analyzers.secrets import masks
from workers.scan.context.snippets import Text

#: Values looked for in removed lines; no change that people write has more.
_MAX_VALUES = 1000

#: A line of which nothing but a mask is left.
_ONLY_MASK = re.compile(r"\W*\[redacted:[a-z-]+\]\W*")


@dataclass(frozen=True, slots=True)
class Redacted:
    """A scan's texts as they may be kept and shown. `secrets` are keyed hashes of what was masked,
    by path and by line of the head."""

    targets: tuple[Target, ...]
    evidence: tuple[Finding, ...]
    secrets: Mapping[str, Mapping[int, str]] = field(default_factory=dict)


def redact_scan(
    targets: Sequence[Target], evidence: Sequence[Finding], key: bytes = b""
) -> Redacted:
    """The files and what analysers said of them, without the secrets of either, which are hashed
    under the key; b"": they are not."""
    known = masks(evidence)
    shown = tuple(_target(target, known.get(target.path, {})) for target in targets)
    lines = {
        old.path: (old.text.split("\n"), new.text.split("\n"))
        for old, new in zip(targets, shown, strict=True)
    }
    values = dict.fromkeys(
        value for path in known for at in known[path] for value in _removed(*lines[path], at, at)
    )
    found = sorted(list(values)[:_MAX_VALUES], key=len, reverse=True)
    return Redacted(
        tuple(replace(target, file=_old_side(target.file, found)) for target in shown),
        tuple(_finding(item, lines.get(item.path)) for item in evidence),
        {path: _hashes(old, new, key) for path, (old, new) in lines.items()} if key else {},
    )


def _hashes(old: Sequence[str], new: Sequence[str], key: bytes) -> dict[int, str]:
    """By number: a keyed hash of what was taken out of the line. Lines next to each other of which
    nothing is left, as those of a private key, are one secret, and have one hash."""
    secrets: list[list[int]] = []
    may_go_on = False
    for number, (before, after) in enumerate(zip(old, new, strict=True), 1):
        if before == after:
            continue
        whole = _ONLY_MASK.fullmatch(after) is not None
        if may_go_on and whole and secrets[-1][-1] == number - 1:
            secrets[-1].append(number)
        else:
            secrets.append([number])
        may_go_on = whole
    found: dict[int, str] = {}
    for lines in secrets:
        removed = [part for line in lines for part in _removed(old, new, line, line)]
        found |= dict.fromkeys(lines, signature(key, "secret", *removed))
    return found


def redact_texts(
    others: Mapping[str, tuple[Text, ...]], shown: Iterable[Target]
) -> dict[str, tuple[Text, ...]]:
    """The files that explain the changed ones, each redacted once; those that are among these, as
    they are `shown` already."""
    own = {target.path: target.text for target in shown}
    once: dict[str, Text] = {}
    for texts in others.values():
        for text in texts:
            if text.path not in once:
                known = own.get(text.path)
                once[text.path] = replace(text, text=redact(text.text) if known is None else known)
    return {path: tuple(once[text.path] for text in texts) for path, texts in others.items()}


def redact_brief(pr_context: PullRequestContext) -> PullRequestContext:
    return PullRequestContext(
        title=redact(pr_context.title),
        body=redact(pr_context.body),
        commits=tuple(map(redact, pr_context.commits)),
        issue=redact(pr_context.issue),
        failed_checks=tuple(
            replace(
                check,
                name=redact(check.name),
                summary=redact(check.summary),
                annotations=tuple(
                    replace(note, text=redact(note.text)) for note in check.annotations
                ),
                log=redact(check.log),
            )
            for check in pr_context.failed_checks
        ),
    )


def redact_pull(pull: PullRequest) -> PullRequest:
    return replace(pull, title=redact(pull.title), body=redact(pull.body))


def _target(target: Target, known: Mapping[int, str]) -> Target:
    """By form first, over the whole text, then the lines that an analyser masked."""
    lines = redact(target.text).split("\n")
    for number, masked in known.items():
        end = "\r" if lines[number - 1].endswith("\r") else ""
        lines[number - 1] = redact(masked) + end
    text = "\n".join(lines)
    file = carry_redactions(redact_file(target.file, target.text), target.file, target.text, text)
    return replace(target, file=file, text=text)


def _old_side(file: ChangedFile, values: Sequence[str]) -> ChangedFile:
    """The file without these values in removed lines and over its hunks."""
    texts = [hunk.section for hunk in file.hunks]
    texts += [line.text for hunk in file.hunks for line in hunk.lines if line.removed]
    clean = iter(_without(values, "\n".join(texts)).split("\n"))
    hunks = [replace(hunk, section=next(clean)) for hunk in file.hunks]
    return replace(
        file,
        hunks=tuple(
            replace(
                hunk,
                lines=tuple(
                    replace(line, text=next(clean)) if line.removed else line for line in hunk.lines
                ),
            )
            for hunk in hunks
        ),
    )


def _finding(item: Finding, lines: tuple[list[str], list[str]] | None) -> Finding:
    title, body = redact(item.title), redact(item.body)
    quote = item.quote.split("\n")
    if lines is not None and item.start_line is not None:
        old, new = lines
        for offset, quoted_line in enumerate(quote):
            at = item.start_line - 1 + offset
            if at < len(old) and old[at].removesuffix("\r") == quoted_line:
                quote[offset] = new[at].removesuffix("\r")
        removed = _removed(old, new, item.start_line, item.end_line or item.start_line)
        title, body = _without(removed, title), _without(removed, body)
    return replace(item, title=title, body=body, quote=redact("\n".join(quote)))


def _removed(old: Sequence[str], new: Sequence[str], start: int, end: int) -> list[str]:
    """What was taken out of these lines: an analyser may have named it in its own words."""
    pairs = zip(old[start - 1 : end], new[start - 1 : end], strict=True)
    return [text for before, after in pairs if (text := taken_out(before, after))]


def taken_out(before: str, after: str) -> str:
    """What of a line was masked, from the first mask to the last; "" where it says nothing."""
    head = len(commonprefix((before, after)))
    tail = len(commonprefix((before[head:][::-1], after[head:][::-1])))
    text = before[head : len(before) - tail]
    return text if len(text) > 3 else ""


def _without(removed: Iterable[str], text: str) -> str:
    for secret in removed:
        text = text.replace(secret, "[redacted:secret]")
    return text
