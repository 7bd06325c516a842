"""What all questions of one step share: the model, the repository to look into, and the cost."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bot.config.settings import Settings
from bot.domain.look_ups import CodeSource, LookUp, LookUpResult
from bot.domain.model import Usage
from bot.domain.progress import Activity
from workers.analysis.answer_schemas import Schema
from workers.analysis.llm.client import LLM, Answer
from workers.analysis.llm.errors import LLMError, TransientLLMError
from workers.analysis.prompt import Prompt

T = TypeVar("T")

#: Is told what the step does now, and the number that goes with it.
OnActivity = Callable[[Activity, int], Awaitable[None]]


async def nobody(_: Activity, __: int) -> None:
    """For those who do not watch."""


@dataclass(slots=True, kw_only=True)
class Session:
    """`source` None means that nothing can be looked up. `usage` is what it all has cost so far."""

    llm: LLM
    settings: Settings
    source: CodeSource | None = None
    on_activity: OnActivity = nobody
    review_id: str = ""
    installation_id: int = 0
    by_outsider: bool = False
    last_try: bool = False
    usage: Usage = field(default_factory=Usage)

    async def ask(self, prompt: Prompt, schema: Schema, *, purpose: str, model: str = "") -> Answer:
        """Raises LLMError; the cost is booked then too."""
        try:
            answer = await self.llm.ask(
                prompt.system,
                prompt.user,
                schema,
                purpose=purpose,
                review_id=self.review_id,
                installation_id=self.installation_id,
                by_outsider=self.by_outsider,
                model=model,
            )
        except LLMError as exc:
            self.usage += exc.usage
            raise
        self.usage += answer.usage
        return answer

    async def look_up(self, look_ups: Sequence[LookUp]) -> Sequence[LookUpResult]:
        """One result for each, in their order."""
        if self.source is None or not look_ups:
            return ()
        await self.on_activity(Activity.LOOKING_UP, len(look_ups))
        return await self.source.answer(look_ups)

    def waits_for_retry(self, exc: LLMError) -> bool:
        """Whether a later try of the step may give what this one did not."""
        return isinstance(exc, TransientLLMError) and not self.last_try


async def all_of(work: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """The results of what runs at once. What one raises is raised when all have ended: the answers
    of the others are kept then, and cost nothing at the next try."""
    results = await asyncio.gather(*work, return_exceptions=True)
    done: list[T] = []
    for result in results:
        if isinstance(result, BaseException):
            raise result
        done.append(result)
    return done
