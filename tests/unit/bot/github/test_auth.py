"""JWTs that GitHub accepts, and tokens fetched no more often than needed."""

from __future__ import annotations

import asyncio
import json
import traceback

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from bot.github.app import GitHubApp
from bot.github.auth import AppKey, InstallationTokens, Scope, Token
from bot.github.client import GitHub
from bot.github.errors import NotFound, Transient, Unauthorized
from tests.unit.bot.github.scripted_github import START, FakeTime, ScriptedGitHub, reply


def test_the_jwt_verifies_with_the_public_key_and_keeps_to_github_s_limits(
    rsa_key: RSAPrivateKey, private_key: str, time: FakeTime
) -> None:
    token = AppKey(42, private_key, time.clock()).jwt()

    claims = jwt.decode(
        token,
        rsa_key.public_key(),
        algorithms=["RS256"],
        options={"verify_exp": False, "verify_iat": False},
    )
    assert claims == {"iss": "42", "iat": START - 60, "exp": START + 540}
    assert jwt.get_unverified_header(token)["alg"] == "RS256"


def test_a_jwt_is_reused_and_renewed_before_it_expires(private_key: str, time: FakeTime) -> None:
    key = AppKey(42, private_key, time.clock())
    first = key.jwt()
    time.now += 5 * 60
    assert key.jwt() == first
    time.now += 2 * 60
    assert key.jwt() != first


def test_a_jwt_made_before_the_clock_was_set_back_is_not_used(
    private_key: str, time: FakeTime
) -> None:
    """GitHub refuses one from the future, and would for as long as the clock was wrong by."""
    key = AppKey(42, private_key, time.clock())
    first = key.jwt()
    time.now -= 3600
    assert key.jwt() != first


def test_a_key_with_escaped_line_ends_works(private_key: str, time: FakeTime) -> None:
    assert AppKey(42, private_key.replace("\n", "\\n"), time.clock()).jwt()


def test_an_unusable_key_is_refused_without_being_quoted(time: FakeTime) -> None:
    hidden = "-----BEGIN RSA PRIVATE KEY-----\nTOPSECRET\n-----END RSA PRIVATE KEY-----"
    with pytest.raises(ValueError, match=r"use the complete \.pem file") as caught:
        AppKey(42, hidden, time.clock())
    assert "TOPSECRET" not in "".join(traceback.format_exception(caught.value))


async def test_a_token_is_requested_for_one_repository_and_the_named_permissions(
    app: GitHubApp, github: ScriptedGitHub
) -> None:
    assert await app.installation_token(7, 11) == "ghs_secret1"

    token_request = github.token_requests[0]
    assert token_request.url.path == "/app/installations/7/access_tokens"
    assert json.loads(token_request.content) == {
        "repository_ids": [11],
        "permissions": {"contents": "read"},
    }
    assert token_request.headers["authorization"].startswith("Bearer ey")


async def test_each_scope_has_a_token_of_its_own(app: GitHubApp) -> None:
    tokens = [
        await app.installation_token(7, 11),
        await app.installation_token(7, 12),
        await app.installation_token(8, 11),
        await app.installation_token(7, 11, {"checks": "write"}),
        await app.installation_token(7, 11),
    ]
    assert len(set(tokens)) == 4
    assert tokens[0] == tokens[4]


async def test_a_token_is_renewed_five_minutes_before_it_expires(
    app: GitHubApp, time: FakeTime
) -> None:
    first = await app.installation_token(7, 11)
    time.now += 55 * 60 - 1
    assert await app.installation_token(7, 11) == first
    time.now += 1
    assert await app.installation_token(7, 11) != first


async def test_concurrent_askers_share_one_fetch_even_when_the_first_one_leaves(
    time: FakeTime,
) -> None:
    started, release = asyncio.Event(), asyncio.Event()
    fetched: list[Scope] = []

    async def fetch(scope: Scope) -> Token:
        fetched.append(scope)
        started.set()
        await release.wait()
        return Token("ghs_shared", time.now + 3600)

    tokens = InstallationTokens(fetch, time.clock())
    askers = [asyncio.create_task(tokens.get(Scope.of(7, 11))) for _ in range(5)]
    await started.wait()
    askers[0].cancel()
    release.set()

    results = await asyncio.gather(*askers, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert results[1:] == ["ghs_shared"] * 4
    assert len(fetched) == 1


async def test_a_failed_fetch_reaches_every_asker_and_is_tried_again_by_the_next(
    time: FakeTime,
) -> None:
    outcomes: list[Token | Exception] = [Transient("down"), Token("ghs_second", time.now + 3600)]

    async def fetch(scope: Scope) -> Token:
        await asyncio.sleep(0)
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    tokens = InstallationTokens(fetch, time.clock())
    both = await asyncio.gather(
        tokens.get(Scope.of(7, 11)), tokens.get(Scope.of(7, 11)), return_exceptions=True
    )
    assert [type(result) for result in both] == [Transient, Transient]
    assert await tokens.get(Scope.of(7, 11)) == "ghs_second"


async def test_a_revoked_token_is_replaced_once_and_the_call_goes_on(
    gh: GitHub, github: ScriptedGitHub
) -> None:
    github.play(reply(401, {"message": "Bad credentials"}), reply(201, {"id": 5}))
    assert await gh.post("/repos/octo/hello/check-runs", data={}) == {"id": 5}
    used = [request.headers["authorization"] for request in github.requests]
    assert used == ["token ghs_secret1", "token ghs_secret2"]


async def test_a_fresh_token_that_is_refused_too_ends_in_unauthorized(
    gh: GitHub, github: ScriptedGitHub
) -> None:
    github.play(*[reply(401, {"message": "Bad credentials"})] * 2)
    with pytest.raises(Unauthorized, match="clock"):
        await gh.getitem("/repos/octo/hello")
    assert len(github.requests) == 2


async def test_a_refused_jwt_is_not_tried_again(app: GitHubApp, github: ScriptedGitHub) -> None:
    github.play(reply(401, {"message": "A JSON web token could not be decoded"}))
    with pytest.raises(Unauthorized, match="App id"):
        await app.as_app().getitem("/app")
    assert len(github.requests) == 1


async def test_a_removed_installation_is_noticed_at_once(private_key: str) -> None:
    not_found_transport = httpx2.MockTransport(lambda _: reply(404, {"message": "Not Found"}))
    async with httpx2.AsyncClient(transport=not_found_transport) as http:
        app = GitHubApp(
            api_url="https://api.github.com", app_id=42, private_key=private_key, http=http
        )
        with pytest.raises(NotFound, match="not installed"):
            await app.installation(7, 11)


async def test_the_app_s_login_is_asked_once(app: GitHubApp, github: ScriptedGitHub) -> None:
    github.play(reply(200, {"slug": "glossator"}))
    assert await app.login() == "glossator[bot]"
    assert await app.login() == "glossator[bot]"


def test_a_token_never_shows_in_its_repr() -> None:
    assert "ghs_" not in repr(Token("ghs_secret", 1.0))
