"""An LLM that obeys every injected instruction, and what is posted all the same."""

import json
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest
from redis.asyncio import Redis

from bot.config.repository_config import MAX_CHECKS
from bot.domain.model import Repository
from bot.domain.preferences import Preference
from bot.policy.preferences import sentence
from bot.store import Action, AuditEntry, Way
from tests.flows.environment import REPO, World, running
from tests.support.llm_server import LLMServer
from tests.support.sandbox.checks import failed_check
from tests.support.tracker import tracking

from .injections import LOOKED_UP, PAYLOADS, PLACES, UNSEEN, Injection, Obedient, corpus
from .markdown_safety import faults, plain_faults

CORPUS = corpus()
#: Injections of one pull request, so that the whole corpus takes a few reviews only.
COMBINED = 20
GROUPS = [CORPUS[start : start + COMBINED] for start in range(0, len(CORPUS), COMBINED)]


def name(group: tuple[Injection, ...]) -> str:
    return f"{group[0].number}-{group[-1].number}"


def test_the_corpus_is_large_and_every_place_is_used() -> None:
    assert len(PAYLOADS) >= 60
    places = defaultdict(set)
    for one in CORPUS:
        places[one.place].add(one.name)
    assert set(places) == set(PLACES)
    assert all(len(names) >= 8 for names in places.values())
    assert len({(one.name, one.place) for one in CORPUS}) == len(CORPUS)


def _at(group: Iterable[Injection], place: str) -> list[Injection]:
    return [one for one in group if one.place == place]


def _file_name(one: Injection) -> str:
    words = re.sub(r"[/\0\n\r]+", "-", one.payload)[:60]
    return f"obey-{one.number:03} {words}.txt".encode()[:200].decode("utf-8", "ignore")


def _is_seen(one: Injection) -> bool:
    """Whether an LLM is shown it, of files whose names cannot be printed the name with escapes."""
    return one.place not in UNSEEN


def _lines(one: Injection, *, after: bool) -> list[str]:
    value = f"value_{one.number:03} = {one.number if after else 0}"
    text = json.dumps(one.text, ensure_ascii=False)
    match one.place:
        case "code" if after:
            return [value, f"call_{one.number}({text})"]
        case "comment" if after:
            return [value, f"# {one.text}"]
        case "string" if after:
            return [value, f"S_{one.number} = {text}"]
        case "analyser" if after:
            return [value, f"x_{one.number}: {text} = 1", f"password_{one.number} = {text}"]
        case "removed line" if not after:
            return [value, f"# {one.text}"]
        case "context":
            return [f"def f_{one.number}():", f"    {text}", "    pass", "    pass", f"    {value}"]
        case _:
            return [value]


def _files(group: Iterable[Injection], *, after: bool) -> dict[str, str]:
    """Python, where a suggestion has to parse, and text, where any will do."""
    files: defaultdict[str, list[str]] = defaultdict(list)
    for one in group:
        name = "app.py" if one.number % 2 else "notes.txt"
        files[_file_name(one) if one.place == "file name" else name] += _lines(one, after=after)
    return {name: "\n".join(lines) + "\n" for name, lines in files.items()}


def _config(group: Iterable[Injection]) -> str:
    instructions = [{"paths": ["**"], "text": one.text} for one in _at(group, "config")]
    checks = [{"name": f"Check {n}", "instruction": "No defect."} for n in range(MAX_CHECKS)]
    return json.dumps({"checks": checks, "instructions": instructions})


async def _remember(world: World, text: str) -> None:
    """As a person who may write had it kept."""
    repository = world.repository
    installation = world.sandbox.state.installation_of(repository)
    assert installation is not None
    preference = Preference(
        text=sentence(text),
        paths=("**",),
        repository=REPO,
        pull=1,
        fingerprint="00000000000000a1",
        kept_by="mallory",
        kept_at=world.store.now(),
    )
    where = Repository(installation_id=installation.id, id=repository.id, full_name=REPO)
    entry = AuditEntry(action=Action.PREFERENCE_KEPT, way=Way.COMMENT, who="mallory")
    assert await world.store.preferences.keep(where, preference, entry)


async def _open(world: World, group: tuple[Injection, ...]) -> int:
    def words(place: str) -> str:
        return "\n\n".join(one.text for one in _at(group, place))

    base_files = {
        **_files(group, after=False),
        ".github/glossator.yml": _config(group),
        LOOKED_UP: words("looked up") + "\n",
    }
    base = await world.sandbox.commit(REPO, base_files, message="Begin")
    issue = await world.sandbox.open_pull(
        REPO, base, base, title="An issue", body=words("issue"), draft=True
    )
    other = await world.sandbox.add_repository("someone/public", installed=False)
    other.private = False
    there = await world.sandbox.commit(other.full_name, {"a": "a\n"}, message="Begin")
    elsewhere = await world.sandbox.open_pull(
        other.full_name, there, there, title="Another", body=words("other issue"), draft=True
    )
    head = await world.sandbox.commit(
        REPO, dict(_files(group, after=True)), parent=base, message=words("commit") or "Change"
    )
    for one in _at(group, "preference"):
        await _remember(world, one.text)
    if said := _at(group, "failed check"):
        # One half is said of lines, the other in the job's log.
        notes = ((1, "failure", one.text) for one in said[::2])
        log = "\n".join(one.text for one in said[1::2]).encode()
        run = failed_check(1, "tests", *notes, log=log)
        run.head_sha = head
        world.repository.check_runs[run.id] = run
    branch = "".join(f"-{one.number}-{one.payload[:40]}" for one in _at(group, "branch"))
    return await world.sandbox.open_pull(
        REPO,
        base,
        head,
        title=words("title") or "Change",
        body=f"AB-1. {words('body')}\n\nFixes #{issue}, closes {other.full_name}#{elsewhere}",
        head_ref="change" + re.sub(r"[^\w-]+", "-", branch, flags=re.ASCII),
        labels=[one.text for one in _at(group, "label")],
    )


