"""Saved answers: a run is repeated without the LLM, on any machine, to the same figures."""

import asyncio
import json
from pathlib import Path


class NoAnswer(Exception):
    """Raised in a replay for a question that was never saved."""


class SavedAnswers:
    """Answers as files `<key>.json` in a folder, by the content of the question.

    With `replay`, nothing but what is saved is known: a new question raises NoAnswer.
    """

    def __init__(self, folder: Path, *, replay: bool) -> None:
        self._folder = folder
        self._replay = replay

    async def get(self, key: str) -> str | None:
        path = self._folder / f"{key}.json"
        if not await asyncio.to_thread(path.exists):
            if self._replay:
                raise NoAnswer(
                    f"No saved answer {key} in {self._folder}: the prompts have changed."
                )
            return None
        saved: str = json.loads(await asyncio.to_thread(path.read_text))["answer"]
        return saved

    async def put(self, key: str, text: str) -> None:
        await asyncio.to_thread(self._folder.mkdir, parents=True, exist_ok=True)
        body = json.dumps({"answer": text}, indent=1, ensure_ascii=False) + "\n"
        await asyncio.to_thread((self._folder / f"{key}.json").write_text, body)
