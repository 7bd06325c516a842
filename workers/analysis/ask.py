"""What people say on a pull request, answered by the model: a question (`/review ask`), and why a
finding is none, which may be worth remembering."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.model import BatchFile, PullRequestContext, Usage
from bot.policy.preferences import folder_of, globs, sentence
from workers.analysis.answer_schemas import PREFERENCE_SCHEMA
from workers.analysis.llm.client import LLM
from workers.analysis.model_answer import read_preference
from workers.analysis.prompt import ask_prompt, preference_prompt
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


@dataclass(frozen=True, slots=True)
class PreferenceAnswer:
    """A sentence to remember, "" for none, globs of the paths that it is for, and what it cost."""

    text: str
    paths: tuple[str, ...]
    usage: Usage


async def propose_preference(
    path: str,
    finding: str,
    thread: Sequence[str],
    llm: LLM,
    *,
    context_tokens: int,
    installation_id: int = 0,
) -> PreferenceAnswer:
    """What is worth remembering of the last comment of a finding's `thread`; the finding is on the
    file at `path`. Raises LLMError."""
    prompt = preference_prompt(path, finding, thread, context_tokens)
    answer = await llm.ask(
        prompt.system,
        prompt.user,
        PREFERENCE_SCHEMA,
        purpose="preference",
        installation_id=installation_id,
    )
    text, paths = read_preference(answer.data or {}) or ("", ())
    return PreferenceAnswer(sentence(text), globs(paths, path) or folder_of(path), answer.usage)
