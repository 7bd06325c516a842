"""What people write on a pull request, obeyed: reactions at once, one short answer at most."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.domain import commands
from bot.domain.commands import BadCommand, Command, Verb
from bot.domain.events import CommentCreated, to_json
from bot.domain.model import Trigger
from bot.github import pulls
from bot.github.client import GitHub
from bot.policy import start
from bot.store import command_log, suppressions
from bot.store.messages import message
from workers.events import replies
from workers.events.cancel import cancel_pull
from workers.events.exclusive import alone_at
from workers.events.start_review import Request, Waits, derived_id, start_review
from workers.reports import render
from workers.review import check_run, threads
from workers.services import Services

#: A question is a few sentences; the rest of a longer one is not read.
MAX_QUESTION = 4000

NOT_PERMITTED = "That takes write access to this repository. `/review help` lists all commands."
NO_LLM = "I can't answer questions here: no LLM is configured."
NOT_OURS = "`/review dismiss` works in a thread that begins with a finding of mine."
NOTHING_RUNS = "No review is running here."
PAUSED = "Paused: new commits are not reviewed until somebody says `/review resume`."
WAITS = "A review is running here: yours begins as soon as that is done."
DISMISSED = "Dismissed, and I won't say it in this repository again."
DISMISSED_HERE = (
    "Dismissed on this pull request. The repository already has the maximum of "
    f"{suppressions.MAX_LESSONS} suppressions."
)
NOT_DISMISSED = (
    "That is nothing I was taught here. `/review help` lists the lessons, each with its id, for "
    "`/review forget ID`; `/review forget` alone works in a thread of mine that was dismissed."
)
FORGOTTEN = "Forgotten: I may say it again."
FORGOTTEN_THUMB = f"{FORGOTTEN} A {threads.THUMB} that stays on my comment teaches it anew."


@dataclass(frozen=True, slots=True)
class _Asked:
    """A comment whose commands are carried out; `review_id` is for what may come of it."""

    services: Services
    gh: GitHub
    event: CommentCreated
    review_id: str

    @property
    def where(self) -> tuple[int, int]:
        return self.event.repository.id, self.event.number

    def wish(self, position: int) -> str:
        """The name of one of the comment's commands, the same at each try."""
        return f"{self.review_id}:{position}"


@dataclass(frozen=True, slots=True)
class _Done:
    """What there is to say about a command, and the reaction that shows how it went; "" while
    that is not known."""

    said: str = ""
    reaction: str = "rocket"


async def obey(services: Services, event: CommentCreated, review_id: str) -> None:
    """Carry out the commands of a comment, in order. Safe to repeat: each is done once."""
    found = commands.parse(event.body)
    if not found and event.in_reply_to is None:
        return
    asked = await _asked(services, event, review_id)
    if not found:
        await _converse(asked)
        return
    # Who comes behind must not cancel what the comment asks for next, for one.
    async with alone_at(services, f"obey:{review_id}"):
        await _obey(asked, found)


async def _obey(asked: _Asked, found: Sequence[Command | BadCommand]) -> None:
    services, gh, event = asked.services, asked.gh, asked.event
    permission = await pulls.permission(gh, event.repository.full_name, event.author)
    before = await command_log.done(services.store, asked.review_id)
    said: list[str] = []
    for position, command in enumerate(found):
        if position in before:
            said.append(before[position])
        elif not start.permitted(permission, _meant(command)):
            said.append(await _refuse(asked))
        elif isinstance(command, BadCommand):
            await replies.show(gh, event, "confused")
            said.append(command.reply)
        else:
            said.append(await _do(asked, command, position))
    help_ = Command(verb=Verb.HELP)
    helped = help_ in found and start.permitted(permission, help_)
    await _answer(asked, "\n\n".join(dict.fromkeys(filter(None, said))), helped=helped)


async def _asked(services: Services, event: CommentCreated, review_id: str) -> _Asked:
    where = event.repository.installation_id, event.repository.id
    gh = await services.github.installation(*where, check_run.PERMISSIONS)
    return _Asked(services, gh, event, review_id)


def _meant(command: Command | BadCommand) -> Command:
    """What a person needs the right to do: a mistake counts as a command to review."""
    return Command(verb=Verb.REVIEW) if isinstance(command, BadCommand) else command


async def _refuse(asked: _Asked) -> str:
    """Refuse by a reaction, and in words only the first time: strangers can comment at will."""
    event = asked.event
    await replies.show(asked.gh, event, "confused")
    told = "access:{}:{}".format(*asked.where) + f":{event.author}"
    first = await command_log.first_told(asked.services.store, told, event.comment_id)
    return NOT_PERMITTED if first else ""


async def _do(asked: _Asked, command: Command, position: int) -> str:
    """Do it, show that, and remember that it is done; what there is to say about it."""
    await replies.show(asked.gh, asked.event, "eyes")
    done = await _carry_out(asked, command, position)
    if done.reaction:
        await replies.show(asked.gh, asked.event, done.reaction)
    await command_log.note(asked.services.store, asked.review_id, position, done.said)
    return done.said


async def _answer(asked: _Asked, text: str, *, helped: bool) -> None:
    """One answer to the comment, however many commands are in it."""
    event = asked.event
    if helped:
        await _hear_thumbs(asked)
        taught = await suppressions.lessons(asked.services.store, event.repository.id)
        body = render.help_body(event.comment_id, taught, text)
    elif text:
        body = render.reply_body(event.comment_id, text)
    else:
        return
    await replies.answer(asked.services, asked.gh, event, body)


async def _hear_thumbs(asked: _Asked) -> None:
    """GitHub does not tell of reactions; who asks what was taught wants to see them counted."""
    where = asked.services, asked.gh, asked.event.repository, asked.event.number
    await threads.learn(*where, await threads.ours(*where) or ())


