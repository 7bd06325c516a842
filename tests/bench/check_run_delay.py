"""From a delivery to the check run that a person sees: idle, and behind a backlog of scans."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path

from ulid import ULID

from bot.config.repository_config import RepoConfig
from bot.domain.model import PullRequest, Repository, Review, Trigger
from bot.sandbox.state import Repository as SandboxRepository
from bot.store import Handoff, keys, message
from tests.bench.generated_change import after, before
from tests.bench.results import Figure, median, percentile
from tests.bench.stage import SERVE, Stage, Stopwatch, stage
from tests.support.pulls import PULL

BACKLOG = 500


async def measure(directory: Path, *, quick: bool) -> list[Figure]:
    times, backlog = (3, 50) if quick else (15, BACKLOG)
    figures: list[Figure] = []
    async with stage(directory, INSTALLATION_REVIEWS="100000") as here:
        repo = await here.sandbox.add_repository("octo/signs")
        base = await here.sandbox.commit(repo.full_name, before(range(10)))
        head = await here.sandbox.commit(repo.full_name, after(range(10)), parent=base)
        await here.start(SERVE)
        await _signs(here, repo, base, head)  # the first one opens connections
        idle = [await _signs(here, repo, base, head) for _ in range(times)]
        figures += _figures("idle", idle, at_most=1)
        await here.until(lambda: _waiting(here, at_most=0))
        await _queue_scans(here, repo, backlog)
        behind = []
        for _ in range(times):
            if not await _waiting(here, at_most=backlog // 10):
                behind.append(await _signs(here, repo, base, head))
        figures += _figures(f"behind {backlog} scans", behind, at_most=2)
        left = int(await here.store.redis.llen(keys.queue("scan")))
        figures.append(Figure("first sign", "scans still waiting at the end", left, ""))
    return figures


def _figures(when: str, seconds: list[float], *, at_most: float) -> list[Figure]:
    return [
        Figure(
            "first sign", f"{when}, median of {len(seconds)}", median(seconds), "s", at_most=at_most
        ),
        Figure("first sign", f"{when}, p95", percentile(seconds, 0.95), "s"),
    ]


async def _signs(here: Stage, repo: SandboxRepository, base: str, head: str) -> float:
    """Seconds from the moment that the delivery is sent."""
    watch = Stopwatch()
    opening = asyncio.create_task(here.sandbox.open_pull(repo.full_name, base, head))
    known = set(repo.check_runs)
    sent = len(here.sandbox.state.deliveries)
    await here.until(lambda: len(here.sandbox.state.deliveries) > sent)
    delivery = here.sandbox.state.deliveries[sent]
    before_delivery = watch.seconds - delivery.duration
    await here.until(lambda: set(repo.check_runs) - known)
    seconds = watch.seconds - max(0.0, before_delivery)
    await opening
    return seconds


async def _waiting(here: Stage, *, at_most: int) -> bool:
    return int(await here.store.redis.hlen(keys.queue_messages("scan"))) <= at_most


async def _queue_scans(here: Stage, repo: SandboxRepository, number: int) -> None:
    """Reviews as they stand once they were acknowledged, each of a pull request of its own."""
    pull = repo.pulls[1]
    where = Repository(here.sandbox.installation_id, repo.id, repo.full_name)
    for each in range(number):
        review = Review(
            id=str(ULID()),
            repository=where,
            number=pull.number,
            head_sha=pull.head_sha,
            trigger=Trigger.COMMAND,
            created_at=time.time(),
        )
        # Told apart by number, or each would supersede the one before.
        await here.store.reviews.open(replace(review, number=10_000 + each))
        await here.store.reviews.update(
            review.id,
            handoff=Handoff(
                pull=_pull(pull.number, pull.base_sha, pull.head_sha), config=RepoConfig()
            ),
        )
        await here.store.queues.put(message("scan_review", review.id))


def _pull(number: int, base_sha: str, head_sha: str) -> PullRequest:
    return replace(PULL, number=number, base_sha=base_sha, head_sha=head_sha, changed_files=10)
