"""When a thread of ours is done: only what was looked for again, and not found, is gone."""

from dataclasses import replace
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from bot.config.settings import Settings
from bot.domain.model import Category, Finding, Place, Report, Severity, SkippedFile, Usage
from bot.domain.reasons import FileSkipReason
from bot.github import pulls
from bot.github.threads import Thread
from bot.store import Store
from tests.support.web_server import PULL, REVIEW
from workers.reports import render
from workers.reports.markers import read_finding_marker
from workers.review.threads import BotThread, has_unverified_blocker, is_fixed, record_thumbs_down
from workers.services import Services

REPORT = Report(
    review=REVIEW,
    pull=PULL,
    merge_base="b" * 40,
    verdict="No problems found.",
    conclusion="success",
    findings=(),
    inline=(),
    files=(),
    skipped=(),
    rejected=(),
    usage=Usage(),
    models=(),
    notes=(),
    reviewed_paths=("app.py",),
    finished_at=2.0,
)


def finding(source: str, severity: Severity = Severity.HIGH) -> Finding:
    return Finding(
        path="app.py",
        category=Category.SECURITY,
        severity=severity,
        title="A shell runs what a stranger wrote, <sub>low · quality · ruff X1</sub>",
        body="See above.",
        confidence=1.0,
        source=source,
        start_line=3,
        end_line=3,
        fingerprint="00000000000000a1",
    )


def bot_thread(
    source: str = "ruff:S602",
    severity: Severity = Severity.HIGH,
    places: tuple[Place, ...] = (),
) -> BotThread:
    thread = Thread(
        id="T",
        resolved=False,
        outdated=False,
        path="app.py",
        line=3,
        comment_id=1,
        node_id="N",
        author="glossator[bot]",
        body=render.comment_body(replace(finding(source, severity), places=places)),
        replies=0,
    )
    marker = read_finding_marker(thread.body)
    assert marker is not None
    return BotThread(thread, marker)


@pytest.mark.parametrize(
    ("source", "tools"),
    [
        ("llm", {"llm"}),
        ("ruff:S602", {"ruff"}),
        ("llm+ruff:S602", {"llm", "ruff"}),
        ("llm+ruff:PLE2502+hidden-characters:bidi", {"llm", "ruff", "hidden-characters"}),
        ("hidden-characters:bidi", {"hidden-characters"}),
    ],
)
def test_who_found_it_is_read_from_the_comment(source: str, tools: set[str]) -> None:
    assert bot_thread(source).marker.tools == tools


def test_a_finding_that_was_checked_and_not_reported_is_fixed() -> None:
    assert is_fixed(REPORT, bot_thread())
    assert not is_fixed(replace(REPORT, findings=(finding("ruff:S602"),)), bot_thread())
    assert not is_fixed(
        replace(REPORT, review=replace(REVIEW, focus=Category.PERFORMANCE)), bot_thread()
    )


def test_a_failed_analyzer_fixes_no_finding() -> None:
    report = replace(REPORT, failed_sources=("ruff",))
    assert not is_fixed(report, bot_thread("ruff:S602"))
    assert not is_fixed(report, bot_thread("llm+ruff:S602"))
    assert is_fixed(report, bot_thread("secrets:aws-key-id"))
    assert is_fixed(report, bot_thread("llm"))


def test_what_somebody_wrote_into_a_comment_changes_nothing() -> None:
    first, _, rest = bot_thread().thread.body.partition("\n")
    edited = f"{first}\nChanged by an admin."
    assert read_finding_marker(edited) == read_finding_marker(f"{first}\n{rest}")


def test_a_finding_at_several_places_is_fixed_when_all_are() -> None:
    places = (
        Place(path="app.py", start_line=9, end_line=9, fingerprint="00000000000000b1"),
        Place(path="b.py", start_line=1, end_line=1, fingerprint="00000000000000b2"),
    )
    one = bot_thread(places=places)
    both = replace(REPORT, reviewed_paths=("app.py", "b.py"))
    assert is_fixed(both, one)
    left = replace(finding("ruff:S602"), path="b.py", fingerprint="00000000000000b2")
    assert not is_fixed(replace(both, findings=(left,)), one)
    elsewhere = replace(left, fingerprint="00000000000000c1", places=places[1:])
    assert not is_fixed(replace(both, findings=(elsewhere,)), one), "it is a place of another one"
    assert not is_fixed(
        replace(both, skipped=(SkippedFile("b.py", FileSkipReason.FILE_LIMIT, "40"),)), one
    )
    assert not is_fixed(replace(both, failed_sources=("ruff",)), one)
    unchanged = replace(REPORT, reviewed_paths=("c.py",), failed_sources=("ruff",))
    assert is_fixed(unchanged, one)


