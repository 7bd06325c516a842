"""Run one foreign program: bounded time and output, and nothing of it left afterwards."""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bot.tasks import to_the_end

_CHUNK = 1 << 16
_MAX_STDERR = 1 << 16
_LAST_SECONDS = 5


class ProcessTimeout(Exception):
    """The program did not end in time and was killed."""


class OutputTooLarge(Exception):
    """The program wrote more than it may and was killed."""


@dataclass(frozen=True, slots=True)
class Finished:
    """How a program ended; `err` is cut at 64 KiB."""

    code: int
    out: bytes
    err: bytes


async def run(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    seconds: float,
    stdin: bytes = b"",
    max_output: int,
) -> Finished:
    """Run `argv` in a process group of its own, with exactly the environment `env`.

    The whole group is killed when the program ends, is too slow, writes more than
    `max_output` bytes, or the caller is cancelled. Raises ProcessTimeout,
    OutputTooLarge, and FileNotFoundError if there is no such program.
    """
    process = await _started(argv, cwd, env)
    try:
        async with asyncio.timeout(seconds):
            return await _exchange(process, stdin, max_output)
    except TimeoutError as exc:
        raise ProcessTimeout(f"{Path(argv[0]).name} took longer than {seconds:.0f} s") from exc
    finally:
        await to_the_end(_end(process))


async def _started(
    argv: Sequence[str], cwd: Path, env: Mapping[str, str]
) -> asyncio.subprocess.Process:
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            *argv,
            cwd=cwd,
            env=dict(env),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    )
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        # Left to itself, asyncio would kill the program alone, and wait for its children.
        await to_the_end(_undo(starting))
        raise


async def _undo(starting: "asyncio.Future[asyncio.subprocess.Process]") -> None:
    with suppress(OSError):  # there is no such program
        await _end(await starting)


async def _end(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    await _ended(process)


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Wait for the end, which asyncio sees only once the pipes are read out. They are not
    waited for longer than that if something outside the group holds them open."""
    assert process.stdout is not None
    assert process.stderr is not None
    rest = [asyncio.ensure_future(_drop(pipe)) for pipe in (process.stdout, process.stderr)]
    _, late = await asyncio.wait(rest, timeout=_LAST_SECONDS)
    for task in late:
        task.cancel()
    if not late:
        await process.wait()


async def _drop(pipe: asyncio.StreamReader) -> None:
    while await pipe.read(_CHUNK):
        pass


async def _exchange(process: asyncio.subprocess.Process, stdin: bytes, limit: int) -> Finished:
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_feed(process.stdin, stdin))
            out = group.create_task(_read(process.stdout, limit))
            err = group.create_task(_read_head(process.stderr))
    except* OutputTooLarge:
        raise OutputTooLarge(f"more than {limit} bytes of output") from None
    return Finished(await process.wait(), out.result(), err.result())


async def _feed(pipe: asyncio.StreamWriter, data: bytes) -> None:
    with suppress(BrokenPipeError, ConnectionResetError):  # it may end without reading all
        pipe.write(data)
        await pipe.drain()
    pipe.close()
    with suppress(BrokenPipeError, ConnectionResetError):
        await pipe.wait_closed()


async def _read(pipe: asyncio.StreamReader, limit: int) -> bytes:
    data = bytearray()
    while chunk := await pipe.read(_CHUNK):
        data += chunk
        if len(data) > limit:
            raise OutputTooLarge
    return bytes(data)


async def _read_head(pipe: asyncio.StreamReader) -> bytes:
    """The first bytes; the rest is read and dropped, so that the program never blocks."""
    data = bytearray()
    while chunk := await pipe.read(_CHUNK):
        data += chunk[: _MAX_STDERR - len(data)]
    return bytes(data)
