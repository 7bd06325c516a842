"""Count the prompt tokens of reviews, by what is asked, with a reader that follows a script.

    python -m tests.eval.prompt_cost REPOSITORY dev01-base..dev01-head dev02-base..dev02-head ...

The reader is no model: its findings are worthless, and the same for each state of the program, so
that two states can be compared. It looks up 8 things, names 12 findings and leaves one in four of
them undecided: about what strong readers did on ten public pull requests (docs/analysis.md).
"""

import asyncio
import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from bot.config.settings import load
from bot.domain.progress import Progress
from bot.text.tokens import count_tokens
from tests.support.llm_server import LLMServer, Request, Text, verdict
from workers.offline.local_review import review_here
from workers.offline.review_target import local_range

LOOK_UPS = 8
FINDINGS = 12
UNDECIDED = 4  # every fourth

_LINE = re.compile(r"(?:-|\d+) (\d+) \+\|(.*)")
_CALL = re.compile(r"\b([A-Za-z_]\w{3,})\(")
_BODY = (
    "What happens there, with which input and why, in about as many words as a reader takes. " * 5
)

Added = tuple[str, int, str]


def added_lines(prompt: str) -> list[Added]:
    """Path, number and text of the added lines that a prompt shows."""
    lines, path = list[Added](), ""
    for line in prompt.split("\n"):
        if line.startswith("|path: "):
            path = line.removeprefix("|path: ")
        elif (match := _LINE.match(line)) and len(match[2].strip()) > 12:
            lines.append((path, int(match[1]), match[2]))
    return lines


class ScriptedReader:
    """Answers, and counts what it was asked: calls, tokens and characters, by the kind of call."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.tokens: Counter[str] = Counter()
        self.characters: Counter[str] = Counter()
        self._found: list[dict[str, Any]] = []

    def __call__(self, request: Request) -> Text:
        again = "=== BEGIN your draft ===" in request.user
        kind = "check" if request.asks_for_verdicts else "second reading" if again else "reading"
        if kind == "check" and "decide each finding now" in request.user:
            kind = "decision"
        text = request.system + request.user
        self.calls[kind] += 1
        self.tokens[kind] += count_tokens(text)
        self.characters[kind] += len(text)
        if request.asks_for_verdicts:
            return Text(json.dumps({"verdicts": self._verdicts(request, kind == "decision")}))
        if not again:
            self._found = findings(request.user)
        look_ups = [] if again else wanted(request.user)
        return Text(json.dumps({"findings": self._found, "look_ups": look_ups}))

    @staticmethod
    def _verdicts(request: Request, forced: bool) -> list[Any]:
        path = added_lines(request.user)[0][0]
        read = {"operation": "read", "path": path, "start": 1, "end": 80}
        return [
            verdict(id, "confirmed", 0.8)
            if forced or id % UNDECIDED
            else verdict(id, "undecided", 0.5, read)
            for id in request.finding_ids
        ]


def findings(prompt: str) -> list[dict[str, Any]]:
    """Findings on lines all over the change, in the length of a reader's."""
    lines = added_lines(prompt)
    chosen = lines[:: max(1, len(lines) // FINDINGS)][:FINDINGS]
    return [
        {
            "trace": _BODY,
            "path": path,
            "quote": text,
            "side": "new",
            "line": number,
            "category": "correctness",
            "severity": "medium",
            "title": f"Number {each} is wrong in a way of its own",
            "body": f"{each}: {_BODY}",
            "confidence": 0.7,
            "suggestion": None,
            "rule": None,
            "looked_at": [1 + each % LOOK_UPS],
        }
        for each, (path, number, text) in enumerate(chosen)
    ]


def wanted(prompt: str) -> list[dict[str, Any]]:
    """Uses and definitions of names that added lines call, in turn."""
    names = dict.fromkeys(
        (name, path) for path, _, text in added_lines(prompt) for name in _CALL.findall(text)
    )
    return [
        {"operation": ("uses", "definition")[at % 2], "symbol": name, "path": path}
        for at, (name, path) in enumerate(list(names)[:LOOK_UPS])
    ]


async def _quietly(progress: Progress) -> None:
    """The table is the output."""


async def main(repository: Path, ranges: list[str]) -> None:
    """Review each range and print a line for it, and one for the average."""
    kinds = ("reading", "second reading", "check", "decision")
    print(f"{'':24}{'calls':>6}{'tokens':>9}{'chars/4':>9}", *(f"{kind:>15}" for kind in kinds))
    total: Counter[str] = Counter()
    for each in ranges:
        reader = ScriptedReader()
        async with LLMServer(default=reader) as server:
            settings = load(
                _env_file=None, openai_base_url=server.url, llm_model="m", analyzers_disabled=[]
            )
            target = await local_range(repository, *each.split(".."))
            await review_here(target, settings, focus=None, on_progress=_quietly)
        row = Counter(reader.tokens)
        row["calls"], row["characters"] = reader.calls.total(), reader.characters.total()
        total += row
        _print(each, row, kinds)
    _print("average", Counter({k: n // len(ranges) for k, n in total.items()}), kinds)


def _print(name: str, row: Counter[str], kinds: tuple[str, ...]) -> None:
    tokens = sum(row[kind] for kind in kinds)
    print(
        f"{name:24}{row['calls']:>6}{tokens:>9}{row['characters'] // 4:>9}",
        *(f"{row[kind]:>15}" for kind in kinds),
        flush=True,
    )


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2:]))
