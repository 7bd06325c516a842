"""When a thread of ours is done: only what was looked for again, and not found, is gone."""

from dataclasses import replace
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from bot.config.settings import Settings
from bot.domain.model import Category, Finding, LeftOut, Report, Severity, Usage
from bot.github import pulls
from bot.github.threads import Thread
from bot.store import Store
from bot.store.suppressions import lessons
from tests.support.web import PULL, REVIEW
from workers.reports import render
from workers.review import threads
from workers.review.threads import Ours, gone, learn, owed
from workers.services import Services

REPORT = Report(
    review=REVIEW,
    pull=PULL,
    merge_base="b" * 40,
    verdict="No problems found.",
    conclusion="success",
    score=100,
    findings=(),
    inline=(),
    files=(),
    left_out=(),
    rejected=(),
    usage=Usage(),
    models=(),
    notes=(),
    read=("app.py",),
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


def ours(source: str = "bandit:B602", body: str | None = None) -> Ours:
    thread = Thread(
        id="T",
        resolved=False,
        outdated=False,
        path="app.py",
        line=3,
        comment_id=1,
        node_id="N",
        author="glossator[bot]",
        body=render.comment_body(finding(source)) if body is None else body,
        replies=0,
    )
    return Ours(thread, "00000000000000a1")


@pytest.mark.parametrize(
    ("source", "tools"),
    [
        ("llm", {"llm"}),
        ("bandit:B602", {"bandit"}),
        ("llm+bandit:B602", {"llm", "bandit"}),
        ("llm+bandit:B602+ruff:S602", {"llm", "bandit", "ruff"}),
        ("hidden-characters:bidi", {"hidden-characters"}),
    ],
)
def test_who_found_it_is_read_from_the_comment(source: str, tools: set[str]) -> None:
    assert ours(source).tools == tools


def test_a_finding_that_was_looked_for_and_is_not_told_is_gone() -> None:
    assert gone(REPORT, ours())
    assert not gone(replace(REPORT, findings=(finding("bandit:B602"),)), ours())
    assert not gone(replace(REPORT, review=replace(REVIEW, focus=Category.PERFORMANCE)), ours())


def test_an_analyser_that_failed_has_mended_nothing() -> None:
    report = replace(REPORT, unheard=("bandit",))
    assert not gone(report, ours("bandit:B602"))
    assert not gone(report, ours("llm+bandit:B602"))
    assert gone(report, ours("ruff:F821"))
    assert gone(report, ours("llm"))


def test_of_a_comment_that_does_not_say_who_found_it_any_failure_keeps_the_thread() -> None:
    edited = ours(body="<!-- glossator:finding:00000000000000a1 -->\nChanged by an admin.")
    assert gone(REPORT, edited)
    assert not gone(replace(REPORT, unheard=("ruff",)), edited)


def test_what_nobody_read_is_not_mended() -> None:
    left_out = (LeftOut("app.py", "less risky"),)
    assert not gone(replace(REPORT, left_out=left_out), ours())
    assert not gone(replace(REPORT, left_out=left_out, read=()), ours())


def test_a_file_that_may_be_left_out_without_a_name_is_not_mended() -> None:
    assert not gone(replace(REPORT, read=("b.py",), unnamed=12), ours())
    assert gone(replace(REPORT, read=("app.py",), unnamed=12), ours())


def test_what_is_changed_no_more_is_gone_whoever_failed() -> None:
    assert gone(replace(REPORT, read=("b.py",), unheard=("bandit",)), ours())


def of(severity: Severity) -> Ours:
    return ours(body=render.comment_body(finding("bandit:B602", severity)))


@pytest.mark.parametrize(
    ("severity", "grave"), [(s, s in (Severity.CRITICAL, Severity.HIGH)) for s in Severity]
)
def test_what_blocks_is_read_from_the_comment(severity: Severity, grave: bool) -> None:
    assert of(severity).grave is grave


def test_a_grave_finding_that_could_not_be_looked_for_is_owed() -> None:
    failed = replace(REPORT, unheard=("bandit",))
    assert owed(failed, [of(Severity.HIGH)])
    assert not owed(failed, [of(Severity.MEDIUM)])
    assert not owed(REPORT, [of(Severity.HIGH)]), "it is gone"
    told = replace(failed, findings=(finding("bandit:B602", Severity.MEDIUM),))
    assert not owed(told, [of(Severity.HIGH)]), "it is told, and is no longer grave"


def test_a_thread_that_a_person_resolved_owes_nothing() -> None:
    one = of(Severity.HIGH)
    resolved = replace(one, thread=replace(one.thread, resolved=True))
    assert not owed(replace(REPORT, unheard=("bandit",)), [resolved])


async def test_a_thumb_is_a_lesson_though_redis_was_away_in_the_midst_of_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    disliked = ours()
    disliked = replace(disliked, thread=replace(disliked.thread, disliked_by=("ada",)))
    nothing: Any = None
    settings = Settings(_env_file=None)
    services = Services(settings=settings, store=store, github=nothing, llm=None, metrics=nothing)

    async def writes(*_: object) -> str:
        return "write"

    async def away(*_: object) -> bool:
        raise RedisConnectionError("Connection closed by server.")

    monkeypatch.setattr(pulls, "permission", writes)
    where = REVIEW.repository, REVIEW.number
    with monkeypatch.context() as patch:
        patch.setattr(threads, "teach", away)
        with pytest.raises(RedisConnectionError):
            await learn(services, nothing, *where, [disliked])
    await learn(services, nothing, *where, [disliked])
    [lesson] = await lessons(store, REVIEW.repository.id)
    assert (lesson.fingerprint, lesson.taught_by) == (disliked.fingerprint, "ada")
