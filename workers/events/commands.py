"""What people write on a pull request, obeyed: reactions at once, one short answer at most."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.domain import commands
from bot.domain.commands import BadCommand, Command, Verb
from bot.domain.events import CommentCreated, from_json, to_json
from bot.domain.model import Trigger
from bot.github import pulls
from bot.github.client import GitHub
from bot.policy import start
from bot.policy.permissions import is_permitted
from bot.store import MAX_SUPPRESSIONS, message
from workers.events import replies
from workers.events.cancel import cancel_pull
from workers.events.exclusive import exclusive_lock
from workers.events.start_review import Queued, ReviewRequest, derived_id, start_review
from workers.queue.actor import Attempt
from workers.reports import render
from workers.reports.markers import read_finding_marker
from workers.review import check_run, threads
from workers.services import Services

#: A question is a few sentences; the rest of a longer one is not read.
MAX_QUESTION = 4000

NOT_PERMITTED = "That takes write access to this repository. `/review help` lists all commands."
NO_LLM = "I can't answer questions here: no LLM is configured."
NOT_OWN_FINDING = "`/review dismiss` works in a thread that begins with a finding of mine."
NO_RUNNING_REVIEW = "No review is running here."
PAUSED = "Paused: new commits are not reviewed until somebody says `/review resume`."
REVIEW_QUEUED = "A review is running here: yours begins as soon as that is done."
DISMISSED = "Dismissed, and I won't say it in this repository again."
DISMISSED_HERE = (
    "Dismissed on this pull request. The repository already has the maximum of "
    f"{MAX_SUPPRESSIONS} suppressions."
)
NOT_DISMISSED = (
    "That is nothing I was taught here. `/review help` lists the lessons, each with its id, for "
    "`/review forget ID`; `/review forget` alone works in a thread of mine that was dismissed."
)
UNSUPPRESSED = "Forgotten: I may say it again."
UNSUPPRESSED_THUMB = (
    f"{UNSUPPRESSED} A {threads.THUMBS_DOWN} that stays on my comment teaches it anew."
)


@dataclass(frozen=True, slots=True)
class _CommandContext:
    """A comment whose commands are carried out; `review_id` is for what may come of it."""

    services: Services
    gh: GitHub
    event: CommentCreated
    review_id: str

    @property
    def where(self) -> tuple[int, int]:
        return self.event.repository.id, self.event.number

    def request(self, position: int) -> str:
        """The name of one of the comment's commands, the same at each try."""
        return f"{self.review_id}:{position}"


@dataclass(frozen=True, slots=True)
class _CommandResult:
    """What there is to say about a command, and the reaction that shows how it went; "" while
    that is not known."""

    reply_text: str = ""
    reaction: str = "rocket"


async def run_commands(services: Services, event: CommentCreated, review_id: str) -> None:
    """Carry out the commands of a comment, in order. Safe to repeat: each is done once."""
    found = commands.parse(event.body)
    if not found and event.in_reply_to is None:
        return
    context = await _load_context(services, event, review_id)
    if not found:
        await _answer_without_command(context)
        return
    # Who comes behind must not cancel what the comment asks for next, for one.
    async with exclusive_lock(services, f"commands:{review_id}"):
        await _run_commands(context, found)


async def _run_commands(context: _CommandContext, found: Sequence[Command | BadCommand]) -> None:
    services, gh, event = context.services, context.gh, context.event
    permission = await pulls.permission(gh, event.repository.full_name, event.author)
    done_before = await services.store.deliveries.executed_commands(context.review_id)
    reply_text: list[str] = []
    for position, command in enumerate(found):
        if position in done_before:
            reply_text.append(done_before[position])
        elif not is_permitted(permission, _needed_permission_command(command)):
            reply_text.append(await _refuse(context))
        elif isinstance(command, BadCommand):
            await replies.add_reaction(gh, event, "confused")
            reply_text.append(command.reply)
        else:
            reply_text.append(await _do(context, command, position))
    help_ = Command(verb=Verb.HELP)
    helped = help_ in found and is_permitted(permission, help_)
    await _answer(context, "\n\n".join(dict.fromkeys(filter(None, reply_text))), helped=helped)


