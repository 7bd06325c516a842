"""The live feed: each event once and in order, whoever comes late, leaves, or does not read."""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any

import pytest
from starlette.applications import Starlette
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from bot.config.settings import Settings
from bot.domain.model import UNFINISHED, Review, State
from bot.domain.progress import Activity
from bot.security.links import Purpose, sign
from bot.security.signing import signing_keys
from bot.store import ReviewResult, Store, keys
from bot.web.app import create_app
from bot.web.feed.feed import Close
from tests.support.feeds import LATER, read, rest, url
from tests.support.web_server import TOKEN, make_settings, open_review, serving


@pytest.fixture
def app(settings: Settings) -> Starlette:
    return create_app(settings)


@pytest.fixture
async def address(app: Starlette, store: Store) -> AsyncIterator[str]:
    async with serving(app) as address:
        yield address


RESULT = ReviewResult(
    verdict="Fine.", conclusion="success", findings=2, review_url="https://github.com/"
)


async def complete(store: Store, review: Review) -> None:
    moved = await store.reviews.move(
        review.id, State.COMPLETED, from_states=UNFINISHED, percent=100, result=RESULT
    )
    assert moved


async def test_a_client_receives_each_update_until_the_end(
    address: str, settings: Settings, store: Store
) -> None:
    review = await open_review(store)
    async with connect(url(address, settings, review.id)) as socket:
        assert await read(socket) == {"type": "connected", "task_id": review.id}
        assert (await read(socket))["status"] == "queued"
        await store.reviews.move(
            review.id, State.ANALYZING, from_states=[State.QUEUED], percent=40, files_total=5
        )
        received = await read(socket)
        assert received["type"] == "progress"
        assert (received["progress"], received["current_step"]) == (40, "Read 0 of 5 files")
        await complete(store, review)
        [last], code = await rest(socket)
    assert last["type"] == "completed"
    assert last["result"] == asdict(RESULT)
    assert code == Close.DONE


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        (State.FAILED, "failed"),
        (State.CANCELLED, "cancelled"),
        (State.SUPERSEDED, "cancelled"),
    ],
)
async def test_every_end_has_its_message(
    address: str, settings: Settings, store: Store, state: State, kind: str
) -> None:
    review = await open_review(store)
    await store.reviews.move(
        review.id, state, from_states=[State.QUEUED], error="The clone was too large."
    )
    async with connect(url(address, settings, review.id, path="reviews")) as socket:
        messages, code = await rest(socket)
    assert [m["type"] for m in messages] == ["connected", "progress", kind]
    assert messages[-1].get("error") == ("The clone was too large." if kind == "failed" else None)
    assert code == Close.DONE


async def test_a_returning_client_receives_exactly_what_it_missed(
    address: str, settings: Settings, store: Store
) -> None:
    review = await open_review(store)
    async with connect(url(address, settings, review.id)) as socket:
        await read(socket)
        seen = (await read(socket))["id"]
    await store.reviews.update_progress(review.id, 10)
    await store.reviews.update_progress(review.id, 20)
    async with connect(url(address, settings, review.id, after=seen)) as socket:
        assert (await read(socket))["type"] == "connected"
        assert [(await read(socket))["progress"] for _ in range(2)] == [10, 20]


async def test_a_finished_review_has_no_events_left(
    address: str, settings: Settings, store: Store
) -> None:
    review = await open_review(store)
    await complete(store, review)
    async with connect(url(address, settings, review.id)) as socket:
        last = (await rest(socket))[0][-1]["id"]
    async with connect(url(address, settings, review.id, after=last)) as socket:
        messages, code = await rest(socket)
    assert [m["type"] for m in messages] == ["connected"]
    assert code == Close.DONE


async def test_a_ping_is_answered_and_other_messages_end_the_feed(
    address: str, settings: Settings, store: Store
) -> None:
    review = await open_review(store)
    for words in ("hello", b"ping"):
        async with connect(url(address, settings, review.id)) as socket:
            await read(socket), await read(socket)
            await socket.send("ping")
            assert await read(socket) == {"type": "pong"}
            await socket.send(words)
            assert await rest(socket) == ([], Close.UNEXPECTED_MESSAGE)


async def refusal(address: str, **options: Any) -> tuple[int, bytes]:
    with pytest.raises(InvalidStatus) as refused:
        await connect(address, **options)
    answer = refused.value.response
    return answer.status_code, bytes(answer.body or b"")


