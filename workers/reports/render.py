"""A report, a finding or a review's progress as what GitHub shows (pure).

Texts are in templates; what comes from outside passes their filters.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

from bot.domain.diff import Side
from bot.domain.model import Finding, Report, Severity, SkippedFile, State
from bot.domain.preferences import Preference
from bot.domain.progress import Progress
from bot.domain.suppressions import Suppression
from bot.domain.team_checks import CheckStatus
from bot.github.checks import Annotation, CheckOutput
from bot.github.lengths import (
    BODY_CHARACTERS,
    OUTPUT_BYTES,
    Length,
    characters,
    shorten,
    utf8_bytes,
)
from bot.github.urls import CodeLinks
from bot.policy.start import Skip
from bot.security.links import Links
from bot.text.invisible_characters import show_hidden
from templates.languages import _, ngettext, number
from workers.reports.fix_prompt import fix_prompt, fixable
from workers.reports.markers import (
    Proposal,
    finding_marker,
    proposal_marker,
    reply_marker,
    review_marker,
)
from workers.reports.rank import Shown, shown
from workers.reports.sanitize import is_shown_as_is
from workers.reports.templates import code_links, render
from workers.reports.verdict import counts

#: Files named in the list of changes; the report has them all.
_MAX_FILES = 100
#: Notes shown: there may be some for each batch, and findings need the room; the report has all.
_MAX_NOTES = 15
#: Paths named of those that were skipped for one reason; the report has them all.
_MAX_PATHS = 5
#: Places named of one defect where there is little room; the report has them all.
MAX_PLACES = 20
_NO_LINKS = CodeLinks()
_LEVELS = {Severity.CRITICAL: "failure", Severity.HIGH: "failure", Severity.MEDIUM: "warning"}


class Ending(StrEnum):
    """Why a review ended without a report; each has a template in `templates/check`."""

    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"


def help_body(comment_id: int, suppressions: Sequence[Suppression] = (), text: str = "") -> str:
    """The answer to `/review help`: every command, one a line, and what the repository taught.
    `text` is Markdown on what else the comment asked for."""
    marker = reply_marker(comment_id)
    return render("comment/help.md.j2", marker=marker, suppressions=suppressions, text=text)


def reply_body(comment_id: int, text: str, question: int | None = None) -> str:
    """A short answer to a comment; `text` is Markdown and may quote what others wrote."""
    marker = reply_marker(comment_id, question)
    return render("comment/reply.md.j2", marker=marker, text=text)


def proposal_body(comment_id: int, position: int, said: str, proposal: Proposal) -> str:
    """The answer that asks whether to keep a preference; `said` is what else there is to say, in
    English."""
    return render(
        "comment/proposal.md.j2",
        marker=reply_marker(comment_id, position),
        proposal_marker=proposal_marker(proposal),
        said=said,
        proposal=proposal,
    )


def remembered_body(comment_id: int, position: int, number: int, preference: Preference) -> str:
    """The answer to `/review remember`."""
    return render(
        "comment/remembered.md.j2",
        marker=reply_marker(comment_id, position),
        number=number,
        preference=preference,
    )


def preferences_body(comment_id: int, position: int, preferences: Sequence[Preference]) -> str:
    """The answer to `/review preferences`; there are some."""
    marker = reply_marker(comment_id, position)
    return render("comment/preferences.md.j2", marker=marker, preferences=preferences)


def review_body(report: Report, links: Links, *, in_full: Collection[str] = ()) -> str:
    """The body of the one review, at most 65,536 characters: findings with a comment have a line
    each, so that an e-mail shows them, those that have one since an earlier review too, and of all
    others those that matter most without a line are shown in full, the rest with a line each.
    Those of `in_full` are shown in full too: GitHub refused their comments."""
    return _body("review/body.md.j2", report, links, BODY_CHARACTERS, characters, in_full)


def dismissal_message(report: Report) -> str:
    """Why our earlier requests for changes are taken back."""
    return render("review/dismissed.md.j2", report=report)


def comment_body(
    finding: Finding,
    code: CodeLinks = _NO_LINKS,
    *,
    answers_questions: bool = True,
    report: Report | None = None,
) -> str:
    """The comment on a finding's lines, at most 65,536 characters. A suggestion with hidden
    characters or a marker of ours is shown without the button, as it is shown changed. With the
    `report`, if that wants it, there is a prompt for a coding agent, open where the author is a
    bot. What does not fit is left out, first the prompt. Its last line says how to ask, if there
    is a model to answer, and how to dismiss."""
    values = {
        "finding": finding,
        "code": code,
        "max_places": MAX_PLACES,
        "marker": finding_marker(finding),
        "answers_questions": answers_questions,
        "info": "suggestion" if is_shown_as_is(finding.suggestion or "") else "",
        "open": report is not None and report.pull.author_is_bot,
    }
    prompt = fix_prompt(report, [finding]) if report is not None and report.agent_prompts else ""
    bodies = (
        render("review/comment.md.j2", suggestion=suggestion, agent_prompt=agent_prompt, **values)
        for suggestion, agent_prompt in ((finding.suggestion, prompt), (finding.suggestion, ""))
    )
    fitting = (body for body in bodies if characters(body) <= BODY_CHARACTERS)
    return next(fitting, "") or render(
        "review/comment.md.j2", suggestion=None, agent_prompt="", **values
    )


def fix_prompt_body(comment_id: int, position: int, prompt: str) -> str:
    """The answer to a command that asks for a prompt for a coding agent."""
    marker = reply_marker(comment_id, position)
    return render("comment/fix_prompt.md.j2", marker=marker, prompt=prompt)


def check_output(report: Report, links: Links) -> CheckOutput:
    """The completed check run: counts as title, the walkthrough as summary, every finding as
    text and, at each place on lines of the head, as annotation."""
    limit = OUTPUT_BYTES, utf8_bytes
    return CheckOutput(
        title=_title(report),
        summary=_body("check/summary.md.j2", report, links, *limit),
        text=_body("check/text.md.j2", report, links, *limit),
        annotations=tuple(_annotations(report.findings)),
    )


def _title(report: Report) -> str:
    if report.nothing_reviewed:
        nothing = _("Could not be reviewed") if report.unread else _("Nothing was reviewed")
        return " · ".join((nothing, *_open_checks(report)))
    found = ", ".join(
        [
            *_open_checks(report),
            *(f"{number(many)} {_(severity)}" for severity, many in counts(report.findings)),
        ]
    )
    if not report.complete:
        return _("Partly reviewed · {found}", found=found or _("no problems found"))
    if report.skipped:
        return found or _("No problems found in the reviewed files")
    return found or _("No problems found")


def _open_checks(report: Report) -> Iterator[str]:
    """How many of the team's checks did not pass."""
    status = Counter(check.status for check in report.checks)
    if failed := status[CheckStatus.FAILED]:
        yield ngettext("{number} check failed", "{number} checks failed", failed)
    if untold := status[CheckStatus.COULD_NOT_TELL]:
        yield ngettext("{number} check not judged", "{number} checks not judged", untold)


