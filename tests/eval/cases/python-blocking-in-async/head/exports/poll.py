"""Waits for an export that another service makes."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp

ATTEMPTS = 30


class ExportFailed(Exception):
    """Raised when the service gave up, or did not finish in time."""


@dataclass(frozen=True)
class Export:
    id: str
    url: str


async def wait_for(
    session: aiohttp.ClientSession, base: str, export_id: str, report: Callable[[int], None]
) -> Export:
    """The finished export. Raises ExportFailed."""
    for attempt in range(ATTEMPTS):
        async with session.get(f"{base}/exports/{export_id}") as response:
            response.raise_for_status()
            data = await response.json()
        report(attempt)
        if data["state"] == "done":
            return Export(export_id, data["url"])
        if data["state"] == "failed":
            raise ExportFailed(data.get("reason", "no reason given"))
        if attempt + 1 < ATTEMPTS:
            time.sleep(2)
    raise ExportFailed(f"not finished after {ATTEMPTS} attempts")
