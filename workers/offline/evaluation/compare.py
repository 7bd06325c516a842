"""Two runs over the same cases, side by side and case by case (pure)."""

from collections.abc import Iterator

from workers.offline.evaluation.figures import figures
from workers.offline.evaluation.score import (
    NEAR_LINES,
    Comment,
    Defect,
    Outcome,
    Results,
    Standing,
)
from workers.reports.formats.text import one_line

_MAX_TEXT = 160


def as_comparison(first: Results, second: Results) -> str:
    """Markdown: the figures of both, a row for each case of both, and what differs in each."""
    before, after = dict(figures(first)), dict(figures(second))
    names = dict.fromkeys((*before, *after))
    lines = ["| figure | A | B |", "| --- | ---: | ---: |"]
    lines += [f"| model | {_cell(first.model)} | {_cell(second.model)} |"]
    lines += [f"| {name} | {before.get(name, '-')} | {after.get(name, '-')} |" for name in names]
    others = {each.name: each for each in second.cases}
    both = [(each, others.pop(each.name)) for each in first.cases if each.name in others]
    lines += [
        "",
        "| case | found by both | only by A | only by B | wrong inline in A | in B | new |",
    ]
    lines += ["| --- | ---: | ---: | ---: | ---: | ---: | ---: |"]
    lines += [_row(one, other) for one, other in both]
    for one, other in both:
        if differences := list(_differences(one, other)):
            lines += ["", f"## {_line(one.name)}", "", *differences]
    common = {one.name for one, _ in both}
    for which, results in (("A", first), ("B", second)):
        alone = [_line(each.name) for each in results.cases if each.name not in common]
        if alone:
            lines += ["", f"Only in {which}: {', '.join(alone)}."]
    return "\n".join(lines) + "\n"


def _row(one: Outcome, other: Outcome) -> str:
    pairs = _pairs(one, other)
    numbers = (
        sum(a.found and b.found for a, b in pairs),
        sum(a.found and not b.found for a, b in pairs),
        sum(b.found and not a.found for a, b in pairs),
        len(_wrong(one)),
        len(_wrong(other)),
        len(_new_wrong(one, other)),
    )
    return f"| {_cell(one.name)} | {' | '.join(map(str, numbers))} |"


def _differences(one: Outcome, other: Outcome) -> Iterator[str]:
    pairs = _pairs(one, other)
    if len(pairs) < max(len(one.defects), len(other.defects)):
        yield "- The expected defects differ; only the common ones are compared."
    for a, b in pairs:
        if a.found != b.found:
            yield f"- only {'A' if a.found else 'B'} finds {_defect(a)}"
        elif a.inline != b.inline:
            yield f"- inline only in {'A' if a.inline else 'B'}: {_defect(a)}"
    yield from (f"- new wrong comment in B: {_comment(each)}" for each in _new_wrong(one, other))
    yield from (f"- wrong comment only in A: {_comment(each)}" for each in _new_wrong(other, one))


def _pairs(one: Outcome, other: Outcome) -> list[tuple[Defect, Defect]]:
    """The expected defects of both, known by their words."""
    texts = {each.text: each for each in other.defects}
    return [(each, texts[each.text]) for each in one.defects if each.text in texts]


def _wrong(outcome: Outcome) -> list[Comment]:
    return [each for each in outcome.comments if each.inline and each.standing is Standing.WRONG]


def _new_wrong(one: Outcome, other: Outcome) -> list[Comment]:
    """Wrong inline comments of the other one where this one has none."""
    known = _wrong(one)
    return [each for each in _wrong(other) if not any(_same(each, old) for old in known)]


def _same(one: Comment, other: Comment) -> bool:
    """Whether they may be one remark in two runs: models word the same thing in many ways."""
    if one.fingerprint and one.fingerprint == other.fingerprint:
        return True
    if one.path != other.path:
        return False
    if one.line is None or other.line is None:
        return one.title == other.title
    return abs(one.line - other.line) <= NEAR_LINES


def _defect(defect: Defect) -> str:
    severity = f"({defect.severity}) " if defect.severity else ""
    return severity + _line(defect.text)


def _comment(comment: Comment) -> str:
    at = comment.path if comment.line is None else f"{comment.path}:{comment.line}"
    return f"`{_line(at)}` ({comment.severity}) {_line(comment.title)}"


def _line(text: str) -> str:
    text = one_line(text).replace("`", "'")
    return text if len(text) <= _MAX_TEXT else text[: _MAX_TEXT - 1] + "…"


def _cell(text: str) -> str:
    return _line(text).replace("|", "\\|") or "-"
