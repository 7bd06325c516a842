"""`/review cancel`: stop the running review, and what waits for its end."""

from bot.domain.commands import Command
from bot.policy import start
from workers.events.cancel import cancel_pull
from workers.events.commands.context import CommandContext, CommandResult

NO_RUNNING_REVIEW = "No review is running."


async def run(context: CommandContext, command: Command) -> CommandResult:
    event, why = context.event, start.cancelled_by(context.event.author)
    where = context.services, event.repository, event.number
    if await cancel_pull(*where, why, by=context.request_id):
        return CommandResult()
    return CommandResult(NO_RUNNING_REVIEW, "confused")
