"""A program whose caller goes is ended, and leaves no pipe open."""

import asyncio
from asyncio.subprocess import PIPE

import pytest

from bot.runtime.subprocesses import output_of
from tests.support.open_pipes import open_pipes


@pytest.mark.parametrize("stdin", [None, b"x" * 1_000_000])
async def test_a_program_whose_caller_goes_is_killed(stdin: bytes | None) -> None:
    before = open_pipes()
    program = await asyncio.create_subprocess_exec(
        "sleep", "600", stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    waiting = asyncio.create_task(output_of(program, stdin))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait({waiting}, timeout=10)
    assert waiting.cancelled()
    assert program.returncode == -9
    assert open_pipes() <= before


async def test_everything_it_writes_is_reported() -> None:
    code = "cat; echo two >&2"
    program = await asyncio.create_subprocess_exec(
        "sh", "-c", code, stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    assert await output_of(program, b"one\n") == (b"one\n", b"two\n")
