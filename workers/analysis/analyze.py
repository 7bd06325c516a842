"""The step: a batch is read by the model, and what it says is checked before it is believed.

Redact, ask, validate, anchor, fit suggestions, verify. Each failure costs its own part
only and is told in a note.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bot.config.repository_config import RepoConfig
from bot.config.settings import Settings
from bot.domain.model import (
    Batch,
    BatchResult,
    Category,
    Finding,
    PullRequestContext,
    Rejected,
    SkippedFile,
    Usage,
)
from bot.policy.criteria import FindingFilter, finding_filter
from workers.analysis.answer import REVIEW_SCHEMA, read_findings, read_summaries
from workers.analysis.llm.client import LLM, Answer
from workers.analysis.llm.errors import LLMError, TooLongError, TransientLLMError
from workers.analysis.prompt import batch_prompt
from workers.analysis.redacted_view import RedactedView, one_line, show
from workers.analysis.validate import validate_finding
from workers.analysis.verify import verify

#: Paths named in one note; of more, the number is told.
_MAX_NAMED = 3


async def analyze(
    batch: Batch,
    pr_context: PullRequestContext,
    llm: LLM,
    settings: Settings,
    config: RepoConfig,
    *,
    focus: Category | None,
    review_id: str = "",
    installation_id: int = 0,
    last_try: bool = False,
) -> BatchResult:
    """What the model finds in `batch`, checked.

    Raises TransientLLMError if a later try may give more, except at the `last_try`; its
    `usage` is all that this try has cost. At the last try, and for all that no try will
    heal, the result has what could be had, names what was not read in `skipped`, and
    says why in `notes`.
    """
    analyzer = _BatchAnalyzer(
        pr_context=pr_context,
        llm=llm,
        config=config,
        finding_filter=finding_filter(settings, config, focus),
        context_tokens=settings.llm_context_tokens,
        review_id=review_id,
        installation_id=installation_id,
        last_try=last_try,
    )
    shown = [show(each) for each in batch.files if each.file.hunks]
    analyzer.reviewed += [each.file.path for each in batch.files if not each.file.hunks]
    if shown:
        await analyzer.read(shown)
    result = analyzer.result()
    try:
        verified = await verify(
            result.findings,
            shown,
            llm,
            settings,
            review_id=review_id,
            installation_id=installation_id,
            last_try=last_try,
        )
    except TransientLLMError as exc:
        exc.usage += result.usage
        raise
    return replace(
        result,
        findings=verified.findings,
        rejected=result.rejected + verified.rejected,
        inconclusive=result.inconclusive + verified.unchecked,
        usage=result.usage + verified.usage,
        notes=result.notes + verified.notes,
    )


@dataclass(slots=True, kw_only=True)
class _BatchAnalyzer:
    """One run of the step, and what it has gathered so far."""

    pr_context: PullRequestContext
    llm: LLM
    config: RepoConfig
    finding_filter: FindingFilter
    context_tokens: int
    review_id: str
    installation_id: int
    last_try: bool
    findings: list[Finding] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    summaries: list[tuple[str, str]] = field(default_factory=list)
    reviewed: list[str] = field(default_factory=list)
    inconclusive: list[str] = field(default_factory=list)
    skipped: list[SkippedFile] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    model: str = ""
    notes: list[str] = field(default_factory=list)

    async def read(self, files: Sequence[RedactedView]) -> None:
        """Asks about `files` together, or in halves where that is too much at once."""
        try:
            answer = await self._ask(files)
        except LLMError as exc:
            self.usage += exc.usage
            if isinstance(exc, TransientLLMError) and not self.last_try:
                exc.usage = self.usage
                raise
            if isinstance(exc, TooLongError) and await self._split_and_retry(files):
                return
            self._give_up(files, exc)
            return
        self.usage += answer.usage
        if answer.cut and await self._split_and_retry(files):
            return
        self._take(files, answer)

    async def _ask(self, files: Sequence[RedactedView]) -> Answer:
        prompt = batch_prompt(
            files,
            self.pr_context,
            self.config.instructions,
            self.finding_filter.categories,
            self.context_tokens,
        )
        return await self.llm.ask(
            prompt.system,
            prompt.user,
            REVIEW_SCHEMA,
            purpose="review",
            review_id=self.review_id,
            installation_id=self.installation_id,
        )

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
        self.skipped += [SkippedFile(path, f"not read by the model: {exc}") for path in paths]
        were = "was" if len(paths) == 1 else "were"
        self.notes.append(f"{_listed(paths)} {were} not read by the model: {exc}.")

    def _take(self, files: Sequence[RedactedView], answer: Answer) -> None:
        data = answer.data or {}
        by_path = {file.path: file for file in files}
        good, refused = read_findings(data)
        for raw in good:
            validated = validate_finding(raw, by_path, self.finding_filter)
            if isinstance(validated, Rejected):
                self.rejected.append(validated)
                continue
            if raw.suggestion is not None and validated.suggestion is None:
                self.rejected.append(_without_suggestion(validated))
            if _finding_key(validated) not in map(_finding_key, self.findings):
                self.findings.append(validated)
        self.rejected += [
            Rejected(path=one_line(each.path), title=one_line(each.title), reason=each.reason)
            for each in refused
        ]
        self.summaries += [
            (by_path[path].source.file.path, one_line(summary))
            for path, summary in read_summaries(data).items()
            if path in by_path
        ]
        paths = [file.source.file.path for file in files]
        self.reviewed += paths
        self.model = answer.model
        if answer.cut:
            self.inconclusive += paths
            self.notes.append(
                f"The model's answer on {_listed(paths)} was cut off; findings may be missing."
            )

    def result(self) -> BatchResult:
        return BatchResult(
            findings=tuple(self.findings),
            rejected=tuple(self.rejected),
            summaries=tuple(self.summaries),
            reviewed=tuple(self.reviewed),
            inconclusive=tuple(self.inconclusive),
            skipped=tuple(self.skipped),
            usage=self.usage,
            model=self.model,
            notes=tuple(self.notes),
        )


def _finding_key(finding: Finding) -> tuple[str, int | None]:
    """What makes two findings of a model one: the same code elsewhere is worth naming."""
    return finding.fingerprint, finding.start_line


def _without_suggestion(finding: Finding) -> Rejected:
    why = "does not apply to those lines" if finding.anchored else "has no lines to apply to"
    return Rejected(path=finding.path, title=finding.title, reason=f"suggestion {why}")


def _listed(paths: Sequence[str]) -> str:
    """Some paths in words."""
    shown_paths = list(paths[:_MAX_NAMED])
    if len(paths) > _MAX_NAMED:
        shown_paths.append(f"{len(paths) - _MAX_NAMED} more")
    return (
        shown_paths[0]
        if len(shown_paths) == 1
        else f"{', '.join(shown_paths[:-1])} and {shown_paths[-1]}"
    )
