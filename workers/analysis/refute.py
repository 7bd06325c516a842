"""The check: the model tries to refute findings; what it refutes with a line is dropped.

Those that may become comments are checked, the most severe first, until enough of them hold; the
others are folded in the review anyway. What the model cannot decide it may look up; all such
findings are asked about once more, and then a verdict is due.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest

from bot.config.prompt_shares import prompt_budget
from bot.domain.look_ups import LookUp, LookUpResult
from bot.domain.model import CheckOutcome, Finding, Rejected, Severity
from bot.domain.progress import Activity
from bot.domain.reasons import RejectionReason
from bot.policy.finding_filter import Rejection, doubts
from bot.text.tokens import count_tokens, packed
from templates.languages import ngettext
from workers.analysis.answer_schemas import VERDICTS_SCHEMA
from workers.analysis.llm.client import Answer
from workers.analysis.llm.errors import CutOffError, LLMError, TooLongError
from workers.analysis.model_answer import Verdict, read_verdicts
from workers.analysis.narrowing import near_findings
from workers.analysis.prompt import Numbered, Round, check_prompt
from workers.analysis.redacted_view import RedactedView
from workers.analysis.session import Session, all_of

#: Findings that are judged in one call: of more, each gets less thought.
_AT_ONCE = 4
_FINDING_COST = 50  # tokens for the words around a finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What is left of the findings, each with its outcome; `unchecked` are the paths of those
    that were asked about and got no verdict, and `notes` sentences on these."""

    findings: tuple[Finding, ...]
    rejected: tuple[Rejected, ...] = ()
    unchecked: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


async def check(
    findings: Sequence[Finding],
    files: Sequence[RedactedView],
    session: Session,
    *,
    look_ups: bool = False,
    looked_up: Sequence[LookUpResult] = (),
    comments: int | None = None,
) -> Checked:
    """The findings that were not refuted, with the verdict's confidence, in their order.

    Severe ones are checked, and of the others so many that `comments` of all hold; None: all.
    `looked_up` is what the reader saw of the repository. If the model cannot be asked they are
    kept as they are, with a note; unless it may be had later: then TransientLLMError is raised,
    except at the session's last try.
    """
    checker = _Checker(session=session, files=files, looks=look_ups, looked_up=looked_up)
    numbered = tuple(enumerate(findings, start=1))
    waiting = sorted(numbered, key=lambda each: _likelihood(each[1]))
    severe = sum(each.severity.rank <= Severity.HIGH.rank for each in findings)
    most = len(waiting) if comments is None else max(severe, 2 * comments)
    while waiting[:most] and (comments is None or checker.holding < max(comments, 1)):
        part, waiting = waiting[:most], waiting[most:]
        await session.on_activity(Activity.CHECKING, len(part))
        await all_of([checker.judge(group) for group in checker.groups(part, _AT_ONCE)])
    if look_ups:
        await checker.decide(numbered)
    return checker.checked(numbered)


