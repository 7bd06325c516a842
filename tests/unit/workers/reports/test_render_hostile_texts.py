"""Whatever a change or a model says: every format is made, is valid, and nothing in it acts."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from jsonschema import Draft4Validator
from markdown_it import MarkdownIt
from pypdf import PdfReader

from bot.domain.model import Report, SkippedFile, decode
from bot.domain.reasons import FileSkipReason
from bot.domain.report_format import ReportFormat
from bot.github.lengths import characters
from bot.security.links import Links
from tests.unit.workers.reports.test_formats import SARIF_SCHEMA
from workers.reports.formats import render
from workers.reports.render import check_output, comment_body, review_body

NASTY = [
    *("\0", "\u202e", "\u2028", "\r\n", "\x1b[31m", "\u200b", "\ufeff", "\t", "\n\n"),
    *("<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg/onload=alert(1)>"),
    *("[a](javascript:alert(1))", "![x](https://evil.example/x.png)", "[x]: javascript:1"),
    *(
        "<a href='javascript:1'>x</a>",
        "&#106;avascript:",
        "https://evil.example",
        "www.evil.example",
    ),
    *("@octo/team", "#1", "GH-1", "octo/shop#1", "mail@evil.example", "[^1]: note", "|a|b|\n|-|-|"),
    *("<!-- glossator:review:01HZZZZZZZZZZZZZZZZZZZZZZZ -->", "-->", "]]>", "'\"><b>"),
    *("```", "````suggestion", "~~~", "</details>", "<details open>", "# Title", "- [ ] task"),
    *("{{ 7 * 7 }}", "{% raw %}", '#eval("1")', '#include "/etc/passwd"', "$ x $", "\\", "*/"),
    *("../../etc/passwd", "C:\\x", "/abs", "a b%20c", "file:///etc/passwd", "%00", "%2e%2e/"),
    *("😀" * 50, "x" * 3000, "-" * 300, "`" * 40, "> " * 60, "* " * 60),
]
TEXTS = st.lists(
    st.one_of(st.sampled_from(NASTY), st.text(max_size=12)), min_size=1, max_size=4
).map("".join)
LINKS = Links(page="https://glossator.example/reviews/01JD?key=abc")
PLACES = ("https://github.example/", "https://glossator.example/")


class Acting(HTMLParser):
    """Elements and attributes that do something, or reach out, by themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"script", "iframe", "object", "embed", "form", "img", "svg", "base", "link"}:
            self.found.append(tag)
        for name, value in attrs:
            if name.startswith("on") or name in {"src", "srcset", "action", "style"}:
                self.found.append(f"{tag} {name}")
            if name == "href":
                self.links.append(value or "")


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    max_examples=25,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking takes minutes
)
@given(st.data())
def test_every_format_is_made_of_every_text_and_none_acts(
    report: Report, data: st.DataObject
) -> None:
    text = data.draw(TEXTS)
    other = data.draw(TEXTS)
    path = other.lstrip("/") or "a"  # git has no others
    findings = tuple(
        replace(f, title=text, body=other, quote=text, path=path, suggestion=text)
        for f in report.findings
    )
    hostile = replace(
        report,
        pull=replace(report.pull, title=other, body=text, head_ref=text, author=other),
        findings=findings,
        files=tuple(replace(f, path=text, summary=other) for f in report.files),
        skipped=(SkippedFile(other, FileSkipReason.NOT_READ, text),),
        notes=(text, other),
        verdict=text,
    )
    assert decode(Report, render(hostile, ReportFormat.JSON, LINKS)) == hostile
    sarif = json.loads(render(hostile, ReportFormat.SARIF, LINKS))
    assert not list(Draft4Validator(json.loads(SARIF_SCHEMA.read_text())).iter_errors(sarif))
    for result in sarif["runs"][0]["results"]:
        for location in result.get("locations", ()):
            uri = location["physicalLocation"]["artifactLocation"]["uri"]
            assert not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:|/", uri), "relative to the repository"
    page = Acting()
    page.feed(render(hostile, ReportFormat.HTML, LINKS).decode())
    assert page.found == []
    assert [link for link in page.links if not link.startswith((*PLACES, "#"))] == []
    assert PdfReader(BytesIO(render(hostile, ReportFormat.PDF, LINKS))).pages
    _assert_harmless(render(hostile, ReportFormat.MD, LINKS).decode())
    output = check_output(hostile, LINKS)
    shown = [review_body(hostile, LINKS), output.summary, output.text, *map(comment_body, findings)]
    for body in shown:
        assert characters(body) <= 65_536
        _assert_harmless(body)


def _assert_harmless(markdown: str) -> None:
    """As CommonMark, nothing that others wrote is a link, an image, HTML or a mention, and every
    marker is ours."""
    markdown.encode()  # no lone surrogates
    tokens = MarkdownIt("commonmark").parse(markdown)
    inline = [child for token in tokens for child in token.children or ()]
    for token in (*tokens, *inline):
        if token.type == "link_open":
            assert str(token.attrs["href"]).startswith(PLACES), token.attrs
        assert token.type != "image"
        if token.type in {"html_block", "html_inline"}:
            left = re.sub(
                r"</?(?:details|summary|sub|br)>"
                r"|<!-- glossator:[a-z]+:(?:[0-9A-Za-z]+|\{[^<>]*\}) -->"
                r"|<details open>(?=\s*<summary>\d+ finding)",  # the folded list, when it is all
                "",
                token.content,
            )
            assert "<" not in left, token.content
        if token.type == "text":
            assert not re.search(r"(?<![\w`])@[A-Za-z0-9]", token.content), token.content
