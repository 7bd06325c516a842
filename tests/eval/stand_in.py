"""Save the answers of a stand-in for a model, which `make eval` replays.

    python -m tests.eval.stand_in CASES ANSWERS

It is no model and its figures say nothing about any: it knows the cases. It is asked
over HTTP by the real client, and answers each case in one of the ways below, chosen by
the case's name, so that every path of the pipeline occurs in the replay: right, with a
suggestion, in the wrong category, beside the point, quoted wrongly, missed.
"""

import asyncio
import hashlib
import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bot.config.settings import load
from tests.support.llm_server import LLMServer, Request, Text
from workers.offline.evaluation.cases import Case, Expected, load_cases
from workers.offline.evaluation.figures import as_table
from workers.offline.evaluation.run import Run, evaluate

MODEL = "stand-in"
#: Prices a million tokens, made up like the tokens, so that a cost is shown.
PRICES = {MODEL: {"prompt": 1, "cached": 0.5, "completion": 2}}
_NUMBERED = re.compile(r"^\s*(\d+|-)\s+(\d+|-)\s*([+-]?)\s*\|\s?(.*)$")

Finding = dict[str, Any]
Way = Callable[[Case, "Change"], list[Finding]]


class Change:
    """The added lines of a prompt, by path and number."""

    def __init__(self, prompt: str) -> None:
        self.added: dict[str, dict[int, str]] = {}
        path = ""
        for line in prompt.split("\n"):
            if line.startswith("|path: "):
                path = line.removeprefix("|path: ")
                self.added[path] = {}
            elif path and (match := _NUMBERED.match(line)) and match[3] == "+":
                self.added[path][int(match[2])] = match[4]

    def quote(self, expected: Expected) -> str:
        lines = self.added.get(expected.path, {})
        return "\n".join(
            lines[number] for number in range(expected.first, expected.last + 1) if number in lines
        )

    def first(self) -> tuple[str, int, str]:
        """Some added line that is worth quoting."""
        return next(
            (path, number, text)
            for path, lines in self.added.items()
            for number, text in lines.items()
            if len(text.strip()) > 10
        )


def _finding(path: str, line: int, quote: str, category: str, body: str) -> Finding:
    return {
        "trace": body,
        "path": path,
        "quote": quote,
        "side": "new",
        "line": line,
        "category": category,
        "severity": "medium",
        "title": body.partition(",")[0].partition(";")[0].partition(":")[0][:80],
        "body": body,
        "confidence": 0.8,
        "suggestion": None,
        "rule": None,
        "looked_at": [],
    }


def right(case: Case, change: Change) -> list[Finding]:
    """The defects that are there, in the words of the case."""
    return [
        _finding(at.path, at.first, change.quote(at), at.category or "", at.why)
        for at in case.expected
        if change.quote(at)
    ]


def suggesting(case: Case, change: Change) -> list[Finding]:
    """Right, with a replacement that differs and parses as often as chance has it."""
    return [
        {**finding, "suggestion": f"{finding['quote']}  # {case.name}"}
        for finding in right(case, change)
    ]


def unchanged(case: Case, change: Change) -> list[Finding]:
    """Right, with a replacement that changes nothing."""
    return [{**finding, "suggestion": finding["quote"]} for finding in right(case, change)]


def misfiled(case: Case, change: Change) -> list[Finding]:
    """At the right place, in the wrong category."""
    return [{**finding, "category": "quality"} for finding in right(case, change)]


def misquoted(case: Case, change: Change) -> list[Finding]:
    """Right, but the quote stands nowhere in the change."""
    return [{**finding, "quote": "no such line = here()"} for finding in right(case, change)]


def noisy(case: Case, change: Change) -> list[Finding]:
    """A remark that nobody needs, beside what is right."""
    path, line, text = change.first()
    remark = _finding(path, line, text, "quality", "This could be written more clearly.")
    return [*right(case, change), remark]


def silent(case: Case, change: Change) -> list[Finding]:
    """Nothing."""
    return []


WAYS: tuple[Way, ...] = (
    right, right, right, suggesting, unchanged, misfiled, misquoted, noisy, silent,
)  # fmt: skip


def way_of(name: str) -> Way:
    """The same for the same case, on every machine."""
    return WAYS[hashlib.sha256(name.encode()).digest()[0] % len(WAYS)]


class StandIn:
    """Answers the requests of the real client; `cases` by title."""

    def __init__(self, cases: tuple[Case, ...]) -> None:
        self._cases = {case.title: case for case in cases}

    def __call__(self, request: Request) -> Text:
        answer = self._verdicts(request) if request.asks_for_verdicts else self._review(request)
        text = json.dumps(answer)
        prompt = len(request.system) + len(request.user)
        return Text(text, prompt_tokens=prompt // 4, completion_tokens=len(text) // 4)

    def _review(self, request: Request) -> dict[str, Any]:
        lines = request.user.split("\n")
        case = self._cases[lines[lines.index("|title") + 1].removeprefix("|")]
        findings = way_of(case.name)(case, Change(request.user))
        return {"overview": "", "summaries": [], "findings": findings, "look_ups": []}

    @staticmethod
    def _holds(section: str) -> bool:
        return "more clearly" not in section or len(section) % 2 == 0

    def _verdicts(self, request: Request) -> dict[str, Any]:
        """All hold but half of the remarks, which it would rather not have made."""
        _, *sections = request.user.split("=== BEGIN finding ===")
        return {
            "verdicts": [
                {
                    "id": id,
                    "evidence": "as it is shown",
                    "verdict": "confirmed" if self._holds(section) else "refuted",
                    "confidence": 0.8,
                    "reason": "as it is shown",
                    "look_ups": [],
                }
                for id, section in zip(request.finding_ids, sections, strict=True)
            ]
        }


async def main(cases: Path, answers: Path) -> None:
    """Ask the stand-in about all cases; its answers replace those in the folder `answers`."""
    await asyncio.to_thread(shutil.rmtree, answers, ignore_errors=True)
    async with LLMServer(default=StandIn(load_cases(cases))) as server:
        settings = load(
            _env_file=None, openai_base_url=server.url, llm_model=MODEL, llm_prices=PRICES
        )
        results = await evaluate(Run(source=cases, answers=answers), settings)
    print(as_table(results), end="")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
