"""`/review dismiss`: drop the finding of the thread in which it is said."""

from bot.domain.commands import Command
from bot.domain.outcomes import Signal
from bot.store import Seen
from workers.events.commands.context import CommandContext, CommandResult
from workers.review import threads

NOT_OWN_FINDING = "Use `/review dismiss` as a reply to one of my findings."
DISMISSED = "Dismissed. I won't report this in this repository again."
DISMISSED_HERE = (
    "Dismissed on this pull request. The repository already has the maximum number of suppressions."
)


async def run(context: CommandContext, command: Command) -> CommandResult:
    """With a reason, which is the command's text, it is dropped for the whole repository; not for
    an author who may not write there."""
    event, store = context.event, context.services.store
    reason = "" if context.as_author else command.text
    one = await context.bot_thread()
    if one is None:
        return CommandResult(NOT_OWN_FINDING, "confused")
    await store.suppressions.dismiss(*context.where, *one.marker.fingerprints)
    days = context.services.settings.outcome_days
    seen = [Seen(one.fingerprint, Signal.DISMISSED, command.text)]
    await store.outcomes.record_seen(*context.where, seen, days=days)
    reply = CommandResult()
    if reason:
        saved = await threads.suppress_all(store, event.repository, one, reason[:200], event.author)
        reply = CommandResult(DISMISSED if saved else DISMISSED_HERE)
    await threads.resolve(context.services, context.gh, event.repository, [one])
    return reply
