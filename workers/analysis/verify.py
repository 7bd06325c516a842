"""The second pass: findings shown with their context once more, and only what holds is kept."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from bot.config.prompt_shares import prompt_budget
from bot.config.settings import Settings
from bot.domain.model import Finding, Rejected, Usage
from bot.text.tokens import count_tokens
from workers.analysis.answer import VERDICTS_SCHEMA, Verdict, read_verdicts
from workers.analysis.llm.client import LLM, Answer
from workers.analysis.llm.errors import LLMError, TooLongError, TransientLLMError
from workers.analysis.prompt import verify_prompt
from workers.analysis.redacted_view import RedactedView


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What is left of the findings; `unchecked` are the paths of those without a verdict, and
    `notes` sentences on those that nobody could check."""

    findings: tuple[Finding, ...]
    rejected: tuple[Rejected, ...] = ()
    unchecked: tuple[str, ...] = ()
    usage: Usage = field(default_factory=Usage)
    notes: tuple[str, ...] = ()


async def verify(
    findings: Sequence[Finding],
    files: Sequence[RedactedView],
    llm: LLM,
    settings: Settings,
    *,
    review_id: str = "",
    installation_id: int = 0,
    last_try: bool = False,
) -> Verified:
    """The findings that hold, with the verdict's confidence.

    If the model cannot be asked they are kept as they are, with a note; unless it may
    be had later: then TransientLLMError is raised, except at the `last_try`.
    """
    second = _SecondPass(
        llm=llm,
        model=settings.llm_verify_model,
        review_id=review_id,
        installation_id=installation_id,
        last_try=last_try,
    )
    numbered = tuple(enumerate(findings, start=1))
    for group in _groups(numbered, prompt_budget(settings.llm_context_tokens).findings):
        await second.check(group, files)
    return second.judged(numbered, settings.min_confidence)


Numbered = Sequence[tuple[int, Finding]]

_FINDING_COST = 50  # tokens for the words around a finding


def _groups(numbered: Numbered, budget: int) -> Iterator[Numbered]:
    """As many together as are shown in `budget` tokens, at least one."""
    group: list[tuple[int, Finding]] = []
    remaining = budget
    for each in numbered:
        finding = each[1]
        texts = (finding.path, finding.title, finding.body, finding.suggestion or "")
        cost = sum(count_tokens(text) + text.count("\n") for text in texts) + _FINDING_COST
        if group and cost > remaining:
            yield group
            group, remaining = [], budget
        group.append(each)
        remaining -= cost
    if group:
        yield group


@dataclass(slots=True, kw_only=True)
class _SecondPass:
    """The questions on some findings, and what was said so far, by the finding's number."""

    llm: LLM
    model: str
    review_id: str
    installation_id: int
    last_try: bool
    verdicts: dict[int, Verdict] = field(default_factory=dict)
    unchecked: dict[int, str] = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)

    async def check(self, numbered: Numbered, files: Sequence[RedactedView]) -> None:
        """Asks about the findings together, or in parts where that is too much at once."""
        try:
            answer = await self._ask(numbered, files)
        except LLMError as exc:
            self.usage += exc.usage
            if isinstance(exc, TransientLLMError) and not self.last_try:
                exc.usage = self.usage
                raise
            if not (isinstance(exc, TooLongError) and await self._split_and_retry(numbered, files)):
                self.unchecked |= {id: str(exc) for id, _ in numbered}
            return
        self.usage += answer.usage
        given = read_verdicts(answer.data or {})
        missing = [(id, finding) for id, finding in numbered if id not in given]
        self.verdicts |= {id: given[id] for id, _ in numbered if id in given}
        if answer.cut and 0 < len(missing) < len(numbered):
            await self.check(missing, files)
        elif len(missing) == len(numbered) and not (
            answer.cut and await self._split_and_retry(numbered, files)
        ):
            self.unchecked |= {id: "no verdict was given" for id, _ in numbered}

    async def _ask(self, numbered: Numbered, files: Sequence[RedactedView]) -> Answer:
        finding_paths = {finding.path for _, finding in numbered}
        prompt = verify_prompt(
            [file for file in files if file.source.file.path in finding_paths], numbered
        )
        return await self.llm.ask(
            prompt.system,
            prompt.user,
            VERDICTS_SCHEMA,
            purpose="verify",
            review_id=self.review_id,
            installation_id=self.installation_id,
            model=self.model,
        )

    async def _split_and_retry(self, numbered: Numbered, files: Sequence[RedactedView]) -> bool:
        """Asks for halves, or for one finding without its context; False if that is all."""
        if len(numbered) > 1:
            middle = len(numbered) // 2
            await self.check(numbered[:middle], files)
            await self.check(numbered[middle:], files)
            return True
        bare = [file.without_context() for file in files]
        if bare == list(files):
            return False
        await self.check(numbered, bare)
        return True

    def judged(self, numbered: Numbered, min_confidence: float) -> Verified:
        """The findings sorted by what was said of them; `min_confidence` is the confidence
        needed."""
        kept: list[Finding] = []
        rejected: list[Rejected] = []
        for id, finding in numbered:
            if id in self.unchecked:
                kept.append(finding)
            elif reason := _objection(self.verdicts.get(id), min_confidence):
                rejected.append(Rejected(path=finding.path, title=finding.title, reason=reason))
            else:
                kept.append(replace(finding, confidence=self.verdicts[id].confidence))
        reasons = list(self.unchecked.values())
        unchecked = (finding.path for id, finding in numbered if id not in self.verdicts)
        return Verified(
            findings=tuple(kept),
            rejected=tuple(rejected),
            unchecked=tuple(dict.fromkeys(unchecked)),
            usage=self.usage,
            notes=tuple(
                f"{reasons.count(why)} finding(s) were not checked a second time: {why}."
                for why in dict.fromkeys(reasons)
            ),
        )


def _objection(verdict: Verdict | None, min_confidence: float) -> str:
    """Why a finding is thrown out, "" if it is not."""
    if verdict is None:
        return "unverified: no verdict was given"
    because = f": {verdict.reason}" if verdict.reason else ""
    if not verdict.holds:
        return f"unverified{because}"
    if verdict.confidence < min_confidence:
        return f"low confidence ({verdict.confidence:g} of {min_confidence:g}){because}"
    return ""
