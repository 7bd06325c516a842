"""Deliveries a second and the time to the answer, against a bare handler, in turns."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

from bot.runtime.tcp_ports import free_port
from tests.bench.bare_handler import QUEUE
from tests.bench.results import Figure, median, percentile
from tests.bench.stage import Stage, stage
from tests.bench.webhook_load import Load, deliver
from tests.support.deliveries import payload

BODY_BYTES = 25_000
CONNECTIONS = 16


def body() -> bytes:
    """A recorded delivery, made longer by its description."""
    data = payload("pull_request-opened")
    data["pull_request"]["body"] = ""
    missing = BODY_BYTES - len(json.dumps(data))
    data["pull_request"]["body"] = ("It makes things better. " * BODY_BYTES)[: max(missing, 0)]
    return json.dumps(data).encode()


async def measure(directory: Path, *, quick: bool) -> list[Figure]:
    rounds, seconds = (2, 1.0) if quick else (7, 3.0)
    # As it is run for real: with its log.
    async with stage(directory, LOG_LEVEL="INFO", LOG_JSON="true") as here:
        bare_port = free_port()
        await here.start({"web": ("web",)})
        await here.start_beside("bare", "-m", "tests.bench.bare_handler", str(bare_port))
        await here.until(lambda: _listens(bare_port))
        glossator_loads: list[Load] = []
        bare: list[Load] = []
        for number in range(rounds + 1):  # the first one warms up
            one = await _load(here, "bare", bare_port, seconds)
            other = await _load(here, "web", int(here.environment["PORT"]), seconds)
            await here.store.redis.delete(QUEUE)
            if number:
                bare.append(one)
                glossator_loads.append(other)
        web = here.memory("web")
    bare_rates = [b.rate for b in bare]
    latencies = [s for load in glossator_loads for s in load.latencies]
    ratio = median([o.rate / b.rate for o, b in zip(glossator_loads, bare, strict=True)])
    ours_each, bare_each = (
        median([load.processor / len(load.latencies) * 1e6 for load in loads])
        for loads in (glossator_loads, bare)
    )
    return [
        Figure(
            "accept", f"ours, median of {rounds}", median([o.rate for o in glossator_loads]), "/s"
        ),
        Figure("accept", f"bare handler, median of {rounds}", median(bare_rates), "/s"),
        Figure("accept", "ours to bare, median of the pairs", ratio, "×", at_least=0.8),
        Figure("accept", "ours, processor time of a delivery", ours_each, "µs"),
        Figure("accept", "bare handler, the same", bare_each, "µs"),
        Figure("accept", "bare to ours, processor time", bare_each / ours_each, "×"),
        *(
            Figure("accept", f"p{share} at {CONNECTIONS} at once", at * 1000, "ms")
            for share in (50, 95, 99)
            for at in (percentile(latencies, share / 100),)
        ),
        Figure("memory", "web, peak while accepting", web[1], "MiB"),
    ]


async def _load(here: Stage, name: str, port: int, seconds: float) -> Load:
    secret, before = here.environment["GITHUB_WEBHOOK_SECRETS"], here.processor(name)
    load = await deliver(port, body(), secret, seconds=seconds, at_once=CONNECTIONS)
    return replace(load, processor=here.processor(name) - before)


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
