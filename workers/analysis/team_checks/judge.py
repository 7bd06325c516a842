"""The team's checks, judged by the model over the whole change.

All are asked about in one call where the change fits into it. What the model says is believed as
far as it shows something: a pass names its evidence and has seen all that the check is about, a
failure names a line that exists. Everything else could not be told.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from bot.config.prompt_shares import prompt_budget
from bot.config.repository_config import RepoConfig, TeamCheck
from bot.domain.diff import Side
from bot.domain.look_ups import LookUpResult
from bot.domain.model import Batch, BatchResult, CheckResult, Place, PullRequestContext
from bot.domain.progress import Activity
from bot.domain.team_checks import CheckScope, CheckStatus
from bot.text.globs import any_matches
from bot.text.tokens import count_tokens, packed
from templates.languages import _
from workers.analysis.answer_schemas import CHECKS_SCHEMA
from workers.analysis.answer_values import same_path
from workers.analysis.llm.client import Answer
from workers.analysis.llm.errors import CutOffError, LLMError, TooLongError, TransientLLMError
from workers.analysis.model_answer import CheckVerdict, RawPlace, read_checks, read_look_ups
from workers.analysis.prompt import Prompt, Round, file_tokens, team_checks_prompt
from workers.analysis.redacted_view import RedactedView, named_paths, one_line, show
from workers.analysis.session import Session, all_of

#: Of a prompt, the part that checks may take.
_SHARE = 4

#: Before anything was looked up; for its length alone.
_FIRST = Round()

#: Checks under the numbers that the model knows them by.
_Numbered = Sequence[tuple[int, TeamCheck]]


async def judge_checks(
    batch: Batch,
    pr_context: PullRequestContext,
    session: Session,
    config: RepoConfig,
    *,
    look_ups: bool,
) -> BatchResult:
    """A result for each check of the batch, in their order.

    Raises TransientLLMError if a later try may give more, except at the session's last try.
    """
    by_name = {check.name: check for check in config.checks if not check.mistake}
    scopes = [scope for scope in batch.checks if scope.name in by_name]
    numbered = [(number, by_name[scope.name]) for number, scope in enumerate(scopes, start=1)]
    judge = _Judge(
        session=session,
        pr_context=pr_context,
        overview=batch.overview,
        files=[show(part) for part in batch.files],
        rounds=int(look_ups),
    )
    await session.on_activity(Activity.JUDGING, len(numbered))
    try:
        await all_of([judge.ask(group) for group in judge.groups(numbered)])
    except TransientLLMError as exc:
        exc.usage = session.usage
        raise
    return BatchResult(
        checks=tuple(
            judge.result(number, check, scope)
            for (number, check), scope in zip(numbered, scopes, strict=True)
        ),
        usage=session.usage,
        model=judge.answered_by,
    )


@dataclass(slots=True, kw_only=True)
class _Judge:
    """The questions on the checks, and what was said so far, by the check's number. `unseen` are
    files that a check is about and that did not fit into its question."""

    session: Session
    pr_context: PullRequestContext
    overview: Sequence[str]
    files: Sequence[RedactedView]
    rounds: int
    verdicts: dict[int, CheckVerdict] = field(default_factory=dict)
    unjudged: dict[int, str] = field(default_factory=dict)
    unseen: dict[int, tuple[str, ...]] = field(default_factory=dict)
    looked_up: list[LookUpResult] = field(default_factory=list)
    answered_by: str = ""

    def groups(self, numbered: _Numbered) -> list[_Numbered]:
        """All checks together where the whole change fits beside them; else those of the same
        paths, so that the files which these fit have the room."""
        most = self.session.settings.llm_context_tokens // _SHARE
        together = list(packed(numbered, _cost, tokens=most, most=len(numbered) or 1))
        if len(together) == 1 and not self._fitting(numbered)[1]:
            return [*together]
        by_paths: dict[tuple[str, ...], list[tuple[int, TeamCheck]]] = {}
        for number, check in numbered:
            by_paths.setdefault(check.paths, []).append((number, check))
        return [
            group
            for same in by_paths.values()
            for group in packed(same, _cost, tokens=most, most=len(same))
        ]

    async def ask(self, numbered: _Numbered) -> None:
        """Asks about the checks together, or in halves where that is too much at once."""
        shown, left = self._fitting(numbered)
        for number, check in numbered:
            hidden = (file.path for file in left if _is_about(check, file))
            self.unseen[number] = tuple(dict.fromkeys(hidden))
        given: dict[int, CheckVerdict] = {}
        undecided = numbered
        try:
            at_once = self.session.settings.look_ups_per_round
            answer = await self._answer(
                numbered, shown, left, Round(left=self.rounds, at_once=at_once)
            )
            given = _verdicts(answer, numbered)
            undecided = [each for each in numbered if _is_undecided(given.get(each[0]))]
            wanted = read_look_ups(answer.data or {}) if self.rounds and undecided else ()
            if wanted:
                results = await self.session.look_up(wanted[:at_once])
                self.looked_up += results
                judging = Round(looked_up=tuple(enumerate(results, start=1)))
                answer = await self._answer(undecided, shown, left, judging)
                given |= _verdicts(answer, undecided)
        except LLMError as exc:
            if self.session.waits_for_retry(exc):
                raise
            # What was decided before anything was looked up stands.
            undone = {number for number, _ in undecided}
            self.verdicts |= {n: verdict for n, verdict in given.items() if n not in undone}
            if not (isinstance(exc, TooLongError | CutOffError) and await self._halves(undecided)):
                self.unjudged |= dict.fromkeys(undone, one_line(str(exc)))
            return
        self.verdicts |= given
        missing = [each for each in numbered if each[0] not in given]
        if 0 < len(missing) < len(numbered):
            await self.ask(missing)
        elif missing and answer.cut:
            await self._halves(numbered)

    async def _halves(self, numbered: _Numbered) -> bool:
        """Asks for halves; False if that is no less."""
        middle = len(numbered) // 2
        if middle:
            await self.ask(numbered[:middle])
            await self.ask(numbered[middle:])
        return middle > 0

    async def _answer(
        self,
        numbered: _Numbered,
        shown: Sequence[RedactedView],
        left: Sequence[RedactedView],
        judging: Round,
    ) -> Answer:
        prompt = self._prompt(numbered, shown, left, judging)
        answer = await self.session.ask(prompt, CHECKS_SCHEMA, purpose="checks")
        self.answered_by = answer.model
        return answer

    def _prompt(
        self,
        numbered: _Numbered,
        shown: Sequence[RedactedView],
        left: Sequence[RedactedView],
        judging: Round = _FIRST,
    ) -> Prompt:
        others = (
            f"{file.path}: {file.file.status}, +{file.file.additions} -{file.file.deletions}; "
            "changed, not shown for want of room"
            for file in left
        )
        return team_checks_prompt(
            numbered,
            shown,
            (*others, *self.overview),
            self.pr_context,
            self.session.settings.llm_context_tokens,
            judging,
        )

    def _fitting(self, numbered: _Numbered) -> tuple[list[RedactedView], list[RedactedView]]:
        """The files that fit into a question on these checks, in their order, and the others: what
        a check is about goes first."""
        context = self.session.settings.llm_context_tokens
        room = context - self._prompt(numbered, (), ()).tokens
        if self.rounds:
            room -= prompt_budget(context).look_ups
        costs = [file_tokens(file) for file in self.files]
        if sum(costs) > room:  # then the others are listed
            room -= context // 10
        named = [check for _, check in numbered if check.paths]
        first = [any(_is_about(check, file) for check in named) for file in self.files]
        fits: set[int] = set()
        for index in sorted(range(len(self.files)), key=lambda index: not first[index]):
            if costs[index] <= room:
                room -= costs[index]
                fits.add(index)
        shown = [file for index, file in enumerate(self.files) if index in fits]
        return shown, [file for index, file in enumerate(self.files) if index not in fits]

    def result(self, number: int, check: TeamCheck, scope: CheckScope) -> CheckResult:
        """What is believed of the verdict."""
        untold = CheckResult(name=check.name, mode=check.mode, status=CheckStatus.COULD_NOT_TELL)
        verdict = self.verdicts.get(number)
        if verdict is None:
            why = self.unjudged.get(number) or _("the model gave no verdict")
            return replace(untold, reason=why)
        reason = one_line(verdict.reason or verdict.evidence)
        result = replace(untold, status=verdict.status, reason=reason)
        match verdict.status:
            case CheckStatus.PASSED:
                hidden = (*scope.hidden, *self.unseen.get(number, ()))
                if hidden:
                    files = named_paths(list(dict.fromkeys(hidden)))
                    return replace(untold, reason=_("the model was not shown {files}", files=files))
                if not reason:
                    return replace(untold, reason=_("the model named nothing that shows it"))
            case CheckStatus.FAILED:
                places = self._places(verdict.places)
                if not places:
                    why = _(
                        "the model named no existing line that shows it: {reason}",
                        reason=reason or "…",
                    )
                    return replace(untold, reason=why)
                return replace(result, places=places)
            case CheckStatus.COULD_NOT_TELL | CheckStatus.DID_NOT_APPLY:
                pass
        return result

    def _places(self, said: Iterable[RawPlace]) -> tuple[Place, ...]:
        """Those that exist in the head: in a file of the change, or among what was looked up."""
        by_path = {file.path: file for file in self.files}
        found: dict[tuple[str, int], Place] = {}
        for place in said:
            known = same_path(place.path, by_path)
            if known is not None:
                path, line = by_path[known].source.file.path, _line(place, by_path[known].content)
            else:
                path, line = place.path, _looked_up_line(place, self.looked_up)
            if line:
                text = one_line(place.text)
                at = Place(path=path, start_line=line, end_line=line, description=text)
                found.setdefault((path, line), at)
        return tuple(found.values())


def _cost(numbered: tuple[int, TeamCheck]) -> int:
    _, check = numbered
    texts = check.name, check.instruction, *check.paths
    return sum(count_tokens(text) + text.count("\n") for text in texts) + 40


def _is_about(check: TeamCheck, file: RedactedView) -> bool:
    paths = (file.file.path, file.file.old_path)
    return not check.paths or any(any_matches(check.paths, path) for path in paths if path)


def _verdicts(answer: Answer, asked: _Numbered) -> dict[int, CheckVerdict]:
    """What the answer says of the checks that were asked about, and of no other."""
    numbers = {number for number, _ in asked}
    return {n: said for n, said in read_checks(answer.data or {}).items() if n in numbers}


def _is_undecided(verdict: CheckVerdict | None) -> bool:
    return verdict is None or verdict.status is CheckStatus.COULD_NOT_TELL


def _line(place: RawPlace, content: str | None) -> int:
    """The line of the head that is meant: where the quote stands, the nearest such one; without a
    quote the line that is named. 0 where there is none."""
    lines = content.removesuffix("\n").split("\n") if content else []
    quoted = next((line for line in place.quote.split("\n") if line.strip()), "")
    if not quoted:
        return place.line if 1 <= place.line <= len(lines) else 0
    wanted = " ".join(quoted.split())
    at = [n for n, line in enumerate(lines, start=1) if wanted in " ".join(line.split())]
    return min(at, key=lambda n: abs(n - place.line), default=0)


def _looked_up_line(place: RawPlace, looked_up: Iterable[LookUpResult]) -> int:
    shown = (each for result in looked_up for each in result.places if each.side is Side.RIGHT)
    found = any(
        each.path == place.path and each.start_line <= place.line <= each.end_line for each in shown
    )
    return place.line if found else 0