async def _load_context(
    services: Services, event: CommentCreated, review_id: str
) -> _CommandContext:
    where = event.repository.installation_id, event.repository.id
    gh = await services.github.installation(*where, check_run.PERMISSIONS)
    return _CommandContext(services, gh, event, review_id)


def _needed_permission_command(command: Command | BadCommand) -> Command:
    """What a person needs the right to do: a mistake counts as a command to review."""
    return Command(verb=Verb.REVIEW) if isinstance(command, BadCommand) else command


async def _refuse(context: _CommandContext) -> str:
    """Refuse by a reaction, and in words only the first time: strangers can comment at will."""
    event = context.event
    await replies.add_reaction(context.gh, event, "confused")
    notice_key = "access:{}:{}".format(*context.where) + f":{event.author}"
    first = await context.services.store.deliveries.claim_notice(notice_key, event.comment_id)
    return NOT_PERMITTED if first else ""


async def _do(context: _CommandContext, command: Command, position: int) -> str:
    """Do it, show that, and remember that it is done; what there is to say about it."""
    await replies.add_reaction(context.gh, context.event, "eyes")
    result = await _carry_out(context, command, position)
    if result.reaction:
        await replies.add_reaction(context.gh, context.event, result.reaction)
    await context.services.store.deliveries.record_command(
        context.review_id, position, result.reply_text
    )
    return result.reply_text


async def _answer(context: _CommandContext, text: str, *, helped: bool) -> None:
    """One answer to the comment, however many commands are in it."""
    event = context.event
    if helped:
        await _record_thumbs_down(context)
        suppressions_saved = await context.services.store.suppressions.all(
            event.repository.id, context.services.settings.suppression_days
        )
        body = render.help_body(event.comment_id, suppressions_saved, text)
    elif text:
        body = render.reply_body(event.comment_id, text)
    else:
        return
    await replies.answer(context.services, context.gh, event, body)


async def _record_thumbs_down(context: _CommandContext) -> None:
    """GitHub does not tell of reactions; who asks what was taught wants to see them counted."""
    where = context.services, context.gh, context.event.repository, context.event.number
    await threads.record_thumbs_down(*where, await threads.find_bot_threads(*where) or ())


async def _carry_out(context: _CommandContext, command: Command, position: int) -> _CommandResult:
    services, event = context.services, context.event
    match command.verb:
        case Verb.REVIEW:
            return await _review(context, command, position)
        case Verb.ASK:
            return await _ask(context, command.text, position)
        case Verb.DISMISS:
            return await _dismiss(context, command.text)
        case Verb.FORGET:
            return await _unsuppress(context, command.text.strip("`").lower(), position)
        case Verb.CANCEL:
            why = start.cancelled_by(event.author)
            by = context.request(position)
            if not await cancel_pull(services, event.repository, event.number, why, by=by):
                return _CommandResult(NO_RUNNING_REVIEW, "confused")
        case Verb.PAUSE:
            await services.store.pulls.pause(*context.where, event.author)
            return _CommandResult(PAUSED)
        case Verb.RESUME:
            await services.store.pulls.resume(*context.where)
            await start_review(services, _request(context, position, Trigger.READY))
        case Verb.HELP:
            pass  # it is in the answer
    return _CommandResult()


async def start_queued_review(
    services: Services, attempt: Attempt, event: dict[str, Any], review_id: str, position: int
) -> None:
    """Start the review that the command at that position of a comment asked for, now that the
    one has ended for which it waited. Safe to repeat."""
    comment = from_json(event)
    assert isinstance(comment, CommentCreated)
    with attempt.ignoring_not_found():
        await _start_queued(services, comment, review_id, position)


async def _start_queued(
    services: Services, event: CommentCreated, review_id: str, position: int
) -> None:
    command = commands.parse(event.body)[position]
    assert isinstance(command, Command), "only what was understood can wait"
    context = await _load_context(services, event, review_id)
    result = await _review(context, command, position)
    if result.reaction:  # it can't be started any more
        await replies.add_reaction(context.gh, event, result.reaction)
        body = render.reply_body(event.comment_id, result.reply_text, position)
        await replies.answer(services, context.gh, event, body)


