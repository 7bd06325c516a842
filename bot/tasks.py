"""Ending tasks for sure."""

import asyncio
from typing import Any

#: A cancelled task that goes on for so long is cancelled again.
_AGAIN_SECONDS = 0.05


async def stop(*tasks: "asyncio.Task[Any]") -> None:
    """Cancel the tasks and wait for their ends; what they raised is not raised here.

    `asyncio.wait_for` of Python 3.11, which redis-py sends commands with, loses a
    cancellation that arrives just as it finishes
    (https://github.com/python/cpython/issues/86296), so that one is not always enough.
    """
    running = set(tasks)
    while running := {task for task in running if not task.done()}:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=_AGAIN_SECONDS)
