"""Every route, walked with every kind of wrong credentials: nobody sees or changes what is
another's, nobody learns whether it exists, and every answer has the strict headers."""

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from bot.domain.model import Review, State
from bot.security.links import Purpose, sign
from bot.store import RepositoryAccess, Store
from bot.web.app import create_app
from tests.security.tenants import Credentials, TenantServer, check_headers, send, wrong
from tests.support.outcomes import three_months
from tests.support.preferences import keep_preference
from tests.support.web_server import TOKEN, make_settings

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
    ("GET", "/"),
    ("GET", "/outcomes"),
    ("GET", "/preferences"),
    ("POST", "/preferences/{repository_id}/{number}"),
    ("POST", "/reviews/{review_id}/cancel"),
    ("POST", "/reviews/{review_id}/dismiss"),
    ("POST", "/reviews/{review_id}/again"),
    ("POST", "/dead-letters/{queue}/{message_id}/retry"),
    ("GET", "/reviews/{review_id}"),
    ("GET", "/api/reviews"),
    ("POST", "/api/reviews"),
    ("GET", "/api/reviews/{review_id}"),
    ("DELETE", "/api/reviews/{review_id}"),
    ("GET", "/api/reviews/{review_id}/report.{form}"),
    ("GET", "/api/audit"),
    ("GET", "/api/outcomes"),
    ("GET", "/api/preferences"),
    ("PUT", "/api/preferences/{repository_id}/{number}"),
    ("DELETE", "/api/preferences/{repository_id}/{number}"),
}
#: Lists and pages that everybody has, of what is theirs.
OWN = {"/", "/outcomes", "/preferences", "/api/reviews", "/api/outcomes", "/api/preferences"}
FEEDS = {"/ws/tasks/{review_id}", "/ws/reviews/{review_id}"}
#: Of a person who may read the repository, but not write to it.
CHANGES = {route for route in GUARDED if route[0] != "GET"}


def _routes(app: Starlette) -> set[tuple[str, str]]:
    return {
        (method, route.path)
        for route in app.routes
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}
    }


async def test_every_route_is_known(server: TenantServer) -> None:
    assert _routes(server.app) <= OPEN | GUARDED
    feeds = {route.path for route in server.app.routes if isinstance(route, WebSocketRoute)}
    assert feeds == FEEDS


async def test_wrong_credentials_see_and_change_nothing(server: TenantServer) -> None:
    await three_months(server.store)
    await keep_preference(server.store)
    unknown = Review(**{**{n: getattr(server.done, n) for n in Review.__slots__}, "id": "0" * 26})
    for who in await wrong(server):
        for method, path in sorted(GUARDED):
            answer = await send(server, method, path, who, server.done)
            check_headers(answer)
            body = answer.text
            assert "octo/demo" not in body, (who.name, method, path)
            assert server.running.id not in body
            assert answer.status_code in (200, 303, 401, 403, 404), (who.name, method, path)
            if answer.status_code == 200:  # a page or list of one's own, with nothing in it
                assert path in OWN
                assert "tenant" in who.name or "person" in who.name
            if answer.status_code == 303:
                assert answer.headers["location"].startswith("/sign-in")
            if "{review_id}" in path:  # what is not theirs and what is not there look the same
                other = await send(server, method, path, who, unknown)
                assert (answer.status_code, body) == (
                    other.status_code,
                    other.text.replace(unknown.id, server.done.id),
                ), (who.name, method, path)
    assert len(await server.store.preferences.all(7, 11, 180)) == 1
    assert await server.store.reviews.state(server.running.id) is State.QUEUED
    assert not await server.store.redis.keys("dramatiq:*")


async def test_the_links_purpose_holds(server: TenantServer) -> None:
    later = int(server.store.now()) + 1000
    page = sign(server.key, Purpose.PAGE, server.done.id, later)
    report = sign(server.key, Purpose.REPORT, server.done.id, later)
    base, api = f"/reviews/{server.done.id}", f"/api/reviews/{server.done.id}/report.json"
    for url, status in (
        (f"{base}?key={page}", 200),
        (f"{base}?key={report}", 404),
        (f"{api}?key={page}", 404),
        (f"/api/reviews/{server.done.id}?key={page}", 401),
        (f"/reviews/{server.running.id}?key={page}", 404),
    ):
        answer = await server.client.get(url)
        assert answer.status_code == status, url
        check_headers(answer)


