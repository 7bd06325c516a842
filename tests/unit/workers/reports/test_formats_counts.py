"""Nothing is lost between what was found and any format, and all of them count alike."""

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.diff import Side
from bot.domain.fingerprint import fingerprint
from bot.domain.model import (
    BatchResult,
    Category,
    CheckOutcome,
    Finding,
    Report,
    Scan,
    Severity,
)
from bot.domain.report_format import ReportFormat
from bot.security.links import Links
from workers.reports.formats import render
from workers.reports.formats.pdf import content
from workers.reports.render import check_output, review_body

FIXTURES = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
TITLES = ("Nobody closes the file", "The page is not checked", "Empty input raises an error")


@st.composite
def found(draw: st.DrawFn) -> Finding:
    path = draw(st.sampled_from(["a.py", "b.py"]))
    category = draw(st.sampled_from(Category))
    quote = draw(st.sampled_from(["", "x = 1", "y = 2"]))
    source = draw(st.sampled_from(["llm", "llm", "ruff:F821", "ruff:S608", "secrets:aws"]))
    start = draw(st.integers(1, 6)) if source != "llm" else draw(st.sampled_from([None, 1, 2, 5]))
    return Finding(
        path=path,
        category=category,
        severity=draw(st.sampled_from(Severity)),
        title=draw(st.sampled_from(TITLES)),
        body=draw(st.sampled_from(["It fails.", "It fails where nobody looks at it."])),
        confidence=draw(st.floats(0.6, 1)),
        source=source,
        quote=quote,
        side=draw(st.sampled_from([Side.RIGHT, Side.RIGHT, Side.LEFT])),
        start_line=start,
        end_line=start,
        fingerprint=fingerprint(path, category if source == "llm" else source, quote),
        check=draw(st.sampled_from(CheckOutcome)),
    )


def places(report: Report) -> Counter[Severity]:
    totals: Counter[Severity] = Counter()
    for finding in report.findings:
        totals[finding.severity] += finding.occurrences
    return totals


@FIXTURES
@given(st.lists(found(), max_size=14), st.integers(0, 4))
def test_all_formats_count_alike(
    build: Callable[..., Report], scan: Scan, findings: Sequence[Finding], known: int
) -> None:
    """Whether as comments, lines, annotations, results or numbers."""
    quiet = replace(scan, evidence=(), reused_findings=(), files=())
    results = (BatchResult(findings=tuple(findings), model="m"),)
    posted = frozenset(f.fingerprint for f in findings[:known] if f.anchored)
    report = build(scan=quiet, results=results, posted_before=posted)
    totals = {severity: number for severity, number in places(report).items() if number}
    total = sum(totals.values())

    body = review_body(report, Links())
    head = body.split("<details", 1)[0]
    assert totals == {
        severity: int(match[1])
        for severity in Severity
        if (match := re.search(rf"(\d+) {severity}(?: ·|$)", head, re.MULTILINE))
    }
    listed = len(re.findall(r"^- [🔴🟠🟡🔵⚪] ", body, re.MULTILINE))
    full = len(re.findall(r"^[🔴🟠🟡🔵⚪] \*\*", body, re.MULTILINE))
    assert listed + full == len(report.findings)  # inline ones have a line too

    output = check_output(report, Links())
    spelled = ", ".join(f"{totals[each]} {each}" for each in Severity if each in totals)
    assert output.title.startswith(spelled or "No problems found")
    on_head = [at for finding in report.findings for at in finding.located if at.side is Side.RIGHT]
    assert len(output.annotations) == len(on_head)

    counts = json.loads(render(report, ReportFormat.JSON, Links()))["counts"]
    assert (counts["total"], sum(counts["severity"].values())) == (total, total)
    assert sum(counts["category"].values()) == total
    assert sum(counts["shown"].values()) == len(report.findings)
    assert (
        len(json.loads(render(report, ReportFormat.SARIF, Links()))["runs"][0]["results"]) == total
    )
    assert content(report, Links())["counts"] == [
        [severity, totals[severity]] for severity in Severity if severity in totals
    ]
    html = render(report, ReportFormat.HTML, Links()).decode()
    assert html.count("<article") == len(report.findings)
    also = [int(n) for n in re.findall(r"The same in (\d+) other", html)]
    assert html.count("<article") + sum(also) == total
    text = render(report, ReportFormat.MD, Links()).decode()
    assert len(re.findall(r"^[🔴🟠🟡🔵⚪] \*\*", text, re.MULTILINE)) == len(report.findings)


@FIXTURES
@given(st.lists(found(), max_size=14), st.integers(0, 3))
def test_nothing_that_was_found_is_lost(
    build: Callable[..., Report], scan: Scan, findings: Sequence[Finding], dismissed: int
) -> None:
    """Each is a finding, a place of one, named by one that says the same, or dropped with a
    reason."""
    quiet = replace(scan, evidence=(), reused_findings=(), files=())
    results = (BatchResult(findings=tuple(findings), model="m"),)
    unwanted = frozenset(f.fingerprint for f in findings[:dismissed])
    report = build(scan=quiet, results=results, dismissed=unwanted)
    dropped = {(item.path, item.title) for item in report.rejected}
    for finding in findings:
        assert any(_says(each, finding) for each in report.findings) or (
            any(path == finding.path for path, _ in dropped)
            and (finding.fingerprint in unwanted or finding.severity is Severity.INFO)
        )


def _says(reported: Finding, finding: Finding) -> bool:
    words = (
        reported.title,
        reported.body,
        *(place.description for place in reported.places),
    )
    return finding.path in {reported.path, *(place.path for place in reported.places)} and any(
        finding.title in text for text in words
    )