async def test_without_the_right_signature_every_review_is_unknown(
    address: str, settings: Settings, store: Store
) -> None:
    review, other = await open_review(store), await open_review(store, number=13)
    key = signing_keys(settings)[0]
    right = sign(key, Purpose.PAGE, review.id, LATER)
    queries = {
        "none": "",
        "empty": "?key=",
        "wrong": f"?key={right[:-1]}{'A' if right[-1] != 'A' else 'B'}",
        "expired": f"?key={sign(key, Purpose.PAGE, review.id, int(time.time()) - 1)}",
        "another review's": f"?key={sign(key, Purpose.PAGE, other.id, LATER)}",
        "a report's": f"?key={sign(key, Purpose.REPORT, review.id, LATER)}",
        "another key's": f"?key={sign(b'x' * 32, Purpose.PAGE, review.id, LATER)}",
    }
    answers = {
        name: await refusal(f"ws://{address}/ws/tasks/{review.id}{query}")
        for name, query in queries.items()
    }
    answers["unknown"] = await refusal(url(address, settings, "01JUNKNOWN"))
    assert set(answers.values()) == {(404, b"Not found.")}, answers


async def test_an_admin_token_opens_every_feed_and_a_wrong_one_none(
    address: str, store: Store
) -> None:
    review = await open_review(store)
    plain = f"ws://{address}/ws/tasks/{review.id}"
    async with connect(plain, additional_headers={"Authorization": f"Bearer {TOKEN}"}) as socket:
        assert (await read(socket))["type"] == "connected"
    wrong = {"Authorization": "Bearer something-else"}
    assert (await refusal(plain, additional_headers=wrong))[0] == 404