async def _review(context: _CommandContext, command: Command, position: int) -> _CommandResult:
    """The 🚀 comes when the review is posted. A look at one category never takes the place of a
    review that runs, which may look for all: it waits."""
    event = context.event
    request = replace(
        _request(context, position, Trigger.COMMAND),
        full=command.full,
        focus=command.focus,
        effort=command.effort,
        comment_id=event.comment_id,
        in_thread=event.in_thread is not None,
    )
    if command.focus is not None:
        again = to_json(event), context.review_id, position
        request = replace(request, follow_up=message("start_queued_review", *again))
    outcome = await start_review(context.services, request)
    if isinstance(outcome, start.Skip):
        return _CommandResult(outcome.message, "confused")
    return _CommandResult(REVIEW_QUEUED if isinstance(outcome, Queued) else "", reaction="")


def _request(context: _CommandContext, position: int, trigger: Trigger) -> ReviewRequest:
    return ReviewRequest(
        review_id=derived_id(context.review_id, position),
        repository=context.event.repository,
        number=context.event.number,
        trigger=trigger,
        requested_by=context.event.author,
    )


async def _dismiss(context: _CommandContext, reason: str) -> _CommandResult:
    """Drop the finding of the thread in which it is said, and for the whole repository if a
    reason is given."""
    event, store = context.event, context.services.store
    one = await _thread(context)
    if one is None:
        return _CommandResult(NOT_OWN_FINDING, "confused")
    await store.suppressions.dismiss(*context.where, *one.marker.fingerprints)
    reply_text = ""
    if reason:
        saved = await threads.suppress_all(store, event.repository, one, reason[:200], event.author)
        reply_text = DISMISSED if saved else DISMISSED_HERE
    await threads.resolve(context.services, context.gh, event.repository, [one])
    return _CommandResult(reply_text)


async def _thread(context: _CommandContext) -> threads.BotThread | None:
    """The thread in which it is said, if it is one of ours."""
    event = context.event
    if event.in_thread is None:
        return None
    list_bot_threads = await threads.list_bot_threads(
        context.services, context.gh, event.repository.full_name, event.number
    )
    return next((one for one in list_bot_threads if one.thread.comment_id == event.in_thread), None)


async def _unsuppress(context: _CommandContext, name: str, position: int) -> _CommandResult:
    """Take back the lesson of that id or, without one, what was dismissed in the thread."""
    store = context.services.store
    one = None if name else await _thread(context)
    request = context.request(position)
    if one is None:
        reasons = [await store.suppressions.unsuppress(*context.where, name, by=request)]
    else:
        reasons = [
            await store.suppressions.unsuppress(*context.where, each, by=f"{request}:{each}")
            for each in sorted(one.marker.fingerprints)
        ]
    reason = next((each for each in reasons if each is not None), None)
    if reason is None:
        return _CommandResult(NOT_DISMISSED, "confused")
    return _CommandResult(UNSUPPRESSED_THUMB if reason == threads.THUMBS_DOWN else UNSUPPRESSED)


async def _ask(context: _CommandContext, question: str, position: int) -> _CommandResult:
    """Questions are answered in the queue where the LLM is asked; the 🚀 comes with the answer."""
    if context.services.llm is None:
        return _CommandResult(NO_LLM, "confused")
    await _send_question(context, question, position)
    return _CommandResult(reaction="")


async def _answer_without_command(context: _CommandContext) -> None:
    """A reply in a thread of ours, by somebody who may ask, is a question."""
    event, services = context.event, context.services
    in_thread = await replies.thread_of(context.gh, event)
    bot_login = await services.github.login()
    if not in_thread or in_thread[0].author != bot_login:
        return
    if read_finding_marker(in_thread[0].body) is None:
        return
    permission = await pulls.permission(context.gh, event.repository.full_name, event.author)
    if not is_permitted(permission, Command(verb=Verb.ASK, text=event.body)):
        return
    if services.llm is not None:
        await replies.add_reaction(context.gh, event, "eyes")
        await _send_question(context, event.body, 0)
        return
    notice_key = "no-llm:{}:{}".format(*context.where)
    if await services.store.deliveries.claim_notice(notice_key, event.comment_id):
        await _answer(context, NO_LLM, helped=False)


async def _send_question(context: _CommandContext, question: str, position: int) -> None:
    await context.services.store.queues.put(
        message("answer_question", to_json(context.event), question[:MAX_QUESTION], position)
    )
