"""An address that asks too often waits; others, and deliveries, do not."""

import httpx2
import pytest
from starlette.testclient import TestClient, WebSocketDenialResponse

from bot.security.network import network_of
from bot.store import Store
from bot.web.app import create_app
from bot.web.limits import MAX_ADDRESSES, RateLimiter
from tests.support.web_server import make_settings


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_allows_bursts_and_fills_evenly() -> None:
    clock = Clock()
    limiter = RateLimiter(60, clock)
    assert [limiter.wait("a") for _ in range(60)] == [0.0] * 60
    assert limiter.wait("a") == 1.0
    assert limiter.wait("b") == 0.0
    clock.now += 2
    assert [limiter.wait("a") for _ in range(3)] == [0.0, 0.0, 1.0]


def test_memory_is_bounded_by_forgetting_the_oldest() -> None:
    limiter = RateLimiter(1, Clock())
    assert limiter.wait("first") == 0.0
    assert limiter.wait("first") > 0
    for n in range(MAX_ADDRESSES):
        limiter.wait(str(n))
    assert limiter.wait("first") == 0.0


async def test_too_fast_an_address_gets_429_and_deliveries_go_on(
    redis_url: str, store: Store
) -> None:
    app = create_app(make_settings(redis_url, requests_per_minute=3))
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://web") as web,
    ):
        answers = [await web.get("/sign-in") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert answers[-1].headers["Content-Type"] == "application/problem+json"
        assert 1 <= int(answers[-1].headers["Retry-After"]) <= 21
        assert "default-src 'none'" in answers[-1].headers["Content-Security-Policy"]
        assert (await web.post("/webhooks/github")).status_code == 401
        assert (await web.get("/healthz")).status_code == 200


def test_opening_feeds_and_guessing_at_tokens_are_counted_too(redis_url: str) -> None:
    with TestClient(create_app(make_settings(redis_url, requests_per_minute=4))) as web:
        guess = {"Authorization": "Bearer guess"}
        for _ in range(2):
            assert web.get("/api/reviews", headers=guess).status_code == 401
            with pytest.raises(WebSocketDenialResponse), web.websocket_connect("/ws/tasks/x"):
                pass
        assert web.get("/api/reviews").status_code == 429
        with pytest.raises(WebSocketDenialResponse) as refused:
            web.websocket_connect("/ws/tasks/x").__enter__()
        assert refused.value.status_code == 429


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_a_network_of_ipv6_is_one_sender(address: str, network: str) -> None:
    assert network_of(address) == network
