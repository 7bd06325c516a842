"""Figures of all processes, kept in Redis: sums, GitHub's rate limits, and gauges of the living.

`bot.telemetry.metrics` counts in memory and saves here; the pages read.
"""

import json
import time
from typing import Any

from redis.exceptions import RedisError

from bot.store import keys
from bot.store.database import Database
from bot.telemetry.metrics import Unsaved, series

#: A process that was not heard of for so long has ended.
EXPIRY_SECONDS = 15

#: Of these the largest of all processes is told, of the others the sum.
_LARGEST = "glossator_process_memory_bytes"


class MetricsStore:
    """Series are names with their labels, as Prometheus writes them."""

    def __init__(self, database: Database) -> None:
        self._redis = database.redis

    async def save(self, process: str, unsaved: Unsaved, now: float | None = None) -> bool:
        """Add and keep it all, or nothing. False if Redis did not say that it did."""
        try:
            async with self._redis.pipeline(transaction=True) as pipe:
                for name, value in unsaved.sums.items():
                    if value:
                        pipe.hincrbyfloat(keys.METRICS, name, value)
                if unsaved.limits:
                    encoded = {
                        str(installation_id): f"{left}:{until}"
                        for installation_id, (left, until) in unsaved.limits.items()
                    }
                    pipe.hset(keys.METRICS_LIMITS, mapping=dict[Any, Any](encoded))
                if unsaved.gauges:
                    at = time.time() if now is None else now
                    pipe.hset(keys.METRICS_GAUGES, process, json.dumps([at, dict(unsaved.gauges)]))
                await pipe.execute()
        except RedisError:
            return False
        return True

    async def forget(self, process: str) -> bool:
        """Drop the gauges of a process that ends. False if Redis did not say that it did."""
        try:
            await self._redis.hdel(keys.METRICS_GAUGES, process)
        except RedisError:
            return False
        return True

    async def totals(self) -> dict[str, float]:
        """All sums, by series; reviews are counted by the script that ends them, and outcomes by
        the one that records them."""
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.hgetall(keys.METRICS)
            pipe.hgetall(keys.ENDED_REVIEWS)
            pipe.hgetall(keys.OUTCOME_COUNTS)
            sums, ended, outcomes = await pipe.execute()
        found = {name.decode(): float(value) for name, value in sums.items()}
        for state, number in ended.items():
            found[series("glossator_reviews_total", state=state.decode())] = float(number)
        for what, number in outcomes.items():
            found |= _outcome_series(what.decode(), float(number))
        return found

    async def rate_limits(self, now: float | None = None) -> dict[str, float]:
        """Requests left of each installation whose hour is not over, by series; the others are
        forgotten."""
        now = time.time() if now is None else now
        found, expired = {}, []
        raw: Any = await self._redis.hgetall(keys.METRICS_LIMITS)
        for installation_id, value in raw.items():
            left, _, until = value.decode().partition(":")
            if float(until) <= now:
                expired.append(installation_id)
                continue
            name = series(
                "glossator_github_rate_limit_remaining", installation=installation_id.decode()
            )
            found[name] = float(left)
        if expired:
            await self._redis.hdel(keys.METRICS_LIMITS, *expired)
        return found

    async def gauges(self, now: float | None = None) -> dict[str, float]:
        """The numbers of all processes that live, by series; the others are forgotten."""
        now = time.time() if now is None else now
        found: dict[str, float] = {}
        expired = []
        raw: Any = await self._redis.hgetall(keys.METRICS_GAUGES)
        for process, data in raw.items():
            at, values = json.loads(data)
            if now - at > EXPIRY_SECONDS:
                expired.append(process)
                continue
            for name, value in values.items():
                current = found.get(name, 0.0)
                largest = name.startswith(_LARGEST)
                found[name] = max(current, value) if largest else current + value
        if expired:
            await self._redis.hdel(keys.METRICS_GAUGES, *expired)
        return found


def _outcome_series(what: str, number: float) -> dict[str, float]:
    """A count of outcomes, which is named as `fixed:security:high:llm`; of what is fixed there are
    also the seconds that it took."""
    outcome, category, severity, source = what.split(":", 3)
    labels = {"category": category, "severity": severity, "source": source}
    if outcome == "fix_seconds":
        return {series("glossator_finding_fix_seconds_sum", **labels): number}
    found = {series("glossator_finding_outcomes_total", outcome=outcome, **labels): number}
    if outcome == "fixed":
        found[series("glossator_finding_fix_seconds_count", **labels)] = number
    return found
