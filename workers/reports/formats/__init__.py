"""The renderings of a report: those that people download, and those of the command line."""

from bot.domain.model import Report
from bot.domain.report_format import ReportFormat
from bot.security.links import Links
from workers.reports.formats.as_json import as_json
from workers.reports.formats.markdown import markdown
from workers.reports.formats.rdjson import rdjson
from workers.reports.formats.sarif import sarif
from workers.reports.formats.text import one_line, text

__all__ = ["FORMATS", "one_line", "render", "render_as"]

_BY_NAME = {format.label.lower(): format for format in ReportFormat}
#: What people type for a format.
FORMATS = ("text", "rdjson", *_BY_NAME)


def render_as(report: Report, name: str) -> bytes:
    """The report in a format of FORMATS, without links to a server."""
    match name:
        case "text":
            return text(report)
        case "rdjson":
            return rdjson(report)
        case _:
            return render(report, _BY_NAME[name], Links())


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
