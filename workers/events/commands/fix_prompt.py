"""`/review fix-prompt`: a prompt for a coding agent, to fix the finding of the thread, or all."""

from bot.domain.commands import Command
from bot.domain.model import Report
from workers.events import replies
from workers.events.commands.context import CommandContext, CommandResult
from workers.reports import render
from workers.reports.fix_prompt import fix_prompt, fixable

NOTHING = "There is nothing to fix in the latest review."
NO_REVIEW = "This pull request has not been reviewed yet."


async def run(context: CommandContext, command: Command) -> CommandResult:
    """It is posted where it was asked for, as an answer of its own."""
    report = await _newest_report(context)
    if report is None:
        return CommandResult(NO_REVIEW, "confused")
    one = await context.bot_thread()
    dismissed = await context.services.store.suppressions.dismissals(
        *context.where, context.services.settings.suppression_days
    )
    findings = [
        finding
        for finding in (report.findings if one else fixable(report))
        if dismissed.why(finding) is None
        and (one is None or not finding.fingerprints.isdisjoint(one.marker.fingerprints))
    ]
    if not findings:
        return CommandResult(NOTHING, "confused")
    prompt = fix_prompt(report, findings)
    body = render.fix_prompt_body(context.event.comment_id, context.position, prompt)
    await replies.answer(context.services, context.gh, context.event, body)
    return CommandResult()


async def _newest_report(context: CommandContext) -> Report | None:
    """That of the newest posted review of all categories, as long as it is kept."""
    store = context.services.store
    summary = await store.pulls.posted_summary(*context.where)
    return await store.stage_data.report(summary.last_review) if summary else None
