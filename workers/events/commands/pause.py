"""`/review pause`: leave new commits alone."""

from bot.domain.commands import Command
from workers.events.commands.context import CommandContext, CommandResult

PAUSED = "Reviews are paused. Comment `/review resume` to turn them back on."


async def run(context: CommandContext, command: Command) -> CommandResult:
    await context.services.store.pulls.pause(*context.where, context.event.author)
    return CommandResult(PAUSED)
