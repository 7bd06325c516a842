"""The doctor against the sandbox GitHub, a real Redis and an LLM server: well, and ill."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from redis.asyncio import Redis

from bot.config.settings import Settings
from bot.store import Store
from tests.support.llm_server import LLMServer, Reply, Request, Status, Text
from tests.support.sandbox.server import Sandbox
from workers.analysis.llm.capabilities import Capabilities, CapabilityStore
from workers.offline import doctor
from workers.offline.doctor import Check, Level, as_json, as_lines, run_checks
from workers.scan.analyzers.isolation import Isolation


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
        "trusted_proxies": "10.0.0.7",
    }
    return Settings(_env_file=None, **(values | changed))


TICKETS = "https://acme.example/issue/{key}"


async def found(given: Settings) -> dict[str, Check]:
    return {check.name: check for check in await run_checks(given)}


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
    ("changed", "name", "level", "expected_text"),
    [
        ({"github_app_id": ""}, "settings", Level.FAILURE, "GITHUB_APP_ID"),
        ({"github_api_url": "http://127.0.0.1:1/api/v3"}, "github", Level.FAILURE, "not answer"),
        ({"github_app_id": "99"}, "app", Level.FAILURE, ""),
        ({"public_url": "https://other.example"}, "webhook", Level.WARNING, "other.example"),
        ({"trusted_proxies": ""}, "settings", Level.WARNING, "TRUSTED_PROXIES is empty"),
        ({"redis_url": "redis://127.0.0.1:1/0"}, "redis", Level.FAILURE, "no answer"),
        ({"redis_url": ""}, "redis", Level.OK, "embedded"),
        ({}, "llm", Level.WARNING, "static analyzers only"),
        ({"ticket_url": TICKETS}, "tickets", Level.WARNING, "so no tickets are read"),
        ({"ticket_url": TICKETS, "ticket_owners": "a, b"}, "tickets", Level.OK, "read for a, b"),
        ({"analyzers_disabled": "eslint"}, "analyzers", Level.FAILURE, "unknown names: eslint"),
    ],
)
async def test_each_problem_is_reported_with_its_remedy(
    sandbox: Sandbox, changed: dict[str, Any], name: str, level: Level, expected_text: str
) -> None:
    checks = await found(settings(sandbox, **changed))
    assert checks[name].level is level, checks[name]
    assert expected_text in checks[name].text
    assert (level is Level.OK) or checks[name].remedy.endswith(".")


@pytest.mark.parametrize(
    ("programs", "state"),
    [((), "not installed; optional, the extra `rules`"), (("ast-grep",), "installed")],
)
async def test_the_program_of_own_rules_is_listed_though_it_is_optional(
    sandbox: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    programs: tuple[str, ...],
    state: str,
) -> None:
    for name in programs:
        (tmp_path / name).touch(0o755)
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path))
    listed = (await found(settings(sandbox)))["own rules"]
    assert (listed.level, listed.text) == (Level.OK, f"ast-grep: {state}")


async def test_an_llm_that_refuses_the_key_is_a_failure(sandbox: Sandbox) -> None:
    async with LLMServer(default=Status(401, "Incorrect API key")) as llm:
        changed = {"openai_base_url": llm.url, "openai_api_key": "sk-x", "llm_model": "small"}
        checks = await found(settings(sandbox, **changed))
    assert checks["llm"].level is Level.FAILURE
    assert "sk-x" not in as_json(list(checks.values()))


async def test_an_endpoints_own_words_are_told(sandbox: Sandbox) -> None:
    said = "model 'small' not found, try pulling it first"
    async with LLMServer(default=Status(404, said)) as llm:
        checks = await found(settings(sandbox, openai_base_url=llm.url, llm_model="small"))
    assert checks["llm"].level is Level.FAILURE
    assert "not found, try pulling it first" in checks["llm"].text


async def test_what_was_learned_of_a_model_is_shown(sandbox: Sandbox) -> None:
    def answer(request: Request) -> Reply:
        if request.messages[0]["role"] == "system":
            return Status(400, "system role not supported")
        return Text('{"verdicts": []}', completion_tokens=9)

    async with LLMServer(default=answer, streams=False) as llm:
        llm.models = {"data": [{"id": "small", "max_model_len": 16_000}]}
        changed = {"openai_base_url": llm.url, "llm_model": "small"}
        checks = await run_checks(settings(sandbox, **changed))
    lines = [check for check in checks if check.name == "llm"]
    assert [line.level for line in lines] == [Level.OK, Level.OK, Level.WARNING]
    assert lines[0].text.startswith("small answered as requested (")
    assert lines[1].text == (
        "small: no system messages; JSON by a schema; no streams; answers limited by max_tokens;"
        " temperature 0; a context of 16,000 tokens; speed unknown"
    )
    assert lines[2].text == "LLM_CONTEXT_TOKENS is 64,000, too much for small"
    assert "Prompts are sized for 16,000" in lines[2].remedy


async def test_what_reviews_learned_of_a_model_is_shown_too(
    sandbox: Sandbox, redis: Redis, redis_url: str
) -> None:
    async with LLMServer() as llm:
        changed = {"openai_base_url": llm.url, "llm_model": "small", "redis_url": redis_url}
        given = settings(sandbox, **changed)
        store = Store(redis, keep_seconds=3600)
        learned = Capabilities(context=131_072, speed=53.5, longest=4096)
        await CapabilityStore(store.llm, llm.url, Capabilities()).worked("small", learned)
        llm.default = Text('{"verdicts": []}')
        checks = await run_checks(given)
    assert any(
        "of 4,096 tokens at most" in check.text
        and "a context of 131,072 tokens; 53.5 tokens/s" in check.text
        for check in checks
    )


async def test_lacking_permissions_and_events_are_named(sandbox: Sandbox) -> None:
    sandbox.state.installations[sandbox.installation_id].permissions["checks"] = "read"
    sandbox.state.app.events = ("pull_request",)
    checks = await found(settings(sandbox, ci_logs=True))
    assert "checks: write" in checks["permissions"].text
    assert "actions: read" in checks["permissions"].text
    assert "issue_comment" in checks["events"].text
    assert "→" in as_lines(list(checks.values()))


@pytest.mark.parametrize(
    ("skew", "level"), [(0, Level.OK), (40, Level.OK), (-90, Level.FAILURE), (3600, Level.FAILURE)]
)
def test_clock_skew_is_reported(skew: float, level: Level) -> None:
    warnings = format_datetime(datetime.now(UTC) + timedelta(seconds=skew), usegmt=True)
    check = doctor._clock(httpx2.Response(200, headers={"date": warnings}))
    assert check.level is level


async def test_an_invalid_key_is_reported_without_showing_it(sandbox: Sandbox) -> None:
    checks = await found(settings(sandbox, github_private_key="hunter2secret"))
    assert checks["app"].level is Level.FAILURE
    assert "hunter2secret" not in as_json(list(checks.values()))


async def test_deliveries_that_did_not_arrive_are_counted(sandbox: Sandbox) -> None:
    sandbox.webhook_url = "http://127.0.0.1:1/webhooks/github"
    await sandbox.add_repository("octo/hello")
    base = await sandbox.commit("octo/hello", {"a": "1\n"}, message="Begin")
    head = await sandbox.commit("octo/hello", {"a": "2\n"}, parent=base, message="Change")
    await sandbox.open_pull("octo/hello", base, head)
    async with asyncio.timeout(10):
        while not [each for each in sandbox.state.deliveries if each.status_code is not None]:
            await asyncio.sleep(0.02)
    checks = await found(settings(sandbox, public_url="http://127.0.0.1:1"))
    assert checks["deliveries"].level is Level.WARNING
    assert "1 failed in the last 24 h" in checks["deliveries"].text


async def test_a_redis_that_may_lose_data_is_reported(
    sandbox: Sandbox, redis_url: str, redis: "Redis"
) -> None:
    await redis.config_set("maxmemory-policy", "allkeys-lru")
    await redis.config_set("appendonly", "no")
    try:
        checks = await run_checks(settings(sandbox, redis_url=redis_url))
    finally:
        await redis.config_set("maxmemory-policy", "noeviction")
        await redis.config_set("appendonly", "yes")
    warnings = [check for check in checks if check.name == "redis" and check.level is Level.WARNING]
    assert ["noeviction" in warnings[0].remedy, "appendonly" in warnings[1].remedy] == [True, True]


async def test_repositories_without_dependency_review_are_named(
    sandbox: Sandbox, redis_url: str, redis: "Redis"
) -> None:
    store = Store(redis, keep_seconds=60)
    await store.pulls.mark_without_dependencies("octo/plain", missing=True)
    await store.pulls.mark_without_dependencies("octo/fine", missing=True)
    await store.pulls.mark_without_dependencies("octo/fine", missing=False)
    checks = await found(settings(sandbox, redis_url=redis_url))
    assert checks["dependencies"].text == "GitHub does not review those of octo/plain"


async def test_an_outdated_redis_is_reported(
    sandbox: Sandbox, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "MIN_REDIS", (99, 0))
    checks = await found(settings(sandbox, redis_url=redis_url))
    assert checks["redis"].level is Level.FAILURE


async def test_each_named_model_is_asked(sandbox: Sandbox) -> None:
    def answer(request: Request) -> Reply:
        good = request.body["model"] != "gone"
        return Text('{"verdicts": []}') if good else Status(404, "no such model")

    async with LLMServer(default=answer) as llm:
        changed = {"openai_base_url": llm.url, "llm_model": "small", "llm_verify_model": "small"}
        checks = await run_checks(settings(sandbox, **changed, llm_fallback_models="gone"))
    llms = [check for check in checks if check.name == "llm"]
    assert [check.level for check in llms] == [Level.OK, Level.OK, Level.FAILURE]
    assert "gone" in llms[2].text


@pytest.mark.parametrize(
    ("script", "expected_text"), [(None, "not installed"), ("echo git version 2.20.1", "2.20.1")]
)
async def test_a_missing_or_outdated_git_is_reported(
    sandbox: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    script: str | None,
    expected_text: str,
) -> None:
    if script:
        fake = tmp_path / "git"
        fake.write_text(f"#!/bin/sh\n{script}\n")
        fake.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    checks = await found(settings(sandbox))
    assert checks["git"].level is Level.FAILURE
    assert expected_text in checks["git"].text


async def test_missing_programs_on_this_machine_are_reported(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "PROGRAMS", ("ruff", "never-installed"))
    monkeypatch.setattr(doctor, "isolation", lambda: Isolation.LIMITS)
    checks = await found(settings(sandbox, clone_mb=10**9))
    for name, expected_text in (
        ("analyzers", "never-installed"),
        ("isolation", "limits"),
        ("disk", "free"),
    ):
        assert checks[name].level is Level.WARNING
        assert expected_text in checks[name].text


@pytest.mark.parametrize("kind", list(Isolation))
async def test_doctor_names_the_isolation_and_fails_where_it_is_required_and_missing(
    kind: Isolation, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "isolation", lambda: kind)
    check = (await found(settings(sandbox)))["isolation"]
    assert (check.level, check.text) == (Level.OK if kind.holds else Level.WARNING, kind.value)
    required = (await found(settings(sandbox, require_isolation=True)))["isolation"]
    assert required.level is (Level.OK if kind.holds else Level.FAILURE)
