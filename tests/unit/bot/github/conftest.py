"""The App with a key of its own, in front of a GitHub that plays a script."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bot.github.app import GitHubApp
from bot.github.client import GitHub
from tests.unit.bot.github.scripted_github import FakeTime, ScriptedGitHub


@pytest.fixture(scope="session")
def rsa_key() -> RSAPrivateKey:
    return generate_private_key(65537, 2048)


@pytest.fixture(scope="session")
def private_key(rsa_key: RSAPrivateKey) -> str:
    pem = rsa_key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return pem.decode()


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def github(time: FakeTime) -> ScriptedGitHub:
    return ScriptedGitHub(time)


@pytest.fixture
async def http(github: ScriptedGitHub) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(transport=httpx2.MockTransport(github.answer)) as client:
        yield client


@pytest.fixture
def app(http: httpx2.AsyncClient, private_key: str, time: FakeTime) -> GitHubApp:
    return GitHubApp(
        api_url="https://api.github.com",
        app_id=42,
        private_key=private_key,
        http=http,
        clock=time.clock(),
    )


@pytest.fixture
async def gh(app: GitHubApp) -> GitHub:
    """A client of installation 7, narrowed to repository 11."""
    return await app.installation(7, 11)
