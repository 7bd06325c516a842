"""What a coding agent can be given as it is, to fix what a review found (pure).

All that comes from the change or from a model begins its lines with `|`, which nothing in it can
leave: whoever wrote the code does not command the agent.
"""

from collections.abc import Sequence

from bot.domain.model import LLM_SOURCE, Finding, Report
from workers.reports.rank import Shown, shown
from workers.reports.templates import render

#: A prompt is cut at so many characters, between two findings: GitHub takes 65,536 in a comment.
MAX_CHARACTERS = 30_000


def fix_prompt(report: Report, findings: Sequence[Finding]) -> str:
    """The prompt for these findings of the report, as many as there is room for; "" for none."""
    if not findings:
        return ""
    kept, room = 0, MAX_CHARACTERS
    for finding in findings:
        room -= len(_prompt(report, [finding]))
        if room < 0 and kept:
            break
        kept += 1
    return _prompt(report, findings[:kept], omitted=len(findings) - kept)


def fixable(report: Report) -> list[Finding]:
    """The findings that an agent is asked to fix: all but those that are only noticed."""
    return [one for one in report.findings if shown(one, report) is not Shown.FOLDED]


def _prompt(report: Report, findings: Sequence[Finding], omitted: int = 0) -> str:
    rules = [" ".join(s.split(":", 1)) for f in findings for s in f.sources if s != LLM_SOURCE]
    return render(
        "prompts/fix_prompt.md.j2",
        report=report,
        findings=findings,
        rules=list(dict.fromkeys(rules)),
        omitted=omitted,
    )
