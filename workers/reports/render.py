"""A report, a finding or a review's progress as what GitHub shows (pure).

Every word stands in a template; what comes from outside passes its filters.
"""

from collections import defaultdict
from collections.abc import Sequence
from enum import StrEnum

from bot.domain.model import Finding, Report, Severity, SkippedFile, State, Suppression
from bot.domain.progress import Progress
from bot.github.checks import OUTPUT_BYTES, Annotation, CheckOutput
from bot.policy.start import Skip
from bot.security.links import Links
from bot.text.invisible_characters import show_hidden
from workers.reports.lengths import byte_length, cut, github_length
from workers.reports.sanitize import is_shown_as_is
from workers.reports.templates import render, source
from workers.reports.truncate import Length, Truncated, size, truncate
from workers.reports.verdict import counts, plural

#: "body is too long (maximum is 65536 characters)": reviews and comments.
BODY_CHARACTERS = 65_536
#: More lines of a walkthrough nobody reads; the report has them all.
_MAX_FILES = 100
#: Notes told: there may be some for each batch, and findings need the room; the report has all.
_MAX_NOTES = 15
#: Paths named of those that were left out for one reason; the report has them all.
_MAX_PATHS = 5
_LEVELS = {Severity.CRITICAL: "failure", Severity.HIGH: "failure", Severity.MEDIUM: "warning"}


class Ending(StrEnum):
    """Why a review ended without a report; each has a template in `templates/check`."""

    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"


def review_marker(review_id: str) -> str:
    """The first line of a review's body, by which it is found again."""
    return f"<!-- glossator:review:{review_id} -->"


def finding_marker(fingerprint: str) -> str:
    """The first line of a finding's comment, by which it is found again."""
    return f"<!-- glossator:finding:{fingerprint} -->"


def reply_marker(comment_id: int, question: int | None = None) -> str:
    """The first line of our answer to a comment, by which it is found again; to a question in
    it, counted by the commands of the comment, if one is given."""
    part = "" if question is None else f":{question}"
    return f"<!-- glossator:reply:{comment_id}{part} -->"


def help_body(comment_id: int, suppressions: Sequence[Suppression] = (), text: str = "") -> str:
    """The answer to `/review help`: every command, one a line, and what the repository taught.
    `text` is Markdown on what else the comment asked for."""
    marker = reply_marker(comment_id)
    return render("comment/help.md.j2", marker=marker, suppressions=suppressions, text=text)


def reply_body(comment_id: int, text: str, question: int | None = None) -> str:
    """A short answer to a comment; `text` is Markdown and may quote what others wrote."""
    marker = reply_marker(comment_id, question)
    return render("comment/reply.md.j2", marker=marker, text=text)


def review_body(report: Report, links: Links) -> str:
    """The body of the one review, at most 65,536 characters; findings posted inline are counted
    there, those that stand on their lines since earlier named, all others told."""
    with_comment = {*report.inline, *report.still_open}
    shown_findings = [f for f in report.findings if f.fingerprint not in with_comment]
    standing = [f for f in report.findings if f.fingerprint in report.still_open]
    return _body(
        "review/body.md.j2", report, links, shown_findings, BODY_CHARACTERS, github_length, standing
    )


def dismissal_message(report: Report) -> str:
    """Why our earlier requests for changes are taken back."""
    return render("review/lifted.md.j2", report=report)


def comment_body(finding: Finding) -> str:
    """The comment on a finding's lines, at most 65,536 characters. A suggestion with hidden
    characters or a marker of ours is shown without the button, as it is shown changed; one that
    does not fit is left out."""
    values = {
        "finding": finding,
        "marker": finding_marker(finding.fingerprint),
        "info": "suggestion" if is_shown_as_is(finding.suggestion or "") else "",
    }
    body = render("review/comment.md.j2", suggestion=finding.suggestion, **values)
    if github_length(body) > BODY_CHARACTERS:
        body = render("review/comment.md.j2", suggestion=None, **values)
    return body


def check_output(report: Report, links: Links) -> CheckOutput:
    """The completed check run: counts as title, the walkthrough as summary, every finding as
    text and, where it stands on lines of the head, as annotation."""
    limit = OUTPUT_BYTES, byte_length
    return CheckOutput(
        title=_title(report),
        summary=_body("check/summary.md.j2", report, links, [], *limit),
        text=_body("check/text.md.j2", report, links, list(report.findings), *limit),
        annotations=tuple(_annotation(f) for f in report.findings if _on_head(f)),
    )


def _title(report: Report) -> str:
    if report.nothing_reviewed:
        return "Nothing was reviewed"
    found = ", ".join(f"{number} {severity}" for severity, number in counts(report.findings))
    if not report.complete:
        found = f"Not all was read · {found or 'no problems found in the rest'}"
    silence = "No problems found" + (" in what was reviewed" if report.skipped else "")
    return f"{found or silence} · score {report.score}"


