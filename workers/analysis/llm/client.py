"""The language model: one question in, one checked answer out.

A question goes through cache, budget and pacing to an OpenAI-compatible endpoint; what
can heal in place is tried again, then the fallback models are asked in order.
"""

import asyncio
import logging
from copy import copy
from dataclasses import dataclass, replace

from bot.config.settings import Settings
from bot.domain.model import Usage
from bot.store import Store
from bot.telemetry import log as logs
from bot.telemetry.outages import outages
from bot.text.tokens import count_tokens
from workers.analysis.answer_schemas import Schema
from workers.analysis.llm.budget import Budget, cost
from workers.analysis.llm.cache import Answers, RedisAnswers, question_key
from workers.analysis.llm.calls import Call, Calls, Messages, Question
from workers.analysis.llm.capabilities import Capabilities
from workers.analysis.llm.errors import (
    BudgetError,
    CutOffError,
    LLMAccessError,
    LLMError,
    RefusedError,
    TooLongError,
    TransientLLMError,
    UnreadableAnswerError,
)
from workers.analysis.llm.json_reader import Json, Read, read_answer
from workers.analysis.llm.pacing import Sleep
from workers.analysis.llm.reply import Reply, is_refusal
from workers.analysis.prompt import repair_prompt

log = logs.get(__name__)

#: Of a small context an answer is left this part: what it needs more, it gets of what the prompt
#: leaves free.
_ANSWER_SHARE = 4
#: What LLM_CONTEXT_TOKENS has at least.
_SMALLEST_PROMPT = 1000


@dataclass(frozen=True, slots=True)
class Answer:
    """`data` is the JSON object that was asked for (None without a schema); `cut` if the
    answer ended at its limit and `data` is what was complete of it."""

    text: str
    data: Json | None
    usage: Usage
    model: str
    cut: bool = False


