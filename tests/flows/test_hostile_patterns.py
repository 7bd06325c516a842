"""A repository whose path patterns and paths are made to take long holds up nobody else."""

import asyncio
import time

from tests.flows.environment import World

#: 31 kB of valid configuration. Matched pattern by pattern, a path took two seconds.
CONFIG = "paths:\n  exclude:\n" + "".join(f"    - '{'**/*/' * 38}z{n}'\n" for n in range(155))

#: 250 paths of 1,000 bytes.
PATHS = ["/".join(["abc"] * 249) + f"/{n:03}" for n in range(250)]


async def test_another_tenant_is_served_meanwhile(world: World) -> None:
    evil, good = "evil/repo", "good/repo"
    for name in (evil, good):
        await world.sandbox.add_repository(name)
    before = {".github/glossator.yml": CONFIG}
    base = await world.sandbox.commit(evil, before, message="Begin")
    head = await world.sandbox.commit(evil, dict.fromkeys(PATHS, "x\n"), parent=base, message="Add")
    await world.sandbox.open_pull(evil, base, head)
    base = await world.sandbox.commit(good, {"a.py": "x = 1\n"}, message="Begin")
    head = await world.sandbox.commit(good, {"a.py": "x = 2\n"}, parent=base, message="Change")
    await asyncio.sleep(0.5)  # the other one is being looked at by now
    began = time.monotonic()
    await world.sandbox.open_pull(good, base, head)
    while not world.sandbox.repository(good).check_runs:
        await asyncio.sleep(0.02)
        assert time.monotonic() - began < 10, "no check run yet"
    await world.settle()
    [review] = world.sandbox.repository(good).check_runs.values()
    assert review.conclusion == "success"