def progress_output(progress: Progress, links: Links) -> CheckOutput:
    """The check run while the review is under way: a progress bar and the stages."""
    title = progress.status_text
    if progress.state is State.ANALYZING and progress.files_total:
        title = f"Reading: {progress.files_done} of {plural(progress.files_total, 'file')}"
    filled = round(progress.percent / 5)
    summary = render(
        "check/progress.md.j2",
        progress=progress,
        links=links,
        bar="█" * filled + "░" * (20 - filled),
        stages=_stages(progress.state),
    )
    return CheckOutput(cut(show_hidden(title), 200), summary)


def skipped_output(skip: Skip, notes: Sequence[str] = ()) -> CheckOutput:
    """The check run of a pull request that policy leaves alone; `notes` are what is wrong with the
    configuration."""
    summary = render("check/skipped.md.j2", full_message=skip.full_message, notes=notes)
    return CheckOutput(f"Not reviewed: {skip.reason.replace('_', ' ')}", summary)


def failure_output(ending: Ending, sentence: str, links: Links | None = None) -> CheckOutput:
    """The check run of a review without a report; `sentence` says why and what to do."""
    title = {
        Ending.FAILED: "The review failed",
        Ending.TIMED_OUT: "The review took too long",
        Ending.CANCELLED: "Cancelled",
        Ending.SUPERSEDED: "Superseded by a newer review",
    }[ending]
    summary = render(
        f"check/{ending.value}.md.j2", sentence=sentence, links=links if links else Links()
    )
    return CheckOutput(title, summary)


def _body(
    template: str,
    report: Report,
    links: Links,
    shown_findings: list[Finding],
    limit: int,
    length: Length,
    open_findings: Sequence[Finding] = (),
) -> str:
    """Fills the template with the most severe findings first, then names those that stand on their
    lines, then what was left out, then the walkthrough, each as far as there is room in `limit`,
    counted by `length`."""
    values = {
        "report": report,
        "links": links,
        "marker": review_marker(report.review.id),
        "counts": counts(report.findings),
        "notes": report.notes[:_MAX_NOTES],
        "sources": sorted({source(f) for f in report.findings}),
    }
    nothing = Truncated((), 1)
    empty = dict.fromkeys(("findings", "standing", "skipped", "files"), nothing)
    frame = render(template, **empty, **values)
    budget = limit - length(frame)
    items = (render("review/finding.md.j2", finding=f) for f in shown_findings)
    findings = truncate(items, len(shown_findings), budget, length=length)
    budget -= size(findings, length)
    lines = (render("review/standing.md.j2", finding=f, links=links) for f in open_findings)
    standing = truncate(lines, len(open_findings), budget, length=length)
    budget -= size(standing, length)
    reasons = _left_out(report.skipped)
    skipped = truncate(reasons, len(reasons), budget, length=length)
    budget -= size(skipped, length)
    rows = (render("review/file.md.j2", file=file) for file in report.files)
    files = truncate(rows, len(report.files), budget, max_items=_MAX_FILES, length=length)
    filled = {"findings": findings, "standing": standing, "skipped": skipped, "files": files}
    return render(template, **filled, **values)


def _left_out(items: Sequence[SkippedFile]) -> list[str]:
    """A line for each reason, those with the most files first."""
    paths: defaultdict[str, list[str]] = defaultdict(list)
    for item in items:
        paths[item.text].append(item.path)
    groups = sorted(paths.items(), key=lambda group: -len(group[1]))
    return [
        render(
            "review/left_out.md.j2", reason=reason, paths=paths, open_findings=paths[:_MAX_PATHS]
        )
        for reason, paths in groups
    ]


def _on_head(finding: Finding) -> bool:
    return finding.anchored and finding.side == "RIGHT"


def _annotation(finding: Finding) -> Annotation:
    """Annotations are plain text, shown beside the lines."""
    assert finding.start_line is not None
    assert finding.end_line is not None
    return Annotation(
        path=finding.path,
        start_line=finding.start_line,
        end_line=finding.end_line,
        level=_LEVELS.get(finding.severity, "notice"),
        title=cut(show_hidden(f"{finding.severity} {finding.category}: {finding.title}"), 255),
        message=cut(show_hidden(finding.body) or show_hidden(finding.title), 4000),
    )


def _stages(now: State) -> list[tuple[str, str]]:
    """Each stage's mark and name: done, under way or to come."""
    names = {
        State.QUEUED: "Queued",
        State.SCANNING: "Reading the change",
        State.ANALYZING: "Reviewing",
        State.REPORTING: "Writing the review",
    }
    order = list(names)
    at = order.index(now) if now in order else len(order)
    marks = ["✅" if i < at else "🔄" if i == at else "⬜" for i in range(len(order))]
    return list(zip(marks, names.values(), strict=True))
