"""`/review dismiss`: drop the finding of the thread in which it is said; and the button on a
review's page, which does the same by a message."""

from bot.domain.commands import Command
from bot.domain.model import Finding
from bot.domain.outcomes import Signal
from bot.domain.suppressions import Suppression
from bot.store import ReviewState, Seen
from workers.events.commands import remember
from workers.events.commands.context import CommandContext, CommandResult
from workers.queue.actor import Attempt
from workers.review import check_run, threads
from workers.services import Services

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
        if await remember.wants_proposal(context.services, event, one.marker):
            # One answer: what is proposed comes with it.
            await remember.queue_proposal(
                context.services, event, context.position, said=reply.reply_text
            )
            reply = CommandResult()
    await threads.resolve(context.services, context.gh, event.repository, [one])
    return reply


async def dismiss_finding(
    services: Services, attempt: Attempt, review_id: str, fingerprint: str, reason: str, login: str
) -> None:
    """Do on GitHub what `/review dismiss` does there. Safe to repeat; raises what a retry may
    heal."""
    state = await services.store.reviews.get(review_id)
    report = await services.store.stage_data.report(review_id)
    found = report.findings if report is not None else ()
    finding = next((each for each in found if each.fingerprint == fingerprint), None)
    if state is None or finding is None:  # both have expired
        return
    review = state.review
    where = review.repository.id, review.number
    await services.store.suppressions.dismiss(*where, *finding.fingerprints)
    seen = [Seen(fingerprint, Signal.DISMISSED, reason)]
    await services.store.outcomes.record_seen(*where, seen, days=services.settings.outcome_days)
    if reason:
        await _suppress(services, state, finding, reason, login)
    with attempt.ignoring_not_found():
        gh = await check_run.client(services, review, check_run.PUBLISH)
        ours = await threads.list_bot_threads(
            services, gh, review.repository.full_name, review.number
        )
        about = [one for one in ours if not one.marker.fingerprints.isdisjoint({fingerprint})]
        await threads.resolve(services, gh, review.repository, about)
        if reason:
            for one in about[:1]:
                await remember.propose_reason(services, review, one, reason, login)


async def _suppress(
    services: Services, state: ReviewState, finding: Finding, reason: str, login: str
) -> None:
    """At each of its places."""
    paths = {place.fingerprint: place.path for place in finding.places}
    for name in sorted(finding.fingerprints):
        suppression = Suppression(
            fingerprint=name,
            path=paths.get(name, finding.path),
            title=finding.title,
            reason=reason,
            suppressed_by=login,
            suppressed_at=services.store.now(),
        )
        await services.store.suppressions.suppress(state.review.repository.id, suppression)
