"""A loop that stands still is noticed, said where, and ended; one that is only busy is not."""

import asyncio
import time
from collections.abc import Iterator

import httpx2
import pytest
from structlog.testing import capture_logs

from bot.runtime.tcp_ports import free_port
from bot.telemetry.watchdog import EXIT_CODE, Limits, Watchdog, watched

SHORT = Limits(tick=0.02, stalled=0.1)


@pytest.fixture
def logged() -> Iterator[list[dict[str, object]]]:
    with capture_logs() as entries:
        yield entries  # type: ignore[misc]


def stand_still(seconds: float) -> None:
    """As something that takes long does on an event loop."""
    time.sleep(seconds)


async def test_the_log_says_where_the_loop_stands_still(logged: list[dict[str, object]]) -> None:
    with watched(limits=SHORT) as watchdog:
        await asyncio.sleep(0.1)
        stand_still(0.5)
        assert not watchdog.healthy
        async with asyncio.timeout(5):
            while not watchdog.healthy:
                await asyncio.sleep(0.01)
    names = [entry["event"] for entry in logged]
    assert names == ["event_loop_stalled", "event_loop_runs_again"]
    assert "stand_still" in str(logged[0]["where"])


async def test_a_busy_loop_is_not_stalled(logged: list[dict[str, object]]) -> None:
    with watched(limits=Limits(tick=0.02, stalled=1.0)) as watchdog:
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            stand_still(0.05)
            await asyncio.sleep(0)
        assert watchdog.healthy
    assert logged == []


async def test_a_process_that_does_not_go_on_is_ended() -> None:
    codes: list[int] = []
    limits = Limits(tick=0.02, stalled=0.1, exit=0.2)
    watchdog = Watchdog(asyncio.get_running_loop(), limits, end=codes.append)
    thread = asyncio.get_running_loop().run_in_executor(None, watchdog.watch)
    await asyncio.sleep(0.5)
    stand_still(2)
    watchdog.stop()
    await thread
    assert codes
    assert set(codes) == {EXIT_CODE}


async def test_the_health_check_fails_meanwhile() -> None:
    port = free_port()
    with watched(port, limits=SHORT):
        url = f"http://127.0.0.1:{port}/"
        assert (await asyncio.to_thread(httpx2.get, url, trust_env=False)).status_code == 200
        asked = asyncio.get_running_loop().run_in_executor(None, _later, url)
        await asyncio.sleep(0)
        stand_still(1.5)
        assert await asked == 503


def _later(url: str) -> int:
    time.sleep(0.7)
    return httpx2.get(url, trust_env=False).status_code
