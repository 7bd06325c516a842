"""GitHub and a model in a private network: behind its proxy, and with its own certificates."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from redis.asyncio import Redis

from bot.runtime.tcp_ports import free_port
from bot.security.tls import trusted
from tests.flows.environment import World, running
from tests.support.llm_server import LLMServer
from tests.support.proxy import GITHUB, MODEL, private_proxy

BEFORE = {"a.go": "package a\n"}
AFTER = {"a.go": "package a\n\nvar x = 1\n"}

_VARIABLES = ("http_proxy", "https_proxy", "no_proxy", "all_proxy", "git_ssl_cainfo")


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """An environment without proxies, to which a test adds."""
    for name in _VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    trusted.cache_clear()
    yield monkeypatch
    trusted.cache_clear()


async def review_is_posted(world: World) -> None:
    await world.open_pull(BEFORE, AFTER)
    await world.settle()
    assert [run.status for run in world.check_runs] == ["completed"]
    assert len(world.reviews) == 1


async def test_a_proxy_and_a_private_authority_serve_github_git_and_the_model(
    environment: pytest.MonkeyPatch, redis_url: str, redis: "Redis", tmp_path: Path
) -> None:
    ports: dict[str, int] = {}
    async with LLMServer() as llm, private_proxy(tmp_path, ports) as proxy:
        environment.setenv("HTTPS_PROXY", proxy.url)
        environment.setenv("NO_PROXY", "127.0.0.1")
        environment.setenv("SSL_CERT_FILE", str(proxy.authority))
        async with running(
            redis_url,
            redis,
            tmp_path / "data",
            **llm.settings
            | {
                "openai_base_url": f"https://{MODEL}/v1",
                "github_api_url": f"https://{GITHUB}/api/v3",
                "github_url": f"https://{GITHUB}",
            },
        ) as world:
            ports |= {GITHUB: _port(world.sandbox.url), MODEL: _port(llm.url)}
            await review_is_posted(world)
        assert llm.requests
    assert set(proxy.asked) == {f"{GITHUB}:443", f"{MODEL}:443"}
    assert any(exchange.path.endswith("/info/refs") for exchange in world.sandbox.requests)


async def test_that_git_does_not_trust_a_certificate_is_said(
    environment: pytest.MonkeyPatch, redis_url: str, redis: "Redis", tmp_path: Path
) -> None:
    ports: dict[str, int] = {}
    async with private_proxy(tmp_path, ports) as proxy:
        environment.setenv("HTTPS_PROXY", proxy.url)
        environment.setenv("NO_PROXY", "127.0.0.1")
        environment.setenv("SSL_CERT_FILE", str(proxy.authority))
        environment.setenv("GIT_SSL_CAINFO", "/etc/ssl/certs/ca-certificates.crt")
        async with running(
            redis_url,
            redis,
            tmp_path / "data",
            github_api_url=f"https://{GITHUB}/api/v3",
            github_url=f"https://{GITHUB}",
        ) as world:
            ports[GITHUB] = _port(world.sandbox.url)
            number = await world.open_pull(BEFORE, AFTER)

            async def says_why() -> bool:
                pull = await world.store.pulls.get(world.repository.id, number)
                review = await world.store.reviews.get(pull.current) if pull.current else None
                return review is not None and "does not trust the certificate" in review.outage

            await world.until_true(says_why)
            environment.setenv("GIT_SSL_CAINFO", str(proxy.authority))
            await world.settle()
            assert len(world.reviews) == 1


async def test_what_no_proxy_names_is_reached_without_one(
    environment: pytest.MonkeyPatch, redis_url: str, redis: "Redis", tmp_path: Path
) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    for name in ("http_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        environment.setenv(name, nobody)
    environment.setenv("NO_PROXY", "127.0.0.1,localhost")
    async with (
        LLMServer() as llm,
        running(redis_url, redis, tmp_path, **llm.settings) as world,
    ):
        await review_is_posted(world)
        assert llm.requests


def _port(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port
