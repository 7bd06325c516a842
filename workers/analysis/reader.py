"""Reading: the model goes through files, looks up what it wants to see, and says what it found.

Each round is a question of its own that begins like the one before, so that servers' caches and
ours serve it. Each failure costs its own part only and is told in a note.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bot.config.repository_config import RepoConfig, TeamPreference
from bot.domain.look_ups import LookUpResult
from bot.domain.model import (
    BatchResult,
    Convention,
    Finding,
    PullRequestContext,
    Rejected,
    Requirement,
    SkippedFile,
    joined_requirements,
)
from bot.domain.reasons import FileSkipReason, RejectionReason
from bot.policy.finding_filter import FindingFilter
from bot.policy.preferences import concerning, may_leave_out
from templates.languages import _, ngettext
from workers.analysis.answer_schemas import review_schema
from workers.analysis.answer_values import same_path
from workers.analysis.llm.client import Answer
from workers.analysis.llm.errors import CutOffError, LLMError, TooLongError
from workers.analysis.model_answer import (
    RawFinding,
    read_diagram,
    read_findings,
    read_fixed,
    read_look_ups,
    read_overview,
    read_requirements,
    read_summaries,
)
from workers.analysis.narrowing import for_later_round
from workers.analysis.prompt import Numbered, Round, batch_prompt, preferences_for
from workers.analysis.redacted_view import RedactedView, clean, named_paths, one_line
from workers.analysis.session import Session
from workers.analysis.validate import shows_fix, validate_finding


@dataclass(slots=True, kw_only=True)
class Reader:
    """One reading of a batch, and what it has gathered so far. `rounds` is how many times it may
    look something up; `second` is an independent reading beside another one."""

    session: Session
    pr_context: PullRequestContext
    config: RepoConfig
    finding_filter: FindingFilter
    overview: Sequence[str]
    conventions: Sequence[Convention]
    rounds: int
    second: bool = False
    model: str = ""
    open_findings: Sequence[Finding] = ()
    looked_up: list[LookUpResult] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    summaries: dict[str, str] = field(default_factory=dict)
    fixed: dict[int, str] = field(default_factory=dict)
    overviews: list[str] = field(default_factory=list)
    diagrams: list[str] = field(default_factory=list)
    requirements: list[Requirement] = field(default_factory=list)
    reviewed: list[str] = field(default_factory=list)
    inconclusive: list[str] = field(default_factory=list)
    skipped: list[SkippedFile] = field(default_factory=list)
    answered_by: str = ""
    notes: list[str] = field(default_factory=list)

    def independent(self) -> "Reader":
        """Another reading of the same, which knows nothing of what this one finds."""
        return Reader(
            session=self.session,
            pr_context=self.pr_context,
            config=self.config,
            finding_filter=self.finding_filter,
            overview=self.overview,
            conventions=self.conventions,
            rounds=self.rounds,
            open_findings=self.open_findings,
            second=True,
            model=self.session.settings.llm_second_model,
        )

    async def read(self, files: Sequence[RedactedView]) -> None:
        """Asks about `files` together, or in halves where that is too much at once. Raises
        TransientLLMError if a later try may give more."""
        try:
            answer = await self._ask(files, self._round())
        except LLMError as exc:
            if self.session.waits_for_retry(exc):
                raise
            if isinstance(exc, TooLongError | CutOffError) and await self._split_and_retry(files):
                return
            self._give_up(files, exc)
            return
        if answer.cut and await self._split_and_retry(files):
            return
        answers, looked_up = await self._look_further(files, answer)
        self._take(files, answers, looked_up)

    async def _look_further(
        self, files: Sequence[RedactedView], answer: Answer
    ) -> tuple[list[Answer], list[LookUpResult]]:
        """All answers, the last one last, and what was looked up, in the order of its numbers."""
        answers, looked_up = [answer], list[LookUpResult]()
        for left in reversed(range(self.rounds)):
            seen = {result.look_up for result in looked_up}
            wanted = [each for each in read_look_ups(answers[-1].data or {}) if each not in seen]
            now = wanted[: self.session.settings.look_ups_per_round]
            if not now:
                break
            looked_up += await self.session.look_up(now)
            reading = replace(
                self._round(),
                looked_up=tuple(enumerate(looked_up, start=1)),
                draft=answers[-1].data,
                omitted=len(wanted) - len(now),
                left=left,
            )
            try:
                following = await self._ask_again(files, reading)
            except LLMError as exc:
                if self.session.waits_for_retry(exc):
                    raise
                self.notes.append(_("Looked-up code could not be considered: {why}.", why=exc))
                break
            if following.cut:
                self.notes.append(
                    _("Looked-up code could not be considered: the answer was cut off.")
                )
                break
            answers.append(following)
        return answers, looked_up

    async def _ask_again(self, files: Sequence[RedactedView], reading: Round) -> Answer:
        drafted = {finding.path for finding in read_findings(reading.draft or {})[0]}
        results = [result for _, result in reading.looked_up]
        shown, rest = for_later_round(files, results, drafted)
        return await self._ask(shown, reading, rest)

    def _round(self) -> Round:
        """The first one."""
        at_once = self.session.settings.look_ups_per_round
        return Round(left=self.rounds, at_once=at_once, second=self.second)

    async def _ask(
        self, files: Sequence[RedactedView], reading: Round, rest: Sequence[str] = ()
    ) -> Answer:
        open_findings = self._open(files)
        preferences = preferences_for(self.config.preferences, files)
        prompt = batch_prompt(
            files,
            self.pr_context,
            self.config.instructions,
            self.finding_filter.categories,
            self.session.settings.llm_context_tokens,
            overview=(*self.overview, *rest),
            conventions=self.conventions,
            reading=reading,
            open_findings=open_findings,
            preferences=preferences,
            tone=self.config.tone,
            diagram=self.config.diagram,
        )
        schema = review_schema(
            later=bool(open_findings),
            preferences=bool(preferences),
            diagram=self.config.diagram,
            issue=bool(self.pr_context.issue),
        )
        return await self.session.ask(prompt, schema, purpose="review", model=self.model)

    def _open(self, files: Sequence[RedactedView]) -> Numbered:
        """The open findings of these files, under the numbers that the model knows them by."""
        paths = {file.source.file.path for file in files}
        numbered = enumerate(self.open_findings, start=1)
        return [(number, finding) for number, finding in numbered if finding.path in paths]

    async def _split_and_retry(self, files: Sequence[RedactedView]) -> bool:
        """Asks for halves, or for a single file without its context; False if that is all."""
        if len(files) > 1:
            middle = len(files) // 2
            await self.read(files[:middle])
            await self.read(files[middle:])
            return True
        bare = files[0].without_context()
        if bare == files[0]:
            return False
        await self.read([bare])
        return True

    def _give_up(self, files: Sequence[RedactedView], exc: LLMError) -> None:
        paths = [file.source.file.path for file in files]
        self.skipped += [SkippedFile(path, FileSkipReason.NOT_READ, str(exc)) for path in paths]
        self.notes.append(
            ngettext(
                "{paths} was not reviewed by the model: {why}.",
                "{paths} were not reviewed by the model: {why}.",
                len(paths),
                paths=named_paths(paths),
                why=exc,
            )
        )

    def _take(
        self,
        files: Sequence[RedactedView],
        answers: Sequence[Answer],
        looked_up: Sequence[LookUpResult],
    ) -> None:
        answer = answers[-1]
        self._take_findings(files, answer.data or {}, looked_up)
        by_path = {file.path: file for file in files}
        self.looked_up += looked_up
        asked = dict(self._open(files))
        for each in answers:
            for id, line in read_fixed(each.data or {}).items():
                if id in asked and shows_fix(line, files, looked_up):
                    self.fixed[id] = one_line(line)
        for each in answers:  # a later round need not say again what has not changed
            for path, summary in read_summaries(each.data or {}).items():
                if known := same_path(path, by_path):
                    self.summaries[by_path[known].source.file.path] = one_line(summary)
        overviews = [read_overview(each.data or {}) for each in answers]
        self.overviews += [text for text in overviews if text][-1:]
        self.requirements += self._required(answers)
        diagrams = [read_diagram(each.data or {}) for each in answers]
        self.diagrams += [text for text in diagrams if text][-1:]
        paths = [file.source.file.path for file in files]
        self.reviewed += paths
        self.answered_by = answer.model
        if answer.cut:
            self.inconclusive += paths
            self.notes.append(
                _(
                    "The model's answer on {paths} was cut off; findings may be missing.",
                    paths=named_paths(paths),
                )
            )

    def _take_findings(
        self, files: Sequence[RedactedView], data: dict[str, Any], looked_up: Sequence[LookUpResult]
    ) -> None:
        by_path = {file.path: file for file in files}
        good, refused = read_findings(data)
        shown = dict(preferences_for(self.config.preferences, files))
        for raw in good:
            validated = validate_finding(raw, by_path, self.finding_filter, looked_up)
            if isinstance(validated, Finding):
                validated = _left_out(raw, validated, shown) or validated
            if isinstance(validated, Rejected):
                self.rejected.append(validated)
                continue
            if raw.suggestion is not None and validated.suggestion is None:
                self.rejected.append(_without_suggestion(validated))
            if _finding_key(validated) not in map(_finding_key, self.findings):
                self.findings.append(validated)
        self.rejected += [
            Rejected(
                path=one_line(each.path),
                title=one_line(each.title),
                reason=RejectionReason.MALFORMED,
                detail=each.reason,
            )
            for each in refused
        ]

    def _required(self, answers: Sequence[Answer]) -> Sequence[Requirement]:
        """What the linked issues ask for, by the last answer that says it."""
        if not self.pr_context.issue:
            return ()
        found = (read_requirements(each.data or {}) for each in reversed(answers))
        return next(filter(None, found), ())

    def result(self) -> BatchResult:
        return BatchResult(
            findings=tuple(self.findings),
            rejected=tuple(self.rejected),
            summaries=tuple(self.summaries.items()),
            reviewed=tuple(self.reviewed),
            inconclusive=tuple(self.inconclusive),
            skipped=tuple(self.skipped),
            model=self.answered_by,
            notes=tuple(dict.fromkeys(self.notes)),
            overview=clean(" ".join(self.overviews[:1])),
            diagram=clean("".join(self.diagrams[:1])),
            fixed=self._fixed(),
            requirements=joined_requirements(map(_cleaned, self.requirements)),
        )

    def _fixed(self) -> tuple[tuple[str, str], ...]:
        """Two open findings on the same code have one fingerprint: it is fixed when both are."""
        numbered = tuple(enumerate(self.open_findings, start=1))
        left = {finding.fingerprint for id, finding in numbered if id not in self.fixed}
        return tuple(
            (finding.fingerprint, self.fixed[id])
            for id, finding in numbered
            if finding.fingerprint not in left
        )


def _left_out(
    raw: RawFinding, finding: Finding, shown: Mapping[int, TeamPreference]
) -> Rejected | None:
    """Why a preference leaves the finding out, if the model named one that it was shown, that
    is for the finding's file, and that may speak against it: the model's word is not enough."""
    if raw.preference is None or not may_leave_out(finding):
        return None
    named = shown.get(raw.preference)
    if named is None or not concerning([named], [finding.path]):
        return None
    return Rejected(
        path=finding.path,
        title=finding.title,
        reason=RejectionReason.PREFERENCE,
        detail=one_line(named.text),
    )


def _cleaned(requirement: Requirement) -> Requirement:
    text, why = one_line(requirement.text), one_line(requirement.why)
    return replace(requirement, text=text, why=why)


def _finding_key(finding: Finding) -> tuple[str, int | None]:
    """What makes two findings of a model one: the same code elsewhere is worth naming."""
    return finding.fingerprint, finding.start_line


def _without_suggestion(finding: Finding) -> Rejected:
    reason = (
        RejectionReason.SUGGESTION_MISPLACED
        if finding.anchored
        else RejectionReason.SUGGESTION_WITHOUT_LINES
    )
    return Rejected(path=finding.path, title=finding.title, reason=reason)
