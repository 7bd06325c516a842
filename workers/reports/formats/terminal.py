"""The report for a person at a terminal. All text is made visible first: nothing of a change or of
a model moves the cursor, sets a title or makes a link."""

from rich.console import Console, Group, RenderableType
from rich.markdown import Markdown
from rich.padding import Padding
from rich.syntax import Syntax
from rich.text import Text

from bot.domain.model import CheckResult, Finding, Report, Severity
from bot.text.invisible_characters import show_hidden
from templates.languages import plural
from workers.reports.formats.text import one_line, position
from workers.reports.templates import check_symbol

_STYLES = {
    Severity.CRITICAL: "bold white on red",
    Severity.HIGH: "bold red",
    Severity.MEDIUM: "bold yellow",
    Severity.LOW: "bold blue",
    Severity.INFO: "bold",
}
_INDENT = (0, 0, 0, 2)
#: Skipped files that are named; all are in the other formats.
_MAX_SKIPPED = 10


def print_report(report: Report, console: Console) -> None:
    """With colors where the console has them."""
    console.print(Text(one_line(report.verdict), "bold"))
    if report.overview:
        console.print(Text(one_line(report.overview)))
    for check in report.checks:
        console.print(_check(check))
    for finding in report.findings:
        console.print()
        console.print(_finding(finding))
    tail = [*map(one_line, report.notes), *_skipped(report)]
    if tail:
        console.print()
    for line in tail:
        console.print(Text(line, "dim"))


def _check(check: CheckResult) -> RenderableType:
    reason = f": {one_line(check.reason)}" if check.reason else ""
    head = Text.assemble(
        f"{check_symbol(check)} ", (one_line(check.name), "bold"), f" {check.status_text}{reason}"
    )
    places = [Text(f"{position(at)} {one_line(at.description)}") for at in check.places]
    return Group(head, *(Padding(each, _INDENT) for each in places))


def _finding(finding: Finding) -> RenderableType:
    head = Text.assemble(
        (f" {finding.severity} ", _STYLES[finding.severity]),
        " ",
        (position(finding), "bold"),
        " ",
        one_line(finding.title),
    )
    parts: list[RenderableType] = []
    if finding.body and finding.body != finding.title:
        parts.append(Markdown(show_hidden(finding.body), hyperlinks=False))
    parts += [Text(f"also at {position(place)}") for place in finding.located[1:]]
    if finding.suggestion is not None:
        parts += [Text("Suggestion:"), _code(finding.suggestion, finding.path)]
    by = one_line(f"{finding.category} · {finding.found_by} · {finding.fingerprint}")
    parts.append(Text(by, "dim"))
    return Group(head, *(Padding(part, _INDENT) for part in parts))


def _code(code: str, path: str) -> RenderableType:
    text = show_hidden(code)
    lexer = Syntax.guess_lexer(path, text)
    return Syntax(text, lexer, background_color="default", word_wrap=True)


def _skipped(report: Report) -> list[str]:
    if not report.skipped:
        return []
    total = len(report.skipped) + report.skipped_unlisted
    named = [f"  {one_line(file.path)}: {file.text}" for file in report.skipped[:_MAX_SKIPPED]]
    more = [f"  and {total - len(named)} more"] if total > len(named) else []
    return [f"{plural(total, 'file')} skipped:", *named, *more]
