"""A report with something of everything, and golden files compared exactly."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.config.repository_config import RepoConfig
from bot.config.settings import load
from bot.domain.diff import FileStatus
from bot.domain.model import (
    BatchResult,
    Category,
    CheckOutcome,
    FileSummary,
    Finding,
    Place,
    PullRequest,
    PullRequestContext,
    Rejected,
    Report,
    Repository,
    Review,
    Scan,
    Severity,
    SkippedFile,
    Trigger,
    Usage,
)
from bot.domain.reasons import FileSkipReason, RejectionReason
from bot.domain.suppressions import Dismissals
from tests.support.pulls import PULL
from workers.reports.merge import build_report

GOLDEN = Path(__file__).parents[3] / "golden"


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Compares a text with `tests/golden/<name>`; UPDATE_GOLDEN=1 writes it instead."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if os.environ.get("UPDATE_GOLDEN") == "1":
            path.write_text(text + "\n", encoding="utf-8")
        assert path.read_text(encoding="utf-8") == text + "\n", f"{name}: UPDATE_GOLDEN=1 rewrites"

    return compare


@pytest.fixture
def review() -> Review:
    return Review(
        id="01JD9Z6W3M8Q4V5T7X2Y0A1B2C",
        repository=Repository(installation_id=7, id=42, full_name="octo/shop"),
        number=12,
        head_sha="4f2a9c1d7e8b6a5f3c2d1e0f9a8b7c6d5e4f3a2b",
        trigger=Trigger.OPENED,
        created_at=1_763_900_000.0,
    )


@pytest.fixture
def pull() -> PullRequest:
    return replace(
        PULL,
        number=12,
        title="Let customers search orders",
        body="Adds a search box.",
        author="mona",
        base_sha="9" * 40,
        head_ref="search",
        head_sha="4f2a9c1d7e8b6a5f3c2d1e0f9a8b7c6d5e4f3a2b",
        head_repository="mona/shop",
        labels=(),
        url="https://github.example/octo/shop/pull/12",
        changed_files=4,
        additions=120,
        deletions=31,
    )


def finding(**changes: object) -> Finding:
    """A finding with the given fields; all others are those of a middling one."""
    values: dict[str, object] = {
        "path": "shop/orders.py",
        "category": Category.CORRECTNESS,
        "severity": Severity.MEDIUM,
        "title": "The page number is never checked",
        "body": "A page below 1 gives a negative `OFFSET`, which the database refuses.",
        "confidence": 0.8,
        "source": "llm",
        "quote": "offset = (page - 1) * SIZE",
        "start_line": 21,
        "end_line": 21,
        "fingerprint": "00000000000000a1",
    }
    return Finding(**{**values, **changes})  # type: ignore[arg-type]


@pytest.fixture
def scan() -> Scan:
    def file(path: str, status: FileStatus, plus: int, minus: int) -> FileSummary:
        return FileSummary(path=path, status=status, additions=plus, deletions=minus)

    return Scan(
        merge_base="8" * 40,
        pr_context=PullRequestContext(
            title="Let customers search orders", body="Adds a search box."
        ),
        files=(
            file("shop/orders.py", FileStatus.MODIFIED, 40, 11),
            file("shop/search.py", FileStatus.ADDED, 78, 0),
            file("shop/legacy.py", FileStatus.DELETED, 0, 20),
            file("poetry.lock", FileStatus.MODIFIED, 2, 0),
        ),
        skipped=(SkippedFile("poetry.lock", FileSkipReason.LOCK_FILE),),
        reviewed_paths=("shop/orders.py", "shop/search.py"),
        evidence=(
            finding(
                path="shop/search.py",
                category=Category.SECURITY,
                severity=Severity.MEDIUM,
                title="Possible SQL injection vector through string-based query construction",
                body="Possible SQL injection vector through string-based query construction",
                confidence=1.0,
                source="ruff:S608",
                quote="f\"SELECT * FROM orders WHERE note LIKE '%{text}%'\"",
                start_line=14,
                end_line=14,
                fingerprint="00000000000000b1",
            ),
            finding(
                category=Category.QUALITY,
                severity=Severity.LOW,
                title="`os` imported but unused",
                body="`os` imported but unused",
                confidence=1.0,
                source="ruff:F401",
                quote="import os",
                start_line=3,
                end_line=3,
                suggestion="",
                fingerprint="00000000000000b2",
            ),
        ),
        notes=("ruff could not read `shop/broken.py`: it does not parse.",),
        reused_findings=(
            finding(
                path="shop/stock.py",
                title="The count may go below zero",
                body="Two orders at the same time both pass the check.",
                start_line=9,
                end_line=12,
                fingerprint="00000000000000c1",
            ),
        ),
    )


@pytest.fixture
def results() -> tuple[BatchResult, ...]:
    return (
        BatchResult(
            findings=(
                finding(
                    path="shop/search.py",
                    category=Category.SECURITY,
                    severity=Severity.CRITICAL,
                    title="The search text goes into the SQL as it is",
                    body=(
                        "Whoever types `' OR 1=1 --` reads every order. Bind the text as a "
                        'parameter:\n\n```python\ndb.execute(QUERY, (f"%{text}%",))\n```'
                    ),
                    confidence=0.95,
                    quote="f\"SELECT * FROM orders WHERE note LIKE '%{text}%'\"",
                    start_line=14,
                    end_line=15,
                    suggestion='    rows = db.execute(QUERY, (f"%{text}%",))\n    return rows',
                    fingerprint="00000000000000a2",
                    check=CheckOutcome.CONFIRMED,
                    trace="text = `' OR 1=1 --` -> the f-string -> every order",
                    looked_at=(
                        Place(
                            path="shop/db.py",
                            start_line=40,
                            end_line=52,
                            description="definition of `execute`",
                        ),
                    ),
                ),
                finding(
                    places=(Place(path="shop/search.py", start_line=33, end_line=33),),
                ),
            ),
            overview="Adds a search box to the list of orders. Old code is removed.",
            rejected=(
                Rejected(
                    path="shop/search.py", title="May be slow", reason=RejectionReason.REFUTED
                ),
            ),
            summaries=(
                ("shop/orders.py", "Pages the list of orders."),
                ("shop/search.py", "Searches the notes of orders, `LIKE` on every word."),
            ),
            reviewed=("shop/orders.py", "shop/search.py"),
            usage=Usage(
                calls=2, prompt_tokens=5120, cached_tokens=1024, completion_tokens=640, cost=0.0123
            ),
            model="gpt-5-mini",
        ),
        BatchResult(
            findings=(
                finding(
                    path="shop/legacy.py",
                    category=Category.MAINTAINABILITY,
                    severity=Severity.HIGH,
                    title="`shop.jobs` still imports the deleted module",
                    body="The nightly job fails at import.",
                    confidence=0.7,
                    quote="",
                    start_line=None,
                    end_line=None,
                    fingerprint="00000000000000a3",
                ),
                finding(
                    path="shop/search.py",
                    category=Category.PERFORMANCE,
                    title="`LIKE` with a leading `%` reads the whole table",
                    body="No index helps here.",
                    start_line=14,
                    end_line=14,
                    quote="rows = db.execute(",
                    fingerprint="00000000000000a4",
                    check=CheckOutcome.UNDECIDED,
                ),
            ),
            usage=Usage(calls=1, prompt_tokens=2000, completion_tokens=200, cost=0.004),
            model="gpt-5-mini",
        ),
    )


@pytest.fixture
def one() -> Finding:
    return finding()


@pytest.fixture
def build(
    review: Review, pull: PullRequest, scan: Scan, results: tuple[BatchResult, ...]
) -> Callable[..., Report]:
    """Builds a report of the sample; any part of it may be given anew."""
    sample = {"review": review, "scan": scan, "results": results}

    def report(
        *,
        config: RepoConfig | None = None,
        posted_before: frozenset[str] = frozenset(),
        dismissed: frozenset[str] = frozenset(),
        extra: tuple[BatchResult, ...] = (),
        llm: str = "gpt-5-mini",
        earlier_reviews: int = 0,
        **parts: Any,
    ) -> Report:
        given = {**sample, **parts}
        return build_report(
            given["review"],
            pull,
            given["scan"],
            (*given["results"], *extra),
            load(_env_file=None, llm_model=llm),
            config or RepoConfig(),
            now=1_763_900_100.0,
            posted_before=posted_before,
            dismissed=Dismissals(dismissed),
            earlier_reviews=earlier_reviews,
        )

    return report


@pytest.fixture
def report(build: Callable[..., Report]) -> Report:
    """Six findings: two on one line joined, one from an earlier review, one without a line, one
    that could not be decided and one at two places."""
    return build(posted_before=frozenset({"00000000000000c1"}))
