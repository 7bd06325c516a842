"""A file too large for one prompt is read in parts, and counts as the one file that it is."""

import json
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from bot.store import keys
from tests.flows.environment import running
from tests.support.llm_server import LLMServer

LINES = 400


async def test_a_file_read_in_parts_is_counted_once(
    redis_url: str, redis: "Redis", tmp_path: Path
) -> None:
    large = "".join(f"value_{n} = compute({n}, other={n})\n" for n in range(LINES))
    async with LLMServer() as llm:
        settings: dict[str, Any] = {
            "openai_base_url": llm.url,
            "llm_model": "tiny",
            "llm_context_tokens": 4000,
        }
        async with running(redis_url, redis, tmp_path, **settings) as world:
            after = {"large.py": large, "small.py": "x = 1\n"}
            number = await world.open_pull({"a.txt": "1\n"}, after)
            await world.settle()
            pull = await world.store.pulls.get(world.repository.id, number)
            stream_entries: Any = await redis.xrange(keys.events(pull.current))
    events = [json.loads(entry[b"data"]) for _, entry in stream_entries]
    assert len(llm.requests) > 2
    assert {event["files_total"] for event in events} == {0, 2}
    assert events[-1]["files_done"] == 2
