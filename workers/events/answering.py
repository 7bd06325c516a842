"""`/review ask` and replies in our threads: the LLM answers from thread, diff and files."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace

from bot import log
from bot.event_types import CommentCreated
from bot.github import pulls
from bot.model import BatchFile, Brief, PullRequest
from bot.repo_config import RepoConfig
from workers import checkrun
from workers.analysis.ask import answer_question
from workers.analysis.errors import LLMError, TransientLLMError
from workers.events import replies
from workers.reports import render
from workers.scan.analyzers.run import NAMES
from workers.scan.batches import DIFF_SHARE, hunk_tokens
from workers.scan.clone import Source
from workers.scan.errors import CloneError
from workers.scan.scan import scan
from workers.services import Services

_log = log.get(__name__)


async def answer(
    services: Services, event: CommentCreated, question: str, position: int, *, last_try: bool
) -> None:
    """Answer where it was asked, `position` being that of the question among the comment's
    commands. Raises what a retry may heal, except at the last try: then
    the answer says what went wrong."""
    assert services.llm is not None, "questions are queued only where an LLM is configured"
    repository = event.repository
    gh = await services.github.installation(
        repository.installation_id, repository.id, checkrun.PERMISSIONS
    )
    pull = await pulls.get_pull(gh, repository.full_name, event.number)
    comparison, commits, in_thread, token = await asyncio.gather(
        pulls.compare(gh, repository.full_name, pull.base_sha, pull.head_sha),
        pulls.list_commits(gh, repository.full_name, event.number),
        replies.thread_of(gh, event),
        services.github.installation_token(repository.installation_id, repository.id),
    )
    brief = Brief(
        title=pull.title, body=pull.body, commits=tuple(commit.message for commit in commits)
    )
    source = Source(
        url=f"{services.settings.github_url}/{repository.full_name}.git",
        token=token,
        merge_base=comparison.merge_base,
        head_sha=pull.head_sha,
        number=event.number,
    )
    try:
        files = await _files(services, source, pull, brief, event.path)
        said = await answer_question(
            question,
            [f"{author}: {body}" for author, body in in_thread[:-1]],
            files,
            brief,
            services.llm,
            installation_id=repository.installation_id,
        )
    except (LLMError, CloneError) as exc:
        heals = isinstance(exc, TransientLLMError) or getattr(exc, "transient", False)
        if heals and not last_try:
            raise
        _log.warning("question_not_answered", comment=event.comment_id, why=str(exc))
        said = f"I can't answer this: {exc}"
    body = render.reply_body(event.comment_id, said, position)
    await replies.answer(services, gh, event, body)
    await replies.show(gh, event, "rocket")


async def _files(
    services: Services, source: Source, pull: PullRequest, brief: Brief, path: str | None
) -> list[BatchFile]:
    """What the question may be about: the thread's file first, then others while there is room."""
    scanned = await scan(
        source,
        pull,
        brief,
        services.settings,
        replace(RepoConfig(), analyzers_disabled=tuple(NAMES)),
        focus=None,
        on_progress=_quietly,
    )
    parts = [part for batch in scanned.batches for part in batch.files]
    parts.sort(key=lambda part: part.file.path != path)
    return list(_fitting(parts, int(services.settings.llm_context_tokens * DIFF_SHARE)))


def _fitting(parts: Iterable[BatchFile], budget: int) -> Iterable[BatchFile]:
    for part in parts:
        cost = sum(map(hunk_tokens, part.file.hunks))
        if cost <= budget:
            budget -= cost
            yield part


async def _quietly(percent: int, text: str) -> None:
    """Nobody watches how a question is read up on."""
