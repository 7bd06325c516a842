"""What the demo prints: addresses first, then the review in short. All of it fits on two screens;
the pages have the rest."""

from collections.abc import Sequence

from rich.console import Console
from rich.markdown import Markdown
from rich.padding import Padding
from rich.text import Text

from bot.domain.model import Finding, Rejected, Report, Severity
from bot.sandbox.state import ReviewComment

#: Findings listed, and lines of the one comment that is shown.
MAX_FINDINGS = 8
MAX_COMMENT_LINES = 22

_STYLES = {
    Severity.CRITICAL: "bold red",
    Severity.HIGH: "red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "blue",
    Severity.INFO: "dim",
}


def print_addresses(console: Console, addresses: Sequence[tuple[str, str]]) -> None:
    """One a line, whole, so that a terminal makes links of them."""
    for name, url in addresses:
        console.print(f"  {name:<13} {url}", soft_wrap=True, highlight=False)


def print_report(
    console: Console, report: Report, comments: Sequence[ReviewComment], seconds: float
) -> None:
    """The verdict, a line for each finding, what was dropped, and one comment in full."""
    console.rule(f"Reviewed in {seconds:.1f} s", align="left")
    console.print(report.verdict, style="bold", markup=False)
    findings = report.findings
    for finding in findings[:MAX_FINDINGS]:
        line = Text(f"  {finding.severity:<9}", style=_STYLES[finding.severity])
        line.append(finding.title, style="default")
        console.print(line)
        console.print(Text(f"  {'':<9}{place(finding)}", style="cyan"), soft_wrap=True)
    if len(findings) > MAX_FINDINGS:
        console.print(f"…and {len(findings) - MAX_FINDINGS} more on the pull request")
    dropped = [each for each in report.rejected if not each.is_suggestion_only]
    if dropped:
        _print_dropped(console, dropped)
    if (comment := _comment_worth_showing(findings, comments)) is not None:
        _print_comment(console, comment)


def place(finding: Finding) -> str:
    """`shop/checkout.py:48`."""
    line = f":{finding.start_line}" if finding.start_line is not None else ""
    return f"{finding.path}{line}"


def _print_dropped(console: Console, dropped: Sequence[Rejected]) -> None:
    word = "finding" if len(dropped) == 1 else "findings"
    console.print(f"\n{len(dropped)} more {word} dropped by the check:", style="bold")
    for each in dropped[:4]:
        text = f"{each.title}. {each.text[:1].upper()}{each.text[1:]}"
        console.print(Padding(Text(text), (0, 0, 0, 2)), style="dim")


def _comment_worth_showing(
    findings: Sequence[Finding], comments: Sequence[ReviewComment]
) -> ReviewComment | None:
    """That of the worst finding with a suggestion, else of the worst one."""
    by_place = {(comment.path, comment.line): comment for comment in comments}
    posted = [each for each in findings if (each.path, each.end_line) in by_place]
    posted.sort(key=lambda each: (each.suggestion is None, each.severity.rank))
    return by_place[posted[0].path, posted[0].end_line] if posted else None


def _print_comment(console: Console, comment: ReviewComment) -> None:
    console.rule(f"The comment on {comment.path}:{comment.line}", align="left", characters="┄")
    options = console.options.update(width=min(console.width, 100))
    lines = console.render_lines(Markdown(comment.body), options, pad=False)
    for line in lines[:MAX_COMMENT_LINES]:
        console.print(Text.assemble(*((each.text, each.style or "") for each in line)))
    if len(lines) > MAX_COMMENT_LINES:
        console.print("…")