class LLM:
    """The models of one endpoint; built once a process and closed with `aclose`.

    Without a store, pace and budgets hold in this process and no answer is kept, unless
    `answers` brings a place of its own.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store | None,
        *,
        sleep: Sleep = asyncio.sleep,
        answers: Answers | None = None,
    ) -> None:
        self._settings = settings
        endpoint = settings.openai_base_url or "https://api.openai.com/v1"
        state = store.llm if store is not None else None
        self._endpoint = endpoint
        self._calls = Calls(settings, state, endpoint, sleep)
        self._answers = answers or (RedisAnswers(state) if state is not None else None)
        # What somebody saves on purpose is the model's answer, wherever that was served.
        self._answered_by = "" if answers is not None else endpoint
        self._apart = ""
        self._budget = Budget(
            store.usage if store is not None else None,
            review_tokens=settings.llm_review_budget,
            daily_tokens=settings.llm_daily_budget,
            outsider_tokens=settings.llm_outsider_budget,
        )

    async def aclose(self) -> None:
        await self._calls.aclose()

    async def capabilities(self, model: str) -> Capabilities:
        """What was learned of a model. Raises RedisError if it is kept there."""
        return await self._calls.capabilities(model)

    async def fitted(self) -> Settings:
        """The settings with the LLM_CONTEXT_TOKENS that all models of a review read beside an
        answer, where one is known to read less. Ask once for a review: what is known may change,
        and its prompts are to begin alike. Raises RedisError."""
        settings = self._settings
        if not self._answered_by:  # saved answers are of prompts as the settings have them
            return settings
        models = (settings.llm_model, settings.llm_verify_model, settings.llm_second_model)
        fitting = [settings.llm_context_tokens]
        for model in dict.fromkeys(filter(None, models)):
            if context := (await self.capabilities(model)).context:
                answer = min(settings.llm_answer_tokens, context // _ANSWER_SHARE)
                fitting.append(max(_SMALLEST_PROMPT, context - answer))
        return settings.with_context(min(fitting))

    def apart(self, name: str) -> "LLM":
        """The same models, which are asked afresh: of the answers that are kept, those alone are
        used that were given under that name."""
        other = copy(self)
        other._apart = name
        return other

    async def ask(
        self,
        system: str,
        user: str,
        schema: Schema | None,
        *,
        purpose: str,
        review_id: str = "",
        installation_id: int = 0,
        by_outsider: bool = False,
        model: str = "",
    ) -> Answer:
        """The answer of the first model that gives a usable one.

        `purpose` is a word for the log. Raises TransientLLMError where a later try may
        help, another LLMError where it will not; `usage` of the error is what it cost.
        """
        question = Question(system, user, schema, purpose, review_id, installation_id, by_outsider)
        failures: list[LLMError] = []
        first = model or self._settings.llm_model
        for each in dict.fromkeys((first, *self._settings.llm_fallback_models)):
            try:
                answer = await self._ask_model(question, each)
            except LLMError as exc:
                down = isinstance(exc, TransientLLMError)
                if down:
                    outages.failed(self._endpoint, str(exc))
                level = logging.DEBUG if down else logging.WARNING
                log.log(level, "llm_failed", purpose=purpose, model=each, error=str(exc))
                failures.append(exc)
                if isinstance(exc, BudgetError | LLMAccessError):
                    break
            else:
                outages.answered(self._endpoint)
                return replace(answer, usage=question.spent)
        failure = _worst(failures)
        failure.usage = question.spent
        raise failure

    async def _ask_model(self, question: Question, model: str) -> Answer:
        key = question_key(
            self._answered_by,
            model,
            question.messages,
            question.schema.body if question.schema else None,
            [question.installation_id, self._apart] if self._apart else question.installation_id,
        )
        if self._answers and (kept := await self._answers.get(key)) is not None:
            question.spent += Usage(cache_hits=1)
            read = read_answer(kept, question.schema.wanted) if question.schema else None
            return Answer(kept, read.data if read else None, question.spent, model)
        answer = await self._fresh(question, model)
        if self._answers and not answer.cut:
            await self._answers.put(key, answer.text, answer.usage)
        return answer

    async def _fresh(self, question: Question, model: str) -> Answer:
        """The model's own answer, repaired once if it does not fit."""
        messages = question.messages
        reply = await self._reply(question, model, messages)
        if question.schema is None:
            if not reply.text.strip():
                raise UnreadableAnswerError(f"{model} returned an empty answer")
            return Answer(reply.text, None, question.spent, model, reply.cut)
        problem, read = _problem(reply, question.schema)
        if reply.cut and _says_nothing(read, question.schema):
            reply = await self._reply(question, model, messages, roomy=True)
            problem, read = _problem(reply, question.schema)
            if reply.cut and _says_nothing(read, question.schema):
                raise CutOffError(f"{model}'s answer was cut off: raise LLM_ANSWER_TOKENS")
        if problem and is_refusal(reply.text):
            raise RefusedError(f"{model} declined to answer")
        if problem and not reply.cut:
            messages.append({"role": "assistant", "content": reply.text or "(empty)"})
            messages.append({"role": "user", "content": repair_prompt(problem)})
            repaired = await self._reply(question, model, messages)
            problem, better = _problem(repaired, question.schema)
            reply, read = (reply, read) if problem and read else (repaired, better)
        if read is None or question.schema.problem(read.data):
            how = "an answer that was cut off" if reply.cut else "an answer that could not be read"
            raise UnreadableAnswerError(f"{model} gave {how}")
        return Answer(reply.text, read.data, question.spent, model, cut=read.cut)

    async def _reply(
        self, question: Question, model: str, messages: Messages, *, roomy: bool = False
    ) -> Reply:
        """One answer within the budget, its cost booked."""
        prompt = "\n".join(message["content"] for message in messages)
        call = Call(model, messages, count_tokens(prompt))
        likely = call.tokens + self._settings.llm_answer_tokens
        reservation = await self._budget.reserve(
            question.review_id,
            question.installation_id,
            likely,
            by_outsider=question.by_outsider,
        )
        used, price = Usage(), self._settings.llm_prices.get(model)
        try:
            reply = await self._calls.reply(question, call, roomy=roomy)
            used = replace(reply.usage, cost=cost(reply.usage, price))
        finally:
            await self._budget.settle(reservation, used)
        question.spent += used
        if reply.refused:
            raise RefusedError(f"{model} declined to answer")
        if reply.read is not None:
            log.warning("llm_prompt_shortened", model=model, read=reply.read)
            raise TooLongError(
                f"the endpoint read {reply.read:,} tokens of a longer prompt for {model}: raise its"
                " context, or lower LLM_CONTEXT_TOKENS"
            )
        return reply


def _problem(reply: Reply, schema: Schema) -> tuple[str, Read | None]:
    """What is wrong with an answer, "" if nothing, and what could be read of it."""
    read = read_answer(reply.text, schema.wanted)
    if read is None:
        return f'it is not a single JSON object with "{schema.wanted.name}".', None
    return "it ends early." if read.cut else schema.problem(read.data), read


def _says_nothing(read: Read | None, schema: Schema) -> bool:
    """Whether nothing of what was asked for is complete in it."""
    return read is None or (read.cut and not read.data.get(schema.wanted.name))


def _worst(failures: list[LLMError]) -> LLMError:
    """The failure to tell of: one that can heal, or else the one that says what to do."""
    for kind in (BudgetError, LLMAccessError, TransientLLMError, TooLongError):
        for failure in failures:
            if isinstance(failure, kind):
                return failure
    return failures[-1]