async def _carry_out(asked: _Asked, command: Command, position: int) -> _Done:
    services, event = asked.services, asked.event
    match command.verb:
        case Verb.REVIEW:
            return await _review(asked, command, position)
        case Verb.ASK:
            return await _ask(asked, command.text, position)
        case Verb.DISMISS:
            return await _dismiss(asked, command.text)
        case Verb.FORGET:
            return await _forget(asked, command.text.strip("`").lower(), position)
        case Verb.CANCEL:
            why = start.cancelled_by(event.author)
            by = asked.wish(position)
            if not await cancel_pull(services, event.repository, event.number, why, by=by):
                return _Done(NOTHING_RUNS, "confused")
        case Verb.PAUSE:
            await suppressions.pause(services.store, *asked.where, event.author)
            return _Done(PAUSED)
        case Verb.RESUME:
            await suppressions.resume(services.store, *asked.where)
            await start_review(services, _request(asked, position, Trigger.READY))
        case Verb.HELP:
            pass  # it is in the answer
    return _Done()


async def start_waiting(
    services: Services, event: CommentCreated, review_id: str, position: int
) -> None:
    """Start the review that the command at that position of a comment asked for, now that the
    one has ended for which it waited. Safe to repeat."""
    command = commands.parse(event.body)[position]
    assert isinstance(command, Command), "only what was understood can wait"
    asked = await _asked(services, event, review_id)
    done = await _review(asked, command, position)
    if done.reaction:  # it can't be started any more
        await replies.show(asked.gh, event, done.reaction)
        body = render.reply_body(event.comment_id, done.said, position)
        await replies.answer(services, asked.gh, event, body)


async def _review(asked: _Asked, command: Command, position: int) -> _Done:
    """The 🚀 comes when the review is posted. A look at one category never takes the place of a
    review that runs, which may look for all: it waits."""
    event = asked.event
    wish = replace(
        _request(asked, position, Trigger.COMMAND),
        full=command.full,
        focus=command.focus,
        comment_id=event.comment_id,
        in_thread=event.in_thread is not None,
    )
    if command.focus is not None:
        again = to_json(event), asked.review_id, position
        wish = replace(wish, later=message("start_waiting", *again))
    outcome = await start_review(asked.services, wish)
    if isinstance(outcome, start.Skip):
        return _Done(outcome.sentence, "confused")
    return _Done(WAITS if isinstance(outcome, Waits) else "", reaction="")


def _request(asked: _Asked, position: int, trigger: Trigger) -> Request:
    return Request(
        review_id=derived_id(asked.review_id, position),
        repository=asked.event.repository,
        number=asked.event.number,
        trigger=trigger,
        requested_by=asked.event.author,
    )


async def _dismiss(asked: _Asked, reason: str) -> _Done:
    """Drop the finding of the thread in which it is said, and for the whole repository if a
    reason is given."""
    event, store = asked.event, asked.services.store
    one = await _thread(asked)
    if one is None:
        return _Done(NOT_OURS, "confused")
    await suppressions.dismiss(store, *asked.where, one.fingerprint)
    said = ""
    if reason:
        lesson = threads.lesson(one, reason[:200], event.author)
        taught = await suppressions.teach(store, event.repository.id, lesson)
        said = DISMISSED if taught else DISMISSED_HERE
    await threads.resolve(asked.services, asked.gh, event.repository, [one])
    return _Done(said)


async def _thread(asked: _Asked) -> threads.Ours | None:
    """The thread in which it is said, if it is one of ours."""
    event = asked.event
    if event.in_thread is None:
        return None
    all_ours = await threads.all_ours(
        asked.services, asked.gh, event.repository.full_name, event.number
    )
    return next((one for one in all_ours if one.thread.comment_id == event.in_thread), None)


async def _forget(asked: _Asked, name: str, position: int) -> _Done:
    """Take back the lesson of that id or, without one, what was dismissed in the thread."""
    store = asked.services.store
    one = None if name else await _thread(asked)
    fingerprint = one.fingerprint if one is not None else name
    wish = asked.wish(position)
    reason = await suppressions.forget(store, *asked.where, fingerprint, by=wish)
    if reason is None:
        return _Done(NOT_DISMISSED, "confused")
    return _Done(FORGOTTEN_THUMB if reason == threads.THUMB else FORGOTTEN)


async def _ask(asked: _Asked, question: str, position: int) -> _Done:
    """Questions are answered in the queue where the LLM is asked; the 🚀 comes with the answer."""
    if asked.services.llm is None:
        return _Done(NO_LLM, "confused")
    await _send_question(asked, question, position)
    return _Done(reaction="")


async def _converse(asked: _Asked) -> None:
    """A reply in a thread of ours, by somebody who may ask, is a question."""
    event, services = asked.event, asked.services
    in_thread = await replies.thread_of(asked.gh, event)
    us = await services.github.login()
    if not in_thread or in_thread[0].author != us:
        return
    if not threads.fingerprint_of(in_thread[0].body):
        return
    permission = await pulls.permission(asked.gh, event.repository.full_name, event.author)
    if not start.permitted(permission, Command(verb=Verb.ASK, text=event.body)):
        return
    if services.llm is not None:
        await replies.show(asked.gh, event, "eyes")
        await _send_question(asked, event.body, 0)
        return
    told = "no-llm:{}:{}".format(*asked.where)
    if await command_log.first_told(services.store, told, event.comment_id):
        await _answer(asked, NO_LLM, helped=False)


async def _send_question(asked: _Asked, question: str, position: int) -> None:
    await asked.services.store.put(
        message("answer_question", to_json(asked.event), question[:MAX_QUESTION], position)
    )
