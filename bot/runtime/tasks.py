"""Ending tasks for sure."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

#: A cancelled task that goes on for so long is cancelled again, if nothing else is asked.
_AGAIN_SECONDS = 0.05


async def stop(*tasks: "asyncio.Task[Any]", again_seconds: float = _AGAIN_SECONDS) -> None:
    """Cancel the tasks and wait for their ends; what they raised is not raised here. Those
    that need time to clean up get `again_seconds` of it before they are cancelled again.

    `asyncio.wait_for` of Python 3.11, which redis-py sends commands with, loses a
    cancellation that arrives just as it finishes
    (https://github.com/python/cpython/issues/86296), so that one is not always enough.
    """
    running = set(tasks)
    while running := {task for task in running if not task.done()}:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=again_seconds)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # else Python complains that nobody asked


async def run_to_completion(work: Coroutine[Any, Any, T]) -> T:
    """Await what must not be left half done: a cancellation is raised once it has ended. The
    work keeps a time limit of its own."""
    task, cancelled = asyncio.ensure_future(work), False
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        task.exception()  # nobody is left to hear of it
        raise asyncio.CancelledError
    return task.result()
