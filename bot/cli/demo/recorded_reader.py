"""A reader for the demo where no model is set: answers that people wrote down for its showcase.

It serves them as an OpenAI-compatible endpoint, so that all the rest of a review is real. What
is asked is known by the name of the schema and by the paths and titles in the prompt, not by its
words: prompts may change.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from bot.runtime.http_server import serving
from bot.runtime.tcp_ports import listen

#: The name of this reader wherever a model's name is shown.
MODEL = "recorded answers (no model)"

#: Said where the answers are shown: nobody is to take them for a model's.
LABEL = "No model reads this pull request: answers that we recorded for it are replayed."

_NO_ANSWER = (
    "This demo replays recorded answers, and has none for questions. Set `OPENAI_BASE_URL`, "
    "`OPENAI_API_KEY` and `LLM_MODEL`, and start it again."
)

#: `overview`, `summaries`, `look_ups`, and `findings`, each with its verdict as `check`.
Recorded = Mapping[str, Any]
Json = dict[str, Any]


@asynccontextmanager
async def recorded_reader(
    recorded: Recorded, *, seconds: float = 0
) -> AsyncIterator[dict[str, str]]:
    """Serve these answers, each after some seconds; yields the environment variables that have
    the App ask here."""

    async def complete(request: Request) -> JSONResponse:
        asked = await request.json()
        await asyncio.sleep(seconds)
        return JSONResponse(_completion(answer(recorded, asked)))

    listener = listen(0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    app = Starlette(routes=[Route("/v1/chat/completions", complete, methods=["POST"])])
    async with serving(app, listener):
        yield {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": "none", "LLM_MODEL": MODEL}


def answer(recorded: Recorded, asked: Json) -> str:
    """What the reader says to a chat completion request."""
    prompt = "\n".join(message["content"] for message in asked["messages"][1:])
    schema = asked.get("response_format", {}).get("json_schema", {}).get("name", "")
    if schema == "review":
        return json.dumps(_reading(recorded, prompt))
    if schema == "verdicts":
        return json.dumps({"verdicts": list(_verdicts(recorded, prompt))})
    return _NO_ANSWER


def _reading(recorded: Recorded, prompt: str) -> Json:
    """Before anything was looked up, the look-ups too; a file that is not shown has no findings."""
    findings = [item["finding"] for item in recorded["findings"]]
    return {
        "overview": recorded["overview"],
        "summaries": [each for each in recorded["summaries"] if each["path"] in prompt],
        "findings": [each for each in findings if each["path"] in prompt],
        "look_ups": [] if "=== BEGIN looked up" in prompt else recorded["look_ups"],
    }


def _verdicts(recorded: Recorded, prompt: str) -> list[Json]:
    """One for each finding that the prompt numbers; of others nothing was recorded."""
    sections = re.split(r"^\|?id: (\d+)$", prompt, flags=re.MULTILINE)[1:]
    return [
        {"id": int(number), "look_ups": [], **item["check"]}
        for number, section in zip(sections[::2], sections[1::2], strict=True)
        for item in recorded["findings"]
        if item["finding"]["title"] in section
    ]


def _completion(text: str) -> Json:
    """A chat completion, https://platform.openai.com/docs/api-reference/chat/object."""
    message = {"role": "assistant", "content": text, "refusal": None}
    return {
        "id": "chatcmpl-recorded",
        "object": "chat.completion",
        "created": 0,
        "model": MODEL,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
    }
