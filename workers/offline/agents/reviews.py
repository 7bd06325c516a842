"""What a coding agent asks of reviews: to make one, to read it, to dismiss a finding of it."""

import asyncio
import getpass
import hashlib
import json
import os
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from pydantic import BaseModel

from bot.config.settings import Settings
from bot.domain.diff import Side
from bot.domain.model import Finding, Report, Severity, encode
from bot.domain.outcomes import OutcomeReport, begin_of
from bot.domain.suppressions import Dismissals, Suppression
from bot.text.invisible_characters import show_hidden
from workers.offline.local_review import OnProgress
from workers.offline.review_target import NothingChanged, TargetNotFound, git
from workers.offline.subject import Subject, review_subject
from workers.reports.formats import one_line

#: Files that are named as skipped; an agent reads all that it is given.
_MAX_SKIPPED = 20
_MAX_REASON = 200

#: Reads outcomes since then (Unix seconds) in a repository, as owner/name; None without a server.
ReadOutcomes = Callable[[float, str], Awaitable[OutcomeReport | None]]

#: The end of a remote's address, which names the repository.
_ON_GITHUB = re.compile(r"[:/]([\w.-]+/[\w.-]+?)(?:\.git)?/?$", re.ASCII)


class AgentError(Exception):
    """Raised for what cannot be done; the message is one sentence for the agent."""


class FindingLine(BaseModel):
    """A finding in short. `line` is of the changed file, null where there is none."""

    id: str
    path: str
    line: int | None
    severity: str
    category: str
    title: str


class ReviewSummary(BaseModel):
    """What a review came to. `complete` is false where something was not read."""

    subject: str
    verdict: str
    complete: bool
    findings: list[FindingLine] = []
    notes: list[str] = []
    skipped: list[str] = []
    checks: list[str] = []


class FindingDetails(BaseModel):
    """All that is known of a finding. `suggestion` replaces the lines from `start_line` to
    `end_line`; `trace` leads from an input to the wrong result."""

    id: str
    path: str
    start_line: int | None
    end_line: int | None
    severity: str
    category: str
    title: str
    explanation: str
    trace: str
    code: str
    suggestion: str | None
    found_by: str
    confidence: float
    checked: str
    other_places: list[str]


class OutcomeLine(BaseModel):
    """Findings of one kind; shares (0 to 1) are of the settled ones, `fix_seconds` the median."""

    name: str
    posted: int
    settled: int
    outcomes: dict[str, int]
    acceptance: float | None
    false_positives: float | None
    fix_seconds: float | None


class OutcomeSummary(BaseModel):
    """What became of the findings posted from `since` to `until`, in seconds since the epoch."""

    since: float
    until: float
    complete: bool
    total: OutcomeLine
    by: dict[str, list[OutcomeLine]]
    weeks: list[OutcomeLine]


