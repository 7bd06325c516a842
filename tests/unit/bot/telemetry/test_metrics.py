"""Counting survives a Redis that is away, and the page is in the order that Prometheus wants."""

import asyncio
import re

import pytest
from redis.asyncio import Redis

import bot.telemetry.metrics
from bot.runtime.tasks import stop
from bot.store import Store, keys
from bot.store.metrics import MetricsStore
from bot.telemetry.metrics import Metrics, exposition

NOWHERE = "redis://127.0.0.1:1/0"


def kept(redis: "Redis") -> MetricsStore:
    return Store(redis, keep_seconds=60).metrics


async def test_what_could_not_be_sent_is_sent_later_and_once(redis: "Redis") -> None:
    metrics = Metrics(kept(Redis.from_url(NOWHERE)))
    metrics.count("glossator_llm_calls_total", 2)
    await metrics.flush()
    metrics.count("glossator_llm_calls_total")
    metrics._sink = kept(redis)
    await metrics.flush()
    await metrics.flush()
    assert await kept(redis).totals() == {"glossator_llm_calls_total": 3}


async def test_a_cancellation_that_redis_loses_does_not_keep_a_process_from_ending(
    redis: "Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    flushing, lost = asyncio.Event(), 0

    async def loses_the_first(self: Metrics) -> None:
        nonlocal lost
        flushing.set()
        if not lost:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                lost += 1

    monkeypatch.setattr(bot.telemetry.metrics, "FLUSH_SECONDS", 0.01)
    monkeypatch.setattr(Metrics, "flush", loses_the_first)
    counting = Metrics(kept(redis)).running()
    await counting.__aenter__()
    await flushing.wait()
    ending = asyncio.ensure_future(counting.__aexit__(None, None, None))
    done, _ = await asyncio.wait({ending}, timeout=5)
    await stop(ending)
    assert done
    assert lost == 1


async def test_two_processes_add_up(redis: "Redis") -> None:
    for seconds in (0.2, 200):
        metrics = Metrics(kept(redis))
        metrics.observe("glossator_stage_seconds", seconds, stage="scan")
        await metrics.flush()
    seen = await kept(redis).totals()
    assert seen['glossator_stage_seconds_count{stage="scan"}'] == 2
    assert seen['glossator_stage_seconds_bucket{stage="scan",le="60"}'] == 1
    assert seen['glossator_stage_seconds_sum{stage="scan"}'] == 200.2


async def test_buckets_are_in_the_order_of_their_bounds(redis: "Redis") -> None:
    metrics = Metrics(kept(redis))
    for step in ("scan", "report"):
        metrics.observe("glossator_stage_seconds", 0.01, stage=step)
    await metrics.flush()
    page = exposition(await kept(redis).totals())
    for step in ("scan", "report"):
        found = re.findall(rf'_bucket{{stage="{step}",le="([^"]+)"}}', page)
        assert found == sorted(found, key=float)
        assert found[-1] == "+Inf"


async def test_remaining_quota_is_reported_until_its_hour_is_over(
    redis: "Redis",
) -> None:
    metrics = Metrics(kept(redis))
    metrics.limits = lambda: {7: (400, 1000.0), 8: (4000, 2000.0)}
    await metrics.flush()
    name = 'glossator_github_rate_limit_remaining{{installation="{}"}}'
    saved = kept(redis)
    assert await saved.rate_limits(now=999) == {name.format(7): 400, name.format(8): 4000}
    assert await saved.rate_limits(now=1000) == {name.format(8): 4000}
    assert await redis.hlen(keys.METRICS_LIMITS) == 1
