"""Calls of one script that come at once go to Redis together, in one round trip."""

import asyncio
from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis
from redis.commands.core import AsyncScript
from redis.exceptions import NoScriptError

#: Calls that one round trip carries at most.
MOST = 64

Arguments = Sequence[str | bytes | int | float]


class Together:
    """One script. A call that comes alone is sent at once; those that come while Redis is busy
    with earlier ones wait for these, and share the next round trip."""

    def __init__(self, redis: "Redis", script: AsyncScript) -> None:
        self._redis, self._script = redis, script
        self._waiting: list[tuple[Arguments, asyncio.Future[Any]]] = []
        self._sender: asyncio.Task[None] | None = None

    async def call(self, arguments: Arguments) -> Any:
        """The script's answer. Raises RedisError, as all that share its round trip do."""
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((arguments, answer))
        if self._sender is None or self._sender.done():
            self._sender = asyncio.create_task(self._send())
        return await answer

    async def _send(self) -> None:
        while group := self._waiting[:MOST]:
            del self._waiting[:MOST]
            try:
                answers = await self._run([arguments for arguments, _ in group])
            except BaseException as exc:  # whatever it is, nobody may wait for ever
                for _, waiting in group:
                    if not waiting.done():
                        waiting.set_exception(exc)
                if not isinstance(exc, Exception):
                    raise
                continue
            for (_, waiting), answer in zip(group, answers, strict=True):
                if waiting.done():  # its caller is gone
                    continue
                if isinstance(answer, Exception):
                    waiting.set_exception(answer)
                else:
                    waiting.set_result(answer)

    async def _run(self, calls: Sequence[Arguments]) -> list[Any]:
        if len(calls) == 1:
            return [await self._script(args=calls[0])]
        async with self._redis.pipeline(transaction=False) as pipe:
            for arguments in calls:
                pipe.evalsha(self._script.sha, 0, *arguments)
            answers = await pipe.execute(raise_on_error=False)
        return [
            # Redis forgets scripts when it starts; a script called by itself is loaded again.
            await self._script(args=arguments) if isinstance(answer, NoScriptError) else answer
            for arguments, answer in zip(calls, answers, strict=True)
        ]
