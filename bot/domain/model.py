"""The vocabulary of a review as frozen dataclasses: no I/O, no GitHub JSON.

`encode` and `decode` turn any of them into JSON bytes and back; what is read
from Redis is validated on the way in.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from pydantic import StringConstraints, TypeAdapter

from bot.domain.diff import ChangedFile, FileStatus, Side
from bot.domain.fingerprint import have_same_words
from bot.domain.reasons import FileSkipReason, RejectionReason
from bot.domain.team_checks import CheckMode, CheckScope, CheckStatus
from templates.languages import _, listed

T = TypeVar("T")


_adapters: dict[object, TypeAdapter[Any]] = {}


def _adapter(kind: Any) -> TypeAdapter[Any]:
    if kind not in _adapters:  # building one is slow, and the kinds are few
        _adapters[kind] = TypeAdapter(kind)
    return _adapters[kind]


def encode(value: object) -> bytes:
    """JSON bytes of a dataclass instance."""
    return _adapter(type(value)).dump_json(value)


def decode(kind: type[T], data: bytes | str) -> T:
    """The dataclass that `encode` wrote. Raises pydantic.ValidationError."""
    value: T = _adapter(kind).validate_json(data)
    return value


class Category(StrEnum):
    SECURITY = "security"
    CORRECTNESS = "correctness"
    PERFORMANCE = "performance"
    MAINTAINABILITY = "maintainability"
    QUALITY = "quality"


class Severity(StrEnum):
    """Most severe first; `rank` 0 is critical."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"

    @property
    def rank(self) -> int:
        return list(Severity).index(self)


class State(StrEnum):
    QUEUED = "queued"
    SCANNING = "scanning"
    ANALYZING = "analyzing"
    REPORTING = "reporting"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"

    @property
    def finished(self) -> bool:
        return self in FINISHED


FINISHED = frozenset({State.COMPLETED, State.FAILED, State.CANCELLED, State.SUPERSEDED})
UNFINISHED = tuple(state for state in State if state not in FINISHED)


class Trigger(StrEnum):
    """Why a review runs. The first three are automatic, a person requests the others."""

    OPENED = "opened"
    PUSHED = "pushed"
    READY = "ready"
    COMMAND = "command"
    RERUN = "rerun"
    API = "api"

    @property
    def automatic(self) -> bool:
        return self in (Trigger.OPENED, Trigger.PUSHED, Trigger.READY)


class Effort(StrEnum):
    """How much a review may cost; `docs/analysis.md` describes each."""

    QUICK = "quick"
    STANDARD = "standard"
    DEEP = "deep"


