"""What we say and show on a comment: reactions, and at most one answer, where it was asked."""

from collections import deque

from bot.domain.events import CommentCreated
from bot.github import comments, reviews
from bot.github.client import GitHub, repo_url
from bot.github.comments import Comment, Subject, comment_of, list_comments, react
from bot.github.errors import GitHubError
from bot.telemetry import log
from workers.queue.actor import MAX_OUTAGE_SECONDS
from workers.services import Services

_log = log.get(__name__)

#: Longer than a message waits for an outage to end, and is tried after that: how long it is
#: remembered that an answer was tried.
_ATTEMPT_KEEP_MS = 2 * MAX_OUTAGE_SECONDS * 1000

#: Of a conversation so many comments before a question are told with it.
_EARLIER = 20


async def add_reaction(gh: GitHub, event: CommentCreated, content: str) -> None:
    """Put a reaction on the comment; one that can't be put is not worth a retry."""
    if event.in_review:
        return
    subject = Subject.REVIEW_COMMENT if event.in_thread else Subject.ISSUE_COMMENT
    try:
        await react(gh, event.repository.full_name, subject, event.comment_id, content)
    except GitHubError as exc:  # the comment may be deleted by now
        _log.info("reaction_not_added", comment=event.comment_id, why=str(exc))


async def answer(services: Services, gh: GitHub, event: CommentCreated, body: str) -> None:
    """Post `body`, whose first line is one of the comment's reply markers, once: in the thread
    where the comment stands, or in the conversation. Raises Transient."""
    repo, marker, store = event.repository.full_name, body.partition("\n")[0], services.store
    name, us = f"reply:{event.repository.id}:{marker}", await services.github.login()
    async with services.exclusive(name):
        if event.in_thread is None:
            await comments.create_comment(gh, repo, event.number, body, marker=marker, author=us)
            return
        first_try = await store.locks.once_per(name, _ATTEMPT_KEEP_MS)
        if first_try or not await _is_posted(gh, event, marker, us):
            await reviews.reply(gh, repo, event.number, event.in_thread, body)


async def thread_of(gh: GitHub, event: CommentCreated) -> list[Comment]:
    """The comments in the event's thread, oldest first; none for the conversation's."""
    if event.in_thread is None:  # which would fit whatever is a reply to nothing
        return []
    url = repo_url(event.repository.full_name, "pulls", event.number, "comments", per_page=100)
    return [
        comment_of(data)
        async for data in gh.getiter(url)
        if event.in_thread in (data["id"], data.get("in_reply_to_id"))
    ]


async def earlier_comments(gh: GitHub, event: CommentCreated) -> list[Comment]:
    """What was said before the event's comment, oldest first: in its thread, or lately in the
    conversation."""
    if event.in_thread is not None:
        return [one for one in await thread_of(gh, event) if one.id < event.comment_id]
    lately: deque[Comment] = deque(maxlen=_EARLIER)
    async for one in list_comments(gh, event.repository.full_name, event.number):
        if one.id < event.comment_id:
            lately.append(one)
    return list(lately)


async def _is_posted(gh: GitHub, event: CommentCreated, marker: str, us: str) -> bool:
    return any(
        one.author == us and one.body.startswith(marker) for one in await thread_of(gh, event)
    )
