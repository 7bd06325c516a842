"""`/review preferences`: what the repository had us remember, with the numbers by which it is
forgotten."""

from bot.domain.commands import Command
from workers.events import replies
from workers.events.commands.context import CommandContext, CommandResult
from workers.reports import render

NONE = "No preferences yet. Reply `/review remember SENTENCE` to one of my findings to add one."


async def run(context: CommandContext, command: Command) -> CommandResult:
    """An answer of its own, in the thread or the conversation."""
    event, services = context.event, context.services
    kept = await services.store.preferences.all(
        event.repository.installation_id, event.repository.id, services.settings.suppression_days
    )
    if not kept:
        return CommandResult(NONE)
    body = render.preferences_body(event.comment_id, context.position, kept)
    await replies.answer(services, context.gh, event, body)
    return CommandResult()