async def test_a_feed_ends_with_the_access_by_which_it_was_opened(
    address: str, app: Starlette, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session that ended, as a link that expired: nothing more is told."""
    monkeypatch.setattr("bot.web.feed.feed.ACCESS_SECONDS", 0.05)
    review = await open_review(store)
    plain = f"ws://{address}/ws/tasks/{review.id}"
    async with connect(plain, additional_headers={"Authorization": f"Bearer {TOKEN}"}) as socket:
        assert (await read(socket))["type"] == "connected"
        await asyncio.sleep(0.2)
        assert socket.close_code is None, "the access lasts"
        app.state.settings = app.state.settings.model_copy(update={"api_tokens": ()})
        async with asyncio.timeout(10):
            await socket.wait_closed()
        assert socket.close_code == Close.ACCESS_ENDED


async def test_a_feed_ends_after_hours_and_its_client_comes_back(
    address: str, settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.web.feed.feed.ACCESS_SECONDS", 0.05)
    monkeypatch.setattr("bot.web.feed.feed.MAX_ACCESS_CHECKS", 3)
    review = await open_review(store)
    async with connect(url(address, settings, review.id)) as socket:
        messages, code = await rest(socket)
    assert (messages[-1]["type"], code) == ("progress", Close.OLD)
    async with connect(url(address, settings, review.id, after=messages[-1]["id"])) as socket:
        assert (await read(socket))["type"] == "connected"


async def test_live_connections_in_all_are_limited(
    redis_url: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.web.app.MAX_FEEDS", 2)
    settings = make_settings(redis_url)
    target_of = await open_review(store)
    async with serving(create_app(settings)) as address:
        target = url(address, settings, target_of.id)
        async with connect(target), connect(target):
            assert (await refusal(target))[0] == 429


async def test_after_has_to_be_an_event_id(address: str, settings: Settings, store: Store) -> None:
    review = await open_review(store)
    assert (await refusal(url(address, settings, review.id, after="$")))[0] == 400


async def test_live_connections_per_address_are_limited(redis_url: str, store: Store) -> None:
    settings = make_settings(redis_url, feed_connections=2)
    review = await open_review(store)
    async with serving(create_app(settings)) as address:
        target = url(address, settings, review.id)
        async with connect(target), connect(target):
            assert (await refusal(target))[0] == 429
        async with asyncio.timeout(5):
            while True:  # the server needs a moment to see that they left
                try:
                    async with connect(target) as socket:
                        assert (await read(socket))["type"] == "connected"
                        return
                except InvalidStatus:
                    await asyncio.sleep(0.02)


class Restless:
    """A client that leaves at random and comes back for what it missed."""

    def __init__(self, address: str, settings: Settings, review_id: str, seed: int) -> None:
        self._address, self._settings, self._review_id = address, settings, review_id
        self._random = random.Random(seed)
        self.ids: list[str] = []
        self.last: dict[str, Any] = {}

    async def run(self) -> None:
        while self.last.get("type") != "completed":
            after = self.ids[-1] if self.ids else ""
            target = url(self._address, self._settings, self._review_id, after=after)
            async with connect(target, open_timeout=60) as socket:
                stay = self._random.randint(1, 40)
                async for text in socket:
                    message = json.loads(text)
                    if message["type"] == "connected":
                        continue
                    self.ids.append(message["id"])
                    self.last, stay = message, stay - 1
                    if stay == 0:
                        break


async def event_ids(store: Store, review: Review) -> list[str]:
    entries: Any = await store.redis.xrange(keys.events(review.id))
    return [event_id.decode() for event_id, _ in entries]


#: Each client is a real connection that comes and goes: many of them take their time.
MANY = pytest.mark.parametrize("many", [40, pytest.param(200, marks=pytest.mark.slow)])


@MANY
async def test_restless_clients_of_one_review_lose_and_double_nothing(
    address: str, app: Starlette, settings: Settings, store: Store, many: int
) -> None:
    review = await open_review(store)
    clients = [Restless(address, settings, review.id, seed) for seed in range(many)]
    async with asyncio.timeout(120), asyncio.TaskGroup() as group:
        for client in clients:
            group.create_task(client.run())
        for percent in range(100):
            await store.reviews.update_progress(review.id, percent)
            assert app.state.fanout.channels <= 1  # one reader, whoever watches
            await asyncio.sleep(0.005)
        await complete(store, review)
    received = await event_ids(store, review)
    assert len(received) == 102
    assert all(client.ids == received for client in clients)


@MANY
async def test_reviews_with_a_client_each_are_distinguished(
    address: str, app: Starlette, settings: Settings, store: Store, many: int
) -> None:
    reviews = [await open_review(store, number=n) for n in range(many)]
    clients = [Restless(address, settings, r.id, n) for n, r in enumerate(reviews)]
    async with asyncio.timeout(120), asyncio.TaskGroup() as group:
        for client in clients:
            group.create_task(client.run())
        for percent in (25, 50, 75):
            for review in reviews:
                await store.reviews.update_progress(review.id, percent)
        for review in reviews:
            await complete(store, review)
    for client, review in zip(clients, reviews, strict=True):
        assert client.ids == await event_ids(store, review)
    async with asyncio.timeout(5):
        while app.state.fanout.channels:  # nobody watches: nothing is read
            await asyncio.sleep(0.02)


async def test_a_client_that_never_reads_does_not_slow_others(
    address: str, app: Starlette, settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.web.feed.feed.SEND_SECONDS", 0.5)
    review = await open_review(store)
    loop = asyncio.get_running_loop()
    host, port = address.split(":")
    target = url(address, settings, review.id).removeprefix(f"ws://{address}")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        f"GET {target} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    await writer.drain()
    assert b"101" in await reader.readline()
    assert isinstance(writer.transport, asyncio.Transport)
    writer.transport.pause_reading()
    # Fills the buffers of the kernel and of the server.
    monkeypatch.setattr(Activity, "text", lambda activity, amount: "x" * 100_000)
    async with connect(url(address, settings, review.id), max_queue=None) as socket:
        await read(socket), await read(socket)
        for percent in range(90):
            sent = loop.time()
            await store.reviews.update_progress(review.id, percent)
            assert (await read(socket))["progress"] == percent
            assert loop.time() - sent < 2
    async with asyncio.timeout(10):
        while app.state.fanout.channels:  # both are gone, the one that never read as well
            await asyncio.sleep(0.05)
    writer.close()


async def test_a_long_message_is_not_waited_for(
    address: str, settings: Settings, store: Store
) -> None:
    review = await open_review(store)
    async with connect(url(address, settings, review.id)) as socket:
        await read(socket)
        await socket.send("p" * 2000)
        async with asyncio.timeout(10):
            await socket.wait_closed()
    assert socket.close_code == 1009
