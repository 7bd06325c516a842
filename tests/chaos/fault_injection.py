"""Harm at random, repeatable by its seed as far as the machine's own timing allows."""

import asyncio
import contextlib
import json
import random
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from redis.exceptions import RedisError

from tests.chaos.stage import ACCOUNTS, PROCESSES, ChaosStage
from tests.support.sandbox.faults import Kind

API = "/api/v3/repos/*"

#: What may fail, and how; `after`: it took effect and we do not learn of it.
FAULTS: tuple[tuple[str, Kind, bool], ...] = (
    (f"POST {API}/check-runs", "502", True),
    (f"POST {API}/check-runs", "reset", True),
    (f"POST {API}/check-runs", "secondary", False),
    (f"PATCH {API}/check-runs/*", "500", False),
    (f"PATCH {API}/check-runs/*", "reset", True),
    (f"POST {API}/pulls/*/reviews", "502", True),
    (f"POST {API}/pulls/*/reviews", "reset", True),
    (f"POST {API}/pulls/*/reviews", "429", False),
    (f"POST {API}/pulls/*/reviews", "timeout", True),
    (f"PUT {API}/pulls/*/reviews/*", "502", True),
    (f"PUT {API}/pulls/*/reviews/*", "reset", False),
    (f"GET {API}/pulls/*", "500", False),
    (f"GET {API}/compare/*", "slow", False),
    ("POST /api/v3/app/installations/*", "502", False),
    ("GET /*.git/info/refs", "500", False),
    ("POST /*.git/git-upload-pack", "reset", False),
    ("GET /*.git/info/refs", "slow", False),
)


@dataclass
class Plan:
    """How much happens: `reviews` pull requests and pushes together, and at least so many
    kills, restarts of Redis, and failovers that lose its last second."""

    reviews: int
    kills: int
    redis_restarts: int
    gap_seconds: float
    failovers: int = 0


async def people(chaos: ChaosStage, plan: Plan, dice: random.Random) -> None:
    """Open pull requests and push to some, in several places at once."""
    left = plan.reviews

    async def person(account: str, dice: random.Random) -> None:
        nonlocal left
        while left > 0:
            left -= 1
            pulls = chaos.repo(account).pulls
            files = {f"file_{dice.randrange(10**9)}.go": f"package a\n\nvar x = {left}\n"}
            if pulls and dice.random() < 0.3:
                await chaos.push(account, dice.choice(list(pulls)), files)
            else:
                await chaos.open_pull(account, files)
            await asyncio.sleep(dice.random() * plan.gap_seconds)

    await asyncio.gather(*(person(name, random.Random(dice.random())) for name in ACCOUNTS))


async def harm(chaos: ChaosStage, plan: Plan, dice: random.Random, over: asyncio.Event) -> None:
    """Break things until enough is broken and people are done."""
    deeds: dict[Callable[[ChaosStage, random.Random], Awaitable[None]], int] = {
        kill: 6,
        stop_in_order: 1,
        fault: 12,
        repeat: 4,
        out_of_order: 2,
    }
    restarts = [
        plan.kills * (n + 1) // (plan.redis_restarts + 1) for n in range(plan.redis_restarts)
    ]
    while not over.is_set() or chaos.kills < plan.kills:
        [deed] = dice.choices(list(deeds), weights=list(deeds.values()))
        await deed(chaos, dice)
        if restarts and chaos.kills >= restarts[0]:
            restarts.pop(0)
            with contextlib.suppress(RedisError):
                await chaos.restart_redis(dice.choice((signal.SIGKILL, signal.SIGTERM)))
        await asyncio.sleep(dice.random() * 2 * plan.gap_seconds)


async def fail_over(chaos: ChaosStage, plan: Plan, dice: random.Random) -> None:
    """Have Redis lose its last second, again and again, while people are at work."""
    for _ in range(plan.failovers):
        await asyncio.sleep(dice.uniform(3, 15) * plan.gap_seconds)
        await chaos.fail_over()


async def kill(chaos: ChaosStage, dice: random.Random) -> None:
    chaos.kill(dice.choice(list(PROCESSES)))


async def stop_in_order(chaos: ChaosStage, dice: random.Random) -> None:
    chaos.kill(dice.choice(list(PROCESSES)), signal.SIGTERM)


async def fault(chaos: ChaosStage, dice: random.Random) -> None:
    match, kind, after = dice.choice(FAULTS)
    retry_after = 1 if kind in ("429", "secondary") else None
    chaos.sandbox.faults.add(match, kind, after=after, retry_after=retry_after, delay=2)


async def repeat(chaos: ChaosStage, dice: random.Random) -> None:
    """GitHub delivers something again, under its GUID."""
    if chaos.sandbox.state.deliveries:
        await chaos.sandbox.redeliver(dice.choice(chaos.sandbox.state.deliveries).id)


async def out_of_order(chaos: ChaosStage, dice: random.Random) -> None:
    """Something old arrives late, as if it were new; GitHub never repeats a body to the letter."""
    if chaos.sandbox.state.deliveries:
        old = dice.choice(chaos.sandbox.state.deliveries)
        late = json.loads(old.request_body) | {"late": dice.random()}
        await chaos.sandbox.deliver(old.event, late)
