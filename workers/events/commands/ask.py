"""`/review ask`, and replies in our threads: a question, for `workers.events.questions`."""

from bot.domain.commands import Command, Verb, is_question
from bot.domain.events import to_json
from bot.github import pulls
from bot.policy.permissions import is_permitted, only_as_author
from bot.store import message
from templates.languages import _
from workers.events import replies
from workers.events.commands.context import (
    CommandContext,
    CommandResult,
    is_author_with_a_say,
    our_name,
)
from workers.reports import render
from workers.reports.markers import read_finding_marker

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
    """A reply in a thread of ours, by somebody who may ask, is a question."""
    event, services = context.event, context.services
    in_thread = await replies.thread_of(context.gh, event)
    bot_login = await services.github.login()
    if not in_thread or in_thread[0].author != bot_login:
        return
    if read_finding_marker(in_thread[0].body) is None:
        return
    if not is_question(event.body, await our_name(services)):
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


async def _send_question(context: CommandContext, question: str) -> None:
    event = to_json(context.event)
    await context.services.store.queues.put(
        message("answer_question", event, question[:MAX_QUESTION], context.position)
    )
