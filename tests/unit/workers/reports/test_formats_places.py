"""Every format names the same findings at the same places, folded or not."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO, StringIO
from typing import Any, NamedTuple
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader
from rich.console import Console

from bot.domain.diff import Side
from bot.domain.fingerprint import fingerprint
from bot.domain.model import (
    BatchResult,
    Category,
    CheckOutcome,
    Finding,
    Place,
    Report,
    Scan,
    Severity,
    State,
)
from bot.domain.progress import Progress
from bot.domain.report_format import ReportFormat
from bot.github.urls import CodeLinks
from bot.security.links import Links
from bot.web.pages.review import PLACES, Filters, ReviewResults
from bot.web.pages.templates import page
from tests.support.tally import Tally
from workers.reports.formats import render
from workers.reports.formats.pdf import content
from workers.reports.formats.rdjson import rdjson
from workers.reports.formats.terminal import print_report
from workers.reports.formats.text import text
from workers.reports.rank import Shown, shown
from workers.reports.render import MAX_PLACES, check_output, comment_body, review_body

FIXTURES = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)
PATHS = ("a.py", "lib/b.py", "c d.go")
#: A place as formats write it: `path`, `path:3`, `path:3-5`; the page has a longer dash.
SPOT = re.compile(r"(a\.py|lib/b\.py|c d\.go)(?::(\d+)(?:[-\u2013](\d+))?)?")


class Spot(NamedTuple):
    """Where a finding is; without a line, or on the old side where a format has no such lines."""

    path: str
    start: int | None = None
    end: int | None = None


Spots = Counter[Spot]


@st.composite
def located(draw: st.DrawFn) -> Finding:
    """A finding of anybody, of any weight, anywhere, also at several places."""
    path = draw(st.sampled_from(PATHS))
    category = draw(st.sampled_from(Category))
    source = draw(st.sampled_from(["llm", "llm", "ruff:F821", "ruff:S608", "secrets:aws"]))
    quote = draw(st.sampled_from(["", "x = 1", "y = 2"]))
    start = draw(st.integers(1, 60))
    anchored = source != "llm" or draw(st.booleans())
    end = start + draw(st.integers(0, 2))
    places = draw(
        st.lists(
            st.builds(
                lambda path, line, side: Place(
                    path=path, start_line=line, end_line=line, side=side
                ),
                st.sampled_from(PATHS),
                st.integers(70, 99),
                st.sampled_from(Side),
            ),
            max_size=2 if anchored else 0,
        )
    )
    return Finding(
        path=path,
        category=category,
        severity=draw(st.sampled_from(Severity)),
        title=draw(st.sampled_from(["Nobody closes it", "The page is not checked"])),
        body="It fails.",
        confidence=draw(st.floats(0.1, 1)),
        source=source,
        quote=quote,
        side=draw(st.sampled_from([Side.LEFT, Side.RIGHT])),
        start_line=start if anchored else None,
        end_line=end if anchored else None,
        fingerprint=fingerprint(path, category if source == "llm" else source, quote),
        check=draw(st.sampled_from(CheckOutcome)),
        places=tuple(places),
    )


def _places(finding: Finding) -> tuple[Finding | Place, ...]:
    return (finding, *finding.places)


def everywhere(report: Report) -> Spots:
    """All places of a report, on both sides."""
    return Counter(
        Spot(at.path, at.start_line, at.end_line)
        for finding in report.findings
        for at in _places(finding)
    )


def on_head(report: Report) -> Spots:
    """The same for formats that know lines of the head alone."""
    return Counter(
        Spot(at.path, at.start_line, at.end_line) if at.side is Side.RIGHT else Spot(at.path)
        for finding in report.findings
        for at in _places(finding)
    )


def spots(text: str) -> Iterator[Spot]:
    for found in SPOT.finditer(text):
        start = int(found[2]) if found[2] else None
        yield Spot(found[1], start, int(found[3]) if found[3] else start)


class _Articles(HTMLParser):
    """What is within `<code>` outside of `<pre>` in the articles of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag in ("article", "code", "pre"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            self._open.remove(tag)

    def handle_data(self, data: str) -> None:
        if self._open == ["article", "code"]:
            self.texts.append(data)


def in_articles(html: str) -> Spots:
    return Counter(spot for text in _Articles(html).texts for spot in spots(text))


def in_spans(markdown: str) -> Spots:
    """Of code spans that hold nothing else."""
    return Counter(
        Spot(found[0], *found[1:])
        for span in re.findall(r"`([^`\n]+)`", markdown)
        for found in spots(span)
        if SPOT.fullmatch(span)
    )


def at(item: dict[str, object]) -> Spot:
    return Spot(str(item["path"]), *(item[name] for name in ("start_line", "end_line")))  # type: ignore[arg-type]


def of_json(report: Report) -> Spots:
    found = json.loads(render(report, ReportFormat.JSON, Links()))["findings"]
    return Counter(at(each) for item in found for each in (item, *item["places"]))


def of_sarif(report: Report) -> Spots:
    [run] = json.loads(render(report, ReportFormat.SARIF, Links()))["runs"]
    places = [result["locations"][0]["physicalLocation"] for result in run["results"]]
    regions = [(unquote(each["artifactLocation"]["uri"]), each.get("region")) for each in places]
    return Counter(
        Spot(path, region["startLine"], region["endLine"]) if region else Spot(path)
        for path, region in regions
    )


def of_rdjson(report: Report) -> Spots:
    found = json.loads(rdjson(report))["diagnostics"]
    lines = [(each["location"]["path"], each["location"].get("range")) for each in found]
    return Counter(
        Spot(path, there["start"]["line"], there["end"]["line"]) if there else Spot(path)
        for path, there in lines
    )


def of_pdf(report: Report) -> Spots:
    data = content(report, Links())
    assert not data["more_findings"]
    texts = [[each["place"], *(place for place, _ in each["places"])] for each in data["findings"]]
    return Counter(spot for text in texts for each in text for spot in spots(each))


def of_page(report: Report) -> Spots:
    found = ReviewResults(report=report, findings=report.findings, usage=report.usage)
    progress = Progress(state=State.COMPLETED, findings=report.total)
    # What else the page shows has no findings.
    values: dict[str, Any] = {
        "action_token": "",
        "request_id": "",
        "filters": Filters(),
        "severities": Severity,
        "categories": Category,
        "places": PLACES,
        "dismissed": lambda _: None,
        "review": report.review,
        "title": report.pull.title,
        "pull_url": report.pull.url,
        "review_url": "",
        "progress": progress,
        "form_token": "",
        "key": "",
        "heading": "Reviewed",
        "stages": [],
        "started": 1.0,
        "ended": 2.0,
        "now": 3.0,
        "superseded_by": "",
        "reports": {},
        "code": CodeLinks("https://github.example/o/r", "4f2a", "8888"),
        "feed": "",
        "after": "",
        "show_usage": False,
    }
    html = bytes(page("review.html", found=found, **values).body).decode()
    counted = re.search(r'id="findings-count">(\d+)<', html)
    assert counted
    assert int(counted[1]) == report.total
    return in_articles(html)


def of_markdown(report: Report) -> Spots:
    text = render(report, ReportFormat.MD, Links()).decode()
    return in_spans(text.partition("\n## What changed")[0])


def of_check_text(report: Report) -> Spots:
    return in_spans(check_output(report, Links()).text or "")


#: Formats, and what they have of a report.
EVERYWHERE: dict[str, Callable[[Report], Spots]] = {
    "json": of_json,
    "html": lambda report: in_articles(render(report, ReportFormat.HTML, Links()).decode()),
    "pdf": of_pdf,
    "page": of_page,
    "check run": of_check_text,
    "markdown": of_markdown,
}


def of_text(report: Report) -> Spots:
    lines = text(report).decode().splitlines()
    return Counter(next(spots(line)) for line in lines)


def of_terminal(report: Report) -> Spots:
    out = StringIO()
    print_report(report, Console(file=out, width=200))
    return Counter(spots(out.getvalue()))


ON_HEAD: dict[str, Callable[[Report], Spots]] = {"sarif": of_sarif, "rdjson": of_rdjson}
FIRST_LINES: dict[str, Callable[[Report], Spots]] = {"text": of_text, "terminal": of_terminal}


@FIXTURES
@given(st.lists(located(), max_size=12), st.integers(0, 3), st.integers(0, 3))
def test_every_format_has_the_same_findings_at_the_same_places(
    build: Callable[..., Report],
    scan: Scan,
    tally: Tally,
    findings: Sequence[Finding],
    known: int,
    dismissed: int,
) -> None:
    tally.at_least(folded=0.1, old=0.1, dismissed=0.05, open=0.02, unplaced=0.1, inline=0.1)
    quiet = replace(scan, evidence=(), reused_findings=(), files=())
    names = [finding.fingerprint for finding in findings]
    report = build(
        scan=quiet,
        results=(BatchResult(findings=tuple(findings), model="m"),),
        posted_before=frozenset(names[:known]),
        dismissed=frozenset(names[known : known + dismissed]),
    )
    where = [shown(finding, report) for finding in report.findings]
    tally.add(
        folded=any(finding.places for finding in report.findings),
        old=any(finding.side is Side.LEFT for finding in report.findings),
        dismissed=any(item.reason == "dismissed" for item in report.rejected),
        open=Shown.STILL_OPEN in where,
        unplaced=not all(finding.anchored for finding in report.findings),
        inline=Shown.INLINE in where,
    )
    assert not report.fingerprints.intersection(names[known : known + dismissed])
    whole, heads = everywhere(report), on_head(report)
    assert {name: read(report) for name, read in EVERYWHERE.items()} == dict.fromkeys(
        EVERYWHERE, whole
    )
    assert {name: read(report) for name, read in ON_HEAD.items()} == dict.fromkeys(ON_HEAD, heads)
    first = Counter(spot._replace(end=spot.start) for spot in heads.elements())
    assert {name: read(report) for name, read in FIRST_LINES.items()} == dict.fromkeys(
        FIRST_LINES, first
    )

    annotations = check_output(report, Links()).annotations
    assert Counter(Spot(each.path, each.start_line, each.end_line) for each in annotations) == {
        spot: number for spot, number in _with_lines(report, heads) if number
    }
    assert _posted(report) == _counted(report)


def _with_lines(report: Report, heads: Spots) -> Iterable[tuple[Spot, int]]:
    return ((spot, number) for spot, number in heads.items() if spot.start is not None)


def _posted(report: Report) -> Spots:
    """What the review on GitHub has: a finding with a line names its place and how many others
    there are, one in full and an inline comment name all of them."""
    body = review_body(report, Links())
    found: Spots = Counter()
    for line in body.splitlines():
        if line.startswith("- ") and (counted := re.search(r"and (\d+) other places?", line)):
            found[Spot("others")] += int(counted[1])
        if counted := re.match(r"The same in (\d+) other places?:", line):
            found[Spot("others")] += int(counted[1])
    full = re.sub(r"The same in \d+ other places?:\n\n(?:- .*\n)+", "", body)
    for line in full.splitlines():
        if line.startswith(("- 🔴", "- 🟠", "- 🟡", "- 🔵", "- ⚪", "`", "[`")):
            found += in_spans(line)
    for finding in report.findings:
        comment = comment_body(finding)
        named = in_spans(comment)
        assert named.total() == min(len(finding.places), MAX_PLACES)
    return found


def _counted(report: Report) -> Spots:
    own = Counter(Spot(each.path, each.start_line, each.end_line) for each in report.findings)
    others = sum(len(finding.places) for finding in report.findings)
    return own + Counter({Spot("others"): others})


@pytest.mark.variations(1)
@pytest.mark.parametrize("side", [Side.RIGHT, Side.LEFT])
def test_the_pdf_that_is_set_has_all_places(build: Callable[..., Report], side: Side) -> None:
    report = build()
    findings = [
        replace(
            report.findings[number % len(report.findings)],
            path=PATHS[number % 3],
            side=side,
            start_line=number + 1,
            end_line=number + 1,
            quote="",
            body="It fails.",
            places=(Place(path="lib/b.py", start_line=90 + number, end_line=90 + number),),
            looked_at=(),
        )
        for number in range(8)
    ]
    report = replace(report, findings=tuple(findings), files=(), skipped=(), notes=())
    pages = PdfReader(BytesIO(render(report, ReportFormat.PDF, Links()))).pages
    text = "\n".join(each.extract_text() for each in pages)
    found = Counter(spot for spot in spots(text) if spot.start is not None)
    assert found == everywhere(report)
