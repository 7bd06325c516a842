"""The renderings of a report that people download."""

from bot.domain.model import Report
from bot.domain.report_format import ReportFormat
from bot.security.links import Links
from workers.reports.formats.as_json import as_json
from workers.reports.formats.markdown import markdown
from workers.reports.formats.sarif import sarif


def render(report: Report, format: ReportFormat, links: Links) -> bytes:
    """The report in one format, text as UTF-8."""
    match format:
        case ReportFormat.HTML:
            from workers.reports.formats.html import html  # with a highlighter; few ask for it

            return html(report, links)
        case ReportFormat.PDF:
            from workers.reports.formats.pdf import pdf  # with a typesetter; few ask for it

            return pdf(report, links)
        case ReportFormat.MD:
            return markdown(report, links)
        case ReportFormat.JSON:
            return as_json(report)
        case ReportFormat.SARIF:
            return sarif(report)
