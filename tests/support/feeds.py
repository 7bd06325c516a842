"""A client of the live feed."""

import asyncio
import json
import time
from contextlib import suppress
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from bot.config.settings import Settings
from bot.security.links import Purpose, sign
from bot.security.signing import signing_keys

LATER = int(time.time()) + 3600


def url(address: str, settings: Settings, review_id: str, after: str = "", path: str = "") -> str:
    key = sign(signing_keys(settings)[0], Purpose.PAGE, review_id, LATER)
    later = f"&after={after}" if after else ""
    return f"ws://{address}/ws/{path or 'tasks'}/{review_id}?key={key}{later}"


async def read(socket: ClientConnection) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(await asyncio.wait_for(socket.recv(), 10))
    return message


async def rest(socket: ClientConnection) -> tuple[list[dict[str, Any]], int]:
    """What comes until the server closes, and its close code."""
    messages = []
    with suppress(ConnectionClosed):
        while True:
            messages.append(await read(socket))
    return messages, socket.close_code or 0
