"""Tickets of trackers that are not GitHub's, as Jira's: what a change is for, for the model.

The administrator says by TICKET_URL where they are, and by TICKET_OWNERS whose they are: one server
may review for others, too. A key in the title, the description or the branch names one. A review
shows what it is made from, and whoever opens a pull request chooses the keys: tickets are read for
pull requests of private repositories only, and not for authors who may not write there, whoever
asks for the review.
"""

import asyncio
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote

from bot.config.settings import Settings
from bot.domain.model import PullRequest
from bot.github import pulls
from bot.github.client import GitHub
from bot.github.errors import GitHubError
from bot.policy.permissions import may_write
from bot.security.outgoing import AddressRefused, NotReached, get
from bot.store import Handoff, Store
from bot.telemetry import log
from bot.text.secrets import redact

#: Tickets that are read, bytes of an answer, and characters that are taken of it.
MAX_TICKETS, MAX_BYTES, MAX_CHARACTERS = 3, 256 * 1024, 4000
#: Characters of a pull request in which keys are looked for.
_SEARCHED = 20_000
_MAX_KEY = 60

#: Where trackers put the object, and the names of what people wrote into it.
_OBJECTS = ("fields", "issue", "data", "story")
_TITLES, _TEXTS = ("summary", "title", "name"), ("description", "body", "text", "content")

_log = log.get(__name__)


async def read_tickets(
    gh: GitHub, store: Store, settings: Settings, repo: str, handoff: Handoff
) -> str:
    """What the tickets say that the pull request names, each under its key; "" where none may be
    shown or none is read, for which no review fails."""
    keys = ticket_keys(settings, handoff.pull)
    if not keys:
        return ""
    try:
        why = await _withheld(gh, settings, repo, handoff)
    except GitHubError as exc:
        why = str(exc)
    if why:
        _log.info("tickets_not_read", repository=repo, why=why)
        return ""
    texts = await asyncio.gather(*(_ticket(store, settings, key) for key in keys))
    return "\n\n".join(filter(None, texts))


async def _withheld(gh: GitHub, settings: Settings, repo: str, handoff: Handoff) -> str:
    """Why this pull request has no tickets read; "" if it may. Raises GitHubError."""
    owner = repo.partition("/")[0].lower()
    if owner not in map(str.lower, settings.ticket_owners):
        return f"TICKET_OWNERS does not name {owner}."
    if await pulls.is_public(gh, repo):
        return "The repository is public."
    # Somebody else may have asked for the review: the keys are the author's all the same.
    author = handoff.pull.author
    if handoff.by_outsider or not may_write(await pulls.permission(gh, repo, author)):
        return "The author has no write access."
    return ""


def ticket_keys(settings: Settings, pull: PullRequest) -> list[str]:
    """The first keys in what the author wrote; none where there is no tracker."""
    if not settings.ticket_url:
        return []
    written = "\n".join((pull.title, pull.head_ref, pull.body))[:_SEARCHED]
    found = (each[0] for each in re.finditer(settings.ticket_pattern, written))
    return list(dict.fromkeys(key for key in found if 0 < len(key) <= _MAX_KEY))[:MAX_TICKETS]


async def _ticket(store: Store, settings: Settings, key: str) -> str:
    url = settings.ticket_url.replace("{key}", quote(key, safe=""))
    digest = hashlib.sha256(url.encode()).hexdigest()
    if (kept := await store.pulls.ticket(digest)) is not None:
        return kept
    name, _, value = settings.ticket_header.get_secret_value().partition(": ")
    headers = {"Accept": "application/json"} | ({name: value} if name else {})
    try:
        body = await get(url, headers, allow_private=settings.ticket_allow_private, limit=MAX_BYTES)
    except (AddressRefused, NotReached) as exc:
        _log.warning("ticket_not_read", ticket=key, why=str(exc))
        return ""
    text = redact(f"{key} {ticket_text(body)}")[:MAX_CHARACTERS]
    await store.pulls.keep_ticket(digest, text)
    return text


def ticket_text(body: bytes) -> str:
    """Title and description in the answer of a tracker; the answer itself if it is no JSON."""
    text = body.decode("utf-8", "replace")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if not isinstance(data, Mapping):
        return ""
    for _ in _OBJECTS:
        inner = (data[name] for name in _OBJECTS if isinstance(data.get(name), Mapping))
        data = next(inner, data)
    said = (next((data[n] for n in names if data.get(n)), "") for names in (_TITLES, _TEXTS))
    return "\n\n".join(filter(None, (" ".join(_strings(each)) for each in said)))


def _strings(node: object, depth: int = 30) -> Iterator[str]:
    """What is written in a text, or in a tree of nodes such as Atlassian's document format."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, list) and depth:
        for each in node:
            yield from _strings(each, depth - 1)
    elif isinstance(node, Mapping) and depth:
        for name in ("text", "content"):
            yield from _strings(node.get(name), depth - 1)
        if node.get("type") in ("paragraph", "heading", "listItem"):
            yield "\n"
