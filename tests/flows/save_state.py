"""The state that a version leaves in Redis when it is stopped in the middle of everything.

    python -m tests.flows.save_state tests/data/saved-state/1.json

writes it as the code at hand does. It is run once for each format, by the last version that writes
it; later versions go on from it in `test_upgrades`.
"""

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from bot.cli.embedded_redis import embedded_redis
from bot.domain.model import State
from bot.store import connect, message
from tests.flows.environment import REPO, World, running
from tests.support.llm_server import LLMServer, Request, Text, agreeable, review
from tests.support.sandbox.commits import write_commit
from tests.support.saved_state import save
from workers.queue.broker import make_broker

#: Commits have the same names in every sandbox.
COMMITTED_AT = 1_767_225_600

BASE = {"shop.py": "import os\n\n\ndef home():\n    return os.environ['HOME']\n"}

_RUN = "\n\ndef run(command):\n    return subprocess.call(command, shell=True)\n"
_MEAN = "\n\ndef mean(prices):\n    return sum(prices) / len(prices)\n"

#: What each pull request changes, by its number, and how far its review is when all is stopped.
PULLS = {
    1: {"shop.py": BASE["shop.py"].replace("os\n", "os\nimport subprocess\n", 1) + _RUN + _MEAN},
    2: {"shop.py": BASE["shop.py"] + _MEAN},
    3: {"cart.py": "def total(prices):\n    return eval(prices)\n"},
    4: {"basket.py": "def total(prices):\n    return eval(prices)\n"},
}
REPORTED, ANALYZING, PARKED, DELIVERED = PULLS

MEAN_FINDING = {
    "path": "shop.py",
    "quote": "    return sum(prices) / len(prices)",
    "category": "correctness",
    "severity": "high",
    "title": "The mean of no prices divides by zero",
    "body": "`mean([])` raises ZeroDivisionError.",
    "confidence": 0.9,
    "suggestion": "    return sum(prices) / max(1, len(prices))",
}


def answer(request: Request) -> Text:
    """A model that reports the mean of nothing, wherever it is."""
    if request.asks_for_verdicts or "def mean" not in request.user:
        return agreeable(request)
    return review(MEAN_FINDING, **{"shop.py": "Adds the mean price."})


async def open_pull(world: World, number: int) -> None:
    """Open one of PULLS, with the same commits in every sandbox."""
    git_dir = world.repository.git_dir
    base = await write_commit(git_dir, BASE, parent=None, message="Begin", when=COMMITTED_AT)
    head = await write_commit(
        git_dir, PULLS[number], parent=base, message=f"Change {number}", when=COMMITTED_AT + number
    )
    assert await world.sandbox.open_pull(REPO, base, head, title=f"Change {number}") == number


async def make_state(url: str, directory: Path) -> dict[str, Any]:
    """Run everything until each thing that is kept has something in it, stop, and save it."""
    async with LLMServer(default=answer) as llm:
        redis = connect(url)
        settings: dict[str, Any] = {
            **llm.settings,
            "llm_input_price": 1.0,
            "llm_output_price": 2.0,
            "installation_reviews": 1,
            "worker_threads": 4,
        }
        async with running(url, redis, directory, **settings) as world:
            await open_pull(world, REPORTED)
            await world.settle()
            comments = {one.path: one for one in world.inline_comments if "shell" in one.body}
            shell = comments["shop.py"].id
            await world.sandbox.reply_in_thread(REPO, shell, "/review dismiss it is ours")
            await world.settle()

            llm.answering.clear()
            await open_pull(world, ANALYZING)
            await llm.until(lambda: llm.active == 1)
            await open_pull(world, PARKED)
            await world.until(PARKED, State.QUEUED)
            await world.stop_worker(1000)
            await open_pull(world, DELIVERED)
            await _leave_messages(world, url)
            state = await save(redis)
        await redis.aclose()
    return state


async def _leave_messages(world: World, url: str) -> None:
    """A dead letter, and a message that waits for its time."""
    broker = make_broker(url, [])
    broker.declare_queue("reports")
    store = world.store
    pull = await store.pulls.get(world.repository.id, REPORTED)
    await store.queues.put(message("render_report", pull.current, "json"))
    [taken] = await asyncio.to_thread(broker.do_fetch, "reports", 1)
    body = json.loads(taken)
    await asyncio.to_thread(broker.do_nack, "reports", body["options"]["redis_message_id"])
    await store.queues.put(message("render_report", pull.current, "sarif", delay=1))
    broker.close()


async def saved_state() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as directory:
        async with embedded_redis(Path(directory) / "redis") as url:
            return await make_state(url, Path(directory) / "data")


if __name__ == "__main__":
    text = json.dumps(asyncio.run(saved_state()), indent=1, sort_keys=True, ensure_ascii=False)
    Path(sys.argv[1]).write_text(text + "\n")
