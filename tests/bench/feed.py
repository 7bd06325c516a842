"""Events of one review told to many clients by one web process."""

import asyncio
import base64
import os
import resource
import time
from pathlib import Path
from urllib.parse import urlsplit

from ulid import ULID

from bot.config.settings import Settings, load
from bot.domain.model import Repository, Review, State, Trigger
from bot.security.links import review_links
from tests.bench.results import Figure
from tests.bench.stage import Stage, Stopwatch, stage

CLIENTS = 1000
EVENTS = 100


class _Client(asyncio.Protocol):
    """A WebSocket that counts the frames it gets, as a browser would ask for them."""

    def __init__(self, path: str) -> None:
        self._path, self._data, self._open = path, b"", False
        self.frames, self.refused = 0, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            (
                f"GET {self._path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
                "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
                "Sec-WebSocket-Version: 13\r\n\r\n"
            ).encode()
        )

    def data_received(self, data: bytes) -> None:
        self._data += data
        if not self._open:
            head, blank, rest = self._data.partition(b"\r\n\r\n")
            if not blank:
                return
            self.refused = b"" if head.startswith(b"HTTP/1.1 101") else head
            self._open, self._data = True, rest
        while (size := _frame(self._data)) and len(self._data) >= size:
            self._data = self._data[size:]
            self.frames += 1


def _frame(data: bytes) -> int:
    """Bytes of the frame that begins here; 0 if its header is not complete. Servers mask nothing.

    https://www.rfc-editor.org/rfc/rfc6455#section-5.2
    """
    if len(data) < 4:
        return 0 if len(data) < 2 or data[1] >= 126 else 2 + data[1]
    return 4 + int.from_bytes(data[2:4], "big") if data[1] == 126 else 2 + data[1]


async def measure(directory: Path, *, quick: bool) -> list[Figure]:
    clients, events, times = (100, 20, 1) if quick else (CLIENTS, EVENTS, 3)
    _allow_files(clients + 500)
    async with stage(directory, FEED_CONNECTIONS="100000", REQUESTS_A_MINUTE="1000000") as here:
        await here.start({"web": ("web",)})
        idle, _ = here.memory("web")
        runs = [await _measure_feed(here, clients, events) for _ in range(times)]
        _, peak = here.memory("web")
    rate, last = sorted(runs)[len(runs) // 2]
    return [
        Figure("feed", f"events to {clients:,} clients, median of {times}", rate, "messages/s"),
        Figure("feed", f"{events} events, each told to all", last, "s"),
        Figure("feed", "events a second, each to all", events / last, "/s"),
        Figure("memory", "web, idle", idle, "MiB"),
        Figure("memory", f"web, peak with {clients:,} feeds", peak, "MiB"),
    ]


def _allow_files(number: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(number, 1024), hard), hard))


async def _measure_feed(here: Stage, clients: int, events: int) -> tuple[float, float]:
    """Messages a second over all clients, and seconds until the last had all."""
    review = await _running_review(here)
    url = urlsplit(review_links(_settings(here), review.id).page)
    path = f"/ws{url.path}?{url.query}"
    loop, port = asyncio.get_running_loop(), int(here.environment["PORT"])
    made = []
    for _ in range(clients):
        made.append(await loop.create_connection(lambda: _Client(path), "127.0.0.1", port))
    # `connected`, and what the review has told so far.
    await here.until(lambda: all(client.frames >= 3 or client.refused for _, client in made))
    assert not any(client.refused for _, client in made), made[0][1].refused
    before = sum(client.frames for _, client in made)
    watch = Stopwatch()
    for number in range(events):
        await here.store.reviews.update_progress(review.id, 5, amount=number)
        await asyncio.sleep(0)
    expected_frames = before + clients * events
    await here.until(lambda: sum(client.frames for _, client in made) >= expected_frames)
    seconds = watch.seconds
    for transport, _ in made:
        transport.close()
    return clients * events / seconds, seconds


async def _running_review(here: Stage) -> Review:
    review = Review(
        id=str(ULID()),
        repository=Repository(1, 1, "octo/hello"),
        number=1,
        head_sha="a" * 40,
        trigger=Trigger.COMMAND,
        created_at=time.time(),
    )
    await here.store.reviews.open(review)
    await here.store.reviews.move(review.id, State.SCANNING, from_states=[State.QUEUED])
    return review


def _settings(here: Stage) -> Settings:
    return load(_env_file=None, **{k.lower(): v for k, v in here.environment.items()})
