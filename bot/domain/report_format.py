"""The formats in which people get a report: the one list of them."""

from dataclasses import dataclass
from enum import StrEnum


class ReportFormat(StrEnum):
    """A format, by the ending of its files."""

    HTML = "html"
    PDF = "pdf"
    MD = "md"
    JSON = "json"
    SARIF = "sarif"

    @property
    def label(self) -> str:
        """How people call it."""
        return _TRAITS[self].label

    @property
    def media_type(self) -> str:
        """Its Content-Type."""
        return _TRAITS[self].media_type

    @property
    def inline(self) -> bool:
        """Whether a browser shows it rather than saves it."""
        return _TRAITS[self].inline


@dataclass(frozen=True, slots=True)
class _Traits:
    label: str
    media_type: str
    inline: bool = False


_TRAITS = {
    ReportFormat.HTML: _Traits("HTML", "text/html; charset=utf-8", inline=True),
    ReportFormat.PDF: _Traits("PDF", "application/pdf", inline=True),
    ReportFormat.MD: _Traits("Markdown", "text/markdown; charset=utf-8"),
    ReportFormat.JSON: _Traits("JSON", "application/json"),
    ReportFormat.SARIF: _Traits("SARIF", "application/sarif+json"),
}


class AuditFormat(StrEnum):
    """How the audit log is exported."""

    JSONL = "jsonl"
    CSV = "csv"


class OutcomeFormat(StrEnum):
    """How outcomes of findings are told."""

    MARKDOWN = "markdown"
    JSON = "json"
    CSV = "csv"
