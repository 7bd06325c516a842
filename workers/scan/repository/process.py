"""Run one foreign program: bounded time and output, and nothing of it left afterwards."""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from bot.runtime.tasks import run_to_completion

_CHUNK = 1 << 16
_MAX_STDERR = 1 << 16
#: For the end of what was killed: whoever cancels waits no longer than 2 seconds in all.
_LAST_SECONDS = 1


class ProcessTimeout(Exception):
    """The program did not end in time and was killed."""


class OutputTooLarge(Exception):
    """The program wrote more than it may and was killed."""


@dataclass(frozen=True, slots=True)
class Finished:
    """How a program ended; `err` is cut at 64 KiB. `complete` is false where it was killed for
    its output, of which `out` is the beginning."""

    code: int
    out: bytes
    err: bytes
    complete: bool = True


async def run(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    seconds: float,
    stdin: bytes = b"",
    max_output: int,
    max_records: int | None = None,
    beginning: bool = False,
) -> Finished:
    """Run `argv` in a process group of its own, with exactly the environment `env`.

    The whole group is killed when the program ends, is too slow, writes more than
    `max_output` bytes, more than `max_records` that end in NUL, or the caller is cancelled.
    Raises ProcessTimeout, OutputTooLarge unless the `beginning` of the output will do, and
    FileNotFoundError if there is no such program.
    """
    program = await _started(argv, cwd, env)
    output = _Output(max_output, max_records)
    try:
        async with asyncio.timeout(seconds):
            return await _exchange(program.process, stdin, output)
    except OutputTooLarge:
        if not beginning:
            raise
        return Finished(0, bytes(output.data[:max_output]), b"", complete=False)
    except TimeoutError as exc:
        raise ProcessTimeout(f"{Path(argv[0]).name} took longer than {seconds:.0f} s") from exc
    finally:
        await run_to_completion(_end(program))


@dataclass(frozen=True, slots=True)
class _Program:
    process: asyncio.subprocess.Process
    transport: asyncio.SubprocessTransport


async def _started(argv: Sequence[str], cwd: Path, env: Mapping[str, str]) -> _Program:
    starting = asyncio.ensure_future(_start(argv, cwd, env))
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        # Left to itself, asyncio would kill the program alone, and wait for its children.
        await run_to_completion(_undo(starting))
        raise


async def _start(argv: Sequence[str], cwd: Path, env: Mapping[str, str]) -> _Program:
    """What `asyncio.create_subprocess_exec` does, but it keeps the transport to itself."""
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.subprocess_exec(
        lambda: asyncio.subprocess.SubprocessStreamProtocol(limit=_CHUNK, loop=loop),
        *argv,
        cwd=cwd,
        env=dict(env),
        start_new_session=True,
    )
    return _Program(asyncio.subprocess.Process(transport, protocol, loop), transport)


async def _undo(starting: "asyncio.Future[_Program]") -> None:
    with suppress(OSError):  # there is no such program
        await _end(await starting)


async def _end(program: _Program) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(program.process.pid, signal.SIGKILL)
    await _ended(program)


async def _ended(program: _Program) -> None:
    """Wait for the end, which asyncio sees only once the pipes are read out. They are closed
    unread if something outside the group still holds them open after a while."""
    pipes = program.process.stdout, program.process.stderr
    rest = [asyncio.ensure_future(_drop(pipe)) for pipe in pipes if pipe is not None]
    _, late = await asyncio.wait(rest, timeout=_LAST_SECONDS)
    for task in late:
        task.cancel()
    if late:
        for descriptor in range(3):
            if pipe := program.transport.get_pipe_transport(descriptor):
                pipe.close()
    await program.process.wait()


async def _drop(pipe: asyncio.StreamReader) -> None:
    while await pipe.read(_CHUNK):
        pass


@dataclass(slots=True)
class _Output:
    """What was read so far, and how much of it may come."""

    max_bytes: int
    max_records: int | None
    data: bytearray = field(default_factory=bytearray)
    records: int = 0

    def add(self, chunk: bytes) -> None:
        self.data += chunk
        if len(self.data) > self.max_bytes:
            raise OutputTooLarge(f"more than {self.max_bytes} bytes of output")
        if self.max_records is not None:
            self.records += chunk.count(b"\0")
            if self.records > self.max_records:
                raise OutputTooLarge(f"more than {self.max_records} records of output")


async def _exchange(process: asyncio.subprocess.Process, stdin: bytes, output: _Output) -> Finished:
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_feed(process.stdin, stdin))
            group.create_task(_read(process.stdout, output))
            err = group.create_task(_read_head(process.stderr))
    except ExceptionGroup as group_raised:
        # Not by `except*`: what is raised in it comes as a group before Python 3.11.4.
        too_large, others = group_raised.split(OutputTooLarge)
        if too_large is None or others is not None:
            raise
        raise too_large.exceptions[0] from None
    return Finished(await process.wait(), bytes(output.data), err.result())


async def _feed(pipe: asyncio.StreamWriter, data: bytes) -> None:
    with suppress(BrokenPipeError, ConnectionResetError):  # it may end without reading all
        pipe.write(data)
        await pipe.drain()
    pipe.close()
    with suppress(BrokenPipeError, ConnectionResetError):
        await pipe.wait_closed()


async def _read(pipe: asyncio.StreamReader, output: _Output) -> None:
    while chunk := await pipe.read(_CHUNK):
        output.add(chunk)


async def _read_head(pipe: asyncio.StreamReader) -> bytes:
    """The first bytes; the rest is read and dropped, so that the program never blocks."""
    data = bytearray()
    while chunk := await pipe.read(_CHUNK):
        data += chunk[: _MAX_STDERR - len(data)]
    return bytes(data)
