"""The whole report as one Markdown file, with nothing folded or cut (pure)."""

from bot.domain.model import Report
from bot.security.links import Links
from workers.reports.templates import code_links, render
from workers.reports.verdict import breakdown, counts


def markdown(report: Report, links: Links) -> bytes:
    """UTF-8 Markdown, ending in a line end."""
    text = render(
        "report/report.md.j2",
        report=report,
        links=links,
        counts=counts(report.findings),
        breakdown=breakdown(report.findings),
        notes=report.notes,
        code=code_links(report),
        max_places=None,
    )
    return f"{text}\n".encode()
