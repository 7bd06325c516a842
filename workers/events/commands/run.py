"""What people write on a pull request, obeyed: reactions at once, one short answer at most."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.domain.commands import BadCommand, Command, Verb
from bot.domain.events import CommentCreated
from bot.github import pulls
from bot.policy.permissions import is_permitted, only_as_author
from bot.store import Action
from templates.languages import _
from workers.events import replies
from workers.events.commands import (
    ask,
    cancel,
    dismiss,
    fix_prompt,
    forget,
    help,
    pause,
    preferences,
    remember,
    resume,
    review,
)
from workers.events.commands.context import (
    CommandContext,
    Run,
    commands_in,
    is_author_with_a_say,
    load_context,
)
from workers.events.start_review import derived_id
from workers.reports import render
from workers.services import Services

#: Every command, and what carries it out; a test holds that none is missing.
COMMANDS: Mapping[Verb, Run] = {
    Verb.REVIEW: review.run,
    Verb.ASK: ask.run,
    Verb.CANCEL: cancel.run,
    Verb.PAUSE: pause.run,
    Verb.RESUME: resume.run,
    Verb.DISMISS: dismiss.run,
    Verb.FORGET: forget.run,
    Verb.REMEMBER: remember.run,
    Verb.PREFERENCES: preferences.run,
    Verb.FIX_PROMPT: fix_prompt.run,
    Verb.HELP: help.run,
}

#: What the audit log calls it.
_ACTIONS = {
    Verb.REVIEW: Action.REVIEW_REQUESTED,
    Verb.ASK: Action.QUESTION_ASKED,
    Verb.CANCEL: Action.REVIEW_CANCELLED,
    Verb.PAUSE: Action.REVIEWS_PAUSED,
    Verb.RESUME: Action.REVIEWS_RESUMED,
    Verb.DISMISS: Action.FINDING_DISMISSED,
    Verb.FORGET: Action.DISMISSAL_REMOVED,
}

NOT_PERMITTED = (
    "You need write access to this repository to do that. `/review help` lists all commands."
)


async def run_commands(services: Services, event: CommentCreated, review_id: str) -> None:
    """Carry out the commands of a comment, in order. Safe to repeat: each is done once."""
    await services.speak_as_before(event.repository, event.number)
    found = await commands_in(services, event)
    if not found and event.in_reply_to is None:
        return
    context = await load_context(services, event, review_id)
    if not found:
        await ask.answer_reply(context)
        return
    # Who comes behind must not cancel what the comment asks for next, for one.
    async with services.exclusive(f"commands:{review_id}"):
        await _run_commands(context, found)


async def _run_commands(context: CommandContext, found: Sequence[Command | BadCommand]) -> None:
    services, gh, event = context.services, context.gh, context.event
    permission = await pulls.permission(gh, event.repository.full_name, event.author)
    # Asked only where it makes a difference: it costs requests.
    if any(only_as_author(permission, _needed_permission_command(each)) for each in found):
        as_author = await is_author_with_a_say(services, gh, event)
        context = replace(context, as_author=as_author)
    done_before = await services.store.deliveries.executed_commands(context.review_id)
    reply_text: list[str] = []
    for position, command in enumerate(found):
        if position in done_before:
            reply_text.append(done_before[position])
        elif not is_permitted(
            permission, _needed_permission_command(command), as_author=context.as_author
        ):
            reply_text.append(await _refuse(context))
        elif isinstance(command, BadCommand):
            await replies.add_reaction(gh, event, "confused")
            reply_text.append(command.reply)
        else:
            reply_text.append(await _do(replace(context, position=position), command))
    help_ = Command(verb=Verb.HELP)
    helped = help_ in found and is_permitted(permission, help_)
    await _answer(context, "\n\n".join(dict.fromkeys(filter(None, reply_text))), helped=helped)


def _needed_permission_command(command: Command | BadCommand) -> Command:
    """What a person needs the right to do: a mistake counts as a command to review."""
    return Command(verb=Verb.REVIEW) if isinstance(command, BadCommand) else command


async def _refuse(context: CommandContext) -> str:
    """Refuse by a reaction, and in words only the first time: strangers can comment at will."""
    event = context.event
    await replies.add_reaction(context.gh, event, "confused")
    notice_key = "access:{}:{}".format(*context.where) + f":{event.author}"
    first = await context.services.store.deliveries.claim_notice(notice_key, event.comment_id)
    return _(NOT_PERMITTED) if first else ""


async def _do(context: CommandContext, command: Command) -> str:
    """Do it, show that, and remember that it is done; what there is to say about it."""
    await replies.add_reaction(context.gh, context.event, "eyes")
    result = await COMMANDS[command.verb](context, command)
    if result.reaction:
        await replies.add_reaction(context.gh, context.event, result.reaction)
    if result.reaction != "confused" and not result.recorded:
        await _record(context, command)
    reply_text = _(result.reply_text)
    await context.services.store.deliveries.record_command(
        context.review_id, context.position, reply_text
    )
    return reply_text


async def _record(context: CommandContext, command: Command) -> None:
    action = _ACTIONS.get(command.verb)
    if action is None:
        return
    options = (command.focus, command.effort, "full" if command.full else "", command.text)
    entry = context.audit_entry(action, " ".join(str(each) for each in options if each))
    if action is Action.REVIEW_REQUESTED:
        entry = replace(entry, review=derived_id(context.review_id, context.position))
    await context.services.store.audit.record(entry, once=context.request_id)


async def _answer(context: CommandContext, text: str, *, helped: bool) -> None:
    """One answer to the comment, however many commands are in it."""
    event = context.event
    if helped:
        body = await help.answer_body(context, text)
    elif text:
        body = render.reply_body(event.comment_id, text)
    else:
        return
    await replies.answer(context.services, context.gh, event, body)
