"""A web process as people meet it: uvicorn on a real socket, over a real Redis."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx2
import pytest
import uvicorn
from starlette.applications import Starlette
from ulid import ULID

from bot.app import create_app
from bot.model import Repository, Review, Trigger
from bot.settings import Settings
from bot.store import Store

TOKEN = "the-admin-token-of-the-tests"


def make_settings(redis_url: str, **more: Any) -> Settings:
    values = {
        "redis_url": redis_url,
        "secret_key": "a secret of the tests",
        "api_tokens": TOKEN,
        "feed_connections": 1000,
        **more,
    }
    return Settings(_env_file=None, **values)


@pytest.fixture
def settings(redis_url: str) -> Settings:
    return make_settings(redis_url)


@asynccontextmanager
async def serving(app: Starlette, port: int = 0) -> AsyncIterator[str]:
    """The app on a loopback port; yields `127.0.0.1:<port>`."""
    with socket.create_server(("127.0.0.1", port), backlog=512) as listener:
        server = uvicorn.Server(
            uvicorn.Config(app, log_config=None, lifespan="on", timeout_graceful_shutdown=1)
        )
        running = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:
            assert not running.done(), "the web process did not start"
            await asyncio.sleep(0.01)
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await running


@pytest.fixture
async def web(settings: Settings, store: Store) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the app, without a socket between them. `store` empties Redis before."""
    app = create_app(settings)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://web") as client,
    ):
        yield client


@pytest.fixture
def admin() -> dict[str, str]:
    return {"Authorization": f"Bearer {TOKEN}"}


REVIEW = Review(
    id="",
    repository=Repository(installation_id=7, id=11, full_name="octo/demo"),
    number=12,
    head_sha="c" * 40,
    trigger=Trigger.OPENED,
    created_at=1_800_000_000.0,
    requested_by="mona",
)


async def open_review(store: Store, **changes: Any) -> Review:
    """A review that was just opened; each on a pull request of its own unless said."""
    review = replace(REVIEW, id=str(ULID()), created_at=store.now(), **changes)
    await store.open_review(review)
    return review
