"""GitHub is asked for packages within bounds, and what it does not say is never taken for said."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx2
import pytest

from bot.domain.model import Severity
from bot.github import pulls
from bot.github.app import token_client
from bot.github.client import GitHub
from tests.support.pulls import PULL
from tests.unit.bot.github.scripted_github import FakeTime, ScriptedGitHub, reply
from workers.repository import dependency_changes
from workers.repository.dependency_changes import MAX_ADVISORIES, ask_dependencies

LETTERS = "23456789cfghjmpqrvwx"
IDS = [f"GHSA-aaaa-aaaa-{letter * 4}".replace("a", "c") for letter in LETTERS]


@pytest.fixture
def github() -> ScriptedGitHub:
    return ScriptedGitHub(FakeTime())


@pytest.fixture
async def gh(github: ScriptedGitHub) -> AsyncIterator[GitHub]:
    async with httpx2.AsyncClient(transport=httpx2.MockTransport(github.answer)) as http:
        yield token_client("https://api.github.com", "token", http, 5)


def change(name: str, severity: str, ids: Sequence[str], **more: Any) -> dict[str, Any]:
    known = [
        {"advisory_ghsa_id": one, "severity": severity, "advisory_summary": " a\n b "}
        for one in ids
    ]
    said = {
        "change_type": "added",
        "manifest": "go.mod",
        "ecosystem": "go",
        "name": name,
        "version": "1.0",
        "license": None,
        "vulnerabilities": known,
    }
    return said | more


def advisory(*fixed: tuple[str, str | None]) -> dict[str, Any]:
    packages = [{"package": {"name": n}, "first_patched_version": version} for n, version in fixed]
    return {"vulnerabilities": packages}


async def test_it_is_told_in_which_versions_the_gravest_are_fixed(
    gh: GitHub, github: ScriptedGitHub
) -> None:
    github.play(
        reply(200, [change("X", "moderate", IDS), change("Y", "critical", ["nonsense", IDS[0]])]),
        # The critical ones come first, of which one is no id; whatever else cannot be read is left.
        reply(200, advisory(("x", "2.0"), ("y", "3.0"), ("x", None), ("x", "1.5"))),
        *(reply(404, {}) for _ in range(MAX_ADVISORIES - 2)),
    )
    answer = await ask_dependencies(gh, "octo/hello", PULL)
    assert answer.changes is not None
    first, second = answer.changes
    assert (first.license, first.advisories[0].summary) == ("", "a b")
    assert (first.advisories[0].severity, second.advisories[1].severity) == (
        Severity.MEDIUM,
        Severity.CRITICAL,
    )
    assert first.advisories[0].fixed == ("2.0", "1.5")
    assert second.advisories[1].fixed == ("3.0",)
    assert first.advisories[1].fixed == ()
    asked = [request.url.path for request in github.requests]
    base, head = PULL.base_sha, PULL.head_sha
    assert asked[0] == f"/repos/octo/hello/dependency-graph/compare/{base}...{head}"
    assert asked[1] == f"/advisories/{IDS[0]}"
    assert not github.script


async def test_too_many_packages_are_not_looked_at(
    gh: GitHub, github: ScriptedGitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulls, "MAX_DEPENDENCIES", 1)
    github.play(reply(200, [change("a", "low", ()), change("b", "low", ())]))
    answer = await ask_dependencies(gh, "octo/hello", PULL)
    assert (answer.changes, answer.why) == (None, "More than 1 dependencies change.")


@pytest.mark.parametrize("hangs", ["compare", "advisories"])
async def test_no_review_waits_longer_than_the_limit(
    hangs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answer(request: httpx2.Request) -> httpx2.Response:
        if hangs in request.url.path:
            await asyncio.Event().wait()
        return reply(200, [change("a", "low", IDS[:1])])

    monkeypatch.setattr(dependency_changes, "SECONDS", 0.05)
    async with httpx2.AsyncClient(transport=httpx2.MockTransport(answer)) as http:
        gh = token_client("https://api.github.com", "token", http, 5)
        found = await ask_dependencies(gh, "octo/hello", PULL)
    if hangs == "compare":
        assert (found.changes, found.why) == (None, "GitHub did not answer within 0 seconds.")
    else:  # what is known is told, without the versions that are fixed
        assert found.changes is not None
        assert found.changes[0].advisories[0].fixed == ()


@pytest.mark.parametrize("status", [403, 404])
async def test_a_repository_without_the_review_is_no_fault(
    gh: GitHub, github: ScriptedGitHub, status: int
) -> None:
    github.play(reply(status, {"message": "Dependency review is not supported"}))
    answer = await ask_dependencies(gh, "octo/hello", PULL)
    assert (answer.changes, answer.why) == (None, "")
