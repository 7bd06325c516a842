"""`/review ask`, and replies in our threads: a question, for `workers.events.questions`."""

from bot.domain.commands import Command, Verb, is_question
from bot.domain.events import to_json
from bot.github import pulls
from bot.policy.permissions import is_permitted, may_write, only_as_author
from bot.store import message
from templates.languages import _
from workers.events import replies
from workers.events.commands import remember
from workers.events.commands.context import (
    CommandContext,
    CommandResult,
    is_author_with_a_say,
    our_name,
)
from workers.reports import render
from workers.reports.markers import FindingMarker, read_finding_marker

#: A question is a few sentences; the rest of a longer one is not read.
MAX_QUESTION = 4000

NO_LLM = "I can't answer questions here: no LLM is configured."


async def run(context: CommandContext, command: Command) -> CommandResult:
    """Questions are answered in the queue where the LLM is asked; the 🚀 comes with the answer."""
    if context.services.llm is None:
        return CommandResult(NO_LLM, "confused")
    await _send_question(context, command.text)
    return CommandResult(reaction="")


async def answer_reply(context: CommandContext) -> None:
    """A reply in a thread of ours, by somebody who may ask, is a question, or may say what is worth
    remembering."""
    event, services = context.event, context.services
    in_thread = await replies.thread_of(context.gh, event)
    bot_login = await services.github.login()
    if not in_thread or in_thread[0].author != bot_login:
        return
    marker = read_finding_marker(in_thread[0].body)
    if marker is None:
        return
    if not is_question(event.body, await our_name(services)):
        await _propose(context, marker)
        return
    permission = await pulls.permission(context.gh, event.repository.full_name, event.author)
    asks = Command(verb=Verb.ASK, text=event.body)
    if only_as_author(permission, asks):
        if not await is_author_with_a_say(services, context.gh, event):
            return
    elif not is_permitted(permission, asks):
        return
    if services.llm is not None:
        await replies.add_reaction(context.gh, event, "eyes")
        await _send_question(context, event.body)
        return
    notice_key = "no-llm:{}:{}".format(*context.where)
    if await services.store.deliveries.claim_notice(notice_key, event.comment_id):
        body = render.reply_body(event.comment_id, _(NO_LLM))
        await replies.answer(services, context.gh, event, body)


async def _propose(context: CommandContext, marker: FindingMarker) -> None:
    """Have it proposed to remember what the reply explains, once in a thread, and only for who may
    have us remember it."""
    event, services = context.event, context.services
    if not remember.explains(event.body):
        return
    if not await remember.wants_proposal(services, event, marker):
        return
    permission = await pulls.permission(context.gh, event.repository.full_name, event.author)
    if not may_write(permission):
        return
    notice_key = "preference:{}:{}:".format(*context.where) + str(event.in_thread)
    if await services.store.deliveries.claim_notice(notice_key, event.comment_id):
        await remember.queue_proposal(services, event, context.position)


async def _send_question(context: CommandContext, question: str) -> None:
    event = to_json(context.event)
    await context.services.store.queues.put(
        message("answer_question", event, question[:MAX_QUESTION], context.position)
    )
