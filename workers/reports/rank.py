"""Which findings get a comment of their own: a score for each, and the choice (pure).

    score = severity x check x confidence x agreement x place

| factor | values |
| --- | --- |
| severity | critical 100, high 50, medium 25, low 8, info 2 |
| check | confirmed 1, unchecked 0.7, undecided 0.25; an analyzer's rule is a proof: 1 |
| confidence | 0.5 + confidence / 2, as models say little by it |
| agreement | one reading or analyzer 1, two 1.25, three or more 1.4 |
| place | on changed lines 1, without a line 0.6 |

A linter's finding scores at most 7: less than any confirmed finding of a model that is medium or
worse and has a confidence of at least 0.2, as all have by default. Secrets and security rules are
no linters' findings, nor is what a model reports too.
"""

from collections.abc import Collection, Sequence
from enum import StrEnum

from bot.domain.model import LLM_SOURCE, Category, CheckOutcome, Finding, Report, Severity

SEVERITY = {
    Severity.CRITICAL: 100.0,
    Severity.HIGH: 50.0,
    Severity.MEDIUM: 25.0,
    Severity.LOW: 8.0,
    Severity.INFO: 2.0,
}
CHECK = {CheckOutcome.CONFIRMED: 1.0, CheckOutcome.UNCHECKED: 0.7, CheckOutcome.UNDECIDED: 0.25}
AGREEMENT = (1.0, 1.25, 1.4)
WITHOUT_LINE = 0.6
LINT_MAX = 7.0

#: Below, a finding is no comment even where nothing else is: a medium one that the check could not
#: decide, a low one that nobody checked.
INLINE_MIN = 6.0
#: What a model believes less than this is no comment, unless it is critical or was reported twice:
#: see "Measured" in docs/analysis.md.
INLINE_CONFIDENCE = 0.5
#: From here on a finding without a line is shown in full in the review's body: high and confirmed.
IN_FULL_MIN = 15.0


class Shown(StrEnum):
    """Where a review has a finding: as a new comment on its lines, as one of an earlier review, in
    full in the body because it has no line, or in the folded list "Also noticed"."""

    INLINE = "inline"
    STILL_OPEN = "still_open"
    BODY = "body"
    FOLDED = "folded"


def rank_score(finding: Finding) -> float:
    """From 0 to 140, with one decimal; higher comes first."""
    lint = is_lint(finding)
    proven = LLM_SOURCE not in finding.tools
    score = (
        SEVERITY[finding.severity]
        * (1.0 if proven else CHECK[finding.check])
        * (0.5 + min(1.0, max(0.0, finding.confidence)) / 2)
        * AGREEMENT[min(max(finding.agreement, 1), len(AGREEMENT)) - 1]
        * (1.0 if finding.anchored else WITHOUT_LINE)
    )
    return round(min(score, LINT_MAX) if lint else score, 1)


def is_lint(finding: Finding) -> bool:
    """Whether analyzers alone report it and it is not about security."""
    return LLM_SOURCE not in finding.tools and finding.category is not Category.SECURITY


def ranked(findings: Collection[Finding]) -> list[Finding]:
    """What matters most first; the order does not depend on the one given."""
    return sorted(findings, key=_order)


def choose_inline(
    findings: Sequence[Finding],
    known: Collection[str],
    limit: int,
    *,
    only_severe: bool = False,
    fresh_paths: Collection[str] | None = None,
) -> tuple[str, ...]:
    """The fingerprints of the ranked findings that are posted on their lines: every critical
    one, and at most `limit` others, from which these take no place away; none with a limit of 0.

    None of `known`, which are on their lines already or have been read. With `only_severe` high and
    critical ones alone, in files of `fresh_paths` (None: all): so later reviews of a pull request
    come to an end.
    """
    new = [
        finding
        for finding in findings
        if finding.anchored
        and finding.fingerprint not in known
        and may_be_comment(finding)
        and (not only_severe or _severe_and_fresh(finding, fresh_paths))
    ]
    if not limit:
        return ()
    others = [finding for finding in new if finding.severity is not Severity.CRITICAL]
    left_out = {finding.fingerprint for finding in others[limit:]}
    return tuple(f.fingerprint for f in new if f.fingerprint not in left_out)


def may_be_comment(finding: Finding) -> bool:
    """Whether the finding is worth a comment on its lines, if there is room."""
    believed = (
        finding.confidence >= INLINE_CONFIDENCE
        or finding.severity is Severity.CRITICAL
        or finding.agreement > 1
    )
    return believed and rank_score(finding) >= INLINE_MIN


def shown(finding: Finding, report: Report) -> Shown:
    """Where the review has a finding of its report."""
    if finding.fingerprint in report.inline:
        return Shown.INLINE
    if finding.fingerprint in report.still_open:
        return Shown.STILL_OPEN
    if not finding.anchored and rank_score(finding) >= IN_FULL_MIN:
        return Shown.BODY
    return Shown.FOLDED


def _severe_and_fresh(finding: Finding, fresh_paths: Collection[str] | None) -> bool:
    return finding.severity.rank <= Severity.HIGH.rank and (
        fresh_paths is None or finding.path in fresh_paths
    )


def _order(finding: Finding) -> tuple[float, int, float, str, int, str]:
    line = finding.start_line or 0
    confidence, rank = -finding.confidence, finding.severity.rank
    return -rank_score(finding), rank, confidence, finding.path, line, finding.fingerprint
