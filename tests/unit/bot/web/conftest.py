"""The app as a client meets it, over a real Redis."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from bot.config.settings import Settings
from bot.store import Store
from bot.web.app import create_app
from tests.support.web_server import TOKEN, make_settings


@pytest.fixture
def settings(redis_url: str) -> Settings:
    return make_settings(redis_url)


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
