"""Calls of one script that come at once go to Redis together, as one call of it."""

import asyncio
from collections.abc import Sequence
from typing import Any

from redis.commands.core import AsyncScript

#: Calls that one round trip carries at most.
MAX_BATCH = 64

#: Round trips under way at once, so that nobody stands idle while Redis answers others.
MAX_IN_FLIGHT = 4

Arguments = Sequence[str | bytes | int | float]


class ScriptBatcher:
    """One script that takes the `shared` arguments and then those of any number of calls, and
    returns a list with an answer for each. Some calls are sent at once; those that come
    while Redis is busy with these wait for one of them, and go together."""

    def __init__(self, script: AsyncScript, shared: Arguments) -> None:
        self._script, self._shared = script, shared
        self._waiting: list[tuple[Arguments, asyncio.Future[Any]]] = []
        self._senders: set[asyncio.Task[None]] = set()

    async def call(self, arguments: Arguments) -> Any:
        """The script's answer. Raises RedisError, as all that went together do."""
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((arguments, answer))
        # One that has ended takes nothing any more, though it is in the set for another moment.
        if sum(not sender.done() for sender in self._senders) < MAX_IN_FLIGHT:
            sender = asyncio.create_task(self._send())
            self._senders.add(sender)
            sender.add_done_callback(self._senders.discard)
        return await answer

    async def _send(self) -> None:
        while batch := self._waiting[:MAX_BATCH]:
            del self._waiting[:MAX_BATCH]
            batch_arguments = [argument for arguments, _ in batch for argument in arguments]
            try:
                answers = await self._script(args=[*self._shared, *batch_arguments])
            except BaseException as exc:  # whatever it is, nobody may wait for ever
                for _, waiting in batch:
                    if not waiting.done():
                        waiting.set_exception(exc)
                if not isinstance(exc, Exception):
                    raise
                continue
            for (_, waiting), answer in zip(batch, answers, strict=True):
                if not waiting.done():  # else its caller is gone
                    waiting.set_result(answer)