class CheckOutcome(StrEnum):
    """What the check of a finding came to; a refuted one is dropped and has no outcome."""

    CONFIRMED = "confirmed"
    UNDECIDED = "undecided"
    UNCHECKED = "unchecked"


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository as one installation sees it; `full_name` is `owner/name`."""

    installation_id: int
    id: int
    full_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """What we need of a pull request, read from GitHub at one moment."""

    number: int
    title: str
    body: str
    author: str
    author_is_bot: bool
    draft: bool
    open: bool
    base_ref: str
    base_sha: str
    head_ref: str
    head_sha: str
    head_repository: str | None  # None once the fork is deleted
    labels: tuple[str, ...]
    url: str
    changed_files: int
    additions: int
    deletions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """One run over one pull request at one head commit. Never changes once opened."""

    id: str  # ULID
    repository: Repository
    number: int
    head_sha: str
    trigger: Trigger
    created_at: float  # seconds since the epoch
    requested_by: str = ""
    focus: Category | None = None  # `/review security` asks for one category
    effort: Effort | None = None  # `/review deep`; None is what the configuration says
    full: bool = False  # `/review full`: all is read and checked again
    comment_id: int | None = None  # the comment that asked, for its reactions
    in_thread: bool = False  # whether that is a review comment, not one of the conversation


#: The page of an analyzer's rule, from our own tables; "" where there is none. It is shown as a
#: link, the addresses in a finding's texts as code.
_RULE_PAGE = r"^(https://[a-z0-9.-]+/[A-Za-z0-9._/#-]*)?$"
RulePage = Annotated[str, StringConstraints(pattern=_RULE_PAGE)]


def is_rule_page(text: str) -> bool:
    """Whether the text is an address as a RulePage, or empty."""
    return re.fullmatch(_RULE_PAGE, text) is not None


#: The source of a finding that a model reports.
LLM_SOURCE = "llm"

#: The source of a finding that is a secret, known by its form or name.
SECRETS_SOURCE = "secrets"

#: The source of a finding about a package that the change adds.
DEPENDENCIES_SOURCE = "dependencies"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Lines of a file at the head (or, with `side` LEFT, at the merge base), counted from 1,
    both ends included. `description` says what they are: "definition of `save`". `fingerprint` is
    that of the same defect there, if it was reported on its own."""

    path: str
    start_line: int
    end_line: int
    side: Side = Side.RIGHT
    description: str = ""
    fingerprint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing to report.

    `source` is `llm`, or the analyzer and its rule as `ruff:F821`. `quote` is the
    code that it is about. A finding with `start_line` and `end_line` is anchored: those
    lines of `side` are inside one hunk of the diff; without them it is reported in the
    summary only. `suggestion` replaces exactly the anchored lines (text without a
    final line end). `fingerprint` names the same finding across pushes, whatever
    its wording and line.

    `trace` leads from an input or a state through the code to the wrong result.
    `looked_at` are the places of the repository that were looked up to judge it,
    `places` others that have the same defect; each counts as one more `occurrence`.
    `agreement` counts the independent readings and analyzers that report it.
    `url` is the page of the rule of its first analyzer.
    """

    path: str
    category: Category
    severity: Severity
    title: str  # one line
    body: str  # Markdown
    confidence: float  # 0..1
    source: str
    quote: str = ""
    side: Side = Side.RIGHT
    start_line: int | None = None
    end_line: int | None = None
    suggestion: str | None = None
    fingerprint: str = ""
    trace: str = ""
    looked_at: tuple[Place, ...] = ()
    check: CheckOutcome = CheckOutcome.UNCHECKED
    agreement: int = 1
    places: tuple[Place, ...] = ()
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    url: RulePage = ""

    @property
    def anchored(self) -> bool:
        return self.start_line is not None and self.end_line is not None

    @property
    def occurrences(self) -> int:
        """How often the defect was found: here, and at each of the other places."""
        return 1 + len(self.places)

    @property
    def located(self) -> tuple[Place, ...]:
        """All places with lines, its own first; each is described by the title of its own."""
        others = tuple(
            replace(place, description=place.description or self.title) for place in self.places
        )
        if self.start_line is None or self.end_line is None:
            return others
        here = Place(
            path=self.path,
            start_line=self.start_line,
            end_line=self.end_line,
            side=self.side,
            description=self.title,
            fingerprint=self.fingerprint,
        )
        return (here, *others)

    @property
    def fingerprints(self) -> frozenset[str]:
        """Its own, and those of its places."""
        return frozenset((self.fingerprint, *(place.fingerprint for place in self.places))) - {""}

    @property
    def sources(self) -> tuple[str, ...]:
        """`llm` first if it is among them, then the analyzers' `tool:rule`."""
        return tuple(self.source.split("+"))

    @property
    def found_by(self) -> str:
        """Who found it, in words: `LLM`, `ruff F821`, `LLM and ruff F821`."""
        return listed(
            ["LLM" if name == LLM_SOURCE else " ".join(name.split(":", 1)) for name in self.sources]
        )

    @property
    def tools(self) -> frozenset[str]:
        """Who found it, without the rules: `llm`, `ruff`, ..."""
        return frozenset(source.partition(":")[0] for source in self.sources)


def explained(reason: FileSkipReason | RejectionReason, detail: str) -> str:
    """The reason in words, with the detail of this one case."""
    return _(reason.text).format(detail).removesuffix(": ")


