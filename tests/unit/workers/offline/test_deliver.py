"""The test delivery: against our own server, and against what may be there in its place."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bot.config.settings import Settings
from bot.runtime.http_server import serving
from bot.runtime.tcp_ports import free_port, listen
from bot.web.app import create_app
from tests.support import web_server
from workers.offline.deliver import check_delivery
from workers.offline.doctor import Level


def settings(public_url: str, **changed: Any) -> Settings:
    values: dict[str, Any] = {
        "github_webhook_secrets": "s3cret",
        "public_url": public_url,
        "port": free_port(),
    }
    return Settings(_env_file=None, **(values | changed))


@asynccontextmanager
async def answering(answer: Callable[[Request], Response]) -> AsyncIterator[str]:
    """A server that answers each request so; yields its address."""

    async def handle(request: Request) -> Response:
        return answer(request)

    listener = listen(0)
    app = Starlette(routes=[Route("/{path:path}", handle, methods=["POST"])])
    async with serving(app, listener):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


async def test_our_own_server_takes_the_ping_and_refuses_the_forgery(redis_url: str) -> None:
    theirs = web_server.make_settings(redis_url, github_webhook_secrets="theirs")
    async with web_server.serving(create_app(theirs)) as address:
        given = settings(f"http://{address}", github_webhook_secrets="theirs")
        checks = await check_delivery(given)
        assert [(check.name, check.level) for check in checks] == [
            ("delivery", Level.OK),
            ("forgery", Level.OK),
        ]
        [wrong] = await check_delivery(settings(f"http://{address}"))
    assert wrong.level is Level.FAILURE
    assert "the signature does not match" in wrong.text


@pytest.mark.parametrize(
    ("answer", "text", "remedy"),
    [
        (PlainTextResponse("Welcome to nginx!"), "something other than Glossator", "Lead http"),
        (PlainTextResponse("", 404), "returned 404", "forward /webhooks/github unchanged"),
        (JSONResponse({}, 503), "the queue is unavailable", "Redis"),
    ],
)
async def test_what_else_answers_is_named(answer: Response, text: str, remedy: str) -> None:
    async with answering(lambda _: answer) as address:
        [check] = await check_delivery(settings(address))
    assert check.level is Level.FAILURE
    assert text in check.text
    assert remedy in check.remedy


async def test_a_server_that_takes_anything_is_a_failure() -> None:
    async with answering(lambda _: JSONResponse({"status": "pong"})) as address:
        _, forgery = await check_delivery(settings(address))
    assert forgery.level is Level.FAILURE


async def test_nobody_there_at_all() -> None:
    [check] = await check_delivery(settings(f"http://127.0.0.1:{free_port()}"))
    assert "does not answer" in check.text
    assert "glossator serve" in check.remedy


async def test_a_server_that_the_public_url_does_not_lead_to() -> None:
    async with answering(lambda _: JSONResponse({}, 401)) as address:
        port = int(address.rpartition(":")[2])
        given = settings(f"http://127.0.0.1:{free_port()}", port=port)
        [check] = await check_delivery(given)
    assert check.remedy.endswith(f"to http://127.0.0.1:{port}, where Glossator listens.")


async def test_without_a_secret_nothing_is_sent() -> None:
    [check] = await check_delivery(settings("http://127.0.0.1:9", github_webhook_secrets=""))
    assert "GITHUB_WEBHOOK_SECRETS" in check.text
