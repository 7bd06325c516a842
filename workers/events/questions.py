"""`/review ask` and replies in our threads: the LLM answers from thread, diff and files."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from bot.config.prompt_shares import prompt_budget
from bot.config.repository_config import RepoConfig
from bot.config.settings import Settings
from bot.domain.events import CommentCreated, from_json
from bot.domain.model import BatchFile, PullRequest, PullRequestContext, Usage
from bot.domain.progress import Progress
from bot.github import pulls
from bot.github.client import GitHub
from bot.github.comments import Comment
from bot.telemetry import log
from templates.languages import _
from workers.analysis import ask as llm_question
from workers.analysis.llm.errors import LLMError, TransientLLMError
from workers.events import replies
from workers.queue.actor import OUTAGES, Attempt
from workers.reports import render
from workers.repository.configuration import read_config
from workers.repository.pull_context import read_pull_context
from workers.review import check_run
from workers.review.stage import is_retryable, user_message
from workers.scan.analyzers.registry import NAMES
from workers.scan.file_parts import hunk_tokens
from workers.scan.repository.clone import Source
from workers.scan.scan import scan
from workers.services import Services

_log = log.get(__name__)


async def answer_question(
    services: Services, attempt: Attempt, event: dict[str, Any], question: str, position: int
) -> None:
    """Answer where it was asked, `position` being that of the question among the comment's
    commands. Raises what a retry may heal, except at the last try: then
    the answer says what went wrong."""
    comment = from_json(event)
    assert isinstance(comment, CommentCreated)
    with attempt.ignoring_not_found():
        await _answer(services, attempt, comment, question, position)


async def _answer(
    services: Services, attempt: Attempt, event: CommentCreated, question: str, position: int
) -> None:
    repository = event.repository
    gh = await services.github.installation(
        repository.installation_id, repository.id, check_run.PERMISSIONS
    )
    await services.speak_as_before(repository, event.number)
    try:
        reply, reaction = await _compose_answer(services, gh, event, question), "rocket"
    except OUTAGES:
        raise
    except Exception as exc:
        if _is_retryable(exc) and not attempt.last:
            raise
        why = user_message(exc)
        _log.warning("question_not_answered", comment=event.comment_id, why=why, exc_info=exc)
        reply, reaction = _("I can't answer this: {why}", why=why), "confused"
    body = render.reply_body(event.comment_id, reply, position)
    await replies.answer(services, gh, event, body)
    await replies.add_reaction(gh, event, reaction)


def _is_retryable(exc: Exception) -> bool:
    return isinstance(exc, TransientLLMError) if isinstance(exc, LLMError) else is_retryable(exc)


async def _compose_answer(
    services: Services, gh: GitHub, event: CommentCreated, question: str
) -> str:
    """What the LLM says, of the pull request as it is now; its cost is booked, also of what
    gave no answer. Raises LLMError, CloneError, GitHubError."""
    assert services.llm is not None, "questions are queued only where an LLM is configured"
    pull = await pulls.get_pull(gh, event.repository.full_name, event.number)
    settings = await services.fitted_settings()
    pr_context, earlier, files = await _gather_context(services, gh, event, pull, settings)
    try:
        reply = await llm_question.answer_question(
            question,
            [f"{one.author}: {one.body}" for one in earlier],
            files,
            pr_context,
            services.llm,
            context_tokens=settings.llm_context_tokens,
            place=f"{event.path}, line {event.line}" if event.path else "",
            installation_id=event.repository.installation_id,
        )
    except LLMError as exc:
        await _book(services, event, exc.usage)
        raise
    await _book(services, event, reply.usage)
    cut = f"\n\n{_('(The answer was cut off at its limit.)')}" if reply.cut else ""
    return reply.text + cut


async def _book(services: Services, event: CommentCreated, usage: Usage) -> None:
    services.metrics.usage(usage)
    await services.store.usage.add_question(event.repository.id, usage)


async def _gather_context(
    services: Services, gh: GitHub, event: CommentCreated, pull: PullRequest, settings: Settings
) -> tuple[PullRequestContext, list[Comment], list[BatchFile]]:
    """What the author says of the change, what people said before, and what the change is."""
    repository = event.repository
    repo = repository.full_name
    comparison, pr_context, earlier, token, repository_config = await asyncio.gather(
        pulls.compare(gh, repo, pull.base_sha, pull.head_sha),
        read_pull_context(gh, repo, pull),
        replies.earlier_comments(gh, event),
        services.github.installation_token(repository.installation_id, repository.id),
        read_config(services, gh, repository, pull.base_ref),
    )
    services.speak(repository_config.config)
    source = Source(
        url=f"{services.settings.github_url}/{repo}.git",
        token=token,
        merge_base=comparison.merge_base,
        head_sha=pull.head_sha,
        number=event.number,
    )
    return (
        pr_context,
        earlier,
        await _files(settings, source, pull, pr_context, repository_config.config, event.path),
    )


async def _files(
    settings: Settings,
    source: Source,
    pull: PullRequest,
    pr_context: PullRequestContext,
    config: RepoConfig,
    path: str | None,
) -> list[BatchFile]:
    """What the question may be about: the thread's file first, then others while there is room.
    What the repository keeps from reviews, it keeps from answers."""
    scanned = await scan(
        source,
        pull,
        pr_context,
        settings,
        replace(config, analyzers_disabled=tuple(NAMES)),
        focus=None,
        on_progress=_quietly,
    )
    parts = [part for batch in scanned.batches for part in batch.files]
    parts.sort(key=lambda part: part.file.path != path)
    return list(_fit_budget(parts, prompt_budget(settings.llm_context_tokens).change))


def _fit_budget(parts: Iterable[BatchFile], budget: int) -> Iterable[BatchFile]:
    for part in parts:
        cost = sum(map(hunk_tokens, part.file.hunks))
        if cost <= budget:
            budget -= cost
            yield part


async def _quietly(progress: Progress) -> None:
    """Nobody watches how a question is read up on."""
