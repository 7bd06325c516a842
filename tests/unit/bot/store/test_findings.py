"""Outcomes in Redis: each thing once, by its clock, and for as long as is said."""

from dataclasses import replace
from typing import Any

from redis.asyncio import Redis

from bot.domain.model import Category, Effort, Severity
from bot.domain.outcomes import Outcome, PostedFinding, Signal
from bot.domain.suppressions import Suppression, Via
from bot.store import Seen, Store, keys
from bot.store.database import DELIVERY_SECONDS
from bot.store.findings.outcomes import MAX_OUTCOMES

FINDING = PostedFinding(
    repository="octo/demo",
    review="01A",
    fingerprint="00000000000000a1",
    path="a.py",
    title="“It” breaks: \u2028 ü",
    category=Category.SECURITY,
    severity=Severity.HIGH,
    source="llm+ruff",
    sources=("llm", "ruff:F821"),
    effort=Effort.STANDARD,
    inline=True,
    others={"b.py": ("00000000000000b1",)},
)
NAME = FINDING.fingerprint


async def posted(store: Store, *findings: PostedFinding, review: str = "01A") -> None:
    await store.outcomes.record_posted(11, 1, findings, review=review, days=180)


async def seen(store: Store, *what: Seen, review: str = "") -> None:
    await store.outcomes.record_seen(11, 1, what, review=review, days=180)


async def test_what_is_repeated_counts_once(store: Store) -> None:
    before = await store.time()
    for _ in range(3):
        await posted(store, FINDING)
        await seen(store, Seen(NAME, Signal.DISMISSED, "it is ours"))
        await store.outcomes.record_end(11, 1, merged=True, days=180)
    [one] = await store.outcomes.of_pull(11, 1)
    assert (one.finding, one.outcome, one.reason) == (FINDING, Outcome.DISMISSED, "it is ours")
    assert before <= one.posted_at <= (one.merged_at or 0) <= await store.time()
    counts = await store.metrics.totals()
    labels = 'category="security",severity="high",source="llm+ruff"'
    assert counts == {
        f'glossator_finding_outcomes_total{{outcome="posted",{labels}}}': 1,
        f'glossator_finding_outcomes_total{{outcome="dismissed",{labels}}}': 1,
    }


async def test_it_is_counted_how_long_a_finding_stood_until_it_was_fixed(store: Store) -> None:
    await posted(store, FINDING)
    ago = await store.time() - 1000
    await store.redis.hset(keys.outcomes(11, 1), f"posted:{NAME}", str(ago))
    for _ in range(2):
        await seen(store, Seen(NAME, Signal.FIXED), review="01B")
    counts = await store.redis.hgetall(keys.OUTCOME_COUNTS)
    seconds = float(counts[f"fix_seconds:security:high:{FINDING.source}".encode()])
    assert 1000 <= seconds < 1100


async def test_a_clock_that_was_set_back_makes_no_time_negative(store: Store) -> None:
    await posted(store, FINDING)
    later = await store.time() + 1000
    await store.redis.hset(keys.outcomes(11, 1), f"posted:{NAME}", str(later))
    await seen(store, Seen(NAME, Signal.FIXED), review="01B")
    counts = await store.redis.hgetall(keys.OUTCOME_COUNTS)
    assert float(counts[f"fix_seconds:security:high:{FINDING.source}".encode()]) == 0


async def test_a_dismissal_that_is_taken_back_leaves_nothing(store: Store) -> None:
    await posted(store, FINDING)
    await seen(store, Seen(NAME, Signal.DISMISSED, "it is ours"), Seen(NAME, Signal.THUMBS_DOWN))
    await store.outcomes.undo_dismissal(11, 1, [NAME], days=180)
    [one] = await store.outcomes.of_pull(11, 1)
    assert (one.outcome, one.signals, one.reason) == (Outcome.OPEN, {}, "")
    await seen(store, Seen(NAME, Signal.DISMISSED, "after all"))
    [one] = await store.outcomes.of_pull(11, 1)
    assert (one.outcome, one.reason) == (Outcome.DISMISSED, "after all")


async def test_a_pull_request_that_is_opened_again_is_not_closed(store: Store) -> None:
    await posted(store, FINDING)
    await store.outcomes.record_end(11, 1, merged=False, days=180)
    [one] = await store.outcomes.of_pull(11, 1)
    assert (one.merged_at, one.closed_at is None) == (None, False)
    await store.outcomes.record_reopened(11, 1, days=180)
    [one] = await store.outcomes.of_pull(11, 1)
    assert one.closed_at is None


