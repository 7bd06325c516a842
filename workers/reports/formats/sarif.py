"""The report as SARIF 2.1.0, which code scanners exchange (pure).

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

import json
from collections import Counter
from typing import Any
from urllib.parse import quote

from bot import __version__
from bot.domain.diff import Side
from bot.domain.model import LLM_SOURCE, Finding, Place, Report, Severity
from bot.text.invisible_characters import show_hidden
from workers.reports.rank import rank_score, shown
from workers.reports.sanitize import sanitize

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
#: Names of fingerprints: ours, and the one that GitHub's code scanning looks at.
_OURS, _GITHUBS = "glossator/v1", "primaryLocationLineHash"
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
                "semanticVersion": __version__,
                "rules": [_rule(rule, report) for rule in rules],
            }
        },
        "automationDetails": {"id": f"glossator/{report.review.id}"},
        "versionControlProvenance": _provenance(report),
        "columnKind": "unicodeCodePoints",
        "results": _with_hashes(
            [result for finding in report.findings for result in _results(finding, rules, report)]
        ),
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, ensure_ascii=False, indent=2).encode("utf-8", "backslashreplace")


def _with_hashes(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """GitHub knows an alert again by one fingerprint alone, with a number that tells apart results
    of the same; without it, one is made of the lines, which move."""
    seen: Counter[tuple[str, str]] = Counter()
    for result in results:
        name = result["partialFingerprints"][_OURS]
        seen[result["ruleId"], name] += 1
        count = seen[result["ruleId"], name]
        result["partialFingerprints"] = {_GITHUBS: f"{name}:{count}", _OURS: name}
    return results


def _rule_id(finding: Finding) -> str:
    """The analyzer's rule as `ruff:F821`; the category where the LLM alone found it."""
    rules = [name for name in finding.sources if name != LLM_SOURCE]
    return rules[0] if rules else f"{LLM_SOURCE}:{finding.category}"


def _rule(rule: str, report: Report) -> dict[str, Any]:
    found = [finding for finding in report.findings if _rule_id(finding) == rule]
    tool, _, name = rule.partition(":")
    properties: dict[str, Any] = {"tags": sorted({str(finding.category) for finding in found})}
    if "security" in properties["tags"]:
        worst = min((finding.severity for finding in found), key=lambda severity: severity.rank)
        properties["security-severity"] = _SECURITY[worst]
    words = f"A {name} finding of the LLM" if tool == LLM_SOURCE else f"{tool} {name}"
    described = {"id": rule, "shortDescription": {"text": words}, "properties": properties}
    page = next((finding.url for finding in found if finding.url), "")
    return described | ({"helpUri": page} if page else {})


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


def _results(finding: Finding, rules: list[str], report: Report) -> list[dict[str, Any]]:
    """A result for each place of the defect: tools that read SARIF show one place each."""
    rule = _rule_id(finding)
    result = {
        "ruleId": rule,
        "ruleIndex": rules.index(rule),
        "level": _LEVELS.get(finding.severity, "note"),
        "message": _message(finding, finding.title),
        "locations": [{"physicalLocation": _location(finding)}],
        "partialFingerprints": {_OURS: finding.fingerprint},
        "rank": min(100.0, rank_score(finding)),
        "properties": {
            "category": str(finding.category),
            "severity": str(finding.severity),
            "sources": list(finding.sources),
            "shown": str(shown(finding, report)),
        },
    }
    if finding.looked_at:
        result["relatedLocations"] = [
            {"physicalLocation": _location(place)}
            | ({"message": {"text": _plain(place.description)}} if place.description else {})
            for place in finding.looked_at
        ]
    return [result, *(_at_place(result, finding, place) for place in finding.places)]


def _at_place(result: dict[str, Any], finding: Finding, place: Place) -> dict[str, Any]:
    return result | {
        "message": _message(finding, place.description or finding.title),
        "locations": [{"physicalLocation": _location(place)}],
        "partialFingerprints": {_OURS: place.fingerprint or finding.fingerprint},
    }


def _message(finding: Finding, title: str) -> dict[str, str]:
    return {
        "text": _plain(f"{title}\n\n{finding.body}"),
        "markdown": sanitize(f"**{title}**\n\n{finding.body}"),
    }


def _plain(text: str) -> str:
    """Plain text has links as well, `[words](address)`: a space makes it words alone."""
    return show_hidden(text).replace("](", "] (")


def _location(at: Finding | Place) -> dict[str, Any]:
    """Lines only on the head's side: SARIF speaks of one revision."""
    path = quote(at.path.encode("utf-8", "surrogatepass"))
    location: dict[str, Any] = {"artifactLocation": {"uri": path, "uriBaseId": "%SRCROOT%"}}
    if at.start_line is not None and at.side is Side.RIGHT:
        location["region"] = {"startLine": at.start_line, "endLine": at.end_line}
    return location