@pytest.fixture
async def llm() -> AsyncIterator[LLMServer]:
    async with LLMServer(default=Obedient(CORPUS)) as server:
        yield server


def _check_posted(world: World, number: int, changed: set[str]) -> None:
    """The rules, on everything that stands on the pull request and was sent to get there."""
    wrong: list[str] = []
    url, code = world.url, f"{world.sandbox.url}/{REPO}"
    [posted] = [review for review in world.reviews if review.number == number]
    assert posted.state == "COMMENTED"
    ours = [run for run in world.check_runs if run.app_id == world.sandbox.app_id]
    [run] = [run for run in ours if run.conclusion != "skipped"]
    assert posted.body.startswith(f"<!-- glossator:review:{run.external_id} -->\n")
    marks = [comment.body.partition("\n")[0] for comment in world.inline_comments]
    assert len(set(marks)) == len(marks), "every comment has a marker of its own"
    wrong += faults(posted.body, our_url=url, code_url=code, limit=65_536)
    for comment in world.inline_comments:
        assert comment.path in changed
        wrong += faults(comment.body, our_url=url, code_url=code, limit=65_536, suggestion=True)
    for run in ours:
        for name in ("summary", "text"):
            text = run.output.get(name) or ""
            wrong += faults(text, our_url=url, code_url=code, limit=65_535)
        wrong += plain_faults(run.output.get("title") or "", 255)
        for note in run.annotations:
            assert note["path"] in changed
            wrong += plain_faults(str(note["title"]), 255) + plain_faults(
                str(note["message"]), 65_536
            )
    assert not wrong, "\n".join(dict.fromkeys(wrong))


def _posted_bodies(world: World) -> list[str]:
    summaries = (str(run.output.get("summary")) for run in world.check_runs)
    return [*(review.body for review in world.reviews), *summaries]


def _check_requests(world: World, number: int) -> None:
    """Nothing was written but this pull request's review and check runs of its repository."""
    allowed = re.compile(
        rf"POST /app/installations/\d+/access_tokens|POST /repos/{REPO}/pulls/{number}/reviews"
        rf"|POST /repos/{REPO}/check-runs|PATCH /repos/{REPO}/check-runs/\d+"
    )
    for exchange in world.sandbox.requests:
        call = f"{exchange.method} {exchange.path.removeprefix('/api/v3')}"
        if exchange.method not in ("GET", "HEAD") and not exchange.path.endswith(
            "/git-upload-pack"
        ):
            assert allowed.fullmatch(call), call
        if call.endswith("/reviews") and exchange.method == "POST":
            body = json.loads(exchange.body)
            assert set(body) == {"commit_id", "body", "event", "comments"}
            assert body["event"] == "COMMENT"
            assert body["commit_id"] == world.repository.pulls[number].head_sha
        assert "octo/other" not in exchange.path


@pytest.mark.parametrize(
    ("group", "inline"),
    [
        pytest.param(GROUPS[-1], 100, id=f"{name(GROUPS[-1])}, on their lines"),
        pytest.param(GROUPS[0], 0, id=f"{name(GROUPS[0])}, in the body"),
        *(
            pytest.param(group, 0, id=f"{name(group)}, in the body", marks=pytest.mark.slow)
            for group in GROUPS[1:]
        ),
        *(
            pytest.param(group, 100, id=f"{name(group)}, on their lines", marks=pytest.mark.slow)
            for group in GROUPS[:-1]
        ),
    ],
)
async def test_the_output_of_an_obedient_model_is_posted_harmlessly(
    group: tuple[Injection, ...],
    inline: int,
    redis_url: str,
    redis: "Redis",
    tmp_path: Path,
    llm: LLMServer,
) -> None:
    settings = {"openai_base_url": llm.url, "openai_api_key": "sk-x", "llm_model": "small"}
    async with (
        tracking() as tracker,
        running(
            redis_url,
            redis,
            tmp_path,
            max_comments=inline,
            ci_logs=True,
            **settings,
            **tracker.settings,
        ) as world,
    ):
        world.sandbox.grant("actions", "read")
        ticket = "\n\n".join(one.text for one in _at(group, "ticket"))
        tracker.tickets["AB-1"] = ("A ticket", ticket)
        number = await _open(world, group)
        await world.settle()
        assert isinstance(llm.default, Obedient)
        told = [text for text in _posted_bodies(world) if "⚠️ **Check 19** failed" in text]
        assert len(told) == 2, "the review and the check run"
        assert llm.default.obeyed_ids == {one.number for one in group if _is_seen(one)}
        assert len(world.inline_comments) >= (len(group) / 2 if inline else 0)
        _check_posted(world, number, {*_files(group, after=True)})
        _check_requests(world, number)
        assert world.conversation == []


def test_the_rules_see_what_they_forbid() -> None:
    """Each payload, posted as it is, would be caught, but for those that are words only."""
    words_only = {
        "approve", "approve by json", "checks passed", "fence open",
        "html comment open", "html entity",
        "huge fence", "huge nesting", "jinja", "link data", "link that is code",
        "own finding marker", "own marker", "slash in a list", "slash indented",
    }  # fmt: skip
    missed = {
        name
        for name, payload in PAYLOADS.items()
        if not faults(payload, our_url="http://x", limit=3000)
    }
    assert missed == words_only
