"""Other systems learn of ended reviews, critical findings and dead letters, signed and once."""

import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any
from unittest.mock import patch

from pydantic import SecretStr
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.config.settings import Settings
from bot.runtime.http_server import serving
from bot.runtime.tcp_ports import listen
from bot.store import message
from tests.flows.conversation import reviewed
from tests.flows.environment import REPO, World, running
from workers.review.notifications import announce_dead_letters
from workers.services import Services

SECRET = "a secret of this test"
KEY = {
    "key.py": 'AWS = "AKIAQ6BSX4T7MJ2NZPVK"\nSECRET = "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"\n'
}


class Receiver:
    """An address that keeps what it gets; `answers` are its first statuses, then 204."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.requests: list[tuple[dict[str, str], bytes]] = []

    async def __call__(self, request: Request) -> Response:
        self.requests.append((dict(request.headers), await request.body()))
        return Response(status_code=self.answers.pop(0) if self.answers else 204)

    def payloads(self, event: str) -> list[dict[str, Any]]:
        return [
            json.loads(body)
            for headers, body in self.requests
            if headers["glossator-event"] == event
        ]


@asynccontextmanager
async def receiving() -> AsyncIterator[tuple[Receiver, str]]:
    receiver, listener = Receiver(), listen(0)
    app = Starlette(routes=[Route("/hook", receiver.__call__, methods=["POST"])])
    async with serving(app, listener):
        yield receiver, f"http://localhost:{listener.getsockname()[1]}/hook"


@asynccontextmanager
async def notifying(
    redis_url: str, redis: "Redis", path: Path, url: str, **changed: Any
) -> AsyncIterator[World]:
    values = {"notify_secret": SECRET, "notify_allow_private": True, **changed}
    async with running(redis_url, redis, path, notify_urls=(url,), **values) as world:
        yield world


async def test_an_ended_review_is_told_once_and_signed_though_the_address_was_down(
    redis_url: str, redis: "Redis", tmp_path: Path
) -> None:
    async with receiving() as (receiver, url):
        receiver.answers = [503, 500]
        async with notifying(redis_url, redis, tmp_path, url) as world:
            number = await reviewed(world)
            await world.settle()
        payload = receiver.payloads("review_ended")[-1]
        assert [len(receiver.requests), payload["version"]] == [3, 1]
        assert payload["review"]["number"] == number
        assert payload["review"]["state"] == "completed"
        headers, body = receiver.requests[-1]
        data = headers["glossator-timestamp"].encode() + b"." + body
        expected = hmac.new(SECRET.encode(), data, sha256).hexdigest()
        assert headers["glossator-signature"] == f"v1={expected}"
        assert len({headers["glossator-id"] for headers, _ in receiver.requests}) == 1


async def test_a_critical_finding_is_told_in_slacks_form(
    redis_url: str, redis: "Redis", tmp_path: Path
) -> None:
    async with (
        receiving() as (receiver, url),
        notifying(
            redis_url, redis, tmp_path, url, notify_format="slack", analyzers_disabled=()
        ) as world,
    ):
        await world.open_pull({"app.py": "x = 1\n"}, {"app.py": "x = 1\n", **KEY})
        await world.settle()
        [critical] = receiver.payloads("critical_finding")
        assert "*Critical findings* in <http" in critical["text"]
        assert "(key.py:" in critical["text"]
        [ended] = receiver.payloads("review_ended")
        assert ended["text"].startswith("*Review completed*")


async def test_a_private_address_gets_nothing_unless_it_is_allowed(
    redis_url: str, redis: "Redis", tmp_path: Path
) -> None:
    async with (
        receiving() as (receiver, url),
        notifying(redis_url, redis, tmp_path, url, notify_allow_private=False) as world,
    ):
        await reviewed(world)
        await world.settle()
        assert receiver.requests == []
        assert len(world.reviews) == 1


async def test_a_dead_letter_is_told_once_and_those_of_notifications_are_not(
    redis_url: str, redis: "Redis", tmp_path: Path
) -> None:
    async with (
        receiving() as (receiver, url),
        notifying(redis_url, redis, tmp_path, url) as world,
    ):
        with patch("workers.events.api_start.start_review", side_effect=KeyError("a bug")):
            asked = "01JD9Z6W3M8Q4V5T7X2Y0A1B2C", "ada", False, None, None
            await world.store.queues.put(message("start_review", REPO, 1, *asked))
            await world.settle()
        nothing: Any = None
        settings = Settings(
            _env_file=None, notify_urls=(SecretStr(url),), notify_secret=SecretStr(SECRET)
        )
        services = Services(
            settings=settings, store=world.store, github=nothing, llm=None, metrics=nothing
        )
        receiver.answers = [400] * 10  # until no retry is left
        await announce_dead_letters(services)
        await world.settle()
        letters = [letter.actor for letter in await world.store.queues.dead_letters()]
        assert letters == ["notify", "start_review"]
        receiver.answers.clear()
        refused = len(receiver.requests)
        await announce_dead_letters(services)
        await world.settle()
        assert len(receiver.requests) == refused
        assert receiver.payloads("dead_letter")[0]["dead_letter"]["actor"] == "start_review"
