"""A team reads its reviews in its language: what is on the pull request afterwards."""

import re
from pathlib import Path

import httpx2
from redis.asyncio import Redis

from bot.domain.model import State
from tests.flows.conversation import AFTER, BEFORE, bot_comments, reviewed
from tests.flows.environment import REPO, World, running
from tests.support.llm_server import LLMServer

GERMAN = {".github/glossator.yml": "language: de\n"}


async def test_a_review_is_written_in_the_repositorys_language(world: World) -> None:
    number = await world.open_pull(before=BEFORE | GERMAN, after=AFTER)
    await world.until(number, State.COMPLETED)
    [review] = world.reviews
    assert "Vor dem Mergen zu beheben: 1 schwerwiegendes Problem." in review.body
    assert "Über dieses Review" in review.body
    [comment] = world.inline_comments
    assert "hoch · Sicherheit · ruff" in comment.body
    assert "Antworte mit `/review dismiss`" in comment.body
    [run] = world.check_runs
    assert run.output["title"] == "1 hoch"
    assert [action["label"] for action in run.actions] == ["Erneut prüfen"]


async def test_answers_are_in_the_language_of_the_last_review(world: World) -> None:
    number = await world.open_pull(before=BEFORE | GERMAN, after=AFTER)
    await world.until(number, State.COMPLETED)
    await world.sandbox.comment(REPO, number, "/review pause\n/review nonsens")
    await world.settle()
    [answer] = bot_comments(world)
    assert "Reviews sind pausiert." in answer
    assert "`/review nonsens` ist kein Befehl." in answer


async def test_a_second_review_knows_the_first_whatever_its_language(world: World) -> None:
    """Nothing is read back from prose: markers are the same in all languages."""
    number = await reviewed(world)
    base = world.repository.pulls[number].base_sha
    configured = await world.sandbox.commit(REPO, GERMAN, parent=base)
    await world.sandbox.set_branch(REPO, "main", configured)
    await world.sandbox.comment(REPO, number, "/review full")
    await world.settle()
    assert len(world.inline_comments) == 1, "what is on the lines is not said twice"
    assert "noch offen" in world.reviews[-1].body


async def test_the_servers_language_holds_where_a_repository_says_nothing(
    redis_url: str, redis: "Redis", tmp_path: Path
) -> None:
    async with running(redis_url, redis, tmp_path, review_language="de") as world:
        number = await world.open_pull(before=BEFORE, after=AFTER, title="[no review] Later")
        await world.settle()
        [run] = world.check_runs
        assert run.output["title"] == "Nicht geprüft: Titel"
        await world.sandbox.comment(REPO, number, "/review dismiss")
        await world.settle()
        [answer] = bot_comments(world)
        assert answer == "Verwende `/review dismiss` als Antwort auf einen meiner Befunde."


async def test_the_model_is_asked_to_write_in_it(
    redis_url: str, redis: "Redis", tmp_path: Path, llm: LLMServer
) -> None:
    async with running(redis_url, redis, tmp_path, **llm.settings) as world:
        number = await world.open_pull(before=BEFORE | GERMAN, after=AFTER)
        await world.until(number, State.COMPLETED)
        assert "in German" in llm.requests[0].system


async def test_pages_and_reports_are_in_it_and_say_so(world: World) -> None:
    number = await world.open_pull(before=BEFORE | GERMAN, after=AFTER)
    await world.until(number, State.COMPLETED)
    [run] = world.check_runs
    async with httpx2.AsyncClient() as browser:
        page = (await browser.get(run.details_url)).text
        assert '<html lang="de" dir="ltr"' in page
        assert ">Befunde</h2>" in page
        [link] = re.findall(r'href="([^"]*report\.html[^"]*)"', page)
        report = (await browser.get(f"{world.url}{link.replace('&amp;', '&')}")).text
        assert '<html lang="de" dir="ltr">' in report
        assert "Vor dem Mergen zu beheben" in report
        assert "Über dieses Review" in report
        missing = (await browser.get(f"{world.url}/reviews/nothing")).text
        assert '<html lang="en"' in missing, "the server's"


async def test_commands_begin_with_what_the_server_says(
    redis_url: str, redis: "Redis", tmp_path: Path
) -> None:
    async with running(redis_url, redis, tmp_path, command_prefix="/glossator") as world:
        number = await reviewed(world)
        [comment] = world.inline_comments
        assert "Reply `/glossator dismiss` to dismiss it here" in comment.body
        assert "`/review" not in comment.body + world.reviews[0].body
        await world.sandbox.comment(REPO, number, "/review pause")
        await world.settle()
        assert bot_comments(world) == [], "that is somebody else's"
        await world.sandbox.comment(
            REPO, number, "/glossator pause\n/Glossator help\n/glossator no"
        )
        await world.settle()
        [answer] = bot_comments(world)
        assert "Comment `/glossator resume` to turn them back on." in answer
        assert "`/glossator no` is not a command." in answer
        assert "- `/glossator full`: review everything again" in answer
        assert "`/review" not in answer


async def test_the_dashboard_is_in_english_for_those_who_run_the_server(
    redis_url: str, redis: "Redis", tmp_path: Path
) -> None:
    settings = {"review_language": "de", "api_tokens": "a token of the tests"}
    async with (
        running(redis_url, redis, tmp_path, **settings) as world,
        httpx2.AsyncClient(base_url=world.url) as http,
    ):
        page = (await http.get("/sign-in")).text
        assert '<html lang="de"' in page
        assert ">Anmelden</h1>" in page
        form = {"token": settings["api_tokens"]}
        await http.post("/sign-in", data=form, headers={"Origin": world.url})
        page = (await http.get("/")).text
        assert '<html lang="en"' in page
        assert "notes in the margins of pull requests" in page
