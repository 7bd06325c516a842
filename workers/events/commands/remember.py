"""`/review remember`: keep a sentence on what the team does not want reported, as a preference of
the repository; and what is proposed to be kept where people say why a finding is none. Nothing is
kept without a yes."""

import re
from typing import Any

from bot.config.repository_config import RepoConfig
from bot.domain.commands import Command
from bot.domain.events import CommentCreated, from_json, to_json
from bot.domain.model import Category, Review, Severity
from bot.domain.preferences import Preference
from bot.policy.preferences import folder_of, globs, sentence
from bot.store import Action, message
from bot.telemetry import log
from templates.languages import _
from workers.analysis import ask as llm_question
from workers.analysis.llm.errors import LLMError
from workers.events import replies
from workers.events.commands.context import CommandContext, CommandResult
from workers.queue.actor import Attempt
from workers.reports import render
from workers.reports.markers import (
    FindingMarker,
    Proposal,
    read_finding_marker,
    read_proposal_marker,
)
from workers.review import check_run, threads
from workers.services import Services

NOT_OWN_FINDING = "Use `/review remember` as a reply to one of my findings."
NO_SENTENCE = "Nothing was suggested here. Write the sentence: `/review remember SENTENCE`."
TOO_MANY = (
    "The repository already has the maximum number of preferences. `/review preferences` lists "
    "them, `/review forget NUMBER` removes one."
)

#: Words from which on a reply may explain something.
_LEAST_WORDS = 4

_log = log.get(__name__)


async def run(context: CommandContext, command: Command) -> CommandResult:
    """The sentence is the command's text or, without one, the one that was proposed in the thread;
    it is for the paths that were proposed, or else for the folder of the finding's file."""
    event, store = context.event, context.services.store
    one = await context.bot_thread()
    if one is None:
        return CommandResult(NOT_OWN_FINDING, "confused")
    proposed = await _proposed(context)
    text = sentence(command.text) or (proposed.text if proposed else "")
    if not text:
        return CommandResult(NO_SENTENCE, "confused")
    path = one.thread.path
    posted = {
        each.finding.fingerprint: each for each in await store.outcomes.of_pull(*context.where)
    }
    known = posted.get(one.fingerprint)
    preference = Preference(
        text=text,
        paths=(globs(proposed.paths, path) if proposed else ()) or folder_of(path),
        repository=event.repository.full_name,
        pull=event.number,
        fingerprint=one.fingerprint,
        category=str(known.finding.category) if known else "",
        rule=next(iter(one.marker.sources), ""),
        kept_by=event.author,
        kept_at=store.now(),
    )
    entry = context.audit_entry(Action.PREFERENCE_KEPT, text)
    number = await store.preferences.keep(event.repository, preference, entry)
    if number is None:
        return CommandResult(TOO_MANY, "confused")
    body = render.remembered_body(event.comment_id, context.position, number, preference)
    await replies.answer(context.services, context.gh, event, body)
    return CommandResult(recorded=True)


async def _proposed(context: CommandContext) -> Proposal | None:
    """The newest proposal of ours in the thread; nobody else's."""
    us = await context.services.github.login()
    thread = await replies.thread_of(context.gh, context.event)
    ours = (read_proposal_marker(each.body) for each in reversed(thread) if each.author == us)
    found = next(filter(None, ours), None)
    return Proposal(sentence(found.text), found.paths) if found else None


async def wants_proposal(services: Services, event: CommentCreated, marker: FindingMarker) -> bool:
    """Whether the repository lets us propose to remember what a comment says of that finding. Of
    what is critical or about security nothing is proposed: no preference would leave it out."""
    if services.llm is None or marker.severity is Severity.CRITICAL:
        return False
    where = event.repository.id, event.number
    newest = (await services.store.pulls.get(*where)).unfocused
    state = await services.store.reviews.get(newest) if newest else None
    config = state.handoff.config if state and state.handoff else RepoConfig()
    posted = {
        one.finding.fingerprint: one.finding
        for one in await services.store.outcomes.of_pull(*where)
    }
    known = posted.get(marker.fingerprint)
    return config.remember and not (known and known.category is Category.SECURITY)


def explains(body: str) -> bool:
    """Whether a reply may say why a finding is none: some words that are not for somebody else."""
    return not body.lstrip().startswith("@") and len(re.findall(r"\w+", body)) >= _LEAST_WORDS


async def queue_proposal(
    services: Services, event: CommentCreated, position: int, *, said: str = ""
) -> None:
    """Have it proposed where the LLM is asked; `said` is what there is to say before it, in
    English, which is said in any case."""
    await services.store.queues.put(message("propose_preference", to_json(event), position, said))


async def propose_reason(
    services: Services, review: Review, one: threads.BotThread, reason: str, login: str
) -> None:
    """Have it proposed in a finding's thread to remember why it was dismissed on a page, as if that
    was said there."""
    event = CommentCreated(
        repository=review.repository,
        number=review.number,
        comment_id=one.thread.comment_id,
        author=login,
        body=reason,
        in_thread=one.thread.comment_id,
        path=one.thread.path,
    )
    if await wants_proposal(services, event, one.marker):
        await queue_proposal(services, event, 0)


async def propose_preference(
    services: Services, attempt: Attempt, event: dict[str, Any], position: int, said: str
) -> None:
    """Answer in the comment's thread with what is proposed to be remembered of it, if anything.
    Raises what a retry may heal; an LLM that does not answer proposes nothing."""
    comment = from_json(event)
    assert isinstance(comment, CommentCreated)
    repository = comment.repository
    with attempt.ignoring_not_found():
        gh = await services.github.installation(
            repository.installation_id, repository.id, check_run.PERMISSIONS
        )
        await services.speak_as_before(repository, comment.number)
        thread = await replies.thread_of(gh, comment)
        us = await services.github.login()
        proposed = any(one.author == us and read_proposal_marker(one.body) for one in thread)
        proposal = None
        if thread and thread[0].author == us and not proposed:
            before = [one for one in thread[1:] if one.id < comment.comment_id]
            texts = [f"{one.author}: {one.body}" for one in before]
            texts.append(f"{comment.author}: {comment.body}")
            proposal = await _proposal(services, comment, thread[0].body, texts)
        if proposal is not None:
            body = render.proposal_body(comment.comment_id, position, said, proposal)
        elif said:
            body = render.reply_body(comment.comment_id, _(said), position)
        else:
            return
        await replies.answer(services, gh, comment, body)


async def _proposal(
    services: Services, event: CommentCreated, finding: str, thread: list[str]
) -> Proposal | None:
    marker = read_finding_marker(finding)
    if services.llm is None or marker is None or not event.path:
        return None
    try:
        answer = await llm_question.propose_preference(
            event.path,
            finding.partition("\n")[2],
            thread,
            services.llm,
            context_tokens=services.settings.llm_context_tokens,
            installation_id=event.repository.installation_id,
        )
        usage = answer.usage
    except LLMError as exc:
        _log.info("nothing_proposed", comment=event.comment_id, why=str(exc))
        answer, usage = None, exc.usage
    services.metrics.usage(usage)
    await services.store.usage.add_question(event.repository.id, usage)
    return Proposal(answer.text, answer.paths) if answer and answer.text else None
