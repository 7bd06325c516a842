"""For each way to fail: what stands on the check run, exactly, as golden files.

Run with UPDATE_GOLDEN=1 to write them anew, and read the difference.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.config.settings import Settings
from bot.domain.model import Repository, Review, State, Trigger
from bot.github.errors import Transient, error_of
from bot.store import ReviewState, Store
from bot.telemetry.metrics import Metrics
from tests.support.reviews import state_of
from workers.queue.actor import Attempt, RetryLater
from workers.reports.render import Ending, failure_output
from workers.review.stage import MAX_STARTS, StageFailed, run_stage
from workers.scan.repository.errors import CloneError
from workers.scan.repository.git import _explained
from workers.scan.repository.process import ProcessTimeout
from workers.schedule import maintenance
from workers.services import Services

GOLDEN = Path(__file__).parents[1] / "golden"
ID = "01JD0000000000000000000001"
LAST = Attempt(3, last=True)
PERMISSION = {"x-accepted-github-permissions": "checks=write"}


@pytest.fixture
async def services(store: Store) -> Services:
    """A review that is being scanned; nothing here speaks to GitHub."""
    review = Review(
        id=ID,
        repository=Repository(installation_id=1, id=7, full_name="ada/engine"),
        number=3,
        head_sha="a" * 40,
        trigger=Trigger.OPENED,
        created_at=1.0,
    )
    await store.reviews.open(review)
    await store.reviews.move(ID, State.SCANNING, from_states=[State.QUEUED], started_at=store.now())
    nothing: Any = None
    settings = Settings(_env_file=None)
    metrics = Metrics(store.metrics)
    return Services(settings=settings, store=store, github=nothing, llm=None, metrics=metrics)


async def shown(store: Store) -> str:
    """The check run's output for the review as it ended."""
    review = await state_of(store, ID)
    assert review.state is State.FAILED
    output = failure_output(Ending.TIMED_OUT if review.timed_out else Ending.FAILED, review.error)
    return f"{output.title}\n\n{output.summary}\n"


def compare(name: str, text: str) -> None:
    path = GOLDEN / f"failure-{name}.md"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        path.write_text(text)
    assert text == path.read_text()


async def failing(services: Services, exc: Exception, attempt: Attempt = LAST) -> None:
    async def work(review: ReviewState) -> None:
        raise exc

    await run_stage(services, ID, "scan", during=[State.SCANNING], attempt=attempt, work=work)


def github(status: int, message: str, headers: dict[str, str] | None = None) -> Exception:
    body = b'{"message": "%s"}' % message.encode()
    path = "/repos/ada/engine/check-runs"
    return error_of(status, headers or {}, body, method="POST", path=path)


def too_slow() -> Exception:
    error = CloneError(
        "Reading the repository took too long; raise CLONE_SECONDS if it is that large.",
        transient=True,
    )
    error.__cause__ = ProcessTimeout("git took longer than 300 s")
    return error


FAILURES: dict[str, Callable[[], Exception]] = {
    "permission": lambda: github(403, "Resource not accessible by integration", PERMISSION),
    "gone": lambda: github(404, "Not Found"),
    "credentials": lambda: github(401, "Bad credentials"),
    "refused": lambda: github(422, "Validation Failed"),
    "commits-gone": lambda: _explained("fatal: remote error: upload-pack: not our ref abc"),
    "clone-slow": too_slow,
    "lost-in-redis": lambda: StageFailed("The review's data expired in Redis; start it again."),
    "unexpected": lambda: KeyError("a bug of ours"),
}


@pytest.mark.parametrize("way", FAILURES)
async def test_a_permanent_failure_is_reported(way: str, services: Services) -> None:
    await failing(services, FAILURES[way]())
    compare(way, await shown(services.store))


async def test_an_outage_that_outlasts_the_review_is_reported(services: Services) -> None:
    github_down = Transient("GitHub did not answer GET /repos/ada/engine/compare: ConnectTimeout.")
    with pytest.raises(RetryLater):
        await failing(services, github_down)
    began = services.store.now() - 3700
    await services.store.reviews.update(ID, started_at=began)
    await maintenance.sweep(services)
    compare("github-away", await shown(services.store))


async def test_a_stage_past_its_limit_is_reported(services: Services) -> None:
    await services.store.reviews.update(ID, started_at=services.store.now() - 3700)
    await failing(services, AssertionError("is not begun"))
    compare("time-limit", await shown(services.store))


async def test_a_review_that_crashes_its_workers_is_reported(services: Services) -> None:
    for number in range(MAX_STARTS):
        await services.store.stage_data.record_start(ID, "scan", f"start {number}")
    await failing(services, AssertionError("is not begun"))
    compare("workers-died", await shown(services.store))


async def test_a_review_that_was_abandoned_too_often_is_reported(services: Services) -> None:
    await services.store.reviews.update(ID, recoveries=maintenance.MAX_RECOVERIES)
    await maintenance.sweep(services)
    compare("given-up", await shown(services.store))