async def test_who_may_read_may_not_write(server: TenantServer) -> None:
    await keep_preference(server.store)
    reader = await server.session(
        RepositoryAccess(server.done.repository.id, "octo/demo", write=False, installation_id=7)
    )
    listed = await server.client.get("/api/preferences", headers=reader)
    assert len(listed.json()["items"]) == 1
    seen = await send(server, "GET", "/reviews/{review_id}", Credentials("", reader), server.done)
    assert seen.status_code == 200
    for method, path in sorted(CHANGES):
        answer = await send(server, method, path, Credentials("", reader), server.running)
        assert answer.status_code in (403, 404), (method, path)
    assert len(await server.store.preferences.all(7, 11, 180)) == 1
    assert await server.store.reviews.state(server.running.id) is State.QUEUED


@pytest.mark.parametrize(
    "missing", [{"X-CSRF-Token": ""}, {"X-CSRF-Token": "x" * 43}, {"Origin": "https://evil.example"},
                {"Origin": ""}, {"Origin": "null"}],
    ids=repr,
)  # fmt: skip
async def test_another_site_cannot_use_a_session(
    server: TenantServer, missing: dict[str, str]
) -> None:
    await keep_preference(server.store)
    writer = await server.session(
        RepositoryAccess(server.done.repository.id, "octo/demo", write=True, installation_id=7)
    )
    for method, path in sorted(CHANGES):
        who = Credentials("", {**writer, **missing})
        answer = await send(server, method, path, who, server.running)
        assert answer.status_code in (403, 404), (method, path)
    assert len(await server.store.preferences.all(7, 11, 180)) == 1
    assert await server.store.reviews.state(server.running.id) is State.QUEUED
    path = "/api/reviews/{review_id}"
    right = await send(server, "DELETE", path, Credentials("", writer), server.running)
    assert right.status_code == 202


async def test_open_routes_have_the_headers_and_reveal_nothing(server: TenantServer) -> None:
    nobody = Credentials("nothing")
    for method, path in sorted(_routes(server.app) & OPEN):
        answer = await send(server, method, path, nobody, server.done)
        check_headers(answer)
        assert "octo/demo" not in answer.text
    for url in (
        "/nothing",
        "/api/nothing",
        "/static/../../etc/passwd",
        "/reviews/%ff",
        "/%2e%2e/x",
    ):
        answer = await server.client.get(url)
        assert answer.status_code in (404, 405)
        check_headers(answer)


@pytest.mark.parametrize(
    ("allowed", "host", "status"),
    [
        ("", "glossator.example", 200),
        ("", "GLOSSATOR.example:443", 200),
        ("", "localhost:8000", 200),
        ("", "[::1]:8000", 200),
        ("", "evil.example", 400),
        ("", "glossator.example.evil.example", 400),
        ("", "evil.example/glossator.example", 400),
        ("", "glossator.example@evil.example", 400),
        ("", "", 400),
        ("", "\xe9", 400),
        ("reviews.example", "reviews.example", 200),
        ("reviews.example", "glossator.example", 400),
        ("*", "evil.example", 200),
    ],
)
async def test_a_request_in_the_name_of_another_host_is_refused(
    redis_url: str, store: Store, allowed: str, host: str, status: int
) -> None:
    """Else a redirect would lead there."""
    settings = make_settings(
        redis_url, public_url="https://glossator.example", allowed_hosts=allowed
    )
    app = create_app(settings)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://web") as web,
    ):
        headers = [(b"host", host.encode("latin-1"))]
        answer = await web.get("/sign-in", headers=headers)
        assert answer.status_code == status
        check_headers(answer)
        redirect = await web.get("/sign-in/", headers=headers)
        assert (redirect.status_code == 400) is (status == 400)
        assert (await web.get("/healthz", headers=headers)).status_code == 200
        assert (await web.post("/webhooks/github", headers=headers)).status_code == 401


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
        bound = {"HttpOnly", "Secure", "Path=/", "SameSite=lax"}
        assert bound <= set(cookie.split("; "))
        client.cookies.clear()
        cleared_cookie = (await client.post("/sign-out")).headers["set-cookie"]
        assert cleared_cookie.startswith("__Host-glossator=")
        assert bound | {"Max-Age=0"} <= set(
            cleared_cookie.split("; ")
        )  # else browsers leave it alone
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
