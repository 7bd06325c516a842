"""What each process tells of itself at present, for Prometheus: kept in Redis beside the sums.

A process writes a few numbers every second; one that was not heard of for a while is gone.
"""

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path

from redis.asyncio import Redis

#: What the processes tell: an id of each -> `[seconds since the epoch, {series: number}]`.
KEY = "glossator:metrics:now"

#: A process that was not heard of for so long has ended.
EXPIRY_SECONDS = 15

#: Of these the largest of all processes is told, of the others the sum.
_LARGEST = "glossator_process_memory_bytes"

_STATM = Path("/proc/self/statm")


def resident_memory() -> int:
    """Bytes of memory that this process holds; 0 where the system does not tell.

    https://man7.org/linux/man-pages/man5/proc_pid_statm.5.html
    """
    try:
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def encode_gauges(values: Mapping[str, float], now: float) -> str:
    return json.dumps([now, values])


async def live_gauges(redis: "Redis", now: float | None = None) -> dict[str, float]:
    """The numbers of all processes that live; the others are forgotten."""
    now = time.time() if now is None else now
    found: dict[str, float] = {}
    expired = []
    for process, data in (await redis.hgetall(KEY)).items():
        at, values = json.loads(data)
        if now - at > EXPIRY_SECONDS:
            expired.append(process)
            continue
        for name, value in values.items():
            current = found.get(name, 0.0)
            largest = name.startswith(_LARGEST)
            found[name] = max(current, value) if largest else current + value
    if expired:
        await redis.hdel(KEY, *expired)
    return found