async def test_what_was_not_posted_has_no_outcome(store: Store, redis: "Redis") -> None:
    await seen(store, Seen(NAME, Signal.FIXED))
    await store.outcomes.record_end(11, 1, merged=True, days=180)
    await store.outcomes.record_reopened(11, 1, days=180)
    await store.outcomes.undo_dismissal(11, 1, [NAME], days=180)
    assert await store.outcomes.of_pull(11, 1) == ()
    assert await redis.keys("*") == []


async def test_only_a_later_review_brings_a_fixed_finding_back(store: Store) -> None:
    await posted(store, FINDING)
    found = (Signal.FIXED, Signal.COMMITTED, Signal.OUTDATED)
    await seen(store, *(Seen(NAME, signal) for signal in found), review="01B")
    await posted(store, FINDING)  # the first review's worker comes late
    await posted(store, FINDING, review="01B")
    [one] = await store.outcomes.of_pull(11, 1)
    assert one.outcome is Outcome.COMMITTED
    await posted(store, FINDING, review="01C")
    [one] = await store.outcomes.of_pull(11, 1)
    assert (one.outcome, one.signals) == (Outcome.OPEN, {})


async def test_all_that_is_kept_ends(store: Store, redis: "Redis") -> None:
    await posted(store, FINDING)
    assert 0 < await redis.ttl(keys.outcomes(11, 1)) <= 180 * 86_400
    long_ago = await store.time() - 181 * 86_400
    await redis.zadd(keys.OUTCOME_PULLS, {"11:2": long_ago})
    await posted(store, FINDING)
    assert await redis.zrange(keys.OUTCOME_PULLS, 0, -1) == [b"11:1"]


async def test_a_flood_of_findings_is_cut(store: Store) -> None:
    flood = [replace(FINDING, fingerprint=f"{n:016x}") for n in range(MAX_OUTCOMES + 7)]
    await posted(store, *flood)
    assert len(await store.outcomes.of_pull(11, 1)) == MAX_OUTCOMES


async def test_only_repositories_that_the_asker_may_read_are_looked_at(store: Store) -> None:
    await posted(store, FINDING)
    other = replace(FINDING, repository="rival/shop")
    await store.outcomes.record_posted(12, 1, [other], review="01A", days=180)
    found, complete = await store.outcomes.since(0, lambda repository_id: repository_id == 12)
    assert ([one.finding.repository for one in found], complete) == (["rival/shop"], True)
    found, _ = await store.outcomes.since(0, lambda _: True, "Octo/Demo")
    assert [one.repository_id for one in found] == [11]
    found, _ = await store.outcomes.since(await store.time() + 60, lambda _: True)
    assert found == ()


def suppression(name: str = NAME, **more: Any) -> Suppression:
    return Suppression(
        fingerprint=name, path="a.py", title="It fails", reason="ours", suppressed_by="ada", **more
    )


async def test_a_finding_is_taken_back_for_repository_and_pull_request_once(store: Store) -> None:
    made = suppression(via=Via.THUMBS_DOWN, suppressed_at=await store.time())
    assert await store.suppressions.suppress(11, made)
    await store.suppressions.dismiss(11, 1, NAME, "00000000000000b1")
    await store.pulls.add_posted(11, 1, [NAME])
    for _ in range(2):  # the request is handled twice
        back = await store.suppressions.unsuppress(11, 1, NAME, by="request")
        assert back is Via.THUMBS_DOWN
    assert await store.suppressions.unsuppress(11, 1, NAME, by="another") is None
    assert (await store.suppressions.dismissals(11, 1, 90)).fingerprints == {"00000000000000b1"}
    assert await store.pulls.posted(11, 1) == frozenset(), "it may be posted again"
    assert 0 < await store.redis.ttl(keys.unsuppressed("request")) <= DELIVERY_SECONDS


async def test_what_was_dismissed_on_a_pull_request_alone_is_taken_back_there(store: Store) -> None:
    await store.suppressions.dismiss(11, 1, NAME)
    for _ in range(2):
        assert await store.suppressions.unsuppress(11, 1, NAME, by="request") is Via.COMMAND
    assert (await store.suppressions.dismissals(11, 1, 90)).fingerprints == set()


async def test_a_suppression_that_was_taken_back_while_it_was_used_stays_so(store: Store) -> None:
    now = await store.time()
    kept, gone = suppression(suppressed_at=now), suppression("b", suppressed_at=now)
    await store.suppressions.suppress(11, kept)
    await store.suppressions.mark_used(11, [kept, gone])
    [found] = await store.suppressions.all(11, 90)
    assert found.fingerprint == NAME
    assert abs(found.used_at - now) < 60
