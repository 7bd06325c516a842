"""A web process as people meet it, over a real Redis, and reviews to look at."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import uvicorn
from starlette.applications import Starlette
from ulid import ULID

from bot.config.settings import Settings, load
from bot.domain.diff import FileStatus
from bot.domain.model import (
    UNFINISHED,
    BatchResult,
    Category,
    FileSummary,
    Finding,
    Report,
    Repository,
    Review,
    Severity,
    SkippedFile,
    State,
    Trigger,
    Usage,
)
from bot.domain.reasons import FileSkipReason
from bot.runtime.http_server import Server
from bot.runtime.tcp_ports import listen
from bot.store import PendingRequest, ReviewResult, Store, message
from bot.web.connection_limits import ConnectionLimitProtocol
from bot.web.feed.feed import MESSAGE_BYTES
from tests.support import pulls

TOKEN = "the-admin-token-of-the-tests"


def make_settings(redis_url: str, **more: Any) -> Settings:
    values: dict[str, Any] = {
        "redis_url": redis_url,
        "secret_key": "a secret of the tests",
        "api_tokens": TOKEN,
        "allowed_hosts": "web,testserver,127.0.0.1,glossator.example",
        "feed_connections": 1000,
        "requests_a_minute": 100_000,
        **more,
    }
    return load(_env_file=None, **values)


@asynccontextmanager
async def serving(
    app: Starlette,
    port: int = 0,
    http: type[ConnectionLimitProtocol] = ConnectionLimitProtocol,
) -> AsyncIterator[str]:
    """The app on a loopback port; yields `127.0.0.1:<port>`."""
    listener = listen(port)
    config = uvicorn.Config(
        app,
        http=http,
        ws_max_size=MESSAGE_BYTES,
        log_config=None,
        lifespan="on",
        timeout_graceful_shutdown=1,
    )
    async with Server(config).listening(listener):
        yield f"127.0.0.1:{listener.getsockname()[1]}"


REVIEW = Review(
    id="",
    repository=Repository(installation_id=7, id=11, full_name="octo/demo"),
    number=12,
    head_sha="c" * 40,
    trigger=Trigger.OPENED,
    created_at=1_800_000_000.0,
    requested_by="mona",
)


async def open_review(store: Store, **changes: Any) -> Review:
    """A review that was just opened; each on a pull request of its own unless said."""
    review = replace(REVIEW, id=str(ULID()), created_at=store.now(), **changes)
    await store.reviews.open(review)
    return review


async def ask_for_review(store: Store) -> Review:
    """A review that was asked for over the API and has not begun."""
    review = replace(REVIEW, id=str(ULID()))
    request = PendingRequest(
        repository=review.repository.full_name,
        number=review.number,
        trigger=Trigger.API,
        requested_by="mona",
        requested_at=store.now(),
    )
    await store.requests.add(review.id, request)
    return review


PULL = replace(
    pulls.PULL,
    number=12,
    title="Cache the exchange rates",
    body="Rates change once a day.",
    author="mona",
    head_ref="cache",
    head_sha="c" * 40,
    head_repository="octo/demo",
    labels=(),
    url="https://github.com/octo/demo/pull/12",
    additions=60,
    deletions=4,
)

FINDINGS = (
    Finding(
        path="shop/orders.py",
        category=Category.SECURITY,
        severity=Severity.CRITICAL,
        title="The customer's name becomes part of the SQL text",
        body="A name such as `'; DROP TABLE orders; --` runs as SQL.\n\n"
        "Pass it as a *parameter* instead: <script>alert(1)</script> ![x](https://evil.example/p)",
        confidence=0.95,
        source="llm",
        quote="query = f\"SELECT * FROM orders WHERE customer = '{name}'\"\n"
        "for row in db.execute(query):  # every order\n    yield row",
        start_line=41,
        end_line=43,
        suggestion='query = "SELECT * FROM orders WHERE customer = ?"\n'
        "for row in db.execute(query, (name,)):\n    yield row",
        fingerprint="f1",
    ),
    Finding(
        path="shop/rates.py",
        category=Category.CORRECTNESS,
        severity=Severity.MEDIUM,
        title="The cache never forgets",
        body="`lru_cache` keeps yesterday's rates until the process ends.",
        confidence=0.8,
        source="llm",
        quote="@lru_cache\ndef rate(currency: str) -> Decimal:",
        start_line=9,
        end_line=10,
        fingerprint="f2",
    ),
    Finding(
        path="shop/rates.py",
        category=Category.QUALITY,
        severity=Severity.LOW,
        title="`os` is imported but unused",
        body="Remove the import.",
        confidence=1.0,
        source="ruff:F401",
        quote="import os",
        start_line=1,
        end_line=1,
        fingerprint="f3",
    ),
)


def make_report(review: Review, **changes: Any) -> Report:
    report = Report(
        review=review,
        pull=PULL,
        merge_base="a" * 40,
        verdict="1 high-severity issue to fix before merging.",
        conclusion="neutral",
        findings=FINDINGS,
        inline=("f1", "f2"),
        files=(
            FileSummary(
                path="shop/orders.py",
                status=FileStatus.MODIFIED,
                additions=21,
                deletions=4,
                summary="Orders can be listed by customer.",
            ),
            FileSummary(path="shop/rates.py", status=FileStatus.ADDED, additions=39, deletions=0),
        ),
        skipped=(SkippedFile("uv.lock", FileSkipReason.LOCK_FILE),),
        rejected=(),
        usage=Usage(
            calls=3, prompt_tokens=18_204, cached_tokens=9_000, completion_tokens=812, cost=0.0412
        ),
        models=("example-large",),
        notes=("oxlint took longer than 60 seconds; skipped",),
        finished_at=review.created_at + 60,
    )
    return replace(report, **changes)


async def complete(store: Store, review: Review, **changes: Any) -> Report:
    """Bring the review to its end, with its report."""
    report = make_report(review, **changes)
    await store.stage_data.save_report(report)
    review_url = "https://github.com/octo/demo/pull/12#pullrequestreview-1"
    result = ReviewResult(
        verdict=report.verdict,
        conclusion=report.conclusion,
        findings=len(report.findings),
        review_url=review_url,
    )
    assert await store.reviews.move(
        review.id,
        State.COMPLETED,
        from_states=UNFINISHED,
        percent=100,
        findings=len(report.findings),
        result=result,
        review_url=review_url,
    )
    return report


async def bring_in(store: Store, review: Review, number: int, *findings: Finding) -> None:
    """One batch of a review in `analyzing` comes in, with these findings."""
    usage = Usage(calls=1, prompt_tokens=1000, completion_tokens=50, cost=0.01)
    await store.stage_data.finish_batch(
        review.id,
        number,
        BatchResult(findings=findings, usage=usage),
        files=1,
        publish=message("publish_review", review.id),
    )
