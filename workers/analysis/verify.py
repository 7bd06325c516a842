"""The second pass: findings shown with their context once more, and only what holds is kept."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bot.model import Finding, Rejected, Usage
from bot.settings import Settings
from workers.analysis.answer import VERDICTS_SCHEMA, Verdict, read_verdicts
from workers.analysis.errors import LLMError, TransientLLMError
from workers.analysis.llm import LLM
from workers.analysis.prompt import verify_prompt
from workers.analysis.shown import Shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What is left of the findings; `note` is a sentence if nobody could check them."""

    findings: tuple[Finding, ...]
    rejected: tuple[Rejected, ...] = ()
    usage: Usage = field(default_factory=Usage)
    note: str = ""


async def verify(
    findings: Sequence[Finding],
    files: Sequence[Shown],
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
    if not findings:
        return Verified(findings=())
    spoken_of = {finding.path for finding in findings}
    prompt = verify_prompt(
        [file for file in files if file.source.file.path in spoken_of],
        list(enumerate(findings, start=1)),
    )
    try:
        answer = await llm.ask(
            prompt.system,
            prompt.user,
            VERDICTS_SCHEMA,
            purpose="verify",
            review_id=review_id,
            installation_id=installation_id,
            model=settings.llm_verify_model,
        )
    except TransientLLMError as exc:
        if not last_try:
            raise
        return _unchecked(findings, exc)
    except LLMError as exc:
        return _unchecked(findings, exc)
    return _judge(findings, read_verdicts(answer.data or {}), settings.min_confidence, answer.usage)


def _unchecked(findings: Sequence[Finding], exc: LLMError) -> Verified:
    note = f"{len(findings)} finding(s) were not checked a second time: {exc}."
    return Verified(findings=tuple(findings), usage=exc.usage, note=note)


def _judge(
    findings: Sequence[Finding], verdicts: dict[int, Verdict], least: float, usage: Usage
) -> Verified:
    if not verdicts:
        note = f"{len(findings)} finding(s) were not checked a second time: no verdict was given."
        return Verified(findings=tuple(findings), usage=usage, note=note)
    kept: list[Finding] = []
    rejected: list[Rejected] = []
    for id, finding in enumerate(findings, start=1):
        reason = _objection(verdicts.get(id), least)
        if reason:
            rejected.append(Rejected(path=finding.path, title=finding.title, reason=reason))
        else:
            kept.append(replace(finding, confidence=verdicts[id].confidence))
    return Verified(findings=tuple(kept), rejected=tuple(rejected), usage=usage)


def _objection(verdict: Verdict | None, least: float) -> str:
    """Why a finding is thrown out, "" if it is not."""
    if verdict is None:
        return "unverified: no verdict was given"
    because = f": {verdict.reason}" if verdict.reason else ""
    if not verdict.holds:
        return f"unverified{because}"
    if verdict.confidence < least:
        return f"low confidence ({verdict.confidence:g} of {least:g}){because}"
    return ""
