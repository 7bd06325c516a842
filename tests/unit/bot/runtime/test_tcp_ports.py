"""Answers leave at once."""

import asyncio
import socket

from bot.runtime.tcp_ports import listen


async def test_no_answer_waits_for_the_acknowledgement_of_another() -> None:
    accepted: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()

    def note(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.put_nowait(writer)

    listener = listen(0)
    async with await asyncio.start_server(note, sock=listener):
        _, writer = await asyncio.open_connection(*listener.getsockname())
        answering = await accepted.get()
        one = answering.get_extra_info("socket")
        assert one.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        for end in (answering, writer):
            end.close()
            await end.wait_closed()