class AgentReviews:
    """Reviews of one repository, one at a time; the newest is remembered.

    Dismissals are kept in a file of `DATA_DIR` for the repository, never in its folder.
    `read_outcomes` is asked for those of a repository since a time.
    """

    def __init__(
        self, settings: Settings, repo: Path, token: str, read_outcomes: ReadOutcomes
    ) -> None:
        self._settings, self._repo, self._token = settings, repo, token
        self._read_outcomes = read_outcomes
        self._one_at_a_time = asyncio.Lock()
        self._report: Report | None = None

    async def review(
        self,
        on_progress: OnProgress,
        *,
        pr: str = "",
        base: str = "",
        head: str = "",
        staged: bool = False,
        paths: tuple[str, ...] = (),
        use_llm: bool = True,
    ) -> ReviewSummary:
        """Raises AgentError."""
        if pr and not self._token:
            raise AgentError("GITHUB_TOKEN is not set; pull requests cannot be read.")
        if staged and (base or head):
            raise AgentError("staged cannot be combined with base or head.")
        subject = Subject(
            repo=self._repo,
            base=base,
            head=head,
            pr=pr,
            token=self._token,
            staged=staged,
            paths=paths,
        )
        settings = self._settings
        if not use_llm:
            settings = settings.model_copy(update={"llm_model": ""})
        async with self._one_at_a_time:
            try:
                self._report = await review_subject(
                    subject, settings, on_progress=on_progress, dismissed=self._dismissals()
                )
            except NothingChanged as exc:
                return ReviewSummary(subject="", verdict=str(exc), complete=True)
            except TargetNotFound as exc:
                raise AgentError(str(exc)) from exc
        return self.findings()

    def findings(self, min_severity: Severity = Severity.INFO) -> ReviewSummary:
        """The newest review. Raises AgentError before the first."""
        report = self._newest()
        dismissed = self._dismissals().fingerprints
        return ReviewSummary(
            subject=report.subject,
            verdict=report.verdict,
            complete=report.complete,
            findings=[
                _line(finding)
                for finding in report.findings
                if finding.severity.rank <= min_severity.rank
                and finding.fingerprint not in dismissed
            ],
            notes=[one_line(note) for note in report.notes],
            checks=[one_line(check.sentence) for check in report.checks],
            skipped=[f"{one_line(f.path)}: {f.text}" for f in report.skipped[:_MAX_SKIPPED]],
        )

    def explain(self, finding_id: str) -> FindingDetails:
        """Raises AgentError for an id that the newest review does not have."""
        finding = self._finding(finding_id)
        return FindingDetails(
            id=finding.fingerprint,
            path=finding.path,
            start_line=finding.start_line,
            end_line=finding.end_line,
            severity=finding.severity,
            category=finding.category,
            title=show_hidden(finding.title),
            explanation=show_hidden(finding.body),
            trace=show_hidden(finding.trace),
            code=show_hidden(finding.quote),
            suggestion=finding.suggestion,
            found_by=finding.found_by,
            confidence=finding.confidence,
            checked=finding.check,
            other_places=[f"{place.path}:{place.start_line}" for place in finding.located[1:]],
        )

    def dismiss(self, finding_id: str, reason: str) -> str:
        """Do not report the finding again in this repository. Raises AgentError."""
        finding = self._finding(finding_id)
        if not reason.strip():
            raise AgentError("Give a reason: a person will read it.")
        if finding.severity is Severity.CRITICAL:
            raise AgentError("A critical finding cannot be dismissed by an agent; ask a person.")
        one = Suppression(
            fingerprint=finding.fingerprint,
            path=finding.path,
            title=finding.title,
            reason=one_line(reason)[:_MAX_REASON],
            suppressed_by=f"an agent of {_user()}",
            suppressed_at=time.time(),
        )
        self._save({**self._dismissals().in_repository, one.fingerprint: one})
        return f"Dismissed {one.fingerprint}. It is kept in {self._file}; delete it to undo."

    async def outcomes(self, since: str) -> OutcomeSummary:
        """What became of findings that the server posted in this repository's pull requests. Only
        of this one: whoever agents are, they work on it alone. Raises AgentError."""
        try:
            begin = begin_of(since, time.time())
            address = await git(self._repo, "config", "--get", "remote.origin.url")
        except ValueError as exc:
            raise AgentError(str(exc)) from exc
        except TargetNotFound as exc:
            raise AgentError("This clone has no remote named origin.") from exc
        named = _ON_GITHUB.search(address.strip())
        found = await self._read_outcomes(begin, named[1]) if named else None
        if found is None:
            raise AgentError("There are no outcomes here: set the server's REDIS_URL or DATA_DIR.")
        return OutcomeSummary.model_validate_json(encode(found))

    def _newest(self) -> Report:
        if self._report is None:
            raise AgentError("Nothing has been reviewed yet; call review_changes first.")
        return self._report

    def _finding(self, finding_id: str) -> Finding:
        for finding in self._newest().findings:
            if finding_id in finding.fingerprints:
                return finding
        raise AgentError(f"The newest review has no finding {one_line(finding_id)[:40]}.")

    @property
    def _file(self) -> Path:
        name = hashlib.sha256(os.fsencode(self._repo)).hexdigest()[:16]
        return self._settings.data_dir / "dismissed" / f"{name}.json"

    def _dismissals(self) -> Dismissals:
        try:
            rows = json.loads(self._file.read_bytes())
            found = [Suppression(**row) for row in rows]
        except (OSError, ValueError, TypeError):  # none yet, or written by another version
            return Dismissals()
        return Dismissals(in_repository={one.fingerprint: one for one in found})

    def _save(self, suppressions: Mapping[str, Suppression]) -> None:
        rows = [
            {
                "fingerprint": one.fingerprint,
                "path": one.path,
                "title": one.title,
                "reason": one.reason,
                "suppressed_by": one.suppressed_by,
                "suppressed_at": one.suppressed_at,
            }
            for one in suppressions.values()
        ]
        temporary = self._file.with_suffix(f".{os.getpid()}")
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            temporary.write_text(json.dumps(rows, indent=1))
            temporary.replace(self._file)
        except OSError as exc:
            raise AgentError(f"{self._file} cannot be written: {exc.strerror}.") from exc


def _line(finding: Finding) -> FindingLine:
    return FindingLine(
        id=finding.fingerprint,
        path=finding.path,
        line=finding.start_line if finding.side is Side.RIGHT else None,
        severity=finding.severity,
        category=finding.category,
        title=one_line(finding.title),
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user without a name, as in containers
        return "this machine"
