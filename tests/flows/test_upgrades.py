"""What one version left in Redis, the next one goes on with, and so does the one before it.

`tests/data/saved-state` has what was left in each format, by `tests.flows.save_state`: a finished
report, a dismissal, a review between two stages, one that waits for its turn, a delivery in the
queue, a delayed message and a dead letter.
"""

import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from bot.domain.audit import Action, AuditEntry, Way
from bot.domain.model import State
from bot.domain.report_format import ReportFormat
from bot.sandbox.state import CheckRun
from bot.store import keys, message
from bot.store.database import FORMAT
from tests.flows.environment import World, running
from tests.flows.save_state import (
    ANALYZING,
    DELIVERED,
    PARKED,
    PULLS,
    REPORTED,
    answer,
    make_state,
    open_pull,
)
from tests.support.llm_server import LLMServer
from tests.support.saved_state import Change, restore

STATES = sorted((Path(__file__).parents[1] / "data/saved-state").glob("*.json"))


@pytest.fixture
async def world(redis_url: str, redis: "Redis", tmp_path: Path) -> AsyncIterator[World]:
    """The pull requests of the saved states, of which the App has heard nothing yet."""
    async with (
        LLMServer(default=answer) as llm,
        running(redis_url, redis, tmp_path, **llm.settings) as world,
    ):
        url, world.sandbox.webhook_url = world.sandbox.webhook_url, ""
        for number in PULLS:
            await open_pull(world, number)
        world.sandbox.webhook_url = url
        yield world


def load(path: Path) -> dict[str, Any]:
    state: dict[str, Any] = json.loads(path.read_text())
    return state


async def resume(
    world: World, state: Mapping[str, Any], change: Change = lambda value: value
) -> None:
    """Have the state in Redis and its check runs on GitHub, and wait until all is done."""
    for name, kept in state["keys"].items():
        if name.startswith(keys.review("")) and "check_run_id" in kept["value"]:
            number = int(kept["value"]["check_run_id"])
            review = kept["value"]["review"]["json"]
            world.repository.check_runs[number] = CheckRun(
                id=number,
                name="Glossator",
                head_sha=review["head_sha"],
                suite_id=1,
                app_id=world.sandbox.app_id,
                external_id=review["id"],
                status="in_progress",
            )
    await restore(world.store.redis, state, change=change)
    await world.settle()


def unknown_fields(value: Any) -> Any:
    """The same with something in every object that a later version may write there."""
    match value:
        case {"queue_name": _, "args": [*args]}:  # a message: one more argument and option
            options = {**value["options"], "of_tomorrow": 1}
            return {**value, "args": [*map(unknown_fields, args), []], "options": options}
        case [str() as queue, str() as name, str() as body] if '"actor_name"' in body:
            return [queue, name, json.dumps(unknown_fields(json.loads(body)))]
        case {"full_name": _} | {"path": _} | {"id": _} | {"fingerprint": _} | {"pull": _}:
            return {**_each(value), "of_tomorrow": {"more": 1}}
        case {}:
            return _each(value)
        case [*items]:
            return [unknown_fields(item) for item in items]
        case _:
            return value


def _each(value: dict[str, Any]) -> dict[str, Any]:
    return {name: unknown_fields(item) for name, item in value.items()}


@pytest.mark.parametrize("path", STATES, ids=lambda path: f"format-{path.stem}")
@pytest.mark.parametrize("later", [False, True], ids=["as it was", "with what is unknown"])
async def test_everything_goes_on(world: World, path: Path, later: bool) -> None:
    state = load(path)
    if later:
        for name, kept in state["keys"].items():
            if name.startswith((keys.review(""), keys.pull(0, 0).removesuffix("0:0"))):
                kept["value"]["of_tomorrow"] = "1"
    await resume(world, state, unknown_fields if later else lambda value: value)

    # Each review was done, once.
    assert sorted(review.number for review in world.reviews) == [ANALYZING, PARKED, DELIVERED]
    assert {run.status for run in world.check_runs} <= {"completed", "in_progress"}
    for number in PULLS:
        assert (await world.progress(number)).state is State.COMPLETED, number
    found = {one.path for one in world.inline_comments}
    assert found == {"shop.py", "cart.py", "basket.py"}

    # What was finished is all there.
    store, repository = world.store, world.repository.id
    pull = await store.pulls.get(repository, REPORTED)
    report = await store.stage_data.report(pull.current)
    assert report is not None
    assert "divides by zero" in " ".join(finding.title for finding in report.findings)
    assert await store.stage_data.rendering(pull.current, ReportFormat.SARIF), (
        "the delayed message came"
    )
    [suppression] = await store.suppressions.all(repository, 180)
    assert suppression.reason == "it is ours"
    outcomes = await store.outcomes.of_pull(repository, REPORTED)
    assert "dismissed" in {one.outcome for one in outcomes}

    # The dead letter can still be retried.
    [letter] = await store.queues.dead_letters()
    entry = AuditEntry(action=Action.MESSAGE_RETRIED, way=Way.PAGE, who="admin")
    assert await store.queues.retry(letter.queue, letter.id, audit=entry)
    await world.settle()
    assert await store.stage_data.rendering(pull.current, ReportFormat.JSON)


def written(state: Mapping[str, Any]) -> set[str]:
    """Every field of everything in a state, as a path without names of single things."""
    return {
        re.sub(
            r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{8,}|[0-9A-Z]{26}|\d+|(?<=llm_limit:).*/v1"
            r"|(?<=:)(?:bandit|ruff)$",  # analyzers come and go
            "*",
            path,
        )
        for name, kept in state["keys"].items()
        for path in _paths(name, kept["value"])
    }


def _paths(prefix: str, value: Any) -> Iterator[str]:
    match value:
        case {"json": inner} | {"zstd": inner}:
            yield from _paths(prefix, inner)
        case {}:
            for name, item in value.items():
                yield from _paths(f"{prefix} {name}", item)
        case [*items]:
            yield prefix
            for item in items:
                yield from _paths(f"{prefix} []", item)
        case _:
            yield prefix


async def test_all_that_the_format_has_is_written(
    redis_url: str, redis: "Redis", tmp_path: Path
) -> None:
    """A version that a rollback brings back may need it. What is not to be written any more goes in
    two steps: first it gets a default where it is read, and a release later it is left out and
    FORMAT grows."""
    now = await make_state(redis_url, tmp_path)
    assert written(load(STATES[-1])) - written(now) == set()


def test_every_format_has_a_state() -> None:
    assert [int(path.stem) for path in STATES] == list(range(1, FORMAT + 1))


@pytest.mark.parametrize(
    ("actor", "args"),
    [
        ("of_tomorrow", ["anything"]),
        ("handle_delivery", [{"kind": "of_tomorrow"}, "01JD0000000000000000000001", "guid"]),
    ],
)
async def test_what_only_a_later_version_knows_waits_for_it(
    world: World, actor: str, args: list[Any]
) -> None:
    known = message("handle_delivery", *args)
    unknown = replace(known, body=known.body.replace("handle_delivery", actor))
    await world.store.queues.put(unknown)
    waiting: Any = {}

    async def has_waited() -> bool:
        nonlocal waiting
        found: Any = await world.store.redis.hvals(keys.queue_messages("events.DQ"))
        waiting = json.loads(found[0]) if found else {}
        return bool(waiting.get("options", {}).get("waits", 0) > 1)

    await world.until_true(has_waited)
    assert (waiting["actor_name"], waiting["args"]) == (actor, args)
    assert await world.store.queues.dead_letters() == []
