"""The judge by meaning: a model compares what was expected with what a review says.

It sees neither where a comment was shown nor who made it, and each question is asked once: what
was answered is kept by the question's content, where a folder for answers is given.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.domain.model import Finding, Usage
from bot.text.tokens import count_tokens, packed
from workers.analysis.answer_schemas import MATCHES_SCHEMA
from workers.analysis.llm.client import LLM
from workers.analysis.llm.errors import LLMError
from workers.analysis.model_answer import read_matches
from workers.analysis.prompt import judge_prompt
from workers.offline.evaluation.cases import Expected

#: Compared in one question: with more, each pair gets less thought.
_MAX_ISSUES, _MAX_COMMENTS = 10, 40
#: Characters of one text; what names a mistake does so at its beginning.
_MAX_CHARS = 2_000
#: Tokens for the rules and the answer, and for the words around each text.
_RULES, _MARKS = 3_000, 40

_Numbered = Sequence[tuple[int, str]]


class JudgeFailed(Exception):
    """Raised when a review could not be judged, and so no figure would be true."""


@dataclass(slots=True)
class Judge:
    """Asks `llm`; `usage` is what it has cost so far."""

    llm: LLM
    context_tokens: int
    usage: Usage = field(default_factory=Usage)

    async def named(
        self, case: str, expected: Sequence[Expected], findings: Sequence[Finding]
    ) -> list[set[int]]:
        """The expected defects that each finding names, by number from 0. Raises JudgeFailed."""
        named: list[set[int]] = [set() for _ in findings]
        issues = [(number, _issue(each)) for number, each in enumerate(expected, start=1)]
        comments = [(number, _comment(each)) for number, each in enumerate(findings, start=1)]
        for some_issues in packed(issues, _cost, tokens=self.context_tokens // 3, most=_MAX_ISSUES):
            shown = sum(map(_cost, some_issues))
            room = self.context_tokens - _RULES - shown
            for some_comments in packed(comments, _cost, tokens=room, most=_MAX_COMMENTS):
                matches = await self._ask(case, some_issues, some_comments)
                known = {number for number, _ in some_comments}
                for issue, numbers in matches.items():
                    for number in known.intersection(numbers):
                        named[number - 1].add(issue - 1)
        return named

    async def _ask(
        self, case: str, issues: _Numbered, comments: _Numbered, *, again: bool = False
    ) -> dict[int, tuple[int, ...]]:
        """An answer for each of the issues; those that it leaves out are asked for once more."""
        prompt = judge_prompt(issues, comments)
        try:
            answer = await self.llm.ask(prompt.system, prompt.user, MATCHES_SCHEMA, purpose="judge")
        except LLMError as exc:
            raise JudgeFailed(f"The judge could not be asked about {case}: {exc}.") from exc
        self.usage += answer.usage
        given = read_matches(answer.data or {})
        matches = {number: given[number] for number, _ in issues if number in given}
        missing = [each for each in issues if each[0] not in matches]
        if missing and again:
            raise JudgeFailed(
                f"The judge skipped {len(missing)} of the issues of {case}; choose a model that "
                "answers what it is asked."
            )
        if missing:
            matches |= await self._ask(case, missing, comments, again=True)
        return matches


def _issue(expected: Expected) -> str:
    lines = f" lines {expected.first} to {expected.last}" if expected.first else ""
    at = f"at: {expected.path}{lines}\n" if expected.path else ""
    return at + expected.why[:_MAX_CHARS]


def _comment(finding: Finding) -> str:
    places = [f"{place.path} line {place.start_line}" for place in finding.located[:5]]
    at = ", ".join(places or [finding.path])
    return f"at: {at}\n{finding.title}\n{finding.body[:_MAX_CHARS]}"


def _cost(numbered: tuple[int, str]) -> int:
    return count_tokens(numbered[1]) + numbered[1].count("\n") + _MARKS
