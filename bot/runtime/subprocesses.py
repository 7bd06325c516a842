"""Programs of ours that are short, like git on what we have made ourselves."""

import asyncio
import contextlib

from bot.runtime.tasks import run_to_completion


async def output_of(
    program: asyncio.subprocess.Process, stdin: bytes | None = None
) -> tuple[bytes, bytes]:
    """All that it writes to those of its outputs that are pipes, once it has ended. asyncio would
    leave it to itself, and its pipes open, where the caller is cancelled: here it is killed."""
    try:
        return await program.communicate(stdin)
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError):
            program.kill()
        await run_to_completion(program.communicate())
        raise
