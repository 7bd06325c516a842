"""WebSocket /ws/tasks/{id} and /ws/reviews/{id}: a review told as it happens.

Every message is a JSON object with `type`; those of the review carry its stream's `id`,
which a client gives as `?after=` when it comes back. docs/api.md has the contract.
"""

import asyncio
import json
import re
from contextlib import aclosing, suppress
from dataclasses import asdict
from enum import IntEnum

from starlette.responses import PlainTextResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from bot.policy.precedence import speak
from bot.runtime.tasks import stop
from bot.security.links import Purpose
from bot.security.network import network_of
from bot.store import RedisError, StreamEvent
from bot.web.auth.viewer import (
    find_pending_access,
    find_review_access,
    link_expiry,
    same_origin,
    viewer,
)
from bot.web.feed.fanout import Fanout, SlowConsumer

#: A message that a client does not take for so long makes it a slow client.
SEND_SECONDS = 10.0
CLOSE_SECONDS = 1.0

#: How often it is asked whether the client may still watch: sessions end, and links expire.
ACCESS_SECONDS = 30.0

#: After so many of these questions, four hours, a feed ends: its client comes back if it is there.
MAX_ACCESS_CHECKS = 480

#: Clients say `ping`; a message that is longer than this is not waited for.
MESSAGE_BYTES = 1024

_EVENT_ID = re.compile(r"[0-9]{1,16}(-[0-9]{1,16})?")


class Close(IntEnum):
    """Codes that end a feed. 1012 comes from the server itself when it restarts."""

    DONE = 1000  # the review is finished and all is told
    UNEXPECTED_MESSAGE = 1008  # something other than `ping` was sent
    TRY_LATER = 1013  # Redis is away
    ACCESS_ENDED = 4404  # the session or the link by which the client came has ended
    SLOW = 4408  # the client did not keep up: come back with `?after=`
    OLD = 4410  # it was open for hours: come back with `?after=`


async def feed(websocket: WebSocket) -> None:
    """Refusals come before the handshake, as HTTP: 404 (no such review for you, whatever the
    reason), 400 (`after` is no event id), 429 (too many feeds from this address)."""
    review_id, after = websocket.path_params["review_id"], websocket.query_params.get("after", "0")
    try:
        allowed = await _may_watch(websocket, review_id)
    except RedisError:
        await _refuse(websocket, 503, "Try again in a moment.")
        return
    if not allowed:
        await _refuse(websocket, 404, "Not found.")
        return
    if not _EVENT_ID.fullmatch(after):
        await _refuse(websocket, 400, "`after` must be the `id` of an event.")
        return
    address = network_of(websocket.client.host) if websocket.client else ""
    async with websocket.app.state.feed_limiter.acquire(address) as allowed:
        if allowed:
            await websocket.accept()
            await _speak(websocket, review_id)
            await _serve(websocket, review_id, after)
        else:
            await _refuse(websocket, 429, "Too many live connections. Try again later.")


async def _speak(websocket: WebSocket, review_id: str) -> None:
    """Write in the language of the review's page. Where Redis is away, that shows soon enough."""
    with suppress(RedisError):
        state = await websocket.app.state.store.reviews.get(review_id)
        if state is not None and state.handoff is not None:
            speak(websocket.app.state.settings, state.handoff.config)


async def _may_watch(websocket: WebSocket, review_id: str) -> bool:
    target = websocket, Purpose.PAGE, review_id
    if await find_review_access(*target) is None and await find_pending_access(*target) is None:
        return False
    if link_expiry(*target) is not None:
        return True
    # A browser sends cookies along wherever a page comes from, and no page may read for
    # another site's benefit.
    user = await viewer(websocket)
    by_cookie = user is not None and user.session is not None
    return not by_cookie or same_origin(websocket)


async def _refuse(websocket: WebSocket, status: int, reason: str) -> None:
    await websocket.send_denial_response(PlainTextResponse(reason, status))


async def _serve(websocket: WebSocket, review_id: str, after: str) -> None:
    """Tell events and answer pings until one side ends it."""
    tasks = [
        asyncio.create_task(_listen(websocket)),
        asyncio.create_task(_stream_events(websocket, review_id, after)),
        asyncio.create_task(_until_access_ends(websocket, review_id)),
    ]
    try:
        finished, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await stop(*tasks)
    for code in [task.result() for task in finished]:
        if code is not None:
            # A client that reads nothing keeps the close frame waiting, too.
            with suppress(TimeoutError, RuntimeError, WebSocketDisconnect):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await websocket.close(code)
            return


async def _until_access_ends(websocket: WebSocket, review_id: str) -> Close:
    for _ in range(MAX_ACCESS_CHECKS):
        await asyncio.sleep(ACCESS_SECONDS)
        with suppress(RedisError):  # asked again; who tells events notices as well
            if not await _may_watch(websocket, review_id):
                return Close.ACCESS_ENDED
    return Close.OLD


async def _listen(websocket: WebSocket) -> Close | None:
    """Answer pings; None once the client is gone."""
    try:
        while await websocket.receive_text() == "ping":
            if not await _send(websocket, {"type": "pong"}):
                return Close.SLOW
    except KeyError:  # a binary message
        return Close.UNEXPECTED_MESSAGE
    except WebSocketDisconnect:
        return None
    return Close.UNEXPECTED_MESSAGE


async def _stream_events(websocket: WebSocket, review_id: str, after: str) -> Close | None:
    """Tell what happens until nothing more can; None once the client is gone."""
    fanout: Fanout = websocket.app.state.fanout
    try:
        await _send(websocket, {"type": "connected", "task_id": review_id})
        if await _nothing_left_to_send(websocket, review_id, after):
            return Close.DONE
        async with (
            fanout.watch(review_id) as watcher,
            aclosing(watcher.events(after)) as events,
        ):
            async for event in events:
                if not await _send(websocket, _message(event)):
                    return Close.SLOW
                if event.is_final:
                    return Close.DONE
    except SlowConsumer:
        return Close.SLOW
    except RedisError:
        return Close.TRY_LATER
    except WebSocketDisconnect:
        return None
    return None


async def _nothing_left_to_send(websocket: WebSocket, review_id: str, after: str) -> bool:
    """True if a finished review, or what none came of, has no event later than `after`."""
    store = websocket.app.state.store
    state = await store.reviews.state(review_id)
    if state is not None and not state.finished:
        return False
    if state is None and (found := await store.requests.find(review_id)) and not found.error:
        return False
    return not await store.events.page(review_id, after)


async def _send(websocket: WebSocket, message: dict[str, object]) -> bool:
    """False if the client did not take it in time."""
    try:
        async with asyncio.timeout(SEND_SECONDS):
            await websocket.send_text(json.dumps(message))
    except TimeoutError:
        return False
    return True


def _message(event: StreamEvent) -> dict[str, object]:
    told = event.data
    found: dict[str, object] = {
        "type": event.kind,
        "id": event.id,
        "status": told.state,
        "progress": told.percent,
        "current_step": told.status_text,
        "files_total": told.files_total,
        "files_done": told.files_done,
        "findings": told.findings,
    }
    if event.kind == "failed":
        found["error"] = told.error
    if told.result is not None:
        found["result"] = asdict(told.result)
    return found
