"""The report as SARIF 2.1.0, which code scanners exchange (pure).

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

import json
from importlib.metadata import version
from typing import Any
from urllib.parse import quote

from bot.domain.diff import Side
from bot.domain.model import Finding, Report, Severity
from bot.text.invisible_characters import show_hidden
from workers.reports.sanitize import sanitize
from workers.reports.sources import LLM, sources_of

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {Severity.CRITICAL: "error", Severity.HIGH: "error", Severity.MEDIUM: "warning"}
#: Read by GitHub as critical from 9.0, high from 7.0, medium from 4.0, low below.
_SECURITY = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "2.5",
    Severity.INFO: "0.5",
}


def sarif(report: Report) -> bytes:
    """One run with a rule for each kind of finding; UTF-8 JSON."""
    rules = list(dict.fromkeys(_rule_id(finding) for finding in report.findings))
    run = {
        "tool": {
            "driver": {
                "name": "Glossator",
                "semanticVersion": version("glossator"),
                "rules": [_rule(rule, report) for rule in rules],
            }
        },
        "automationDetails": {"id": f"glossator/{report.review.id}"},
        "versionControlProvenance": _provenance(report),
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, rules) for finding in report.findings],
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, ensure_ascii=False, indent=2).encode("utf-8", "backslashreplace")


def _rule_id(finding: Finding) -> str:
    """The analyser's rule as `ruff:F821`; the category where the LLM alone found it."""
    rules = [name for name in sources_of(finding) if name != LLM]
    return rules[0] if rules else f"{LLM}:{finding.category}"


def _rule(rule: str, report: Report) -> dict[str, Any]:
    found = [finding for finding in report.findings if _rule_id(finding) == rule]
    tool, _, name = rule.partition(":")
    properties: dict[str, Any] = {"tags": sorted({str(finding.category) for finding in found})}
    if "security" in properties["tags"]:
        worst = min((finding.severity for finding in found), key=lambda severity: severity.rank)
        properties["security-severity"] = _SECURITY[worst]
    words = f"A {name} finding of the LLM" if tool == LLM else f"{tool} {name}"
    return {"id": rule, "shortDescription": {"text": words}, "properties": properties}


def _provenance(report: Report) -> list[dict[str, Any]]:
    """Where the code lies: GitHub's web address ends in /pull/<number>; a local one has none."""
    if not report.pull.url:
        return []
    return [
        {
            "repositoryUri": report.pull.url.partition("/pull/")[0],
            "revisionId": report.review.head_sha,
            "branch": show_hidden(report.pull.head_ref),
        }
    ]


def _result(finding: Finding, rules: list[str]) -> dict[str, Any]:
    rule = _rule_id(finding)
    # Plain text has links as well, `[words](address)`: a space makes it words alone.
    text = show_hidden(f"{finding.title}\n\n{finding.body}").replace("](", "] (")
    markdown = sanitize(f"**{finding.title}**\n\n{finding.body}")
    return {
        "ruleId": rule,
        "ruleIndex": rules.index(rule),
        "level": _LEVELS.get(finding.severity, "note"),
        "message": {"text": text, "markdown": markdown},
        "locations": [{"physicalLocation": _location(finding)}],
        "partialFingerprints": {"glossator/v1": finding.fingerprint},
        "rank": round(100 * min(1.0, max(0.0, finding.confidence)), 1),
        "properties": {
            "category": str(finding.category),
            "severity": str(finding.severity),
            "sources": list(sources_of(finding)),
        },
    }


def _location(finding: Finding) -> dict[str, Any]:
    """Lines only on the head's side: SARIF speaks of one revision."""
    path = quote(finding.path.encode("utf-8", "surrogatepass"))
    location: dict[str, Any] = {"artifactLocation": {"uri": path, "uriBaseId": "%SRCROOT%"}}
    if finding.anchored and finding.side is Side.RIGHT:
        location["region"] = {"startLine": finding.start_line, "endLine": finding.end_line}
    return location