@dataclass(frozen=True, slots=True)
class SkippedFile:
    """A changed file, or a part of one, that was not reviewed, and why."""

    path: str
    reason: FileSkipReason
    detail: str = ""  # what the reason's text has a place for

    @property
    def text(self) -> str:
        """Why, for people."""
        return explained(self.reason, self.detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What the LLM cost. Tokens as the server counted them; `cost` in the currency of
    the price table (US dollars by default), None where no price is known."""

    calls: int = 0
    cache_hits: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = None

    def __add__(self, other: "Usage") -> "Usage":
        costs = [cost for cost in (self.cost, other.cost) if cost is not None]
        return Usage(
            calls=self.calls + other.calls,
            cache_hits=self.cache_hits + other.cache_hits,
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            cost=sum(costs) if costs else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckAnnotation:
    """What a check says of lines of the head, counted from 1, both ends included."""

    path: str
    start_line: int
    end_line: int
    text: str  # title and message


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedCheck:
    """A check run of others that failed on the head; whoever may push may choose its words."""

    name: str
    summary: str = ""  # title and summary
    annotations: tuple[CheckAnnotation, ...] = ()
    job_id: int | None = None  # of GitHub Actions
    log: str = ""  # its last lines


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequestContext:
    """What the author said of the change, and what failed on it: hostile text, shown to the LLM in
    data blocks."""

    title: str
    body: str
    commits: tuple[str, ...] = ()  # messages, oldest first
    issue: str = ""  # titles and bodies of the linked issues
    failed_checks: tuple[FailedCheck, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Advisory:
    """A known vulnerability of a version of a package. `fixed` are the versions without it, one for
    each range of versions that has it; () where that is not known."""

    id: str  # GHSA-…
    severity: Severity
    summary: str
    fixed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DependencyChange:
    """A version of a package that the change adds to a manifest or lock file, or removes from it,
    as GitHub's dependency graph sees it. `license` is an SPDX expression, "" where GitHub knows
    none."""

    manifest: str
    ecosystem: str
    name: str
    version: str
    added: bool
    license: str = ""
    advisories: tuple[Advisory, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DependencyUpdate:
    """What becomes of one package: its versions before and after, () where it is new or gone, the
    manifests that name it, and its licenses. `fixed` are the advisories on versions before that are
    on none after, `new` those on versions after that were on none before."""

    name: str
    ecosystem: str
    manifests: tuple[str, ...]
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    licenses_before: tuple[str, ...] = ()
    licenses_after: tuple[str, ...] = ()
    fixed: tuple[Advisory, ...] = ()
    new: tuple[Advisory, ...] = ()

    @property
    def relicensed(self) -> bool:
        """Whether a known license takes the place of another."""
        known = bool(self.licenses_before and self.licenses_after)
        return known and set(self.licenses_before) != set(self.licenses_after)

    @property
    def text(self) -> str:
        """All of it on one line for people: Markdown, of which names are to be made harmless."""
        versions = " → ".join(", ".join(each) for each in (self.before, self.after) if each)
        if not self.after:
            versions = _("{versions} removed", versions=versions)
        elif not self.before:
            versions = _("{versions} added", versions=versions)
        parts = [f"{_code(self.name)} {versions} ({', '.join(map(_code, self.manifests[:3]))})"]
        if self.fixed:
            parts.append(_("fixes {advisories}", advisories=_named(self.fixed)))
        if self.new:
            parts.append(_("brings {advisories}", advisories=_named(self.new)))
        if self.relicensed:
            licenses = (self.licenses_before, self.licenses_after)
            change = " → ".join(", ".join(each) for each in licenses)
            parts.append(_("license {change}", change=change))
        return "; ".join(parts)


def _code(text: str) -> str:
    return f"`{text.replace('`', '')}`"


def _named(advisories: tuple[Advisory, ...]) -> str:
    named = [f"{each.id} ({_(each.severity)}: {each.summary})" for each in advisories[:5]]
    return ", ".join(named + ["…"] * (len(advisories) > 5))


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateSummary:
    """What a dependency bot's pull request does. `from_diff` says that GitHub did not tell, and
    that changed lines of manifests did: then nothing is known of advisories and licenses. `others`
    are the changed files that are neither manifests nor lock files."""

    author: str
    updates: tuple[DependencyUpdate, ...]
    others: tuple[str, ...] = ()
    from_diff: bool = False

    @property
    def others_text(self) -> str:
        """What else is changed, for people, as `DependencyUpdate.text`; "" if nothing is."""
        if not self.others:
            return ""
        shown = [*map(_code, self.others[:20]), *["…"] * (len(self.others) > 20)]
        return _("It also changes {files}, which was not reviewed.", files=", ".join(shown))


@dataclass(frozen=True, slots=True)
class Snippet:
    """A piece of the repository that helps to understand a hunk. `role` is `enclosing`,
    `imports`, `definition`, `caller` or `test`; `start_line` counts in the head's file."""

    role: str
    path: str
    start_line: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchFile:
    """A changed file as the LLM reads it; `content` is the whole file at the head, for
    checking suggestions (None where it is deleted, binary or too large). `key` names the
    reading of just these hunks in this context: what it gave holds as long as it is the same.
    `continued` is a part of a large file, with more of it in a later batch. `secrets` are keyed
    hashes of what is masked on a line of the head, with the line's number."""

    file: ChangedFile
    language: str  # a tree-sitter grammar's name, or ""
    content: str | None
    key: str = ""
    context: tuple[Snippet, ...] = ()
    evidence: tuple[Finding, ...] = ()
    continued: bool = False
    secrets: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Convention:
    """A file in which a team says how its code is written, as it is at the merge base."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Batch:
    """What is read together; numbers count from 0 in a review. `overview` are short lines on
    what is not in it: other batches' files, and deleted, renamed and mode-only files.
    `conventions` are what the team asks of code at its files' places, the nearest first.
    `open_findings` are what we reported on its files before and what may still hold.
    With `checks`, it holds the whole change for the team's checks, and is not read for findings."""

    number: int
    files: tuple[BatchFile, ...]
    overview: tuple[str, ...] = ()
    conventions: tuple[Convention, ...] = ()
    open_findings: tuple[Finding, ...] = ()
    checks: tuple[CheckScope, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """The files that are read in it, or the last part of one: over all batches, each once."""
        files = () if self.checks else self.files
        return tuple(part.file.path for part in files if not part.continued)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileResult:
    """What the LLM said of one BatchFile, kept for the next push under its `key`."""

    path: str
    findings: tuple[Finding, ...]
    summary: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSummary:
    """A line of the walkthrough."""

    path: str
    status: FileStatus
    additions: int
    deletions: int
    summary: str = ""  # what changed, one sentence, by the LLM


@dataclass(frozen=True, slots=True)
class MaskedLine:
    """A line of the head whose secrets an analyzer found; `text` is the line under its masks."""

    path: str
    line: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What the scan hands on beside the batches."""

    merge_base: str
    pr_context: PullRequestContext
    files: tuple[FileSummary, ...]  # every changed file
    skipped: tuple[SkippedFile, ...]
    evidence: tuple[Finding, ...]  # anchored, on changed lines
    notes: tuple[str, ...] = ()  # what went wrong, a sentence each
    reused_findings: tuple[Finding, ...] = ()  # earlier findings of files that did not change since
    file_result_keys: tuple[str, ...] = ()  # keys of all readings that this review stands on
    reviewed_paths: tuple[str, ...] = ()  # paths that were read
    skipped_unlisted: int = 0  # files left out that `skipped` does not name, for there are too many
    failed_sources: tuple[str, ...] = ()  # analyzers that failed, if only on one file
    truncated_sources: tuple[str, ...] = ()  # those that found more than is taken of one
    analyzed_paths: tuple[str, ...] = ()  # paths that an analyser for their language looked through
    searched_paths: tuple[str, ...] = ()  # paths that were not read, and searched for secrets
    dependencies: tuple[DependencyChange, ...] | None = None  # None: nobody looked
    declared: tuple[DependencyChange, ...] = ()  # what lines of manifests say, where nobody looked
    undeclared_paths: tuple[str, ...] = ()  # manifests in which more than packages is changed
    unrelated_paths: tuple[str, ...] = ()  # files in which more than packages is changed
    masked_lines: tuple[MaskedLine, ...] = ()  # that look-ups have to mask too
    committed: tuple[str, ...] = ()  # posted findings whose suggested lines are in the code now
    checks: tuple[CheckScope, ...] = ()  # of the team, in their order
    context_tokens: int = 0  # LLM_CONTEXT_TOKENS of this review's prompts; 0: the server's


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A finding that was dropped, and why."""

    path: str
    title: str
    reason: RejectionReason
    detail: str = ""  # what the reason's text has a place for

    @property
    def text(self) -> str:
        """Why, for people."""
        return explained(self.reason, self.detail)

    @property
    def is_suggestion_only(self) -> bool:
        """Whether the finding was kept, and its suggestion alone dropped."""
        return self.reason in (
            RejectionReason.SUGGESTION_MISPLACED,
            RejectionReason.SUGGESTION_WITHOUT_LINES,
        )


class RequirementStatus(StrEnum):
    """Whether the change does what a linked issue requires, best first."""

    DONE = "done"
    PARTLY = "partly"
    NOT_SEEN = "not_seen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One thing that the linked issues require, and what the model saw of it in what it read; `why`
    names what does it, or what is missing."""

    text: str
    status: RequirementStatus
    why: str = ""


def joined_requirements(read: Iterable[Requirement]) -> tuple[Requirement, ...]:
    """Each once, of those in the same words the best: it may be done in a part of the change that
    another reading did not see."""
    ranks = list(RequirementStatus)
    kept: list[Requirement] = []
    for each in read:
        same = (at for at, one in enumerate(kept) if have_same_words(one.text, each.text))
        at = next(same, None)
        if at is None:
            kept.append(each)
        elif ranks.index(each.status) < ranks.index(kept[at].status):
            kept[at] = each
    return tuple(kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What a check of the team came to, and why: a sentence on what shows that it passed, on what
    is wrong, or on why it could not be judged. `places` are lines of the head at which it failed,
    each described by a sentence."""

    name: str
    mode: CheckMode
    status: CheckStatus
    reason: str = ""
    places: tuple[Place, ...] = ()

    @property
    def status_text(self) -> str:
        """What it came to, for people."""
        match self.status:
            case CheckStatus.PASSED:
                return _("passed")
            case CheckStatus.FAILED:
                return _("failed")
            case CheckStatus.COULD_NOT_TELL:
                return _("could not be judged")
            case CheckStatus.DID_NOT_APPLY:
                return _("did not apply")

    @property
    def sentence(self) -> str:
        """Its name, what it came to, and why."""
        reason = f": {self.reason}" if self.reason else ""
        return f'Check "{self.name}" {self.status_text}{reason}'

    @property
    def is_open(self) -> bool:
        """Whether it applied and did not pass."""
        return self.status in (CheckStatus.FAILED, CheckStatus.COULD_NOT_TELL)

    @property
    def blocks(self) -> bool:
        """Whether it fails the check run: a gate that could not be judged is closed."""
        return self.is_open and self.mode is CheckMode.FAIL


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchResult:
    """What one batch gave. `reviewed` are the paths that the LLM really read; `inconclusive` those
    of them on which its answer was cut off or findings could not be checked. `findings` hold the
    batch's open findings too, but for those of `fixed`."""

    findings: tuple[Finding, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    summaries: tuple[tuple[str, str], ...] = ()  # (path, sentence)
    reviewed: tuple[str, ...] = ()
    inconclusive: tuple[str, ...] = ()
    skipped: tuple[SkippedFile, ...] = ()
    usage: Usage = field(default_factory=Usage)
    model: str = ""  # that answered; "" when none did
    notes: tuple[str, ...] = ()
    overview: str = ""  # what the change does, one or two sentences
    fixed: tuple[tuple[str, str], ...] = ()  # (fingerprint, the line that shows it)
    checks: tuple[CheckResult, ...] = ()  # all that the batch asks for; of other batches none
    diagram: str = ""  # Mermaid of the changed flow, as the model wrote it
    requirements: tuple[Requirement, ...] = ()


REPORT_VERSION = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A review's result as data; every format is a rendering of it.

    `findings` are ranked, what matters most first, one for each defect; those of `inline` are
    posted on their lines, those of `still_open` have been since an earlier review, and all others
    are listed in the body. Where it was found at several places, its `places` name the others.

    An earlier finding that is not reported is fixed if its file is among `reviewed_paths` and none
    of its sources (`llm`, an analyzer's name) is in `failed_sources`; for a secret with a known
    form, also if its file is among `searched_paths`, which were not read; one about a dependency is
    fixed if `dependencies` were looked at (they are null if not), or its file is not changed;
    `skipped_unlisted` is how many files were skipped in addition to those that `skipped` names.
    `reviewed` is how many files the model, or an analyzer for their language, went through; null
    in reports of earlier versions; `unread` is how many the model should have read and did not. It
    is not `complete` if there are any, if an analyzer failed, or if nothing was reviewed.
    `show_usage` is whether texts for people name tokens and cost (SHOW_COST), `agent_prompts`
    whether they hold prompts for coding agents; `review_minutes` is an estimate of how long a
    person takes to review the change, where the repository wants one. `checks` are those that the
    repository writes in plain words, in its order. `diagram` is Mermaid of the changed flow, in a
    few harmless statements, where the repository wants one and the model gave it. `update_summary`
    is what a dependency bot's pull request does, which no model read; null for all others.
    `requirements` are what the linked issues require, and `requirements_partly` says that the model
    read only a part of the change for this review, so that one may be done elsewhere.
    """

    version: int = REPORT_VERSION
    review: Review
    pull: PullRequest
    merge_base: str
    verdict: str  # one sentence
    overview: str = ""  # what the change does, by the LLM; "" when it said nothing
    conclusion: str  # of the check run: success, neutral or failure
    findings: tuple[Finding, ...]
    inline: tuple[str, ...]  # fingerprints to be posted on their lines
    still_open: tuple[str, ...] = ()  # fingerprints on their lines since an earlier review
    files: tuple[FileSummary, ...]
    skipped: tuple[SkippedFile, ...]
    rejected: tuple[Rejected, ...]
    usage: Usage
    models: tuple[str, ...]  # () when analysers alone made it
    notes: tuple[str, ...]
    reviewed_paths: tuple[str, ...] = ()
    searched_paths: tuple[str, ...] = ()
    dependencies: tuple[DependencyChange, ...] | None = None
    skipped_unlisted: int = 0
    failed_sources: tuple[str, ...] = ()
    reviewed: int | None = None
    unread: int = 0
    complete: bool = True
    show_usage: bool = False
    agent_prompts: bool = False
    review_minutes: int | None = None
    checks: tuple[CheckResult, ...] = ()
    diagram: str = ""
    update_summary: UpdateSummary | None = None
    requirements: tuple[Requirement, ...] = ()  # of the linked issues
    requirements_partly: bool = False
    finished_at: float

    @property
    def total(self) -> int:
        """How many defects there are; one at several places counts for each."""
        return sum(finding.occurrences for finding in self.findings)

    @property
    def fingerprints(self) -> frozenset[str]:
        """Of all that is reported, the other places of a defect included."""
        return frozenset().union(*(finding.fingerprints for finding in self.findings))

    @property
    def worst(self) -> Severity | None:
        """The severity of the worst open finding."""
        return min((f.severity for f in self.findings), key=lambda each: each.rank, default=None)

    @property
    def standing(self) -> str:
        """How it is at a glance: the worst severity, `clean`, or `incomplete`, also where a check
        of the team did not pass."""
        if self.worst is not None:
            return self.worst
        done = self.complete and not any(check.is_open for check in self.checks)
        return "clean" if done else "incomplete"

    @property
    def nothing_reviewed(self) -> bool:
        """Whether nobody read anything, so that silence says nothing."""
        return self.reviewed == 0 and bool(self.skipped) and not self.findings

    @property
    def subject(self) -> str:
        """What was reviewed: `owner/name #3`, or a range of a repository without a GitHub."""
        name = self.review.repository.full_name
        if self.review.number:
            return f"{name} #{self.review.number}"
        return f"{name} {self.pull.base_ref}..{self.pull.head_ref}"
