"""The same client over real HTTP, against a GitHub that keeps state and refuses as GitHub does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from bot.github.app import GitHubApp
from bot.github.checks import (
    Annotation,
    CheckOutput,
    create_check_run,
    find_check_run,
    update_check_run,
)
from bot.github.client import GitHub
from bot.github.comments import Subject, create_comment, delete_reaction, react
from bot.github.deliveries import list_deliveries, undelivered
from bot.github.errors import Forbidden, Invalid, NotFound, Transient
from bot.github.pulls import compare, get_file, get_pull, list_commits, permission
from bot.github.reviews import ReviewComment, create_review, find_review, reply, update_review
from bot.github.threads import list_threads, minimize_comment, resolve_thread
from bot.security.tls import trusted
from tests.support.sandbox.server import Sandbox
from tests.unit.bot.github.scripted_github import FakeTime

REPO = "octo/hello"
MARKER = "<!-- glossator:01REVIEW -->"
OLD = "".join(f"line {n}\n" for n in range(1, 41))
NEW = OLD.replace("line 5\n", "line five\n").replace("line 30\n", "line thirty\n")


@dataclass
class Scene:
    """A pull request with two changed lines, and the App in front of it."""

    sandbox: Sandbox
    app: GitHubApp
    gh: GitHub
    number: int
    base: str
    head: str


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with Sandbox() as sandbox, httpx2.AsyncClient(verify=trusted()) as http:
        repository = await sandbox.add_repository(REPO)
        base = await sandbox.commit(REPO, {"a.txt": OLD})
        head = await sandbox.commit(REPO, {"a.txt": NEW}, parent=base, message="Spell it out")
        number = await sandbox.open_pull(REPO, base, head, title="Spell")
        app = GitHubApp(
            api_url=sandbox.api_url,
            app_id=sandbox.app_id,
            private_key=sandbox.private_key_pem,
            http=http,
            clock=FakeTime(datetime.now(UTC).timestamp()).clock(),
        )
        gh = await app.installation(sandbox.installation_id, repository.id)
        yield Scene(sandbox, app, gh, number, base, head)


async def test_a_pull_request_and_what_belongs_to_it_are_read(scene: Scene) -> None:
    pull = await get_pull(scene.gh, REPO, scene.number)
    assert (pull.title, pull.base_sha, pull.head_sha) == ("Spell", scene.base, scene.head)
    assert (await compare(scene.gh, REPO, scene.base, scene.head)).merge_base == scene.base
    assert await get_file(scene.gh, REPO, "a.txt", scene.head) == NEW.encode()
    assert await get_file(scene.gh, REPO, "gone.txt", scene.head) is None
    commits = await list_commits(scene.gh, REPO, scene.number)
    assert [commit.message for commit in commits] == ["Spell it out"]
    assert await permission(scene.gh, REPO, "octocat") == "write"
    assert await permission(scene.gh, REPO, "mallory") in ("read", "none")


async def test_a_check_run_lives_from_queued_to_completed(scene: Scene) -> None:
    opened = await create_check_run(
        scene.gh, REPO, name="Glossator", head_sha=scene.head, external_id="01REVIEW"
    )
    found = await find_check_run(scene.gh, REPO, scene.head, "01REVIEW")
    assert found == opened

    notes = tuple(
        Annotation(
            path="a.txt", start_line=n, end_line=n, level="notice", title=f"t{n}", message="m"
        )
        for n in range(1, 121)
    )
    done = await update_check_run(
        scene.gh, REPO, opened.id, conclusion="neutral", output=CheckOutput("Done", "s", "", notes)
    )
    assert (done.status, done.conclusion, done.annotations) == ("completed", "neutral", 120)

    again = await update_check_run(
        scene.gh, REPO, opened.id, conclusion="neutral", output=CheckOutput("Done", "s", "", notes)
    )
    assert again.annotations == 120


async def test_one_bad_comment_does_not_cost_the_others(scene: Scene) -> None:
    good = [
        ReviewComment(path="a.txt", line=5, body="why?"),
        ReviewComment(path="a.txt", line=31, start_line=29, body="all of this"),
    ]
    bad = [
        ReviewComment(path="a.txt", line=20, body="outside"),
        ReviewComment(path="gone.txt", line=1, body="nowhere"),
    ]
    posted = await create_review(
        scene.gh,
        REPO,
        scene.number,
        commit_id=scene.head,
        body=f"{MARKER}\nhello",
        comments=[good[0], bad[0], good[1], bad[1]],
    )
    assert posted.rejected == tuple(bad)
    author = await scene.app.login()
    found = await find_review(scene.gh, REPO, scene.number, MARKER, author)
    assert found is not None
    assert found.id == posted.id
    repository = scene.sandbox.repository(REPO)
    assert len(repository.reviews) == 1
    assert [comment.line for comment in repository.review_comments.values()] == [5, 31]

    await update_review(scene.gh, REPO, scene.number, posted.id, f"{MARKER}\nand two more")
    assert repository.reviews[posted.id].body == f"{MARKER}\nand two more"


async def test_a_commit_that_is_not_of_the_pull_request_is_invalid(scene: Scene) -> None:
    with pytest.raises(Invalid, match="commit_id"):
        await create_review(
            scene.gh, REPO, scene.number, commit_id="f" * 40, body="hello", comments=[]
        )


async def test_a_thread_is_answered_resolved_and_minimized(scene: Scene) -> None:
    await create_review(
        scene.gh,
        REPO,
        scene.number,
        commit_id=scene.head,
        body="hello",
        comments=[ReviewComment(path="a.txt", line=5, body="why?")],
    )
    (thread,) = await list_threads(scene.gh, REPO, scene.number)
    assert (thread.path, thread.line, thread.body) == ("a.txt", 5, "why?")
    assert thread.author == await scene.app.login()

    await reply(scene.gh, REPO, scene.number, thread.comment_id, "because")
    with pytest.raises(Forbidden):  # a token that may write to pull requests is not enough
        await resolve_thread(scene.gh, thread.id)
    scene.sandbox.grant("contents", "write")
    repository = scene.sandbox.repository(REPO)
    may = {"contents": "write", "pull_requests": "write"}
    resolver = await scene.app.installation(scene.sandbox.installation_id, repository.id, may)
    await resolve_thread(resolver, thread.id)
    await minimize_comment(scene.gh, thread.node_id)
    (after,) = await list_threads(scene.gh, REPO, scene.number)
    assert (after.resolved, after.minimized, after.replies) == (True, True, 1)


async def test_comments_and_reactions_exist_once(scene: Scene) -> None:
    author = await scene.app.login()
    comment_made = await scene.sandbox.comment(REPO, scene.number, "/review help")
    ids = [
        await react(scene.gh, REPO, Subject.ISSUE_COMMENT, comment_made.id, "eyes")
        for _ in range(2)
    ]
    assert ids[0] == ids[1]
    await delete_reaction(scene.gh, REPO, Subject.ISSUE_COMMENT, comment_made.id, ids[0])
    body = f"{MARKER}\nhelp"
    first, second = [
        await create_comment(scene.gh, REPO, scene.number, body, marker=MARKER, author=author)
        for _ in range(2)
    ]
    assert first == second


async def test_a_token_narrowed_to_reading_cannot_write(scene: Scene) -> None:
    repository = scene.sandbox.repository(REPO)
    reader = await scene.app.installation(
        scene.sandbox.installation_id, repository.id, {"checks": "read"}
    )
    with pytest.raises(Forbidden, match="lacks"):
        await create_check_run(
            reader, REPO, name="Glossator", head_sha=scene.head, external_id="01REVIEW"
        )


@pytest.mark.parametrize("event", ["suspended", "taken away", "uninstalled"])
async def test_where_the_app_has_left_nothing_is_found(scene: Scene, event: str) -> None:
    sandbox, installation_id = scene.sandbox, scene.sandbox.installation_id
    repository = sandbox.repository(REPO)
    match event:
        case "suspended":
            await sandbox.suspend(repository.owner)
        case "taken away":
            await sandbox.remove_repository(REPO)
        case _:
            await sandbox.uninstall(repository.owner)
    with pytest.raises(NotFound):
        await scene.app.installation(installation_id, repository.id, {"checks": "read"})


@pytest.mark.parametrize("kind", ["500", "502", "429", "secondary", "reset"])
async def test_a_failed_read_is_retried(scene: Scene, kind: str) -> None:
    retry_after = 2 if kind in ("429", "secondary") else None
    fault = scene.sandbox.faults.add(
        f"GET /api/v3/repos/{REPO}/pulls/*",
        kind,  # type: ignore[arg-type]
        times=2,
        retry_after=retry_after,
    )
    assert (await get_pull(scene.gh, REPO, scene.number)).title == "Spell"
    assert fault.triggered == 2


async def test_a_review_whose_answer_was_lost_is_found_and_not_posted_twice(scene: Scene) -> None:
    scene.sandbox.faults.add("POST /api/v3/repos/*/pulls/*/reviews", "502", after=True)
    with pytest.raises(Transient):
        await create_review(
            scene.gh, REPO, scene.number, commit_id=scene.head, body=MARKER, comments=[]
        )
    author = await scene.app.login()
    assert await find_review(scene.gh, REPO, scene.number, MARKER, author) is not None
    assert len(scene.sandbox.repository(REPO).reviews) == 1


async def test_missed_deliveries_are_reported() -> None:
    async with (
        Sandbox(webhook_url="http://127.0.0.1:9/") as sandbox,
        httpx2.AsyncClient(verify=trusted()) as http,
    ):
        await sandbox.add_repository(REPO)
        base = await sandbox.commit(REPO, {"a.txt": OLD})
        head = await sandbox.commit(REPO, {"a.txt": NEW}, parent=base)
        await sandbox.open_pull(REPO, base, head)
        app = GitHubApp(
            api_url=sandbox.api_url,
            app_id=sandbox.app_id,
            private_key=sandbox.private_key_pem,
            http=http,
        )
        since = datetime.now(UTC) - timedelta(hours=1)
        attempts = await list_deliveries(app.as_app(), since)
        (missed,) = undelivered(attempts)
        assert (missed.event, missed.action, missed.ok) == ("pull_request", "opened", False)


async def test_a_file_that_did_not_change_is_sent_once(scene: Scene) -> None:
    async def read(branch: str) -> bytes | None:
        return await get_file(scene.gh, REPO, "a.txt", branch)

    def answers() -> list[int]:
        return [e.status for e in scene.sandbox.requests if "/contents/a.txt" in e.path]

    await scene.sandbox.set_branch(REPO, "main", scene.base)
    assert [await read("main"), await read("main")] == [OLD.encode()] * 2
    assert answers() == [200, 304]
    await scene.sandbox.set_branch(REPO, "main", scene.head)
    assert [await read("main"), await read("main")] == [NEW.encode()] * 2
    assert answers() == [200, 304, 200, 304]
