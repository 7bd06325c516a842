"""`/review resume`: review new commits again, beginning with those that came meanwhile."""

from bot.domain.commands import Command
from bot.domain.model import Trigger
from workers.events.commands.context import CommandContext, CommandResult
from workers.events.start_review import start_review


async def run(context: CommandContext, command: Command) -> CommandResult:
    await context.services.store.pulls.resume(*context.where)
    await start_review(context.services, context.review_request(Trigger.READY))
    return CommandResult()
