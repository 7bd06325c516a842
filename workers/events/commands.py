"""What people write on a pull request, obeyed: reactions at once, one short answer at most."""

from dataclasses import dataclass

from bot import commands, policy
from bot.commands import BadCommand, Command, Verb
from bot.event_types import CommentCreated, to_json
from bot.github import pulls
from bot.github.client import GitHub
from bot.model import Trigger
from bot.queue import message
from bot.store import teaching
from workers import checkrun, threads
from workers.events import replies
from workers.events.cancel import cancel_pull
from workers.events.start import Request, derived_id, start_review
from workers.reports import render
from workers.services import Services

#: A question is a few sentences; the rest of a longer one is not read.
MAX_QUESTION = 4000

NOT_PERMITTED = "That takes write access to this repository. `/review help` lists all commands."
NO_LLM = "I can't answer questions here: no LLM is configured."
NOT_OURS = "`/review dismiss` works in a thread that begins with a finding of mine."
NOTHING_RUNS = "No review is running here."


@dataclass(frozen=True, slots=True)
class _Asked:
    """A comment whose commands are carried out."""

    services: Services
    gh: GitHub
    event: CommentCreated

    @property
    def where(self) -> tuple[int, int]:
        return self.event.repository.id, self.event.number


async def obey(services: Services, event: CommentCreated, review_id: str) -> None:
    """Carry out the commands of a comment, in order. Safe to repeat."""
    found = commands.parse(event.body)
    if not found and event.in_reply_to is None:
        return
    repository = event.repository
    gh = await services.github.installation(
        repository.installation_id, repository.id, checkrun.PERMISSIONS
    )
    asked = _Asked(services, gh, event)
    if not found:
        await _converse(asked)
        return
    permission = await pulls.permission(gh, repository.full_name, event.author)
    said: list[str] = []
    for position, command in enumerate(found):
        if isinstance(command, BadCommand):
            refusal = command.reply
        elif not policy.permitted(permission, command):
            refusal = NOT_PERMITTED
        else:
            await replies.show(gh, event, "eyes")
            said += await _carry_out(asked, command, derived_id(review_id, position))
            continue
        await replies.show(gh, event, "confused")
        said += [] if refusal in said else [refusal]
    if said:
        body = render.reply_body(event.comment_id, "\n\n".join(said))
        await replies.answer(services, gh, event, body)


async def _carry_out(asked: _Asked, command: Command, review_id: str) -> list[str]:
    """Do it; what there is to say about it."""
    match command.verb:
        case Verb.REVIEW:
            await _review(asked, command, review_id)
            return []
        case Verb.ASK:
            return await _ask(asked, command.text)
        case Verb.HELP:
            await _help(asked)
            said = []
        case Verb.CANCEL:
            event = asked.event
            running = await cancel_pull(asked.services, event.repository, event.number)
            said = [] if running else [NOTHING_RUNS]
        case Verb.PAUSE:
            await teaching.pause(asked.services.store, *asked.where, asked.event.author)
            said = ["Paused: new commits are not reviewed until somebody says `/review resume`."]
        case Verb.RESUME:
            await teaching.resume(asked.services.store, *asked.where)
            await _start(asked, review_id, Trigger.READY)
            said = []
        case Verb.DISMISS:
            said = await _dismiss(asked, command.text)
    await replies.show(asked.gh, asked.event, "rocket")
    return said


async def _review(asked: _Asked, command: Command, review_id: str) -> None:
    """The 🚀 comes when the review is posted."""
    event = asked.event
    await start_review(
        asked.services,
        Request(
            review_id=review_id,
            repository=event.repository,
            number=event.number,
            trigger=Trigger.COMMAND,
            requested_by=event.author,
            full=command.full,
            focus=command.focus,
            comment_id=event.comment_id if event.in_thread is None else None,
        ),
    )


async def _start(asked: _Asked, review_id: str, trigger: Trigger) -> None:
    await start_review(
        asked.services,
        Request(
            review_id=review_id,
            repository=asked.event.repository,
            number=asked.event.number,
            trigger=trigger,
            requested_by=asked.event.author,
        ),
    )


async def _help(asked: _Asked) -> None:
    taught = await teaching.lessons(asked.services.store, asked.event.repository.id)
    body = render.help_body(asked.event.comment_id, taught)
    await replies.answer(asked.services, asked.gh, asked.event, body)


async def _dismiss(asked: _Asked, reason: str) -> list[str]:
    """Drop the finding of the thread in which it is said, and for the whole repository if a
    reason is given."""
    event, store = asked.event, asked.services.store
    all_ours = await threads.all_ours(
        asked.services, asked.gh, event.repository.full_name, event.number
    )
    here = [one for one in all_ours if one.thread.comment_id == event.in_thread]
    if not here:
        return [NOT_OURS]
    [one] = here
    await teaching.dismiss(store, *asked.where, one.fingerprint)
    if reason:
        taught = threads.lesson(one, reason[:200], event.author)
        await teaching.teach(store, event.repository.id, taught)
    await threads.resolve(asked.gh, one)
    return ["Dismissed, and I won't say it in this repository again."] if reason else []


async def _ask(asked: _Asked, question: str) -> list[str]:
    """Questions are answered in the queue where the LLM is asked."""
    if asked.services.llm is None:
        return [NO_LLM]
    await _send_question(asked, question)
    return []


async def _converse(asked: _Asked) -> None:
    """An answer in a thread of ours, by somebody who may ask, is a question."""
    event = asked.event
    if asked.services.llm is None:
        return
    in_thread = await replies.thread_of(asked.gh, event)
    us = await asked.services.github.login()
    if not in_thread or in_thread[0][0] != us or not threads.fingerprint_of(in_thread[0][1]):
        return
    permission = await pulls.permission(asked.gh, event.repository.full_name, event.author)
    if policy.permitted(permission, Command(verb=Verb.ASK, text=event.body)):
        await replies.show(asked.gh, event, "eyes")
        await _send_question(asked, event.body)


async def _send_question(asked: _Asked, question: str) -> None:
    event = asked.event
    await asked.services.store.put(
        message("answer_question", to_json(event), question[:MAX_QUESTION])
    )
