"""One batch of a review: read by a model over HTTP, over several tries if need be."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.config.repository_config import RepoConfig
from bot.config.settings import Settings
from bot.domain.diff import ChangedFile, FileStatus, Hunk, Line
from bot.domain.model import (
    Batch,
    BatchFile,
    BatchResult,
    CheckOutcome,
    PullRequestContext,
    Repository,
    Review,
    Scan,
    State,
    Trigger,
)
from bot.store import Handoff, Store
from bot.telemetry.metrics import Metrics
from tests.support.llm_server import LLMServer, Reply, Status, Text, review, verdicts
from tests.support.pulls import PULL
from workers.analysis.llm.calls import ATTEMPTS
from workers.analysis.llm.client import LLM
from workers.queue.actor import Attempt, RetryAfter
from workers.review.analyze import analyze_batch
from workers.services import Services, stop_background

REVIEW = Review(
    id="01JD0000000000000000000001",
    repository=Repository(installation_id=1, id=7, full_name="ada/engine"),
    number=3,
    head_sha="a" * 40,
    trigger=Trigger.OPENED,
    created_at=1.0,
)
FINDING = {
    "path": "a.py",
    "quote": "first = compute(1)",
    "line": 1,
    "side": "RIGHT",
    "category": "correctness",
    "severity": "high",
    "title": "Wrong",
    "body": "Because.",
    "confidence": 0.9,
    "suggestion": None,
    "rule": None,
}


def part(path: str, text: str) -> BatchFile:
    hunk = Hunk(0, 1, "", (Line(None, 1, text),))
    file = ChangedFile(path=path, status=FileStatus.ADDED, hunks=(hunk,))
    return BatchFile(file=file, language="python", content=text, key=f"key of {path}")


@pytest.fixture
async def server() -> AsyncIterator[LLMServer]:
    async with LLMServer() as running:
        yield running


class NoGitHub:
    """Has a token for whoever asks, and nothing is ever fetched with it."""

    async def installation_token(self, installation_id: int, repository_id: int) -> str:
        return "ghs_x"


@pytest.fixture
async def services(store: Store, server: LLMServer) -> AsyncIterator[Services]:
    """A review with one batch to read; another keeps it from being published."""
    await store.reviews.open(REVIEW)
    await store.reviews.update(REVIEW.id, handoff=Handoff(pull=PULL, config=RepoConfig()))
    scanned = Scan(
        merge_base="b" * 40,
        pr_context=PullRequestContext(title="", body=""),
        files=(),
        skipped=(),
        evidence=(),
    )
    await store.stage_data.save_scan(REVIEW.id, scanned)
    batches = [Batch(0, (part("a.py", "first = compute(1)"),)), Batch(1, (part("b.py", "b = 2"),))]
    await store.reviews.move(
        REVIEW.id, State.ANALYZING, from_states=[State.QUEUED], batches=batches, files_total=2
    )
    settings = Settings(
        _env_file=None, openai_base_url=server.url, llm_model="tiny", llm_backoff_ms=1
    )
    llm = LLM(settings, store)
    github: Any = NoGitHub()
    metrics = Metrics(store.metrics)
    yield Services(settings=settings, store=store, github=github, llm=llm, metrics=metrics)
    await stop_background()
    await llm.aclose()


async def read_batch(services: Services, *, last_try: bool = False) -> None:
    await analyze_batch(services, Attempt(0, last=last_try), REVIEW.id, 0)


async def result(services: Services) -> BatchResult:
    [only] = await services.store.stage_data.results(REVIEW.id)
    return only


async def test_a_try_that_was_cut_short_by_an_outage_is_counted_in_the_cost(
    services: Services, server: LLMServer
) -> None:
    server.script(review(FINDING), *[Status(503)] * ATTEMPTS)
    with pytest.raises(RetryAfter):
        await read_batch(services)
    server.script(verdicts(0.9))
    await read_batch(services)
    usage = (await result(services)).usage
    assert (usage.calls, usage.cache_hits) == (2, 1)
    assert usage.prompt_tokens == 2000


async def known_keys(services: Services) -> frozenset[str]:
    repository = REVIEW.repository
    return await services.store.pulls.file_result_keys(repository.id, REVIEW.number)


async def test_what_was_read_and_checked_is_remembered(
    services: Services, server: LLMServer
) -> None:
    server.script(review(FINDING), verdicts(0.9))
    await read_batch(services)
    assert await known_keys(services) == {"key of a.py"}


async def test_an_answer_that_was_cut_off_is_not_remembered(
    services: Services, server: LLMServer
) -> None:
    whole = review(FINDING, FINDING).content or ""
    server.script(Text(whole[: whole.rindex('"body"')], "length"), verdicts(0.9))
    await read_batch(services)
    assert len((await result(services)).findings) == 1
    assert await known_keys(services) == set()


@pytest.mark.parametrize("llm_reply", [Status(400), Text('{"verdicts": []}')])
async def test_unverified_findings_are_not_recorded(
    services: Services, server: LLMServer, llm_reply: Reply
) -> None:
    server.script(review(FINDING))
    server.default = llm_reply
    await read_batch(services, last_try=True)
    assert len((await result(services)).findings) == 1
    assert await known_keys(services) == set()


async def test_a_finding_without_a_verdict_is_kept_and_not_recorded_as_checked(
    services: Services, server: LLMServer
) -> None:
    other = FINDING | {"title": "Slow", "category": "performance"}
    server.script(review(FINDING, other), verdicts(0.9), verdicts())
    await read_batch(services)
    assert [each.check for each in (await result(services)).findings] == [
        CheckOutcome.CONFIRMED,
        CheckOutcome.UNCHECKED,
    ]
    assert await known_keys(services) == set()
