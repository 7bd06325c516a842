"""The doctor against the sandbox GitHub, a real Redis and an LLM server: well, and ill."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.sandbox.server import Sandbox
from bot.settings import Settings
from tests.support.llm_server import LLMServer, Status, Text
from workers.doctor import Check, Level, as_json, as_lines, examine


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(webhook_url="https://glossator.example/webhooks/github") as sandbox:
        yield sandbox


def settings(sandbox: Sandbox, **changed: Any) -> Settings:
    values: dict[str, Any] = {
        "github_api_url": sandbox.api_url,
        "github_url": sandbox.url,
        "github_app_id": str(sandbox.app_id),
        "github_private_key": sandbox.private_key_pem,
        "github_webhook_secrets": sandbox.webhook_secret,
        "public_url": "https://glossator.example",
    }
    return Settings(_env_file=None, **(values | changed))


async def found(given: Settings) -> dict[str, Check]:
    return {check.name: check for check in await examine(given)}


async def test_a_well_set_up_app_is_all_ok(sandbox: Sandbox, redis_url: str) -> None:
    async with LLMServer(default=Text('{"verdicts": []}')) as llm:
        checks = await found(
            settings(
                sandbox,
                redis_url=redis_url,
                openai_base_url=llm.url,
                openai_api_key="sk-x",
                llm_model="small",
            )
        )
    ill = {name: check.text for name, check in checks.items() if check.level is Level.FAILURE}
    assert ill == {}
    for name in ("settings", "github", "clock", "app", "permissions", "webhook", "redis", "llm"):
        assert checks[name].level is Level.OK, checks[name]


@pytest.mark.parametrize(
    ("changed", "name", "level", "says"),
    [
        ({"github_app_id": ""}, "settings", Level.FAILURE, "GITHUB_APP_ID"),
        ({"github_api_url": "http://127.0.0.1:1/api/v3"}, "github", Level.FAILURE, "not answer"),
        ({"github_app_id": "99"}, "app", Level.FAILURE, ""),
        ({"public_url": "https://other.example"}, "webhook", Level.WARNING, "other.example"),
        ({"redis_url": "redis://127.0.0.1:1/0"}, "redis", Level.FAILURE, "no answer"),
        ({"redis_url": ""}, "redis", Level.OK, "embedded"),
        ({}, "llm", Level.WARNING, "analysers alone"),
    ],
)
async def test_each_trouble_is_told_with_its_remedy(
    sandbox: Sandbox, changed: dict[str, Any], name: str, level: Level, says: str
) -> None:
    checks = await found(settings(sandbox, **changed))
    assert checks[name].level is level, checks[name]
    assert says in checks[name].text
    assert (level is Level.OK) or checks[name].remedy.endswith(".")


async def test_an_llm_that_refuses_the_key_is_a_failure(sandbox: Sandbox) -> None:
    async with LLMServer(default=Status(401, "Incorrect API key")) as llm:
        changed = {"openai_base_url": llm.url, "openai_api_key": "sk-x", "llm_model": "small"}
        checks = await found(settings(sandbox, **changed))
    assert checks["llm"].level is Level.FAILURE
    assert "sk-x" not in as_json(list(checks.values()))


async def test_lacking_permissions_and_events_are_named(sandbox: Sandbox) -> None:
    sandbox.state.installations[sandbox.installation_id].permissions["checks"] = "read"
    sandbox.state.app.events = ("pull_request",)
    checks = await found(settings(sandbox))
    assert "checks: write" in checks["permissions"].text
    assert "issue_comment" in checks["events"].text
    assert "→" in as_lines(list(checks.values()))
