"""Work that nothing waits for, which ends with the process's services."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from bot import log
from bot.tasks import stop

_log = log.get(__name__)
_under_way: set[asyncio.Task[None]] = set()


def in_background(work: Coroutine[Any, Any, None]) -> None:
    """Start what nothing waits for; its failure is logged, not raised."""

    async def guarded() -> None:
        try:
            await work
        except Exception as exc:
            _log.warning("background_failed", why=type(exc).__name__, exc_info=exc)

    task = asyncio.get_running_loop().create_task(guarded())
    _under_way.add(task)  # the loop holds tasks weakly
    task.add_done_callback(_under_way.discard)


async def stop_background() -> None:
    """End what is still under way."""
    await stop(*_under_way)
