"""A running sandbox with one small repository, and a client that speaks as the App."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx2
import jwt
import pytest

from bot.security.tls import trusted
from tests.support.sandbox.server import Sandbox

REPO = "octo/hello"

BASE = {
    "src/app.py": "".join(f"line {n}\n" for n in range(1, 41)),
    "README.md": "# Hello\n",
    "old.txt": "goodbye\n",
    "moved.txt": "".join(f"kept {n}\n" for n in range(20)),
}
HEAD: dict[str, str | bytes | None] = {
    "src/app.py": "".join(
        "changed 20\nnew 20b\n" if n == 20 else f"line {n}\n" for n in range(1, 41)
    ),
    "old.txt": None,
    "image.png": b"\x89PNG\x00\x01\x02",
    "moved.txt": None,
    "there.txt": BASE["moved.txt"],
}


def app_jwt(
    sandbox: Sandbox, *, issued: int = -60, expires: int = 540, key: str = "", now: float = 0
) -> str:
    """A JWT of the App; `issued` and `expires` are seconds from now."""
    moment = int(now or time.time())
    claims = {"iss": str(sandbox.app_id), "iat": moment + issued, "exp": moment + expires}
    return jwt.encode(claims, key or sandbox.private_key_pem, algorithm="RS256")


@dataclass
class Client:
    """HTTP requests to the sandbox, as the App or as its installation."""

    sandbox: Sandbox
    http: httpx2.AsyncClient
    token: str = ""

    async def as_app(self, method: str, path: str, **more: Any) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {app_jwt(self.sandbox)}"}
        return await self.http.request(method, path, headers=headers, **more)

    async def call(self, method: str, path: str, **more: Any) -> httpx2.Response:
        """A request with an installation token; `headers` are added to it."""
        if not self.token:
            self.token = await self.fresh_token()
        headers = {"Authorization": f"Bearer {self.token}"} | more.pop("headers", {})
        return await self.http.request(method, path, headers=headers, **more)

    async def fresh_token(self, **narrowed: Any) -> str:
        path = f"/app/installations/{self.sandbox.installation_id}/access_tokens"
        response = await self.as_app("POST", path, json=narrowed)
        assert response.status_code == 201, response.text
        return str(response.json()["token"])

    async def graphql(self, query: str, **variables: Any) -> Any:
        body = {"query": query, "variables": variables}
        response = await self.call("POST", f"{self.sandbox.url}/api/graphql", json=body)
        assert response.status_code == 200
        return response.json()


@dataclass
class Pull:
    """A pull request of the small repository."""

    number: int
    base: str
    head: str
    path: str = f"/repos/{REPO}/pulls/1"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox() as running:
        await running.add_repository(REPO)
        yield running


@pytest.fixture
async def client(sandbox: Sandbox) -> AsyncIterator[Client]:
    async with httpx2.AsyncClient(
        base_url=sandbox.api_url, verify=trusted(), trust_env=False
    ) as http:
        yield Client(sandbox, http)


@pytest.fixture
async def pull(sandbox: Sandbox) -> Pull:
    """A pull request that changes line 20 of src/app.py and adds one; with main moved on."""
    base = await sandbox.commit(REPO, BASE, message="Begin")
    head = await sandbox.commit(REPO, HEAD, parent=base, message="Change line 20")
    main = await sandbox.commit(REPO, {"other.txt": "on main\n"}, parent=base, message="Move on")
    number = await sandbox.open_pull(REPO, main, head, title="Twenty")
    return Pull(number, base, head)
