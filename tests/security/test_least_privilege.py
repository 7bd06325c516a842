"""Tokens may do what their step does, and go to GitHub alone."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx2
import pytest
from redis.asyncio import Redis

from bot.config.settings import load
from bot.security.tls import trusted
from tests.flows.environment import REPO, running
from workers.scan.repository.clone import Source, clone
from workers.scan.repository.errors import CloneError

#: Everything that any step asks for; the App's manifest asks for no more.
MOST = {
    "checks": "write",
    "contents": "read",
    "issues": "write",
    "metadata": "read",
    "pull_requests": "write",
}
TOKEN = "ghs_" + "a1B2" * 9


async def test_every_token_is_for_one_repository_and_named_permissions(
    redis_url: str, redis: "Redis", tmp_path: Path
) -> None:
    async with running(redis_url, redis, tmp_path) as world:
        # An issue's number that no integer can be made of ended the review once.
        await world.open_pull({"a.py": "x = 1\n"}, {"a.py": "x = y\n"}, body=f"Fixes #{'9' * 5000}")
        await world.settle()
        assert [run.status for run in world.check_runs] == ["completed"]
        assert len(world.reviews) == 1
        token_requests = [
            json.loads(exchange.body)
            for exchange in world.sandbox.requests
            if exchange.path.endswith("/access_tokens")
        ]
        repository = world.sandbox.repository(REPO).id
    for (
        token_request
    ) in token_requests:  # the organisation's configuration lies in a repository of another id
        if "repositories" in token_request:
            assert token_request["repositories"] == [".github"]
            assert token_request["permissions"] == {"contents": "read"}
        else:
            assert token_request["repository_ids"] == [repository]
    permission_sets = [token_request["permissions"] for token_request in token_requests]
    assert {"contents": "read"} in permission_sets, (
        "git's own token reads contents and nothing else"
    )
    for permissions in permission_sets:
        assert permissions
        assert all(MOST[name] in (level, "write") for name, level in permissions.items())
    writers = [p for p in permission_sets if "write" in p.values()]
    readers = [p for p in permission_sets if "write" not in p.values()]
    assert len(readers) >= 2, "what scans cannot write"
    assert any("contents" not in permissions for permissions in writers)


async def test_a_review_that_the_api_starts_has_no_wider_token(
    redis_url: str, redis: "Redis", tmp_path: Path
) -> None:
    """It is asked for by the repository's name, whose id is looked up."""
    async with running(redis_url, redis, tmp_path, api_tokens="letmein") as world:
        await world.sandbox.add_repository("octo/other")
        number = await world.open_pull({"a.py": "x = 1\n"}, {"a.py": "x = y\n"}, draft=True)
        await world.settle()
        since = len(world.sandbox.requests)
        async with httpx2.AsyncClient(verify=trusted()) as client:
            answer = await client.post(
                f"{world.url}/api/reviews",
                json={"repository": REPO, "number": number},
                headers={"Authorization": "Bearer letmein"},
            )
        assert answer.status_code == 202
        await world.settle()
        assert len(world.reviews) == 1
        requests = [
            json.loads(exchange.body)
            for exchange in world.sandbox.requests[since:]
            if exchange.path.endswith("/access_tokens")
        ]
        repository = world.sandbox.repository(REPO).id
    assert requests
    for request in requests:
        if "repositories" in request:
            assert request["repositories"] in (["hello"], [".github"])
        else:
            assert request["repository_ids"] == [repository]


class _Redirecting(BaseHTTPRequestHandler):
    """Sends everything on to the address in the server's `target`; notes what came."""

    def do_GET(self) -> None:
        seen: list[str] = self.server.seen  # type: ignore[attr-defined]
        seen.append(f"{self.path} {self.headers.get('Authorization', '')}")
        target: str = self.server.target  # type: ignore[attr-defined]
        self.send_response(302 if target else 404)
        if target:
            self.send_header("Location", target + self.path)
        self.end_headers()

    do_POST = do_GET

    def log_message(self, format: str, *args: object) -> None:
        pass


def _server(target: str) -> tuple[ThreadingHTTPServer, list[str]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Redirecting)
    seen: list[str] = []
    server.seen, server.target = seen, target  # type: ignore[attr-defined]
    Thread(target=server.serve_forever, daemon=True).start()
    return server, seen


@pytest.fixture
def redirected() -> Iterator[tuple[str, list[str], list[str]]]:
    """A git server that points to another: its address, and what each of the two was asked."""
    other, stolen = _server("")
    first, seen = _server(f"http://127.0.0.1:{other.server_port}")
    yield f"http://127.0.0.1:{first.server_port}", seen, stolen
    for server in (first, other):
        server.shutdown()
        server.server_close()


async def test_git_follows_no_redirect_with_our_token(
    redirected: tuple[str, list[str], list[str]],
) -> None:
    url, seen, stolen = redirected
    settings = load(_env_file=None, github_url=url)
    source = Source(f"{url}/octo/hello.git", TOKEN, "1" * 40, "2" * 40, 1)
    with pytest.raises(CloneError) as caught:
        async with clone(source, settings):
            pass
    assert any("Basic " in line for line in seen), "the token was sent where it belongs"
    assert stolen == []
    assert TOKEN not in repr(caught.value) + repr(source)