def progress_output(progress: Progress, links: Links) -> CheckOutput:
    """The check run while the review is under way: a progress bar and the stages."""
    filled = round(progress.percent / 5)
    summary = render(
        "check/progress.md.j2",
        progress=progress,
        links=links,
        bar="█" * filled + "░" * (20 - filled),
        stages=_stages(progress.state),
    )
    return CheckOutput(shorten(show_hidden(progress.status_text), 200), summary)


def skipped_output(skip: Skip, notes: Sequence[str] = ()) -> CheckOutput:
    """The check run of a pull request that policy leaves alone; `notes` are what is wrong with the
    configuration."""
    summary = render("check/skipped.md.j2", full_message=skip.full_message, notes=notes)
    reason = _(skip.reason.replace("_", " "))
    return CheckOutput(_("Not reviewed: {reason}", reason=reason), summary)


def merge_group_output(number: int | None, conclusion: str | None) -> CheckOutput:
    """The check run of a merge queue's commit, with the `conclusion` of its pull request's."""
    pull = _("The pull request")
    if number is not None:
        pull = _("Pull request #{number}", number=number)
    if conclusion is None:
        return CheckOutput(
            _("The pull request was not reviewed"),
            _("{pull} has no finished review of its last commit.", pull=pull),
        )
    return CheckOutput(
        _("Reviewed in the pull request"),
        _(
            "{pull} contains the same change; its review ended with **{conclusion}**.",
            pull=pull,
            conclusion=conclusion,
        ),
    )


def failure_output(ending: Ending, sentence: str, links: Links | None = None) -> CheckOutput:
    """The check run of a review without a report; `sentence` says why and what to do."""
    title = {
        Ending.FAILED: _("The review failed"),
        Ending.TIMED_OUT: _("The review took too long"),
        Ending.CANCELLED: _("Cancelled"),
        Ending.SUPERSEDED: _("Superseded by a newer review"),
    }[ending]
    summary = render(
        f"check/{ending.value}.md.j2", sentence=sentence, links=links if links else Links()
    )
    return CheckOutput(title, summary)


