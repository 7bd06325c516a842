"""The findings in the Reviewdog Diagnostic Format, for `reviewdog -f=rdjson` (pure).

https://github.com/reviewdog/reviewdog/tree/master/proto/rdf
"""

import json
from typing import Any

from bot.domain.diff import Side
from bot.domain.model import LLM_SOURCE, Finding, Place, Report, Severity
from bot.text.invisible_characters import show_hidden

_SEVERITIES = {Severity.CRITICAL: "ERROR", Severity.HIGH: "ERROR", Severity.MEDIUM: "WARNING"}


def rdjson(report: Report) -> bytes:
    """One DiagnosticResult with a diagnostic for each place of each finding; UTF-8 JSON."""
    result = {
        "source": {"name": "glossator"},
        "diagnostics": [
            _diagnostic(finding, place)
            for finding in report.findings
            for place in (finding.located or (finding,))
        ],
    }
    return json.dumps(result, ensure_ascii=False, indent=2).encode("utf-8", "backslashreplace")


def _diagnostic(finding: Finding, place: Finding | Place) -> dict[str, Any]:
    location: dict[str, Any] = {"path": place.path}
    diagnostic: dict[str, Any] = {
        "message": show_hidden(f"{finding.title}\n\n{finding.body}"),
        "severity": _SEVERITIES.get(finding.severity, "INFO"),
        "location": location,
        "code": {"value": _code(finding)},
    }
    if place.start_line is None or place.side is not Side.RIGHT:
        return diagnostic
    lines = {"start": {"line": place.start_line}, "end": {"line": place.end_line}}
    location["range"] = lines
    own = (place.path, place.start_line) == (finding.path, finding.start_line)
    if finding.suggestion is not None and own:
        diagnostic["suggestions"] = [{"range": lines, "text": finding.suggestion}]
    return diagnostic


def _code(finding: Finding) -> str:
    """The analyzer's rule as `ruff:F821`; the category where the LLM alone found it."""
    rules = [name for name in finding.sources if name != LLM_SOURCE]
    return rules[0] if rules else str(finding.category)
