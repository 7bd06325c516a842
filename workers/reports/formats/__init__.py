"""The renderings of a report that people download."""

from collections.abc import Callable

from bot.domain.model import Report
from bot.security.links import Links
from workers.reports.formats.as_json import as_json
from workers.reports.formats.markdown import markdown
from workers.reports.formats.sarif import sarif


def _html(report: Report, links: Links) -> bytes:
    from workers.reports.formats.html import html  # with a highlighter; few ask for it

    return html(report, links)


def _pdf(report: Report, links: Links) -> bytes:
    from workers.reports.formats.pdf import pdf  # with a typesetter; few ask for it

    return pdf(report, links)


_RENDERINGS: dict[str, Callable[[Report, Links], bytes]] = {
    "json": lambda report, links: as_json(report),
    "md": markdown,
    "html": _html,
    "pdf": _pdf,
    "sarif": lambda report, links: sarif(report),
}


class UnknownFormat(ValueError):
    """Raised for a format that no report has; the message names those there are."""


def render(report: Report, format: str, links: Links) -> bytes:
    """The report as `json`, `md`, `html`, `pdf` or `sarif`, text as UTF-8.

    Raises UnknownFormat.
    """
    if format not in _RENDERINGS:
        known = ", ".join(_RENDERINGS)
        raise UnknownFormat(f"Unknown report format {format!r}. Choose {known}.")
    return _RENDERINGS[format](report, links)
