"""A person's question about a pull request (`/review ask`), answered by the model."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.model import BatchFile, PullRequestContext, Usage
from workers.analysis.llm.client import LLM
from workers.analysis.prompt import ask_prompt
from workers.analysis.redacted_view import clean, show


@dataclass(frozen=True, slots=True)
class QuestionAnswer:
    """What the model says: Markdown that is not yet safe to post, what it cost, and whether it was
    cut off at its limit."""

    text: str
    usage: Usage
    cut: bool = False


async def answer_question(
    question: str,
    thread: Sequence[str],
    files: Sequence[BatchFile],
    pr_context: PullRequestContext,
    llm: LLM,
    *,
    context_tokens: int,
    place: str = "",
    review_id: str = "",
    installation_id: int = 0,
) -> QuestionAnswer:
    """The answer, which the caller sanitises before it posts it.

    `thread` holds earlier comments, oldest first; `place` is what they stand at, "" for the
    conversation; `files` what the question may be about. The prompt has at most `context_tokens`.
    Raises LLMError, whose message is a sentence for the one who asked, and whose `usage` is what
    that cost.
    """
    shown = [show(file) for file in files]
    prompt = ask_prompt(question, place, thread, pr_context, shown, context_tokens)
    answer = await llm.ask(
        prompt.system,
        prompt.user,
        None,
        purpose="ask",
        review_id=review_id,
        installation_id=installation_id,
    )
    return QuestionAnswer(clean(answer.text).strip(), answer.usage, answer.cut)
