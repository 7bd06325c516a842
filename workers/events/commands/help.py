"""`/review help`: every command, and what was dismissed in the repository."""

from bot.domain.commands import Command
from workers.events.commands.context import CommandContext, CommandResult
from workers.reports import render
from workers.review import threads


async def run(context: CommandContext, command: Command) -> CommandResult:
    """Nothing yet: the one answer to the comment is the help, whatever else it says."""
    return CommandResult()


async def answer_body(context: CommandContext, text: str) -> str:
    """The answer to a comment that asks for help; `text` is on what else it asked for."""
    await _record_thumbs_down(context)
    event, days = context.event, context.services.settings.suppression_days
    suppressions = await context.services.store.suppressions.all(event.repository.id, days)
    return render.help_body(event.comment_id, suppressions, text)


async def _record_thumbs_down(context: CommandContext) -> None:
    """GitHub does not tell of reactions; who asks what was taught wants to see them counted."""
    where = context.services, context.gh, context.event.repository, context.event.number
    await threads.record_thumbs_down(*where, await threads.find_bot_threads(*where) or ())
