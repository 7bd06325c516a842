"""Programs of ours that are short, like git on what we have made ourselves."""

import asyncio
import contextlib
import os

from bot.runtime.tasks import run_to_completion

#: git on a repository that somebody else may have configured: of its configuration nothing that
#: names a program may count. Ask it for objects only: `show` and `diff` know filters as well.
GIT = (
    *("git", "--no-pager"),
    *("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"),
    *("-c", "log.showSignature=false"),
)


#: An object that is missing in a partial clone would be fetched, by a program that the
#: repository's configuration may name: no protocol is allowed, whatever it says.
OFFLINE = {"GIT_ALLOW_PROTOCOL": "", "GIT_NO_LAZY_FETCH": "1"}


async def run_git(*arguments: str, protocols: str = "") -> tuple[int, bytes, bytes]:
    """git with these arguments and no network, unless `protocols` are named (`https:ssh`): its exit
    code, output and errors. Raises FileNotFoundError where it is not installed."""
    program = await asyncio.create_subprocess_exec(
        *(*GIT, *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **OFFLINE, "GIT_ALLOW_PROTOCOL": protocols, "GIT_TERMINAL_PROMPT": "0"},
    )
    out, err = await output_of(program)
    return program.returncode or 0, out, err


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
