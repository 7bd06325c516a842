from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from bot.config.settings import Settings
from bot.domain.diff import ChangedFile, FileStatus, Hunk, Line
from bot.domain.model import Batch, BatchFile, PullRequestContext
from bot.store import Store
from tests.support.llm_server import LLMServer
from workers.analysis.llm.client import LLM

BRIEF = PullRequestContext(
    title="Speed up the search", body="It was slow.", commits=("Search faster",)
)


@pytest.fixture
async def server() -> AsyncIterator[LLMServer]:
    async with LLMServer() as running:
        yield running


@pytest.fixture
def slept() -> list[float]:
    """The waits that the LLM client asked for; no time passes."""
    return []


@pytest.fixture
async def make_llm(
    server: LLMServer, slept: list[float]
) -> AsyncIterator[Callable[..., tuple[LLM, Settings]]]:
    """Builds clients of the server, with any settings; `redis` is a keyword of its own."""
    built: list[LLM] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    def make(redis: Any = None, **settings: Any) -> tuple[LLM, Settings]:
        values = {"openai_base_url": server.url, "llm_model": "tiny", **settings}
        made = Settings(_env_file=None, **values)
        # Redis keeps time by its own clock: there, waits have to pass.
        llm = (
            LLM(made, Store(redis, keep_seconds=3600))
            if redis is not None
            else LLM(made, None, sleep=sleep)
        )
        built.append(llm)
        return llm, made

    yield make
    for llm in built:
        await llm.aclose()


def changed_file(path: str, old: list[str], new: list[str], context: list[str]) -> ChangedFile:
    """One hunk: `context` first (numbered from 1), then `old` removed and `new` added."""
    lines = [Line(n, n, text) for n, text in enumerate(context, start=1)]
    lines += [Line(len(context) + n, None, text) for n, text in enumerate(old, start=1)]
    lines += [Line(None, len(context) + n, text) for n, text in enumerate(new, start=1)]
    return ChangedFile(
        path=path,
        status=FileStatus.MODIFIED,
        hunks=(Hunk(1, 1, "", tuple(lines)),),
        additions=len(new),
        deletions=len(old),
    )


def batch_file(path: str = "src/search.py", new: list[str] | None = None) -> BatchFile:
    added = new or ["    for row in rows:", "        cursor.execute(query % row)"]
    context = ["def search(rows):", "    cursor = connect()"]
    file = changed_file(path, ["    return []"], added, context)
    return BatchFile(file=file, language="python", content="\n".join([*context, *added]))


def batch(*files: BatchFile) -> Batch:
    return Batch(0, files or (batch_file(),))


def finding(**changed: Any) -> dict[str, Any]:
    """What a good model says of `batch_file()`."""
    return {
        "path": "src/search.py",
        "quote": "        cursor.execute(query % row)",
        "side": "new",
        "line": 4,
        "category": "security",
        "severity": "high",
        "title": "SQL is built from the row's text",
        "body": "A row that holds a quote changes the query.",
        "confidence": 0.9,
        "suggestion": "        cursor.execute(query, row)",
        "rule": None,
    } | changed
