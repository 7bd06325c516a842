"""Every route, walked with every kind of wrong credentials: nobody sees or changes what is
another's, nobody learns whether it exists, and every answer has the strict headers."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from bot import sessions
from bot.app import create_app
from bot.links import Purpose, sign
from bot.model import Review, State, Trigger
from bot.sessions import Granted, Session, form_token
from bot.settings import Settings
from bot.signing import signing_keys
from bot.store import Store, unbegun
from bot.store.unbegun import Unbegun
from tests.support.web import TOKEN, complete, make_settings, open_review

#: Who may call what. A route that is missing here fails the test: decide who may call it.
OPEN = {
    ("POST", "/webhooks/github"),  # signed: see test_deliveries.py
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/sign-in"),
    ("POST", "/sign-in"),
    ("GET", "/sign-in/github"),
    ("GET", "/sign-in/github/callback"),
    ("POST", "/sign-out"),
    ("GET", "/static/{tag}/{name}"),
    ("GET", "/api/openapi.json"),
}
GUARDED = {
    ("GET", "/metrics"),
    ("GET", "/"),
    ("POST", "/reviews/{review_id}/cancel"),
    ("POST", "/dead-letters/{queue}/{message_id}/retry"),
    ("GET", "/reviews/{review_id}"),
    ("GET", "/api/reviews"),
    ("POST", "/api/reviews"),
    ("GET", "/api/reviews/{review_id}"),
    ("DELETE", "/api/reviews/{review_id}"),
    ("GET", "/api/reviews/{review_id}/report.{form}"),
}
FEEDS = {"/ws/tasks/{review_id}", "/ws/reviews/{review_id}"}
#: Of a person who may read the repository, but not write to it.
CHANGES = {route for route in GUARDED if route[0] != "GET"}

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
class House:
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

    async def session(self, *granted: Granted) -> dict[str, str]:
        """Cookie, form token and origin of a person who signed in."""
        session = Session(sessions.new_id(), "mallory", repositories=granted)
        await sessions.begin(self.store.redis, session)
        return {
            "Cookie": f"glossator={sessions.cookie_value(self.key, session.id)}",
            "Origin": self.settings.public_url,
            "X-CSRF-Token": form_token(self.key, session.id),
        }


@pytest.fixture
async def house(redis_url: str, store: Store) -> AsyncIterator[House]:
    settings = make_settings(redis_url)
    app = create_app(settings)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://web") as client,
    ):
        done, running = await open_review(store), await open_review(store, number=13)
        await complete(store, done)
        yield House(app, settings, store, client, done, running)


async def _wrong(house: House) -> list[Credentials]:
    """Everything that does not open the reviews of the house."""
    key, now = house.key, int(house.store.now())
    later, id = now + 1000, house.done.id
    other = house.done.repository.id + 1
    tenant = await house.session(Granted(other, "mallory/own", write=True))
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
        Credentials("a person without repositories", await house.session()),
        Credentials("an expired link", query=sign(key, Purpose.PAGE, id, now - 1)),
        Credentials(
            "another review's link", query=sign(key, Purpose.PAGE, house.running.id, later)
        ),
        Credentials("another server's link", query=sign(b"x" * 32, Purpose.PAGE, id, later)),
        Credentials("a link that was cut", query=good[:-1]),
        Credentials("a link for longer", query=f"{later + 9}.{good.partition('.')[2]}"),
    ]


def _routes(app: Starlette) -> set[tuple[str, str]]:
    return {
        (method, route.path)
        for route in app.routes
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}
    }


async def _send(
    house: House, method: str, path: str, who: Credentials, review: Review
) -> httpx2.Response:
    url = path.format(
        review_id=review.id, form="json", queue="scan", message_id="x", tag="t", name="style.css"
    )
    body = None
    if (method, path) == ("POST", "/api/reviews"):
        body = {"repository": review.repository.full_name, "number": 12}
    return await house.client.request(
        method, url, headers=who.headers, params={"key": who.query} if who.query else {}, json=body
    )


def _check_headers(answer: httpx2.Response) -> None:
    for name, wanted in HEADERS.items():
        assert wanted.fullmatch(answer.headers.get(name, "")), (answer.url, name)
    assert "server" not in answer.headers
    assert "access-control-allow-origin" not in answer.headers


async def test_every_route_is_known(house: House) -> None:
    assert _routes(house.app) <= OPEN | GUARDED
    feeds = {route.path for route in house.app.routes if isinstance(route, WebSocketRoute)}
    assert feeds == FEEDS


async def test_wrong_credentials_see_and_change_nothing(house: House) -> None:
    unknown = Review(**{**{n: getattr(house.done, n) for n in Review.__slots__}, "id": "0" * 26})
    for who in await _wrong(house):
        for method, path in sorted(GUARDED):
            answer = await _send(house, method, path, who, house.done)
            _check_headers(answer)
            told = answer.text
            assert "octo/demo" not in told, (who.name, method, path)
            assert house.running.id not in told
            assert answer.status_code in (200, 303, 401, 403, 404), (who.name, method, path)
            if answer.status_code == 200:  # a page or list of one's own, with nothing in it
                assert path in ("/", "/api/reviews")
                assert "tenant" in who.name or "person" in who.name
            if answer.status_code == 303:
                assert answer.headers["location"].startswith("/sign-in")
            if "{review_id}" in path:  # what is not theirs and what is not there look the same
                other = await _send(house, method, path, who, unknown)
                assert (answer.status_code, told) == (
                    other.status_code,
                    other.text.replace(unknown.id, house.done.id),
                ), (who.name, method, path)
    assert await house.store.state(house.running.id) is State.QUEUED
    assert not await house.store.redis.keys("dramatiq:*")


KNOWN = ("/reviews/{review_id}", "/api/reviews/{review_id}")


async def _unbegun(house: House) -> list[Review]:
    """What was asked for by name, and what was left alone."""
    asked, skipped = replace(house.done, id="1" * 26), replace(house.done, id="2" * 26)
    known = Unbegun(
        repository="octo/demo",
        number=12,
        trigger=Trigger.API,
        requested_by="mona",
        asked_at=house.store.now(),
    )
    await unbegun.note(house.store, asked.id, known)
    known = replace(known, repository_id=house.done.repository.id, head_sha="c" * 40)
    await unbegun.end(house.store, skipped.id, known, "The pull request is a draft.")
    return [asked, skipped]


async def test_what_has_not_begun_is_as_hidden_as_a_review(house: House) -> None:
    unknown = replace(house.done, id="0" * 26)
    for review in await _unbegun(house):
        for who in await _wrong(house):
            for path in (*KNOWN, "/api/reviews/{review_id}/report.{form}"):
                answer = await _send(house, "GET", path, who, review)
                other = await _send(house, "GET", path, who, unknown)
                assert answer.status_code in (401, 404), (who.name, path)
                assert (answer.status_code, answer.text) == (other.status_code, other.text)


async def test_who_may_read_the_repository_knows_what_has_not_begun(house: House) -> None:
    named = Granted(house.done.repository.id, "Octo/Demo", write=False)
    reader = Credentials("", await house.session(named))
    for review in await _unbegun(house):
        for path in KNOWN:
            answer = await _send(house, "GET", path, reader, review)
            assert answer.status_code == 200
            _check_headers(answer)
    taken = Granted(house.done.repository.id + 1, "octo/demo", write=True)
    other = Credentials("", await house.session(taken))
    assert (await _send(house, "GET", KNOWN[1], other, review)).status_code == 404, "by its id"


async def test_the_links_purpose_holds(house: House) -> None:
    later = int(house.store.now()) + 1000
    page = sign(house.key, Purpose.PAGE, house.done.id, later)
    report = sign(house.key, Purpose.REPORT, house.done.id, later)
    base, api = f"/reviews/{house.done.id}", f"/api/reviews/{house.done.id}/report.json"
    for url, status in (
        (f"{base}?key={page}", 200),
        (f"{base}?key={report}", 404),
        (f"{api}?key={page}", 404),
        (f"/api/reviews/{house.done.id}?key={page}", 401),
        (f"/reviews/{house.running.id}?key={page}", 404),
    ):
        answer = await house.client.get(url)
        assert answer.status_code == status, url
        _check_headers(answer)


async def test_who_may_read_may_not_write(house: House) -> None:
    reader = await house.session(Granted(house.done.repository.id, "octo/demo", write=False))
    seen = await _send(house, "GET", "/reviews/{review_id}", Credentials("", reader), house.done)
    assert seen.status_code == 200
    for method, path in sorted(CHANGES):
        answer = await _send(house, method, path, Credentials("", reader), house.running)
        assert answer.status_code in (403, 404), (method, path)
    assert await house.store.state(house.running.id) is State.QUEUED


@pytest.mark.parametrize(
    "missing", [{"X-CSRF-Token": ""}, {"X-CSRF-Token": "x" * 43}, {"Origin": "https://evil.example"},
                {"Origin": ""}, {"Origin": "null"}],
    ids=repr,
)  # fmt: skip
async def test_another_site_cannot_use_a_session(house: House, missing: dict[str, str]) -> None:
    writer = await house.session(Granted(house.done.repository.id, "octo/demo", write=True))
    for method, path in sorted(CHANGES):
        who = Credentials("", {**writer, **missing})
        answer = await _send(house, method, path, who, house.running)
        assert answer.status_code in (403, 404), (method, path)
    assert await house.store.state(house.running.id) is State.QUEUED
    path = "/api/reviews/{review_id}"
    right = await _send(house, "DELETE", path, Credentials("", writer), house.running)
    assert right.status_code == 202


async def test_open_routes_have_the_headers_and_tell_nothing(house: House) -> None:
    nobody = Credentials("nothing")
    for method, path in sorted(_routes(house.app) & OPEN):
        answer = await _send(house, method, path, nobody, house.done)
        _check_headers(answer)
        assert "octo/demo" not in answer.text
    for url in (
        "/nothing",
        "/api/nothing",
        "/static/../../etc/passwd",
        "/reviews/%ff",
        "/%2e%2e/x",
    ):
        answer = await house.client.get(url)
        assert answer.status_code in (404, 405)
        _check_headers(answer)


async def test_the_cookie_is_bound_to_host_https_and_this_site(
    redis_url: str, store: Store
) -> None:
    app = create_app(make_settings(redis_url, public_url="https://glossator.example"))
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app), base_url="https://glossator.example"
        ) as client,
    ):
        answer = await client.post(
            "/sign-in", data={"token": TOKEN}, headers={"Origin": "https://glossator.example"}
        )
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-glossator=")
        assert {"HttpOnly", "Secure", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
        assert "strict-transport-security" in answer.headers


def test_wrong_credentials_open_no_feed(redis_url: str) -> None:
    """Every feed refuses before it accepts, whatever is wrong."""
    app = create_app(make_settings(redis_url))
    with TestClient(app) as client:
        for path in sorted(FEEDS):
            for query in ("", "?key=x", f"?key={'9' * 12}.{'A' * 43}", f"?key={TOKEN}"):
                url = path.format(review_id="01HZZZZZZZZZZZZZZZZZZZZZZZ") + query
                with pytest.raises(WebSocketDisconnect), client.websocket_connect(url) as socket:
                    socket.receive_text()
