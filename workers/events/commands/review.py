"""`/review`, with `full`, an effort or a category: review the pull request."""

from dataclasses import replace
from typing import Any

from bot.domain.commands import Command
from bot.domain.events import CommentCreated, from_json, to_json
from bot.domain.model import Trigger
from bot.policy import start
from bot.store import message
from templates.languages import _
from workers.events import replies
from workers.events.commands.context import CommandContext, CommandResult, commands_in, load_context
from workers.events.start_review import Queued, start_review
from workers.queue.actor import Attempt
from workers.reports import render
from workers.services import Services

REVIEW_QUEUED = "A review is already running. Yours will start when it finishes."


async def run(context: CommandContext, command: Command) -> CommandResult:
    """The 🚀 comes when the review is posted. A look at one category never takes the place of a
    review that runs, which may look for all: it waits."""
    event = context.event
    request = replace(
        context.review_request(Trigger.COMMAND),
        full=command.full,
        focus=command.focus,
        effort=command.effort,
        comment_id=None if event.in_review else event.comment_id,
        in_thread=event.in_thread is not None,
    )
    if command.focus is not None:
        again = to_json(event), context.review_id, context.position
        request = replace(request, follow_up=message("start_queued_review", *again))
    outcome = await start_review(context.services, request)
    if isinstance(outcome, start.Skip):
        return CommandResult(outcome.message, "confused")
    return CommandResult(REVIEW_QUEUED if isinstance(outcome, Queued) else "", reaction="")


async def start_queued_review(
    services: Services, attempt: Attempt, event: dict[str, Any], review_id: str, position: int
) -> None:
    """Start the review that the command at that position of a comment asked for, now that the
    one has ended for which it waited. Safe to repeat."""
    comment = from_json(event)
    assert isinstance(comment, CommentCreated)
    with attempt.ignoring_not_found():
        await _start_queued(services, comment, review_id, position)


async def _start_queued(
    services: Services, event: CommentCreated, review_id: str, position: int
) -> None:
    await services.speak_as_before(event.repository, event.number)
    command = (await commands_in(services, event))[position]
    assert isinstance(command, Command), "only what was understood can wait"
    context = await load_context(services, event, review_id, position)
    result = await run(context, command)
    if result.reaction:  # it can't be started any more
        await replies.add_reaction(context.gh, event, result.reaction)
        body = render.reply_body(event.comment_id, _(result.reply_text), position)
        await replies.answer(services, context.gh, event, body)
