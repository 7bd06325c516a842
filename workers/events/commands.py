"""What people write on a pull request, obeyed."""

from bot import commands, policy
from bot.commands import BadCommand, Command, Verb
from bot.event_types import CommentCreated
from bot.github import pulls
from bot.github.client import GitHub
from bot.github.comments import Subject, react
from bot.model import Trigger
from workers import checkrun
from workers.events.cancel import cancel_pull
from workers.events.start import Request, start_review
from workers.services import Services


async def obey(services: Services, event: CommentCreated, review_id: str) -> None:
    """Carry out the commands of a comment, in order."""
    found = commands.parse(event.body)
    if not found:
        return
    gh = await services.github.installation(
        event.repository.installation_id, event.repository.id, checkrun.PERMISSIONS
    )
    permission = await pulls.permission(gh, event.repository.full_name, event.author)
    for command in found:
        if isinstance(command, BadCommand) or not policy.permitted(permission, command):
            await _react(gh, event, "confused")
            continue
        await _react(gh, event, "eyes")
        await _run(services, event, command, review_id)


async def _react(gh: GitHub, event: CommentCreated, content: str) -> None:
    subject = Subject.REVIEW_COMMENT if event.in_thread else Subject.ISSUE_COMMENT
    await react(gh, event.repository.full_name, subject, event.comment_id, content)


async def _run(services: Services, event: CommentCreated, command: Command, review_id: str) -> None:
    if command.verb is Verb.CANCEL:
        await cancel_pull(services, event.repository, event.number)
    if command.verb is Verb.REVIEW:
        await start_review(
            services,
            Request(
                review_id=review_id,
                repository=event.repository,
                number=event.number,
                trigger=Trigger.COMMAND,
                requested_by=event.author,
                full=command.full,
                focus=command.focus,
                comment_id=event.comment_id,
            ),
        )
