"""Who did what, and by which way, is written down once, whatever is tried again."""

import csv
import json
import os
import sys
from asyncio import create_subprocess_exec
from asyncio.subprocess import PIPE
from pathlib import Path

import httpx2
import pytest

from bot.config.env_file import write_secrets
from bot.domain.model import State
from bot.security.tls import trusted
from bot.store import Action, AuditEntry, Way
from bot.store.audit import Audit
from tests.flows.conversation import reviewed
from tests.flows.environment import REPO, World, running

TOKEN = "the-admin-token"


async def lines(world: World) -> list[tuple[str, str, str, str]]:
    found = [line async for line in world.store.audit.since(0)]
    return [(line.action, line.way, line.who, line.detail) for line in found]


async def test_a_pull_requests_life_is_written_down(world: World) -> None:
    number = await reviewed(world)
    [comment] = world.inline_comments
    await world.sandbox.comment(REPO, number, "/review full")
    await world.settle()
    await world.sandbox.reply_in_thread(REPO, comment.id, "/review dismiss it is ours")
    await world.settle()
    await world.sandbox.comment(REPO, number, "/review pause\n/review resume\n/review help")
    await world.settle()
    assert await lines(world) == [
        ("review_requested", "webhook", "octocat", "opened"),
        ("review_requested", "comment", "octocat", "full"),
        ("finding_dismissed", "comment", "octocat", "it is ours"),
        ("reviews_paused", "comment", "octocat", ""),
        ("reviews_resumed", "comment", "octocat", ""),
    ]
    [first, *_] = [line async for line in world.store.audit.since(0)]
    assert (first.repository, first.number) == (REPO, number)
    assert first.review == world.check_runs[0].external_id


async def test_what_is_delivered_again_is_not_written_down_again(world: World) -> None:
    await reviewed(world)
    before = await lines(world)
    for delivery in list(world.sandbox.state.deliveries):
        await world.sandbox.redeliver(delivery.id)
    await world.settle()
    assert await lines(world) == before
    entry = AuditEntry(action=Action.REVIEWS_PAUSED, way=Way.COMMENT, who="mona")
    for _ in range(3):  # an actor may run twice
        await world.store.audit.record(entry, once="a comment's first command")
    assert len(await lines(world)) == len(before) + 1


async def test_who_may_not_do_it_has_not_done_it(world: World) -> None:
    number = await reviewed(world)
    await world.sandbox.comment(REPO, number, "/review cancel", author="stranger")
    await world.sandbox.comment(REPO, number, "/review nonsense")
    await world.settle()
    assert [action for action, *_ in await lines(world)] == ["review_requested"]


async def test_administrators_read_it_a_page_at_a_time(
    redis_url: str, redis: object, tmp_path: Path
) -> None:
    async with running(redis_url, redis, tmp_path, api_tokens=TOKEN) as world:  # type: ignore[arg-type]
        await reviewed(world)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with httpx2.AsyncClient(
            verify=trusted(), base_url=world.url, headers=headers
        ) as http:
            started = await http.post("/api/reviews", json={"repository": REPO, "number": 1})
            assert started.status_code == 202
            await world.settle()
            seen, path = [], "/api/audit?limit=1"
            while path:
                page = (await http.get(path)).json()
                seen += page["items"]
                path = page["next"]
            assert [(one["action"], one["way"], one["who"]) for one in seen] == [
                ("review_requested", "webhook", "octocat"),
                ("review_requested", "api", "admin"),
                ("audit_exported", "api", "admin"),
            ]
            assert seen[1]["review"] == started.json()["id"]
            assert (await http.get("/api/audit?since=2999-01-01")).json()["items"] == []
            assert (await http.get("/api/audit?since=yesterday")).status_code == 422
            assert (await http.get("/api/audit?cursor=0")).status_code == 422


