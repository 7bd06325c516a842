"""A person's question about a pull request (`/review ask`), answered by the model."""

from collections.abc import Sequence

from bot.model import BatchFile, Brief
from workers.analysis.llm import LLM
from workers.analysis.prompt import ask_prompt
from workers.analysis.shown import clean, show


async def answer_question(
    question: str,
    thread: Sequence[str],
    files: Sequence[BatchFile],
    brief: Brief,
    llm: LLM,
    *,
    review_id: str = "",
    installation_id: int = 0,
) -> str:
    """The answer as Markdown that is not yet safe to post: the caller sanitises it.

    `thread` holds earlier comments, oldest first; `files` what the question may be
    about. Raises LLMError, whose message is a sentence for the one who asked.
    """
    prompt = ask_prompt(question, thread, brief, [show(file) for file in files])
    answer = await llm.ask(
        prompt.system,
        prompt.user,
        None,
        purpose="ask",
        review_id=review_id,
        installation_id=installation_id,
    )
    said = clean(answer.text).strip()
    return f"{said}\n\n(The answer was cut off at its limit.)" if answer.cut else said