def _body(
    template: str,
    report: Report,
    links: Links,
    limit: int,
    length: Length,
    in_full: Collection[str] = (),
) -> str:
    """Fills the template with as much as fits into `limit`, counted by `length`: what matters most
    first, then what was skipped, then the walkthrough."""
    values = {
        "report": report,
        "links": links,
        "code": code_links(report),
        "max_places": MAX_PLACES,
        "marker": review_marker(report.review.id),
        "counts": counts(report.findings),
        "notes": report.notes[:_MAX_NOTES],
    }
    wanted = _SECTIONS[template]
    reasons, summary = _skipped(report.skipped), report.update_summary
    by_place = defaultdict[Shown, list[Finding]](list)
    for finding in report.findings:
        refused = finding.fingerprint in in_full
        by_place[Shown.BODY if refused else shown(finding, report)].append(finding)
    sections = {
        "findings": _Section("review/finding.md.j2", by_place[Shown.BODY]),
        "all_findings": _Section("review/finding.md.j2", report.findings),
        "updates": _Section("review/update.md.j2", summary.updates if summary else (), _MAX_FILES),
        "requirements": _Section("review/requirement.md.j2", report.requirements, _MAX_FILES),
        "inline": _Section("review/line.md.j2", by_place[Shown.INLINE]),
        "still_open": _Section("review/line.md.j2", by_place[Shown.STILL_OPEN]),
        "agent": _Section("review/agent.md.j2", _agent_prompts(report)),
        "also": _Section("review/line.md.j2", by_place[Shown.FOLDED]),
        "checks": _Section("review/check.md.j2", report.checks),
        "skipped": _Section("review/skipped.md.j2", reasons),
        "files": _Section("review/file.md.j2", report.files, _MAX_FILES),
    }
    nothing = Truncated((), 1)
    filled = dict.fromkeys(wanted, nothing)
    budget = limit - length(render(template, **filled, **values))
    for name in wanted:
        section = sections[name]
        items = (render(section.template, item=item, **values) for item in section.items)
        filled[name] = truncate(items, len(section.items), budget, section.most, length=length)
        budget -= size(filled[name], length)
    return render(template, **filled, **values)


@dataclass(frozen=True, slots=True)
class AgentPrompt:
    """A prompt for a coding agent, to fix so many findings."""

    text: str
    findings: int


def _agent_prompts(report: Report) -> Sequence[AgentPrompt]:
    """One that fixes all, for a report that wants any."""
    fixed = fixable(report) if report.agent_prompts else []
    return [AgentPrompt(fix_prompt(report, fixed), len(fixed))] if fixed else []


@dataclass(frozen=True, slots=True)
class _Section:
    """What a part of a body is made of: each item by the template, at most so many."""

    template: str
    items: Sequence[object]
    most: int | None = None


#: The parts of each body, in the order in which they get the room that there is.
_SECTIONS = {
    "review/body.md.j2": (
        *("updates", "checks", "requirements", "inline", "findings", "still_open", "also"),
        *("skipped", "files", "agent"),
    ),
    "check/summary.md.j2": ("updates", "checks", "requirements", "skipped", "files"),
    "check/text.md.j2": ("all_findings",),
}


@dataclass(frozen=True, slots=True)
class _Skipped:
    """The files that were skipped for one reason."""

    reason: str
    paths: Sequence[str]

    @property
    def named(self) -> Sequence[str]:
        return self.paths[:_MAX_PATHS]


def _skipped(items: Sequence[SkippedFile]) -> list[_Skipped]:
    """Those with the most files first."""
    paths: defaultdict[str, list[str]] = defaultdict(list)
    for item in items:
        paths[item.text].append(item.path)
    groups = sorted(paths.items(), key=lambda group: -len(group[1]))
    return [_Skipped(reason, paths) for reason, paths in groups]


def _annotations(findings: Iterable[Finding]) -> Iterator[Annotation]:
    """One for each place on the head, where people read the diff; they are plain text."""
    for finding in findings:
        for at in finding.located:
            if at.side is Side.RIGHT:
                title = f"{_(finding.severity)} {_(finding.category)}: {at.description}"
                yield Annotation(
                    path=at.path,
                    start_line=at.start_line,
                    end_line=at.end_line,
                    level=_LEVELS.get(finding.severity, "notice"),
                    title=shorten(show_hidden(title), 255),
                    message=shorten(show_hidden(finding.body) or show_hidden(at.description), 4000),
                )


def _stages(now: State) -> list[tuple[str, str]]:
    """Each stage's mark and name: done, under way or to come."""
    names = {
        State.QUEUED: _("Queued"),
        State.SCANNING: _("Scanning the change"),
        State.ANALYZING: _("Reviewing"),
        State.REPORTING: _("Writing the review"),
    }
    order = list(names)
    at = order.index(now) if now in order else len(order)
    marks = ["✅" if i < at else "🔄" if i == at else "⬜" for i in range(len(order))]
    return list(zip(marks, names.values(), strict=True))


#: Room for the sentence that says how many were left out, and for line ends.
_SENTENCE = 200
#: Room for what a template puts between two items.
_BETWEEN = 8


@dataclass(frozen=True, slots=True)
class Truncated:
    """The first items, and how many there were beyond."""

    items: tuple[str, ...]
    dropped: int


def truncate(
    items: Iterable[str],
    count: int,
    budget: int,
    max_items: int | None = None,
    length: Length = characters,
) -> Truncated:
    """As many of the first of `count` items as fit into `budget` by `length`, at most `max_items`;
    those after the first that does not fit are not even made."""
    kept: list[str] = []
    remaining = budget - _SENTENCE
    for item in islice(items, max_items):
        remaining -= length(item) + _BETWEEN
        if remaining < 0:
            break
        kept.append(item)
    return Truncated(tuple(kept), count - len(kept))


def size(kept: Truncated, length: Length = characters) -> int:
    """The room that the items take up at most."""
    return sum(length(item) + _BETWEEN for item in kept.items) + _SENTENCE
