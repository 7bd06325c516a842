"""How good reviews were: pure functions over findings and what was expected.

A judge says for each finding which of the expected defects it names. By place that is decided here,
by meaning a model decides it (`workers.offline.evaluation.judge`).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from bot.domain.model import Finding, Report, Severity, Usage
from workers.offline.evaluation.cases import Expected
from workers.reports.rank import Shown, shown

#: A comment so many lines beside the defect still points at it.
NEAR_LINES = 3

#: The expected defects that a finding names, by their number from 0; a row for each finding.
Named = Sequence[Collection[int]]


class Standing(StrEnum):
    """What a finding is worth: it names a defect that no other was counted for, or only ones that
    others name too, or none."""

    RIGHT = "right"
    REPEATED = "repeated"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class Defect:
    """What was expected, and whether it was found: inline, or anywhere in the report."""

    text: str
    severity: Severity | None = None
    found: bool = False
    inline: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """A finding of the report as it was judged; `names` are the numbers of defects."""

    path: str
    line: int | None
    severity: Severity
    title: str
    shown: Shown
    names: tuple[int, ...]
    standing: Standing
    fingerprint: str = ""

    @property
    def inline(self) -> bool:
        return self.shown is Shown.INLINE


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Of the comments of one case or of several, all or those inline: `found` of the `defects` are
    named, `right` comments count for precision and so do `wrong` ones."""

    defects: int = 0
    found: int = 0
    comments: int = 0
    right: int = 0
    wrong: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            defects=self.defects + other.defects,
            found=self.found + other.found,
            comments=self.comments + other.comments,
            right=self.right + other.right,
            wrong=self.wrong + other.wrong,
        )

    @property
    def precision(self) -> float | None:
        return share(self.right, self.right + self.wrong)

    @property
    def recall(self) -> float | None:
        return share(self.found, self.defects)

    @property
    def f1(self) -> float | None:
        return _f1(self.precision, self.recall)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One case's review. By meaning, a repeated comment is neither right nor wrong; by place it is
    wrong, since a place may be hit by chance. `complete` is whether all of the change was read."""

    name: str
    defects: tuple[Defect, ...] = ()
    comments: tuple[Comment, ...] = ()
    by_meaning: bool = False
    complete: bool = True
    anchored: int = 0
    suggestions: int = 0
    refused_suggestions: int = 0
    usage: Usage = Usage()

    @property
    def inline(self) -> Counts:
        """What stands in comments on lines."""
        return self._counts([comment for comment in self.comments if comment.inline])

    @property
    def everything(self) -> Counts:
        """The same over all that the report holds, folded or not."""
        return self._counts(self.comments)

    def _counts(self, comments: Sequence[Comment]) -> Counts:
        found = {number for comment in comments for number in comment.names}
        wrong = sum(comment.standing is Standing.WRONG for comment in comments)
        right = len(found)
        if not self.by_meaning:
            right = len(_assigned([comment.names for comment in comments]))
            wrong = len(comments) - right
        return Counts(
            defects=len(self.defects),
            found=len(found),
            comments=len(comments),
            right=right,
            wrong=wrong,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """All cases together. Shares lie in 0..1; None where there was nothing to count."""

    cases: int
    complete_cases: int
    silent_cases: int  # with no defect, in which nothing was said
    clean_cases: int  # with no defect
    inline: Counts
    everything: Counts
    severe: int  # critical and high defects
    severe_inline: int
    anchored_share: float | None
    suggestion_applies_share: float | None
    usage: Usage
    judging: Usage = Usage()


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """A run: its cases, the model that read them and the one that judged by meaning, and what both
    cost, with saved answers at what they cost when they were new."""

    cases: tuple[Outcome, ...]
    model: str = ""
    judge: str = ""
    usage: Usage = Usage()
    judging: Usage = Usage()

    @property
    def summary(self) -> Summary:
        """All its cases together."""
        return replace(summarize(self.cases), usage=self.usage, judging=self.judging)


def points_at(finding: Finding, expected: Expected) -> bool:
    """Whether a finding is about that defect: its file, and its category, lines or near if the
    case says which. A defect without a path is nowhere."""
    if not expected.path or finding.path != expected.path:
        return False
    if expected.category is not None and finding.category is not expected.category:
        return False
    if not expected.first or finding.start_line is None or finding.end_line is None:
        return True  # told in the summary: about the file, and of that kind
    return (
        finding.start_line - NEAR_LINES <= expected.last
        and expected.first <= finding.end_line + NEAR_LINES
    )


def named_by_place(expected: Sequence[Expected], findings: Sequence[Finding]) -> Named:
    """The defects that each finding points at."""
    return [
        {number for number, defect in enumerate(expected) if points_at(finding, defect)}
        for finding in findings
    ]


def outcome(
    name: str,
    expected: Sequence[Expected],
    report: Report,
    named: Named,
    *,
    by_meaning: bool = False,
) -> Outcome:
    """One case, counted; `named` has a row for each finding of the report."""
    right = _assigned(named)
    comments = tuple(
        Comment(
            path=finding.path,
            line=finding.start_line,
            severity=finding.severity,
            title=finding.title,
            shown=shown(finding, report),
            names=tuple(sorted(names)),
            standing=_standing(number in right, bool(names)),
            fingerprint=finding.fingerprint,
        )
        for number, (finding, names) in enumerate(zip(report.findings, named, strict=True))
    )
    found = {number for comment in comments for number in comment.names}
    inline = {number for comment in comments if comment.inline for number in comment.names}
    return Outcome(
        name=name,
        defects=tuple(
            Defect(
                text=defect.why,
                severity=defect.severity,
                found=number in found,
                inline=number in inline,
            )
            for number, defect in enumerate(expected)
        ),
        comments=comments,
        by_meaning=by_meaning,
        complete=report.complete,
        anchored=sum(finding.anchored for finding in report.findings),
        suggestions=sum(finding.suggestion is not None for finding in report.findings),
        refused_suggestions=sum(item.is_suggestion_only for item in report.rejected),
        usage=report.usage,
    )


def _standing(right: bool, names_any: bool) -> Standing:
    if right:
        return Standing.RIGHT
    return Standing.REPEATED if names_any else Standing.WRONG


def _assigned(named: Named) -> frozenset[int]:
    """As many findings as can be given a defect of their own (by augmenting paths)."""
    owner: dict[int, int] = {}

    def placed(number: int, tried: set[int]) -> bool:
        for defect in sorted(named[number]):
            if defect not in tried:
                tried.add(defect)
                if defect not in owner or placed(owner[defect], tried):
                    owner[defect] = number
                    return True
        return False

    for number in range(len(named)):
        placed(number, set())
    return frozenset(owner.values())


def summarize(outcomes: Sequence[Outcome]) -> Summary:
    """All outcomes in figures; each finding and each defect counts the same."""
    clean = [each for each in outcomes if not each.defects]
    everything = sum((each.everything for each in outcomes), Counts())
    given = sum(each.suggestions + each.refused_suggestions for each in outcomes)
    severe = [
        defect
        for each in outcomes
        for defect in each.defects
        if defect.severity is not None and defect.severity.rank <= Severity.HIGH.rank
    ]
    return Summary(
        cases=len(outcomes),
        complete_cases=sum(each.complete for each in outcomes),
        silent_cases=sum(not each.comments for each in clean),
        clean_cases=len(clean),
        inline=sum((each.inline for each in outcomes), Counts()),
        everything=everything,
        severe=len(severe),
        severe_inline=sum(defect.inline for defect in severe),
        anchored_share=share(sum(each.anchored for each in outcomes), everything.comments),
        suggestion_applies_share=share(sum(each.suggestions for each in outcomes), given),
        usage=sum((each.usage for each in outcomes), Usage()),
    )


def share(part: float, whole: int) -> float | None:
    """None of nothing."""
    return part / whole if whole else None


def _f1(precision: float | None, recall: float | None) -> float | None:
    if precision is None or recall is None:
        return None
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0
