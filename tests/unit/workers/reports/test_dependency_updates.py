"""What a dependency bot's pull request does, and nothing of its names takes effect."""

from dataclasses import replace

import pytest

from bot.config.repository_config import RepoConfig
from bot.config.settings import FailOn, Settings, load
from bot.domain.model import (
    LLM_SOURCE,
    Advisory,
    DependencyChange,
    PullRequestContext,
    Report,
    Scan,
    Severity,
)
from bot.domain.report_format import ReportFormat
from bot.security.links import Links
from tests.security.markdown_safety import faults
from workers.reports.dependency_updates import as_update_report
from workers.reports.formats import render
from workers.reports.render import check_output, review_body

OLD = Advisory(id="GHSA-cccc-cccc-cccc", severity=Severity.LOW, summary="Old")
NEW = Advisory(id="GHSA-ffff-ffff-ffff", severity=Severity.HIGH, summary="New")
HOSTILE = (
    "`</code><script>alert(1)</script> @mona [x](https://evil.example) <!-- glossator:review -->"
)


@pytest.fixture
def settings() -> Settings:
    return load(_env_file=None, llm_model="m")


def changed(
    name: str, version: str, *known: Advisory, added: bool, license: str = ""
) -> DependencyChange:
    return DependencyChange(
        manifest="go.mod",
        ecosystem="go",
        name=name,
        version=version,
        added=added,
        license=license,
        advisories=known,
    )


def told(
    report: Report,
    settings: Settings,
    *changes: DependencyChange,
    config: RepoConfig | None = None,
    **more: object,
) -> Report:
    scan = Scan(
        merge_base="b",
        pr_context=PullRequestContext(title="t", body=""),
        files=(),
        skipped=(),
        evidence=(),
        **{"dependencies": changes, **more},  # type: ignore[arg-type]
    )
    empty = replace(report, findings=(), inline=(), still_open=())
    return as_update_report(empty, scan, settings, config or RepoConfig())


def test_each_package_has_a_line_the_worst_first(report: Report, settings: Settings) -> None:
    done = told(
        report,
        settings,
        changed("gone", "1", OLD, added=False),
        changed("kept", "1", OLD, added=False, license="MIT"),
        changed("kept", "2", OLD, NEW, added=True, license="GPL"),
        changed("fresh", "3", added=True),
        changed("same", "1", added=False),
        changed("same", "1", added=True),
    )
    assert done.update_summary is not None
    assert [update.text for update in done.update_summary.updates] == [
        "`kept` 1 → 2 (`go.mod`); brings GHSA-ffff-ffff-ffff (high: New); license MIT → GPL",
        "`gone` 1 removed (`go.mod`); fixes GHSA-cccc-cccc-cccc (low: Old)",
        "`fresh` 3 added (`go.mod`)",
    ]
    assert (done.complete, done.conclusion) == (True, "success")
    assert LLM_SOURCE in done.failed_sources


def test_what_is_not_known_or_not_read_is_not_called_fine(
    report: Report, settings: Settings
) -> None:
    gate = RepoConfig(fail_on=FailOn.HIGH, fail_incomplete=True)
    change = changed("a", "2", added=True)
    nothing = told(report, settings, config=gate)
    more = told(report, settings, change, config=gate, unrelated_paths=("x.py",))
    failed = told(report, settings, change, config=gate, failed_sources=("dependencies",))
    assert [each.complete for each in (nothing, more, failed)] == [False] * 3
    assert [each.conclusion for each in (nothing, more, failed)] == ["failure"] * 3
    assert nothing.verdict == "Which dependencies this pull request changes is not known."
    unknown = told(report, settings, dependencies=None, declared=(change,))
    assert "GitHub did not tell which vulnerabilities" in unknown.verdict


def test_names_of_packages_do_nothing(report: Report, settings: Settings) -> None:
    bad = replace(NEW, id=HOSTILE, summary=HOSTILE)
    change = replace(changed(HOSTILE, HOSTILE, bad, added=True), manifest=HOSTILE)
    done = told(report, settings, change, unrelated_paths=(HOSTILE,))
    summary = check_output(done, Links()).summary
    for text in (review_body(done, Links()), summary):
        code = done.pull.url.partition("/pull/")[0]
        assert faults(text, our_url="none://", limit=65_536, code_url=code) == []
        assert "alert(1)" in text
    assert "It also changes" in render(done, ReportFormat.MD, Links()).decode()
    page = render(done, ReportFormat.HTML, Links()).decode()
    assert "<script>" not in page
    assert 'href="https://evil' not in page
