"""A house with reviews of one tenant, and all the credentials that do not open it."""

import re
from dataclasses import dataclass, field

import httpx2
from starlette.applications import Starlette

from bot.config.settings import Settings
from bot.domain.model import Review
from bot.security.links import Purpose, sign
from bot.security.signing import signing_keys
from bot.store import RepositoryAccess, Session, Store
from bot.web.auth.viewer import (
    SESSION_SECONDS,
    form_token,
    new_session_id,
    session_cookie,
)
from tests.support.web_server import TOKEN

HEADERS = {
    "content-security-policy": re.compile(r"default-src 'none'.*"),
    "x-content-type-options": re.compile("nosniff"),
    "x-frame-options": re.compile("DENY"),
    "referrer-policy": re.compile("same-origin|no-referrer"),
    "cross-origin-resource-policy": re.compile("same-origin"),
    "cache-control": re.compile(r"no-store|public, max-age=\d+, immutable"),
}


@dataclass(frozen=True)
class Credentials:
    """What is sent along; `query` is the link's key."""

    name: str
    headers: dict[str, str] = field(default_factory=dict)
    query: str = ""


@dataclass(frozen=True)
class TenantServer:
    """A running app with a finished and a running review of one tenant."""

    app: Starlette
    settings: Settings
    store: Store
    client: httpx2.AsyncClient
    done: Review
    running: Review

    @property
    def key(self) -> bytes:
        return signing_keys(self.settings)[0]

    async def session(self, *granted: RepositoryAccess) -> dict[str, str]:
        """Cookie, form token and origin of a person who signed in."""
        session = Session(new_session_id(), "mallory", repositories=granted)
        await self.store.sessions.begin(session, SESSION_SECONDS)
        return {
            "Cookie": f"glossator={session_cookie(self.key, session.id)}",
            "Origin": self.settings.public_url,
            "X-CSRF-Token": form_token(self.key, session.id),
        }


async def wrong(server: TenantServer) -> list[Credentials]:
    """Everything that does not open the reviews of the house."""
    key, now = server.key, int(server.store.now())
    later, id = now + 1000, server.done.id
    other = server.done.repository.id + 1
    tenant = await server.session(RepositoryAccess(other, "mallory/own", write=True))
    good = sign(key, Purpose.PAGE, id, later)
    return [
        Credentials("nothing"),
        Credentials("a wrong token", {"Authorization": "Bearer wrong"}),
        Credentials("an empty token", {"Authorization": "Bearer "}),
        Credentials("the token by another scheme", {"Authorization": f"Basic {TOKEN}"}),
        Credentials("the token in the query", query=TOKEN),
        Credentials("a cookie of nobody", {"Cookie": "glossator=x.y"}),
        Credentials("an unsigned cookie", {"Cookie": tenant["Cookie"].rpartition(".")[0] + ".x"}),
        Credentials("another tenant", tenant),
        Credentials("a person without repositories", await server.session()),
        Credentials("an expired link", query=sign(key, Purpose.PAGE, id, now - 1)),
        Credentials(
            "another review's link", query=sign(key, Purpose.PAGE, server.running.id, later)
        ),
        Credentials("another server's link", query=sign(b"x" * 32, Purpose.PAGE, id, later)),
        Credentials("a link that was cut", query=good[:-1]),
        Credentials("a link for longer", query=f"{later + 9}.{good.partition('.')[2]}"),
    ]


async def send(
    server: TenantServer, method: str, path: str, who: Credentials, review: Review
) -> httpx2.Response:
    url = path.format(
        review_id=review.id,
        form="json",
        queue="scan",
        message_id="x",
        tag="t",
        name="style.css",
        repository_id=review.repository.id,
        number=1,
    )
    body = None
    if (method, path) == ("POST", "/api/reviews"):
        body = {"repository": review.repository.full_name, "number": 12}
    return await server.client.request(
        method, url, headers=who.headers, params={"key": who.query} if who.query else {}, json=body
    )


def check_headers(answer: httpx2.Response) -> None:
    for name, expected in HEADERS.items():
        assert expected.fullmatch(answer.headers.get(name, "")), (answer.url, name)
    assert "server" not in answer.headers
    assert "access-control-allow-origin" not in answer.headers