@pytest.mark.parametrize("act", ["start", "cancel", "close", "button"])
async def test_whoever_dies_right_after_the_act_has_left_its_line(
    redis_url: str, redis: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    """Act and line are one step of Redis: there is no moment between them in which to die."""
    async with running(redis_url, redis, tmp_path, api_tokens=TOKEN) as world:  # type: ignore[arg-type]
        world.sandbox.faults.add("GET /octo/hello.git/info/refs", "slow", delay=10)
        number = await world.open_pull({"a.py": "x = 1\n"}, {"a.py": "x = 2\n"})
        await world.until(number, State.SCANNING)

        async def dies(*_: object, **__: object) -> None:
            raise RuntimeError

        monkeypatch.setattr(Audit, "record", dies)
        review_id = (await world.store.pulls.get(world.repository.id, number)).current
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with httpx2.AsyncClient(
            verify=trusted(), base_url=world.url, headers=headers
        ) as http:
            match act:
                case "start":
                    body = {"repository": REPO, "number": number}
                    assert (await http.post("/api/reviews", json=body)).status_code == 202
                case "cancel":
                    assert (await http.delete(f"/api/reviews/{review_id}")).status_code == 202
                case "close":
                    await world.sandbox.close(REPO, number)
                case _:
                    [run] = world.check_runs
                    await world.sandbox.request_action(run.id, "cancel")
        await world.settle()
        action = "review_requested" if act == "start" else "review_cancelled"
        way, who = ("api", "admin") if act in ("start", "cancel") else ("webhook", "octocat")
        assert (action, way, who) in [line[:3] for line in await lines(world)]


async def exported(directory: Path, redis_url: str, *arguments: str) -> str:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-P", "-m", "bot", "audit", *arguments]
    process = await create_subprocess_exec(
        *command,
        env={**environment, "HOME": str(directory), "REDIS_URL": redis_url},
        cwd=directory,
        stdout=PIPE,
        stderr=PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


async def test_the_command_exports_it(world: World, redis_url: str, tmp_path: Path) -> None:
    await reviewed(world)
    hostile = AuditEntry(
        action=Action.QUESTION_ASKED, way=Way.COMMENT, who="mona", detail='=cmd("x"),\n1'
    )
    await world.store.audit.record(hostile)
    shown = await exported(tmp_path, redis_url)
    rows = [json.loads(line) for line in shown.splitlines()]
    assert [row["action"] for row in rows] == ["review_requested", "question_asked"]
    assert rows[1]["detail"] == hostile.detail
    shown = await exported(tmp_path, redis_url, "--format", "csv", "--since", "2020-01-01")
    table = list(csv.DictReader(shown.splitlines(keepends=True)))
    assert [row["action"] for row in table] == [
        "review_requested", "question_asked", "audit_exported"
    ]  # fmt: skip
    assert table[1]["detail"] == "'" + hostile.detail, "no formula for a spreadsheet"
    assert await exported(tmp_path, redis_url, "--since", "2999-01-01") == ""


async def test_the_command_finds_the_redis_of_serve(tmp_path: Path) -> None:
    """Also where it does not run: nothing was done yet, and the export itself is a line."""
    environment = tmp_path / "glossator.env"
    write_secrets(environment, {"DATA_DIR": str(tmp_path / "data")})
    assert await exported(tmp_path, "", "--env-file", str(environment)) == ""
    shown = await exported(tmp_path, "", "--env-file", str(environment))
    assert [json.loads(line)["action"] for line in shown.splitlines()] == ["audit_exported"]


async def test_lines_end_with_their_days(world: World) -> None:
    await reviewed(world)
    assert await world.store.audit.trim(1) == 0
    milliseconds = int((await world.store.time() - 2 * 86_400) * 1000)
    fields = {"action": "signed_in", "way": "page", "who": "mona", "number": "0"}
    await world.store.redis.delete("glossator:audit")
    await world.store.redis.xadd("glossator:audit", fields, id=f"{milliseconds}-0")  # type: ignore[arg-type]
    assert len(await lines(world)) == 1
    assert await world.store.audit.trim(1) == 1
    assert await lines(world) == []
