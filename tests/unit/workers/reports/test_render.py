"""What stands on GitHub, compared exactly, and the limits it keeps."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.config.repository_config import RepoConfig
from bot.config.settings import Forks
from bot.domain.commands import Verb
from bot.domain.model import (
    Category,
    CheckOutcome,
    CheckResult,
    Finding,
    PullRequest,
    Report,
    Severity,
    SkippedFile,
    State,
    Trigger,
)
from bot.domain.progress import Activity, Progress
from bot.domain.reasons import FileSkipReason
from bot.domain.team_checks import CheckMode, CheckStatus
from bot.github.lengths import characters, utf8_bytes
from bot.policy.start import Skip, cancelled_by, decide
from bot.security.links import Links
from workers.reports.render import (
    Ending,
    check_output,
    comment_body,
    failure_output,
    help_body,
    progress_output,
    reply_body,
    review_body,
    skipped_output,
)
from workers.reports.templates import code_links

Golden = Callable[[str, str], None]

LINKS = Links(
    page="https://glossator.example/reviews/01JD?key=abc",
    reports={"json": "https://glossator.example/j", "html": "https://glossator.example/h"},
    comments={"00000000000000c1": "https://github.example/octo/shop/pull/7#discussion_r1"},
)


def test_a_review_shows_the_verdict_and_collapses_the_rest(report: Report, golden: Golden) -> None:
    golden("review.md", review_body(report, LINKS))


def test_a_review_without_findings_is_two_lines_and_folds(report: Report, golden: Golden) -> None:
    silent = replace(report, findings=(), inline=(), still_open=(), verdict="No problems found.")
    golden("review-silent.md", review_body(silent, Links()))


@pytest.mark.parametrize("index", range(6))
def test_a_comment_explains_the_problem_and_suggests_the_change(
    index: int, report: Report, golden: Golden
) -> None:
    golden(f"comment-{index}.md", comment_body(report.findings[index], code_links(report)))


def test_the_check_run_lists_every_finding_and_annotates_those_on_the_head(
    report: Report, golden: Golden
) -> None:
    output = check_output(report, LINKS)
    golden("check.md", f"{output.title}\n\n{output.summary}\n\n{output.text}")
    assert [(a.path, a.start_line, a.level) for a in output.annotations] == [
        ("shop/search.py", 14, "failure"),
        ("shop/orders.py", 21, "warning"),
        ("shop/search.py", 33, "warning"),
        ("shop/stock.py", 9, "warning"),
        ("shop/orders.py", 3, "notice"),
        ("shop/search.py", 14, "warning"),
    ]


@pytest.mark.parametrize(
    "progress",
    [
        Progress(state=State.QUEUED),
        Progress(state=State.SCANNING, percent=10, activity=Activity.CLONING),
        Progress(state=State.ANALYZING, percent=42, files_total=12, files_done=5, findings=3),
        Progress(state=State.REPORTING, percent=95, files_total=12, files_done=12, findings=3),
    ],
    ids=lambda progress: progress.state.value,
)
def test_progress_is_a_bar_and_the_stages(progress: Progress, golden: Golden) -> None:
    output = progress_output(progress, LINKS)
    golden(f"progress-{progress.state}.md", f"{output.title}\n\n{output.summary}")


@pytest.mark.parametrize(
    ("ending", "sentence"),
    [
        (Ending.FAILED, "GitHub refused the clone: give the App read access to the contents."),
        (Ending.TIMED_OUT, "The review was not done after 60 minutes."),
        (Ending.CANCELLED, cancelled_by("@mona")),
        (Ending.SUPERSEDED, "Commit `1234567` was pushed while this one was read."),
    ],
)
def test_each_early_ending_has_its_message(ending: Ending, sentence: str, golden: Golden) -> None:
    output = failure_output(ending, sentence, LINKS)
    golden(f"ending-{ending}.md", f"{output.title}\n\n{output.summary}")


def test_a_skipped_pull_request_states_why(pull: PullRequest, golden: Golden) -> None:
    decision = decide(
        replace(pull, draft=True),
        RepoConfig(),
        Trigger.OPENED,
        repository="octo/shop",
        max_files=40,
        forks=Forks.REVIEW,
        paused=False,
        changed_paths=None,
    )
    assert isinstance(decision, Skip)
    output = skipped_output(decision)
    golden("skipped.md", f"{output.title}\n\n{output.summary}")


def test_help_names_every_command(golden: Golden) -> None:
    text = help_body(99)
    golden("help.md", text)
    for word in (*Verb, *Category):
        assert f"`/review {word}" in text or f"`{word}`" in text or word is Verb.REVIEW


def test_an_answer_carries_its_marker_and_does_nothing_else() -> None:
    assert reply_body(99, "@mona: `deploy` is not a command, see #1.") == (
        "<!-- glossator:reply:99 -->\n`@mona`: `deploy` is not a command, see `#1`."
    )


def test_a_body_that_would_be_too_long_drops_what_ranks_lowest_and_states_how_many(
    report: Report,
) -> None:
    many = tuple(
        replace(
            report.findings[1],
            severity=Severity.HIGH,
            title=f"Number {number}",
            body="🙂 & <b> 中文 " * 300,
            fingerprint=f"{number:016x}",
        )
        for number in range(200)
    )
    long = replace(
        report,
        findings=many,
        inline=(),
        still_open=(),
        skipped=tuple(SkippedFile(f"vendor/{n}.js", FileSkipReason.VENDORED) for n in range(3000)),
    )
    body = review_body(long, LINKS)
    output = check_output(long, LINKS)
    assert characters(body) <= 65_536
    assert max(utf8_bytes(output.summary), utf8_bytes(output.text)) <= 65_535
    assert "Number 0" in body
    assert "Number 199" not in body
    left = 200 - body.count("**Number ")
    assert f"…and {left} more: [see the full review]({LINKS.page})" in body
    assert "Skipped: 3,000 files" in body


@pytest.mark.parametrize("where", ["still_open", "folded"])
def test_findings_are_listed_up_to_the_size_limit(where: str, report: Report) -> None:
    one = replace(report.findings[2], check=CheckOutcome.UNDECIDED, places=())
    many = tuple(
        replace(one, title=f"Number {n} " + "& " * 99, fingerprint=f"{n:016x}") for n in range(500)
    )
    names = tuple(finding.fingerprint for finding in many) if where == "still_open" else ()
    body = review_body(replace(report, findings=many, inline=(), still_open=names), LINKS)
    assert characters(body) <= 65_536
    listed = body.count("Number ")
    assert 50 < listed < 500
    assert f"- …and {500 - listed} more" in body
    heading = "500 earlier findings still open" if names else "Also noticed: 500,"
    assert heading in body


def test_a_finding_without_a_line_shows_its_code(report: Report) -> None:
    loose = replace(report.findings[1], quote="import shop.legacy\nimport os")
    body = review_body(replace(report, findings=(loose,), inline=(), still_open=()), Links())
    assert "```\nimport shop.legacy\nimport os\n```" in body
    unsure = replace(loose, check=CheckOutcome.UNDECIDED)
    body = review_body(replace(report, findings=(unsure,), inline=(), still_open=()), Links())
    assert "[`shop/legacy.py`](" in body
    assert "`import shop.legacy`" in body
    assert "not confirmed" in body


def test_a_comment_that_github_refused_is_in_the_body_in_full(report: Report) -> None:
    first = report.findings[0]
    refused = replace(report, inline=report.inline[1:])
    assert first.body.split()[0] not in review_body(refused, LINKS)
    body = review_body(refused, LINKS, in_full=(first.fingerprint,))
    assert first.body.split()[0] in body
    assert "2 findings without an inline comment" in body


def test_the_title_counts_the_checks_that_did_not_pass(report: Report) -> None:
    names = {
        CheckStatus.FAILED: 2,
        CheckStatus.COULD_NOT_TELL: 1,
        CheckStatus.PASSED: 1,
        CheckStatus.DID_NOT_APPLY: 1,
    }
    checks = tuple(
        CheckResult(name="x", mode=CheckMode.FAIL, status=status)
        for status, count in names.items()
        for _ in range(count)
    )
    clean = replace(report, findings=(), skipped=(), checks=checks)
    assert check_output(clean, LINKS).title == "2 checks failed, 1 check not judged"
    skipped = (SkippedFile("poetry.lock", FileSkipReason.LOCK_FILE),)
    unread = replace(clean, reviewed=0, skipped=skipped, checks=checks[:1])
    assert check_output(unread, LINKS).title == "Nothing was reviewed · 1 check failed"


def test_an_incomplete_review_says_so_first(report: Report) -> None:
    partly = replace(report, complete=False, findings=(), inline=(), still_open=())
    assert check_output(partly, LINKS).title == "Partly reviewed · no problems found"
    partly = replace(report, complete=False)
    title = check_output(partly, LINKS).title
    assert title == "Partly reviewed · 1 critical, 1 high, 4 medium, 1 low"
    assert "Score" not in review_body(partly, LINKS)


def test_many_notes_leave_space_for_findings(report: Report) -> None:
    noted = replace(report, notes=tuple(f"{n} {'<é' * 300}" for n in range(200)), inline=())
    body, output = review_body(noted, LINKS), check_output(noted, LINKS)
    assert characters(body) <= 65_536
    assert utf8_bytes(output.summary) <= 65_535
    assert body.count("- …and 185 more notes") == output.summary.count("- …and 185 more notes") == 1
    assert report.findings[0].title in body


def test_a_suggestion_is_fenced_longer_than_the_backticks_in_it(one: Finding) -> None:
    body = comment_body(replace(one, suggestion='text = """\n````\n"""'))
    assert '`````suggestion\ntext = """\n````\n"""\n`````' in body


def test_a_suggestion_that_removes_the_lines_has_no_line(one: Finding) -> None:
    assert "```suggestion\n```" in comment_body(replace(one, suggestion=""))


def test_a_suggestion_with_hidden_characters_has_no_button(one: Finding) -> None:
    body = comment_body(replace(one, suggestion="if admin:\u202e pass"))
    assert "```suggestion" not in body
    assert "if admin:\\u{202E} pass" in body


def test_a_suggestion_containing_a_bot_marker_has_no_apply_button(
    one: Finding,
) -> None:
    body = comment_body(replace(one, suggestion='MARK = "<!-- glossator:review:1 -->"'))
    assert "```suggestion" not in body
    assert '"<! -- glossator:review:1 -->"' in body


def test_a_suggestion_that_does_not_apply_is_dropped(one: Finding) -> None:
    body = comment_body(replace(one, suggestion="x = 1\n" * 20_000))
    assert characters(body) <= 65_536
    assert "suggestion" not in body
    assert one.title in body
