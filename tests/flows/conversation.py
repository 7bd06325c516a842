"""What people read in the conversation and in the threads of a flow's pull request."""

import asyncio
import json
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import connect

from bot.runtime.tasks import stop
from bot.store import QUEUES, Store, keys, message
from bot.web.feed.feed import Close
from tests.flows.environment import REPO, SECONDS, World

#: Changed so that an analyser has one thing to say: of line 10.
BEFORE = {"app.py": "import os\n\n\ndef home():\n    return os.environ['HOME']\n"}
AFTER = {
    "app.py": (
        "import os\nimport subprocess\n\n\ndef home():\n    return os.environ['HOME']\n\n\n"
        "def run(command):\n    return subprocess.call(command, shell=True)\n"
    )
}
US = "glossator[bot]"


async def reviewed(world: World) -> int:
    """The number of a pull request on which one review and one comment stand."""
    number = await world.open_pull(BEFORE, AFTER)
    await world.settle()
    assert (len(world.reviews), len(world.inline_comments)) == (1, 1)
    return number


async def pushed(world: World, number: int, files: dict[str, str | None]) -> str:
    """Push a commit that changes the files; its id."""
    parent = world.repository.pulls[number].head_sha
    head = await world.sandbox.commit(REPO, files, parent=parent)
    await world.sandbox.push(REPO, number, head)
    return head


def reactions(world: World, comment_id: int) -> list[str]:
    """What the App put on a comment, in order."""
    comments = world.repository.issue_comments | world.repository.review_comments
    return [r.content for r in comments[comment_id].reactions if r.user == US]


def bot_comments(world: World) -> list[str]:
    """What the App wrote on the conversation, without the markers."""
    bodies = [c.body for c in world.conversation if c.user == US]
    return [body.partition("\n")[2].strip() for body in bodies]


def replied(world: World, to: int) -> list[str]:
    """What the App replied in the thread of a comment, without the markers."""
    thread = [c for c in world.inline_comments if c.in_reply_to_id == to and c.user == US]
    return [c.body.partition("\n")[2].strip() for c in thread]


def writes_since(world: World, mark: int, *, but: Collection[str] = ()) -> list[str]:
    """Writes of ours after the first `mark`, each as what it was made to: `POST reactions`.
    Tokens are no writes that people see."""
    lines = [line for line in world.writes()[mark:] if "access_tokens" not in line]
    short = [f"{line.split(' ')[0]} {_what(line)}" for line in lines]
    return [line for line in short if line not in but]


def _what(line: str) -> str:
    """The last word of a path that is no number: `check-runs`, `reviews`, `comments`, ..."""
    return next(part for part in reversed(line.split("/")) if part and not part.isdigit())


async def fed(page: str) -> list[dict[str, Any]]:
    """What the feed of a review's page tells until it ends."""
    async with (
        asyncio.timeout(SECONDS),
        connect(page.replace("http", "ws", 1).replace("/reviews/", "/ws/reviews/")) as socket,
    ):
        messages = [json.loads(message) async for message in socket]
        assert socket.close_code == Close.DONE
    return messages


async def handled(world: World, guid: str) -> bool:
    """Whether a delivery was queued, and is worked off."""
    queued = await world.store.redis.exists(keys.delivery(guid))
    return bool(queued) and not await world.store.redis.hlen(keys.queue_messages("events"))


async def forget_delivery(world: World, guid: str) -> None:
    """As if the delivery had failed: nothing is remembered of its id or of what it said."""
    redis = world.store.redis
    said = [name async for name in redis.scan_iter(match=keys.delivery_content("*"))]
    same = [name for name in said if await redis.get(name) == guid.encode()]
    await redis.delete(keys.delivery(guid), *same)


@asynccontextmanager
async def everything_twice(store: Store) -> AsyncIterator[None]:
    """Put each message that appears a second time, so that two workers have it at once."""
    seen: set[str] = set()

    async def look() -> None:
        while True:
            for queue in QUEUES:
                for name, body in (await store.redis.hgetall(keys.queue_messages(queue))).items():
                    if name.decode() not in seen:  # type: ignore[union-attr]
                        data = json.loads(body)
                        copy = message(data["actor_name"], *data["args"])
                        seen.update((name.decode(), copy.id))  # type: ignore[union-attr]
                        await store.queues.put(copy)
            await asyncio.sleep(0.002)

    task = asyncio.create_task(look())
    try:
        yield
    finally:
        await stop(task)