@dataclass(slots=True, kw_only=True)
class _Checker:
    """The questions on some findings, and what was said so far, by the finding's number."""

    session: Session
    files: Sequence[RedactedView]
    looks: bool
    looked_up: Sequence[LookUpResult]
    verdicts: dict[int, Verdict] = field(default_factory=dict)
    seen: dict[int, tuple[LookUpResult, ...]] = field(default_factory=dict)
    unchecked: dict[int, str] = field(default_factory=dict)

    @property
    def holding(self) -> int:
        """How many findings were not refuted, or could not be asked about."""
        confirmed = (each.outcome is CheckOutcome.CONFIRMED for each in self.verdicts.values())
        return sum(confirmed) + len(self.unchecked.keys() - self.verdicts.keys())

    def groups(self, numbered: Numbered, at_once: int) -> Iterator[Numbered]:
        """So many together as are judged well and shown in their share of the prompt, at least
        one; files together."""
        budget = prompt_budget(self.session.settings.llm_context_tokens).findings
        order = {file.source.file.path: number for number, file in enumerate(self.files)}
        by_file = sorted(numbered, key=lambda each: order.get(each[1].path, -1))
        return packed(by_file, lambda each: _cost(each[1]), tokens=budget, most=at_once)

    async def judge(self, numbered: Numbered, *, bare: bool = False, forced: bool = False) -> None:
        """Asks about the findings together, or in parts where that is too much at once; `bare`
        shows the change alone."""
        try:
            answer = await self._ask(numbered, bare=bare, forced=forced)
        except LLMError as exc:
            if self.session.waits_for_retry(exc):
                raise
            too_much = isinstance(exc, TooLongError | CutOffError)
            if not (too_much and await self._split(numbered, bare, forced)):
                self.unchecked |= {id: str(exc) for id, _ in numbered if id not in self.verdicts}
            return
        given = read_verdicts(answer.data or {})
        missing = [(id, finding) for id, finding in numbered if id not in given]
        self.verdicts |= {id: given[id] for id, _ in numbered if id in given}
        if 0 < len(missing) < len(numbered):
            await self.judge(missing, bare=bare, forced=forced)
        elif missing and not (answer.cut and await self._split(numbered, bare, forced)):
            self.unchecked |= {
                id: "no verdict was given" for id, _ in missing if id not in self.verdicts
            }

    async def _ask(self, numbered: Numbered, *, bare: bool, forced: bool) -> Answer:
        settings = self.session.settings
        paths = {finding.path for _, finding in numbered}
        files = [file for file in self.files if file.source.file.path in paths]
        if self.looks:  # what is left out can be looked up
            about = [finding for _, finding in numbered]
            files = [near_findings(file, about) for file in files]
        results = () if bare else self._shown(numbered)
        prompt = check_prompt(
            [file.without_context() for file in files] if bare else files,
            numbered,
            settings.llm_context_tokens,
            Round(
                looked_up=tuple(enumerate(results, start=1)),
                left=int(self.looks and not forced),
                at_once=settings.look_ups_per_round,
            ),
            forced=forced,
        )
        return await self.session.ask(
            prompt, VERDICTS_SCHEMA, purpose="verify", model=settings.llm_verify_model
        )

    def _shown(self, numbered: Numbered) -> Sequence[LookUpResult]:
        """What was looked up for these findings, the checker's own last: that is cut last."""
        places = {place for _, finding in numbered for place in finding.looked_at}
        reader = [result for result in self.looked_up if places.intersection(result.places)]
        own = [result for id, _ in numbered for result in self.seen.get(id, ())]
        return tuple(dict.fromkeys((*reader, *own)))

    async def _split(self, numbered: Numbered, bare: bool, forced: bool) -> bool:
        """Asks for halves, or for one finding without its context; False if that is all."""
        if len(numbered) > 1:
            middle = len(numbered) // 2
            await self.judge(numbered[:middle], bare=bare, forced=forced)
            await self.judge(numbered[middle:], bare=bare, forced=forced)
            return True
        if bare:
            return False
        await self.judge(numbered, bare=True, forced=forced)
        return True

    async def decide(self, numbered: Numbered) -> None:
        """Looks up what would decide the undecided ones, and asks about them once more."""
        asking = {
            id: self.verdicts[id].look_ups
            for id, _ in numbered
            if id in self.verdicts
            and self.verdicts[id].outcome is CheckOutcome.UNDECIDED
            and self.verdicts[id].look_ups
        }
        wanted = _in_turn(asking.values(), self.session.settings.look_ups_per_round)
        results = await self.session.look_up(wanted)
        found = dict(zip(wanted, results, strict=False))
        self.seen = {
            id: tuple(found[each] for each in look_ups if each in found)
            for id, look_ups in asking.items()
        }
        again = [(id, finding) for id, finding in numbered if self.seen.get(id)]
        await all_of([self.judge(group, forced=True) for group in self.groups(again, 2 * _AT_ONCE)])

    def checked(self, numbered: Numbered) -> Checked:
        """The findings sorted by what was said of them."""
        kept: list[Finding] = []
        rejected: list[Rejected] = []
        min_confidence = self.session.settings.min_confidence
        for id, finding in numbered:
            verdict = self.verdicts.get(id)
            if verdict is None:
                kept.append(finding)
            elif objection := _objection(verdict, min_confidence):
                reason, detail = objection
                rejected.append(
                    Rejected(path=finding.path, title=finding.title, reason=reason, detail=detail)
                )
            else:
                kept.append(self._judged(id, finding, verdict))
        reasons = list(self.unchecked.values())
        unanswered = self.unchecked.keys() - self.verdicts.keys()
        unchecked = (finding.path for id, finding in numbered if id in unanswered)
        return Checked(
            findings=tuple(kept),
            rejected=tuple(rejected),
            unchecked=tuple(dict.fromkeys(unchecked)),
            notes=tuple(
                ngettext(
                    "{number} finding was not checked: {why}.",
                    "{number} findings were not checked: {why}.",
                    reasons.count(why),
                    why=why,
                )
                for why in dict.fromkeys(reasons)
            ),
        )

    def _judged(self, id: int, finding: Finding, verdict: Verdict) -> Finding:
        places = [place for result in self.seen.get(id, ()) for place in result.places]
        return replace(
            finding,
            check=verdict.outcome or CheckOutcome.UNDECIDED,
            confidence=finding.confidence if verdict.confidence is None else verdict.confidence,
            looked_at=tuple(dict.fromkeys((*finding.looked_at, *places))),
        )


def _cost(finding: Finding) -> int:
    texts = (
        finding.path,
        finding.title,
        finding.body,
        finding.trace,
        finding.suggestion or "",
    )
    return sum(count_tokens(text) + text.count("\n") for text in texts) + _FINDING_COST


def _likelihood(finding: Finding) -> tuple[int, float]:
    """Sorts first what is most likely to become a comment."""
    return finding.severity.rank, -finding.confidence


def _objection(verdict: Verdict, min_confidence: float) -> Rejection | None:
    """Why a finding is dropped; None if it is not."""
    if verdict.outcome is None:
        return RejectionReason.REFUTED, verdict.reason
    if verdict.outcome is CheckOutcome.CONFIRMED and verdict.confidence is not None:
        return doubts(verdict.confidence, min_confidence, verdict.reason)
    return None


def _in_turn(lists: Iterable[Sequence[LookUp]], most: int) -> list[LookUp]:
    """The first of each, then the second of each, and so on; each once, `most` in all."""
    taken = (each for row in zip_longest(*lists) for each in row if each is not None)
    return list(dict.fromkeys(taken))[:most]
