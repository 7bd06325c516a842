"""Saved answers: a run is repeated without the LLM, on any machine, to the same figures."""

import asyncio
import json
from pathlib import Path

from bot.domain.model import Usage, decode, encode


class NoAnswer(Exception):
    """Raised in a replay for a question that was never saved."""


class SavedAnswers:
    """Answers as files `<key>.json` in a folder, by the content of the question.

    With `replay`, nothing but what is saved is known: a new question raises NoAnswer.
    `usage` is what the answers that were read have cost when they were new.
    """

    def __init__(self, folder: Path, *, replay: bool) -> None:
        self._folder = folder
        self._replay = replay
        self.usage = Usage()

    async def get(self, key: str) -> str | None:
        path = self._path(key)
        try:
            saved = json.loads(await asyncio.to_thread(path.read_text, encoding="utf-8"))
        except FileNotFoundError:
            if self._replay:
                raise NoAnswer(
                    f"{self._folder} has no answer {path.stem}: the prompts or the model have "
                    "changed since the answers were recorded. Record them again."
                ) from None
            return None
        self.usage += decode(Usage, json.dumps(saved["usage"]))
        return str(saved["answer"])

    async def put(self, key: str, text: str, usage: Usage) -> None:
        await asyncio.to_thread(self._folder.mkdir, parents=True, exist_ok=True)
        saved = {"answer": text, "usage": json.loads(encode(usage))}
        body = json.dumps(saved, indent=1, ensure_ascii=False) + "\n"
        await asyncio.to_thread(self._path(key).write_text, body, encoding="utf-8")

    def _path(self, key: str) -> Path:
        return self._folder / f"{key[:24]}.json"
