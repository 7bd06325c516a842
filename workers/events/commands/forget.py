"""`/review forget`: take back what was dismissed, so that it may be reported again."""

import re

from bot.domain.commands import Command
from bot.domain.suppressions import Via
from bot.store import Action
from workers.events.commands.context import CommandContext, CommandResult

NOT_DISMISSED = (
    "I don't know that id. `/review help` lists the suppressed findings with their ids; or reply "
    "`/review forget` to a dismissed finding."
)
NO_PREFERENCE = "There is no such preference. `/review preferences` lists them with their numbers."
FORGOTTEN = "Preference removed. I may report such findings again."
UNSUPPRESSED = "Suppression removed. I may report this again."
UNSUPPRESSED_THUMB = (
    "Suppression removed. I may report this again. Remove the 👎 as well, or it will be "
    "suppressed again."
)


async def run(context: CommandContext, command: Command) -> CommandResult:
    """Take back the lesson whose id is the command's text or, without one, what was dismissed in
    the thread; or the preference of that number."""
    store, name = context.services.store, command.text.strip("`").lower()
    if re.fullmatch(r"[0-9]{1,6}", name):
        return await _forget_preference(context, int(name))
    one = None if name else await context.bot_thread()
    request = context.request_id
    if one is None:
        dismissed = [await store.suppressions.unsuppress(*context.where, name, by=request)]
    else:
        dismissed = [
            await store.suppressions.unsuppress(*context.where, each, by=f"{request}:{each}")
            for each in sorted(one.marker.fingerprints)
        ]
    days = context.services.settings.outcome_days
    again = one.marker.fingerprints if one else {name}
    await store.outcomes.undo_dismissal(*context.where, again, days=days)
    via = next((each for each in dismissed if each is not None), None)
    if via is None:
        return CommandResult(NOT_DISMISSED, "confused")
    return CommandResult(UNSUPPRESSED_THUMB if via is Via.THUMBS_DOWN else UNSUPPRESSED)


async def _forget_preference(context: CommandContext, number: int) -> CommandResult:
    repo = context.event.repository
    removed = await context.services.store.preferences.remove(
        repo.installation_id,
        repo.id,
        number,
        audit=context.audit_entry(Action.PREFERENCE_REMOVED, ""),
        by=context.request_id,
    )
    if not removed:
        return CommandResult(NO_PREFERENCE, "confused")
    return CommandResult(FORGOTTEN, recorded=True)