def test_a_finding_at_too_many_places_to_name_stays_while_its_rule_finds_any() -> None:
    one = bot_thread()
    one = replace(one, marker=replace(one.marker, more=True))
    other = replace(finding("ruff:S602"), fingerprint="00000000000000c1")
    assert not is_fixed(replace(REPORT, findings=(other,)), one)
    assert is_fixed(replace(REPORT, findings=(replace(other, source="ruff:F821"),)), one)


def test_unreviewed_findings_are_not_considered_fixed() -> None:
    skipped = (SkippedFile("app.py", FileSkipReason.FILE_LIMIT, "40"),)
    assert not is_fixed(replace(REPORT, skipped=skipped), bot_thread())
    assert not is_fixed(replace(REPORT, skipped=skipped, reviewed_paths=()), bot_thread())


def test_an_unlisted_skipped_file_is_not_considered_fixed() -> None:
    assert not is_fixed(
        replace(REPORT, reviewed_paths=("b.py",), skipped_unlisted=12), bot_thread()
    )
    assert is_fixed(replace(REPORT, reviewed_paths=("app.py",), skipped_unlisted=12), bot_thread())


def test_a_finding_on_an_unchanged_file_is_fixed_whoever_failed() -> None:
    assert is_fixed(
        replace(REPORT, reviewed_paths=("b.py",), failed_sources=("ruff",)), bot_thread()
    )


def of(severity: Severity) -> BotThread:
    return bot_thread(severity=severity)


@pytest.mark.parametrize(
    ("severity", "blocking"), [(s, s in (Severity.CRITICAL, Severity.HIGH)) for s in Severity]
)
def test_what_blocks_is_read_from_the_comment(severity: Severity, blocking: bool) -> None:
    failed = replace(REPORT, failed_sources=("ruff",))
    assert has_unverified_blocker(failed, [of(severity)]) is blocking


def test_a_severe_finding_that_could_not_be_checked_still_blocks() -> None:
    failed = replace(REPORT, failed_sources=("ruff",))
    assert has_unverified_blocker(failed, [of(Severity.HIGH)])
    assert not has_unverified_blocker(failed, [of(Severity.MEDIUM)])
    assert not has_unverified_blocker(REPORT, [of(Severity.HIGH)]), "it is gone"
    reported = replace(failed, findings=(finding("ruff:S602", Severity.MEDIUM),))
    assert not has_unverified_blocker(reported, [of(Severity.HIGH)]), (
        "it is told, and is no longer grave"
    )


def test_a_thread_that_a_person_resolved_owes_nothing() -> None:
    one = of(Severity.HIGH)
    resolved = replace(one, thread=replace(one.thread, resolved=True))
    assert not has_unverified_blocker(replace(REPORT, failed_sources=("ruff",)), [resolved])


async def test_a_thumbs_down_is_a_suppression_despite_a_redis_outage(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    disliked = bot_thread()
    disliked = replace(disliked, thread=replace(disliked.thread, thumbs_down_by=("ada",)))
    nothing: Any = None
    settings = Settings(_env_file=None)
    services = Services(settings=settings, store=store, github=nothing, llm=None, metrics=nothing)

    async def writes(*_: object) -> str:
        return "write"

    async def redis_down(*_: object) -> bool:
        raise RedisConnectionError("Connection closed by server.")

    monkeypatch.setattr(pulls, "permission", writes)
    where = REVIEW.repository, REVIEW.number
    with monkeypatch.context() as patch:
        patch.setattr("bot.store.findings.unwanted.Suppressions.suppress", redis_down)
        with pytest.raises(RedisConnectionError):
            await record_thumbs_down(services, nothing, *where, [disliked])
    await record_thumbs_down(services, nothing, *where, [disliked])
    [suppression] = await store.suppressions.all(REVIEW.repository.id, 180)
    assert (suppression.fingerprint, suppression.suppressed_by) == (disliked.fingerprint, "ada")
