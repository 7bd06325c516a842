"""`/review pause`: leave new commits alone."""

from bot.domain.commands import Command
from workers.events.commands.context import CommandContext, CommandResult

PAUSED = "Paused: new commits are not reviewed until somebody says `/review resume`."


async def run(context: CommandContext, command: Command) -> CommandResult:
    await context.services.store.pulls.pause(*context.where, context.event.author)
    return CommandResult(PAUSED)
