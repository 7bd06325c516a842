"""Harm at random, repeatable by its seed as far as the machine's own timing allows."""

import asyncio
import contextlib
import json
import random
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from redis.exceptions import RedisError

from bot.sandbox.faults import Kind
from tests.chaos.arena import ACCOUNTS, PROCESSES, Arena

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
    kills and restarts of Redis."""

    reviews: int
    kills: int
    redis_restarts: int
    gap_seconds: float


async def people(arena: Arena, plan: Plan, dice: random.Random) -> None:
    """Open pull requests and push to some, in several places at once."""
    left = plan.reviews

    async def person(account: str, dice: random.Random) -> None:
        nonlocal left
        while left > 0:
            left -= 1
            pulls = arena.repo(account).pulls
            files = {f"file_{dice.randrange(10**9)}.go": f"package a\n\nvar x = {left}\n"}
            if pulls and dice.random() < 0.3:
                await arena.push(account, dice.choice(list(pulls)), files)
            else:
                await arena.open_pull(account, files)
            await asyncio.sleep(dice.random() * plan.gap_seconds)

    await asyncio.gather(*(person(name, random.Random(dice.random())) for name in ACCOUNTS))


async def harm(arena: Arena, plan: Plan, dice: random.Random, over: asyncio.Event) -> None:
    """Break things until enough is broken and people are done."""
    deeds: dict[Callable[[Arena, random.Random], Awaitable[None]], int] = {
        kill: 6,
        stop_in_order: 1,
        fault: 12,
        repeat: 4,
        out_of_order: 2,
    }
    restarts = [
        plan.kills * (n + 1) // (plan.redis_restarts + 1) for n in range(plan.redis_restarts)
    ]
    while not over.is_set() or arena.kills < plan.kills:
        [deed] = dice.choices(list(deeds), weights=list(deeds.values()))
        await deed(arena, dice)
        if restarts and arena.kills >= restarts[0]:
            restarts.pop(0)
            with contextlib.suppress(RedisError):
                await arena.restart_redis(dice.choice((signal.SIGKILL, signal.SIGTERM)))
        await asyncio.sleep(dice.random() * 2 * plan.gap_seconds)


async def kill(arena: Arena, dice: random.Random) -> None:
    arena.kill(dice.choice(list(PROCESSES)))


async def stop_in_order(arena: Arena, dice: random.Random) -> None:
    arena.kill(dice.choice(list(PROCESSES)), signal.SIGTERM)


async def fault(arena: Arena, dice: random.Random) -> None:
    match, kind, after = dice.choice(FAULTS)
    retry_after = 1 if kind in ("429", "secondary") else None
    arena.sandbox.faults.add(match, kind, after=after, retry_after=retry_after, delay=2)


async def repeat(arena: Arena, dice: random.Random) -> None:
    """GitHub delivers something again, under its GUID."""
    if arena.sandbox.state.deliveries:
        await arena.sandbox.redeliver(dice.choice(arena.sandbox.state.deliveries).id)


async def out_of_order(arena: Arena, dice: random.Random) -> None:
    """Something old arrives late, as if it were new."""
    if arena.sandbox.state.deliveries:
        old = dice.choice(arena.sandbox.state.deliveries)
        await arena.sandbox.deliver(old.event, json.loads(old.request_body))
