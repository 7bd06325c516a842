"""What each command is given, and what it gives back."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.domain.commands import BadCommand, Command, parse
from bot.domain.events import CommentCreated
from bot.domain.model import Trigger
from bot.github import pulls
from bot.github.client import GitHub
from bot.store import Action, AuditEntry, Way
from workers.events.start_review import ReviewRequest, derived_id
from workers.repository.configuration import read_config
from workers.review import check_run, threads
from workers.services import Services


@dataclass(frozen=True, slots=True)
class CommandContext:
    """A comment and which of its commands is carried out; `review_id` is for what may come of
    it."""

    services: Services
    gh: GitHub
    event: CommentCreated
    review_id: str
    position: int = 0
    as_author: bool = False  # who may not write, but take part in their own pull request

    @property
    def where(self) -> tuple[int, int]:
        """The repository's id and the pull request's number."""
        return self.event.repository.id, self.event.number

    @property
    def request_id(self) -> str:
        """The name of the command that is carried out, the same at each try."""
        return f"{self.review_id}:{self.position}"

    def audit_entry(self, action: Action, detail: str) -> AuditEntry:
        """A line of the audit log on what the comment asks for."""
        return AuditEntry(
            action=action,
            way=Way.COMMENT,
            who=self.event.author,
            repository=self.event.repository.full_name,
            number=self.event.number,
            detail=detail,
        )

    def review_request(self, trigger: Trigger) -> ReviewRequest:
        """What asks for a review of the pull request in the name of the comment's author."""
        return ReviewRequest(
            review_id=derived_id(self.review_id, self.position),
            repository=self.event.repository,
            number=self.event.number,
            trigger=trigger,
            requested_by=self.event.author,
        )

    async def bot_thread(self) -> threads.BotThread | None:
        """The thread in which the comment stands, if it is one of ours."""
        event = self.event
        if event.in_thread is None:
            return None
        found = await threads.list_bot_threads(
            self.services, self.gh, event.repository.full_name, event.number
        )
        return next((one for one in found if one.thread.comment_id == event.in_thread), None)


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What there is to say about a command, in English: `run` translates it; and the reaction that
    shows how it went, "" while that is not known. `recorded`: the audit log has it already."""

    reply_text: str = ""
    reaction: str = "rocket"
    recorded: bool = False


#: What carries out a command. Safe to repeat; raises what a retry may heal.
Run = Callable[[CommandContext, Command], Awaitable[CommandResult]]


async def commands_in(
    services: Services, event: CommentCreated
) -> tuple[Command | BadCommand, ...]:
    """What a comment asks of us, by command or by mention."""
    us = await our_name(services) if "@" in event.body else ""
    return parse(event.body, us, services.settings.command_prefix)


async def our_name(services: Services) -> str:
    """The name by which people mention the App, without the mark of a bot."""
    return (await services.github.login()).removesuffix("[bot]")


async def is_author_with_a_say(services: Services, gh: GitHub, event: CommentCreated) -> bool:
    """Whether the comment is by the pull request's author, and the repository lets authors take
    part."""
    pull = await pulls.get_pull(gh, event.repository.full_name, event.number)
    if pull.author.casefold() != event.author.casefold():
        return False
    config = (await read_config(services, gh, event.repository, pull.base_ref)).config
    return config.author_commands


async def load_context(
    services: Services, event: CommentCreated, review_id: str, position: int = 0
) -> CommandContext:
    where = event.repository.installation_id, event.repository.id
    gh = await services.github.installation(*where, check_run.PERMISSIONS)
    return CommandContext(services, gh, event, review_id, position)
