"""The report's downloads: valid, whole, self-contained, and harmless with hostile text."""

import io
import json
import os
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import pytest
from jsonschema import Draft4Validator, Draft202012Validator
from pydantic import TypeAdapter, ValidationError
from pypdf import PageObject, PdfReader
from rich.console import Console

from bot.domain.diff import Side
from bot.domain.model import CheckResult, Finding, Place, Report, SkippedFile, decode, encode
from bot.domain.reasons import FileSkipReason
from bot.domain.report_format import ReportFormat
from bot.domain.team_checks import CheckMode, CheckStatus
from bot.security.links import Links
from templates.languages import Language, speaking
from workers.reports.formats import render, render_as
from workers.reports.formats.as_json import CountedReport
from workers.reports.formats.terminal import print_report
from workers.reports.render import comment_body

ROOT = Path(__file__).parents[4]
SCHEMA = ROOT / "docs" / "report.schema.json"
SARIF_SCHEMA = ROOT / "tests" / "data" / "sarif" / "sarif-2.1.0.schema.json"
LINKS = Links(page="https://glossator.example/reviews/01JD?key=abc")
HOSTILE = (
    '<script>alert(1)</script><img src="https://evil.example/x"> ![p](https://evil.example) '
    '@mona #panic("x") $ #import "/etc/passwd" \u202e `raw` **b** */ // \\ "'
)


@pytest.fixture
def hostile(report: Report) -> Report:
    """Every text that others choose is hostile."""
    findings = tuple(
        replace(f, title=HOSTILE, body=HOSTILE, quote=HOSTILE, path=HOSTILE, suggestion=HOSTILE)
        for f in report.findings
    )
    return replace(
        report,
        findings=findings,
        pull=replace(report.pull, title=HOSTILE, head_ref=HOSTILE),
        files=tuple(replace(f, path=HOSTILE, summary=HOSTILE) for f in report.files),
        skipped=(SkippedFile(HOSTILE, FileSkipReason.NOT_READ, HOSTILE),),
        notes=(HOSTILE,),
        models=(HOSTILE,),
    )


