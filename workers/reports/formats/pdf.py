"""The report as PDF, set by Typst from plain data: nothing of it is read as markup."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import typst
import weblate_fonts

from bot.domain.model import (
    CheckOutcome,
    CheckResult,
    FileSummary,
    Finding,
    Place,
    Report,
    Severity,
)
from bot.security.links import Links
from bot.text.invisible_characters import show_hidden
from templates import DIRECTORY
from templates.languages import Language, _, current, number, plural
from workers.reports.formats.html import SHOWN, time
from workers.reports.formats.typesetting import blocks, line
from workers.reports.rank import shown
from workers.reports.templates import check_symbol, cost, place, source
from workers.reports.verdict import breakdown, counts

_FOLDER = DIRECTORY / "report"
#: Latin and code by Source Sans and Source Code, everything else by Kurinto (CJK, Hebrew,
#: Arabic and more), emoji by Noto Emoji: all under the SIL Open Font License.
_FONTS = (Path(weblate_fonts.__file__).parent / "static" / "weblate_fonts", _FOLDER / "fonts")

#: The same Han character looks different in these languages.
_HAN_FONT = {
    Language.JAPANESE: "Kurinto Sans JP",
    Language.CHINESE_SIMPLIFIED: "Kurinto Sans SC",
}

#: A page takes the typesetter hundreds of times the memory of its text, and colored code several
#: times that: findings are set up to so many characters, with some for each line and frame.
_BUDGET, _COLORED, _LINE, _FRAME = 400_000, 60_000, 40, 1_000
#: Rows of the walkthrough, skipped files, notes: three thousand took gigabytes.
_ROWS = 300


def pdf(report: Report, links: Links) -> bytes:
    """A PDF with real text, an outline and a table of contents, the same for the same report."""
    document: bytes = typst.compile(
        _FOLDER / "report.typ",
        root=_FOLDER,
        font_paths=_fonts(),
        sys_inputs={"report": json.dumps(content(report, links))},
        timestamp=int(report.finished_at),
        format="pdf",
    )
    return document


@cache
def _fonts() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=False, font_paths=[str(folder) for folder in _FONTS])


def content(report: Report, links: Links) -> dict[str, Any]:
    """What the document shows, as the data that its template reads."""
    findings = _findings(report)
    in_full = sum(finding.occurrences for finding in report.findings[: len(findings)])
    left = report.total - in_full
    language, _dash, region = current().partition("-")
    return {
        "lang": language,
        "region": region or None,
        "han_fonts": _han_fonts(),
        "words": _words(),
        "names": {str(severity): _(severity) for severity in Severity},
        "title": show_hidden(report.subject),
        "subject": show_hidden(report.pull.title),
        "url": report.pull.url,
        "page": links.page,
        "verdict": show_hidden(report.verdict),
        "worst": str(report.worst or ""),
        "overview": line(report.overview),
        "counts": [[str(severity), number] for severity, number in counts(report.findings)],
        "breakdown": [[name, show_hidden(text)] for name, text in breakdown(report.findings)],
        "checks": [_check(check) for check in report.checks],
        "findings": findings,
        "more_findings": _more(left, plural(left, "more finding")),
        "files": [_file(file) for file in report.files[:_ROWS]],
        "more_files": _more_files(len(report.files)),
        "skipped": [
            {"path": show_hidden(item.path), "reason": line(item.text)}
            for item in report.skipped[:_ROWS]
        ],
        "more_skipped": _more_files(len(report.skipped)),
        "notes": [line(note) for note in report.notes[:_ROWS]],
        "facts": _facts(report),
    }


def _more_files(total: int) -> str:
    return _more(total - _ROWS, plural(total - _ROWS, "more file"))


def _more(left: int, words: str) -> str:
    return _("…and {more}, listed in all other formats.", more=words) if left > 0 else ""


def _words() -> dict[str, str]:
    """The document's own words."""
    return {
        "about": _("About this review"),
        "about_rule": _("about this rule"),
        "checks": _("Checks"),
        "contents": _("Contents"),
        "delete_lines": _("Delete these lines."),
        "file": _("File"),
        "findings": _("Findings"),
        "lines": _("Lines"),
        "live_page": _("Live page"),
        "looked_at": _("Looked at"),
        "review_of": _("Review of"),
        "skipped": _("Skipped"),
        "suggested_change": _("Suggested change:"),
        "what": _("What"),
        "what_changed": _("What changed"),
    }


def _han_fonts() -> list[str]:
    """Fonts of Han characters, those of the language first."""
    fonts = ["Kurinto Sans SC", "Kurinto Sans JP", "Kurinto Sans TC", "Kurinto Sans KR"]
    return sorted(fonts, key=lambda font: font != _HAN_FONT.get(current()))


def _findings(report: Report) -> list[dict[str, Any]]:
    """As many of the first as there is room for."""
    found: list[dict[str, Any]] = []
    budget = _BUDGET
    for finding in report.findings:
        places = (*finding.places, *finding.looked_at)
        listed = [f"{place(at)} {at.description}" for at in places]
        text = "\n".join((finding.body, finding.quote, finding.suggestion or "", *listed))
        budget -= _FRAME + len(text) + _LINE * text.count("\n")
        if found and budget < 0:
            break
        found.append(_finding(finding, report, colored=budget > _BUDGET - _COLORED))
    return found


def _finding(finding: Finding, report: Report, *, colored: bool) -> dict[str, Any]:
    return {
        "colored": colored,
        "severity": str(finding.severity),
        "category": _(finding.category),
        "title": line(finding.title),
        "place": show_hidden(place(finding)),
        "source": show_hidden(source(finding)),
        "url": finding.url,
        "shown": _(SHOWN[shown(finding, report)])
        + (f" · {_('not confirmed')}" if finding.check is CheckOutcome.UNDECIDED else ""),
        "places_heading": _(
            "The same in {places}:", places=plural(len(finding.places), "other place")
        ),
        "places": [_place(at) for at in finding.places],
        "looked_at": [_place(at) for at in finding.looked_at],
        "quote": show_hidden(finding.quote),
        "language": Path(finding.path).suffix.removeprefix("."),
        "body": blocks(finding.body) if finding.body != finding.title else [],
        "suggestion": None if finding.suggestion is None else show_hidden(finding.suggestion),
    }


def _check(check: CheckResult) -> dict[str, Any]:
    return {
        "symbol": check_symbol(check).removesuffix("\ufe0f"),
        "name": show_hidden(check.name),
        "status": check.status_text,
        "reason": line(check.reason),
        "places": [_place(at) for at in check.places],
    }


def _place(at: Place) -> list[Any]:
    return [show_hidden(place(at)), line(at.description)]


def _file(file: FileSummary) -> dict[str, Any]:
    return {
        "path": show_hidden(file.path),
        "change": f"+{number(file.additions)} −{number(file.deletions)}",
        "status": _(file.status),
        "summary": line(file.summary),
    }


def _facts(report: Report) -> list[list[str]]:
    usage = report.usage
    facts = [
        [_("Commit"), report.review.head_sha],
        [_("Merge base"), report.merge_base],
        [_("Finished"), time(report.finished_at)],
        [_("Reviewed by"), ", ".join(report.models) or _("static analyzers only")],
    ]
    if report.show_usage and (usage.calls or usage.cache_hits):
        tokens = plural(usage.prompt_tokens + usage.completion_tokens, "token")
        spent = "" if usage.cost is None else f", {cost(usage.cost)}"
        facts.append(["LLM", f"{plural(usage.calls, 'call')}, {tokens}{spent}"])
    return [[name, show_hidden(value)] for name, value in facts]
