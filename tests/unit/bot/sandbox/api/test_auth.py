"""The App's JWT, and tokens that are narrow and do not last."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.security.tls import trusted
from tests.support.sandbox.server import Sandbox
from tests.unit.bot.sandbox.conftest import REPO, Client, Pull, app_jwt


def _other_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


@pytest.mark.parametrize(
    ("claims", "sentence"),
    [
        ({"expires": 900}, "too far in the future"),
        ({"expires": -1}, "Expiration time"),
        ({"issued": 300}, "Issued at"),
        ({"key": _other_key()}, "could not be decoded"),
    ],
)
async def test_a_wrong_jwt_is_refused(
    sandbox: Sandbox, client: Client, claims: dict[str, object], sentence: str
) -> None:
    token = app_jwt(sandbox, **claims)  # type: ignore[arg-type]
    response = await client.http.get("/app", headers={"Authorization": f"Bearer {token}"})
    assert response.status_code == 401
    assert sentence in response.json()["message"]


async def test_no_credentials_and_unknown_tokens_are_401(client: Client, pull: Pull) -> None:
    assert (await client.http.get(pull.path)).status_code == 401
    client.token = "ghs_nobody"
    response = await client.call("GET", pull.path)
    assert (response.status_code, response.json()["message"]) == (401, "Bad credentials")


async def test_a_token_dies_after_an_hour() -> None:
    now = [datetime.now(UTC)]
    async with (
        Sandbox(clock=lambda: now[0]) as sandbox,
        httpx2.AsyncClient(base_url=sandbox.api_url, verify=trusted(), trust_env=False) as http,
    ):
        await sandbox.add_repository(REPO)
        client = Client(sandbox, http)
        assert (await client.call("GET", f"/repos/{REPO}")).status_code == 200
        now[0] += timedelta(minutes=61)
        assert (await client.call("GET", f"/repos/{REPO}")).status_code == 401


async def test_a_token_sees_only_its_repositories_and_permissions(
    sandbox: Sandbox, client: Client, pull: Pull
) -> None:
    await sandbox.add_repository("octo/other")
    client.token = await client.fresh_token(
        repositories=["hello"], permissions={"pull_requests": "read"}
    )
    assert (await client.call("GET", pull.path)).status_code == 200
    assert (await client.call("GET", "/repos/octo/other")).status_code == 404
    refused = await client.call("POST", f"{pull.path}/reviews", json={"body": "x"})
    assert refused.status_code == 403
    assert refused.json()["message"] == "Resource not accessible by integration"
    assert sandbox.writes() == []


@pytest.mark.parametrize(
    "token_request", [{"permissions": {"checks": "admin"}}, {"repository_ids": [999]}]
)
async def test_a_token_cannot_be_widened(
    sandbox: Sandbox, client: Client, token_request: dict[str, object]
) -> None:
    path = f"/app/installations/{sandbox.installation_id}/access_tokens"
    assert (await client.as_app("POST", path, json=token_request)).status_code == 422