class Tags(HTMLParser):
    """The tags of a page, and the addresses that it loads or links."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src")]


def test_json_matches_the_published_schema(report: Report) -> None:
    schema = TypeAdapter(CountedReport).json_schema(mode="serialization")
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    if os.environ.get("UPDATE_GOLDEN") == "1":
        SCHEMA.write_text(json.dumps(schema, indent=2) + "\n", encoding="utf-8")
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == schema, "UPDATE_GOLDEN=1 rewrites"
    data = render(report, ReportFormat.JSON, LINKS)
    Draft202012Validator(schema).validate(json.loads(data))
    assert decode(Report, data) == report


def test_json_counts_the_findings_of_each_kind(report: Report) -> None:
    counts = json.loads(render(report, ReportFormat.JSON, LINKS))["counts"]
    assert counts["severity"] == {"critical": 1, "high": 1, "medium": 4, "low": 1, "info": 0}
    assert counts["total"] == 7, "one is at two places"
    assert counts["shown"] == {"inline": 3, "still_open": 1, "body": 1, "folded": 1}
    assert counts["category"] == {
        "security": 1,
        "correctness": 3,
        "performance": 1,
        "maintainability": 1,
        "quality": 1,
    }
    # The LLM and ruff found the same one.
    assert counts["source"] == {"llm": 6, "ruff": 2}


def test_json_tells_where_each_finding_is_shown_and_why(report: Report) -> None:
    findings = json.loads(render(report, ReportFormat.JSON, LINKS))["findings"]
    assert [(each["shown"], each["rank"]) for each in findings] == [
        ("inline", 125.0),
        ("body", 17.8),
        ("inline", 15.8),
        ("still_open", 15.8),
        ("inline", 7.0),
        ("folded", 5.6),
    ]
    first, _, third, *_ = findings
    assert first["trace"].endswith("every order")
    assert first["looked_at"][0]["description"] == "definition of `execute`"
    assert (first["check"], first["agreement"]) == ("confirmed", 2)
    assert third["places"][0]["path"] == "shop/search.py"


def test_json_of_nothing_found_names_no_source(report: Report) -> None:
    counts = json.loads(render(replace(report, findings=()), ReportFormat.JSON, LINKS))["counts"]
    assert counts["source"] == {}
    assert set(counts["category"].values()) == {0}


def test_people_read_by_whom_and_of_what_kind_several_findings_are(report: Report) -> None:
    def texts(report: Report) -> list[str]:
        pages = PdfReader(BytesIO(render(report, ReportFormat.PDF, LINKS))).pages
        pdf = " ".join(pages[0].extract_text().split())
        return [
            render(report, ReportFormat.MD, LINKS).decode(),
            render(report, ReportFormat.HTML, LINKS).decode(),
            pdf,
        ]

    for text in texts(report):
        assert "1 security, 3 correctness, 1 performance, 1 maintainability" in text
        assert "6 LLM, 2 ruff" in text
    for text in texts(replace(report, findings=report.findings[:1])):
        assert "By source" not in text, "one finding says it itself"


@pytest.mark.parametrize("deep", ["> " * 60, "- " * 60, "*a **b " * 60, "1. " * 60])
def test_what_nests_deeply_is_set_flat_in_a_pdf(report: Report, deep: str) -> None:
    body = f"{deep}the end" + (" c** d*" * 60 if deep.startswith("*") else "")
    findings = tuple(replace(f, body=body) for f in report.findings)
    pages = PdfReader(
        BytesIO(render(replace(report, findings=findings), ReportFormat.PDF, LINKS))
    ).pages
    assert pages


def test_markdown_lists_everything(report: Report, golden: Callable[[str, str], None]) -> None:
    golden("report.md", render(report, ReportFormat.MD, LINKS).decode().removesuffix("\n"))


def test_sarif_is_valid_and_names_rule_place_and_fingerprint(
    report: Report, hostile: Report
) -> None:
    validator = Draft4Validator(json.loads(SARIF_SCHEMA.read_text(encoding="utf-8")))
    validator.validate(json.loads(render(hostile, ReportFormat.SARIF, LINKS)))
    log = json.loads(render(report, ReportFormat.SARIF, LINKS))
    validator.validate(log)
    first = log["runs"][0]["results"][0]
    assert first["ruleId"] == "ruff:S608"
    assert first["level"] == "error"
    assert first["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "shop/search.py", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 14, "endLine": 15},
    }
    name = report.findings[0].fingerprint
    assert first["partialFingerprints"] == {
        "glossator/v1": name,
        "primaryLocationLineHash": f"{name}:1",
    }
    rules = log["runs"][0]["tool"]["driver"]["rules"]
    assert [rules[result["ruleIndex"]]["id"] for result in log["runs"][0]["results"]] == [
        result["ruleId"] for result in log["runs"][0]["results"]
    ]


CHECKS = (
    CheckResult(
        name="Migrations have a rollback",
        mode=CheckMode.FAIL,
        status=CheckStatus.FAILED,
        reason="The table cannot be brought back.",
        places=(Place(path="db/2.sql", start_line=4, end_line=4, description="Drops the orders."),),
    ),
    CheckResult(
        name="Errors are logged",
        mode=CheckMode.WARN,
        status=CheckStatus.COULD_NOT_TELL,
        reason="The logger is configured elsewhere.",
    ),
    CheckResult(name="Docs are in English", mode=CheckMode.WARN, status=CheckStatus.DID_NOT_APPLY),
)


def test_each_check_of_the_team_is_in_every_format_for_people(report: Report) -> None:
    report = replace(report, checks=CHECKS, findings=())
    console = Console(file=io.StringIO(), width=200)
    print_report(report, console)
    assert isinstance(console.file, io.StringIO)
    pages = PdfReader(BytesIO(render(report, ReportFormat.PDF, LINKS))).pages
    texts = {
        "terminal": console.file.getvalue(),
        "pdf": " ".join(" ".join(page.extract_text().split()) for page in pages),
        "html": render(report, ReportFormat.HTML, LINKS).decode(),
        "markdown": render_as(report, "markdown").decode(),
    }
    for form, text in texts.items():
        for check in CHECKS:
            for words in (check.name, check.reason, check.status_text):
                assert words in text, (form, words)
        assert "db/2.sql:4" in text, form
        assert "Drops the orders." in text, form
    assert 'class="verdict incomplete"' in texts["html"]
    data = json.loads(render(report, ReportFormat.JSON, LINKS))
    assert [check["status"] for check in data["checks"]] == [
        "failed",
        "could_not_tell",
        "did_not_apply",
    ]
    assert data["checks"][0]["places"][0]["path"] == "db/2.sql"


def test_sarif_links_nowhere(report: Report) -> None:
    """Messages hold links even as plain text: SARIF 2.1.0, 3.11.6."""
    body = "[sign in](https://evil.example) or [here](3)"
    linking = replace(report, findings=(replace(report.findings[0], body=body),))
    message = json.loads(render(linking, ReportFormat.SARIF, LINKS))["runs"][0]["results"][0][
        "message"
    ]
    assert "](" not in message["text"] + message["markdown"]
    assert "sign in" in message["text"]


def test_the_page_of_a_rule_is_a_link_and_that_of_no_other_address_is(report: Report) -> None:
    page = "https://docs.astral.sh/ruff/rules/undefined-name"
    by_rule = replace(report.findings[0], source="ruff:F821", url=page)
    linked = replace(report, findings=(by_rule,))
    assert json.loads(_of(ReportFormat.JSON, linked))["findings"][0]["url"] == page
    (rule,) = json.loads(_of(ReportFormat.SARIF, linked))["runs"][0]["tool"]["driver"]["rules"]
    assert rule["helpUri"] == page
    assert f'<a href="{page}">about this rule</a>' in _of(ReportFormat.HTML, linked)
    for text in (comment_body(by_rule), _of(ReportFormat.MD, linked)):
        assert f"[about this rule]({page})" in text
    for address in ("", "http://a.b/", "https://a.b/)[x](//c.d/", "javascript:a", f"{page}\n"):
        assert "about this rule" not in comment_body(replace(by_rule, url=address))
    for address in ("http://a.b/", "https://a.b/?q=<x>", f"{page}\n"):
        with pytest.raises(ValidationError):
            decode(Finding, json.dumps(json.loads(encode(by_rule)) | {"url": address}))


def _of(kind: ReportFormat, report: Report) -> str:
    return render(report, kind, LINKS).decode()


def test_sarif_gives_no_line_of_the_old_side(report: Report) -> None:
    removed = replace(report, findings=(replace(report.findings[0], side=Side.LEFT),))
    result = json.loads(render(removed, ReportFormat.SARIF, LINKS))["runs"][0]["results"][0]
    assert "region" not in result["locations"][0]["physicalLocation"]


def test_html_lists_every_finding_and_loads_nothing(report: Report, hostile: Report) -> None:
    page = render(report, ReportFormat.HTML, LINKS).decode()
    for finding in report.findings:
        assert f"{finding.path}:{finding.start_line}" in page or not finding.anchored
    assert "to fix before merging" in page
    assert '<span class="k' in page, "code is highlighted"
    for text in (page, render(hostile, ReportFormat.HTML, LINKS).decode()):
        tags = Tags()
        tags.feed(text)
        assert not {"script", "img", "link", "iframe", "object", "form"} & set(tags.tags)
        code = report.pull.url.replace("/pull/12", "/blob/")
        outside = {
            address for address in tags.addresses if not address.startswith(("#finding-", code))
        }
        assert outside == {report.pull.url, LINKS.page}
        assert "\u202e" not in text
        assert "url(" not in text


def test_pdf_has_real_text_an_outline_and_every_script(report: Report) -> None:
    title = "中文 日本語 한국어 and 😀"
    found = (*report.findings, replace(report.findings[0], title=title, fingerprint="f" * 16))
    many = replace(report, findings=found)
    data = render(many, ReportFormat.PDF, LINKS)
    reader = PdfReader(io.BytesIO(data))
    text = "\n".join(page.extract_text() for page in reader.pages)
    for words in (
        "Contents",
        "to fix before merging",
        "db.execute",
        "中文",
        "日本語",
        "한국어",
        "😀",
    ):
        assert words in text
    headings = [str(item.title) for item in reader.outline if not isinstance(item, list)]
    assert headings == ["Findings", "What changed", "Skipped", "About this review"]
    assert data == render(many, ReportFormat.PDF, LINKS), "the same report gives the same bytes"


def test_pdf_sets_hostile_text_as_text(hostile: Report) -> None:
    reader = PdfReader(io.BytesIO(render(hostile, ReportFormat.PDF, LINKS)))
    text = "".join(page.extract_text() for page in reader.pages)
    assert '#panic("x")' in text
    links = [
        annotation.get_object().get("/A", {}).get("/URI", "")
        for page in reader.pages
        for annotation in page.get("/Annots", [])
    ]
    assert not [link for link in links if "evil" in link]


@pytest.mark.parametrize("deep", ["> " * 18, "> - " * 6, "> " * 14 + "```\n" + "> " * 14])
def test_pdf_holds_text_that_is_nested_too_deep_for_the_typesetter(
    report: Report, deep: str
) -> None:
    nested = replace(report.findings[0], body=f"{deep}the innermost words")
    data = render(replace(report, findings=(nested,)), ReportFormat.PDF, LINKS)
    assert "innermost" in "".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages)


@pytest.mark.parametrize(
    ("number", "size"), [pytest.param(2_000, 10, marks=pytest.mark.slow), (100, 8_000)]
)
def test_pdf_includes_what_fits_and_states_how_many_more(
    report: Report, number: int, size: int
) -> None:
    """Typst took 3 GB for ten thousand findings, and for a hundred that quote much code."""
    code = ("x = f(y)\n" * size)[:size]
    one = replace(report.findings[0], quote=code, suggestion=code)
    many = replace(report, findings=(one,) * number, files=report.files[:1] * number)
    reader = PdfReader(io.BytesIO(render(many, ReportFormat.PDF, LINKS)))
    assert len(reader.pages) < 300
    text = "".join(page.extract_text() for page in reader.pages)
    more = re.search(r"…and ([\d,]+) more findings, listed", text)
    assert more
    assert 0 < int(more[1].replace(",", "")) < number
    assert ("1,700 more files" in text) == (number == 2_000)


def test_every_format_is_rendered_and_has_a_type_and_label_of_its_own(report: Report) -> None:
    assert all(render(report, form, LINKS) for form in ReportFormat)
    assert len({form.media_type for form in ReportFormat}) == len(ReportFormat)
    assert len({form.label for form in ReportFormat}) == len(ReportFormat)


def test_a_format_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="docx"):
        ReportFormat("docx")


@pytest.mark.parametrize(
    ("language", "font", "heading"),
    [
        (Language.JAPANESE, "KurintoSansJP", "変更内容"),
        (Language.CHINESE_SIMPLIFIED, "KurintoSansSC", "变更内容"),
    ],
)
def test_pdf_sets_han_characters_as_the_language_writes_them(
    report: Report, language: Language, font: str, heading: str
) -> None:
    titled = replace(report, pull=replace(report.pull, title="直す"))
    with speaking(language):
        pages = PdfReader(io.BytesIO(render(titled, ReportFormat.PDF, LINKS))).pages
    text = "".join(page.extract_text() for page in pages)
    assert heading in text
    fonts = {name for page in pages for name in _fonts(page)}
    assert any(font in name.replace(" ", "").replace("-", "") for name in fonts), fonts
    others = {"KurintoSansJP", "KurintoSansSC"} - {font}
    assert not any(other in name.replace("-", "") for other in others for name in fonts), fonts


def _fonts(page: PageObject) -> list[str]:
    fonts = page["/Resources"]["/Font"].get_object()  # type: ignore[index]
    return [str(font.get_object()["/BaseFont"]) for font in fonts.values()]
