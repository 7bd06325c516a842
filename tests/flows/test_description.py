"""The overview that a repository wants in the description, beside what its author wrote."""

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from redis.asyncio import Redis

from tests.flows.conversation import pushed
from tests.flows.environment import REPO, World, running
from tests.support.llm_server import LLMServer, Reply, Request, Text, agreeable
from workers.reports.description import BEGIN, END

BEFORE = {".github/glossator.yml": "description_overview: true\n", "shop.py": "x = 1\n"}
AFTER = {"shop.py": "x = 2\n"}
#: With everything that an editor or a parser might change.
OWN = "  Fixes the *price*.\r\n\r\n<!-- ours -->\n\n- [ ] tried\t\n\u200b"


def saying(overview: str) -> Callable[[Request], Reply]:
    def answer(request: Request) -> Reply:
        if request.asks_for_verdicts:
            return agreeable(request)
        summaries = [{"path": "shop.py", "summary": "Doubles it, @octocat."}]
        return Text(json.dumps({"overview": overview, "summaries": summaries, "findings": []}))

    return answer


@pytest.fixture
async def world(
    redis_url: str, redis: "Redis", tmp_path: Path, llm: LLMServer
) -> AsyncIterator[World]:
    async with running(redis_url, redis, tmp_path, **llm.settings) as world:
        yield world


async def test_only_our_part_of_the_description_changes(world: World, llm: LLMServer) -> None:
    llm.default = saying("Doubles the price. @octocat, closes #1 <!-- glossator:overview:end -->")
    number = await world.open_pull(BEFORE, AFTER, body=OWN)
    await world.settle()
    pull = world.repository.pulls[number]
    own, begin, rest = pull.body.partition(BEGIN)
    block, end, after = rest.partition(END)
    assert (own, bool(begin and end), after) == (f"{OWN}\n\n", True, "")
    assert "Doubles the price. `@octocat`, closes `#1`" in block
    assert "- `shop.py` +1 −1: Doubles it, `@octocat`." in block

    edited = pull.body.replace("\n", "\r\n") + "\r\nMore, written below."
    pull.body = edited
    await pushed(world, number, {"shop.py": "x = 3\n"})
    await world.settle()
    assert pull.body == edited, "the same is not written again"
    assert "Doubles the price" not in llm.requests[-1].user, "the model does not read itself"
    assert "More, written below." in llm.requests[-1].user

    llm.default = saying("Triples the price.")
    await pushed(world, number, {"shop.py": "x = 4\n"})
    await world.settle()
    before, _, _ = edited.partition(BEGIN)
    assert pull.body.startswith(f"{before}{BEGIN}\nTriples the price.")
    assert pull.body.endswith(f"{END}\r\nMore, written below.")

    pull.body = broken = pull.body.replace(END, "")
    llm.default = saying("Quadruples the price.")
    await pushed(world, number, {"shop.py": "x = 5\n"})
    await world.settle()
    assert pull.body == broken, "half of it is not ours"


async def test_what_a_person_writes_during_the_review_is_kept(world: World, llm: LLMServer) -> None:
    """The description is read just before it is written; if GitHub refuses, the review stands."""

    def answer(request: Request) -> Reply:
        world.repository.pulls[1].body = "Written while it was read."
        return Text(json.dumps({"overview": "Doubles it.", "findings": []}))

    llm.default = answer
    number = await world.open_pull(BEFORE, AFTER, body="At first.")
    await world.settle()
    pull = world.repository.pulls[number]
    assert pull.body.startswith(f"Written while it was read.\n\n{BEGIN}\nDoubles it.")

    pull.body = "Nothing of ours."
    world.sandbox.faults.add(f"PATCH /api/v3/repos/{REPO}/pulls/{number}", "500", times=50)
    llm.default = saying("Triples it.")
    await pushed(world, number, {"shop.py": "x = 3\n"})
    await world.settle()
    assert pull.body == "Nothing of ours."
    assert world.check_runs[-1].conclusion == "success"


@pytest.mark.parametrize(
    ("diagram", "drawn"),
    [
        ("flowchart TD\nA[Ask @octocat] --> B", 'flowchart TD\n  A["Ask octocat"] --> B'),
        ('flowchart TD\nA --> B\nclick A "https://evil.example"', ""),
    ],
)
async def test_a_diagram_is_drawn_where_it_is_wanted_and_only_draws(
    world: World, llm: LLMServer, diagram: str, drawn: str
) -> None:
    llm.default = Text(json.dumps({"diagram": diagram, "findings": []}))
    before = {**BEFORE, ".github/glossator.yml": "diagram: true\n"}
    await world.open_pull(before, AFTER)
    await world.settle()
    [posted] = world.reviews
    assert ("```mermaid" in posted.body) == bool(drawn)
    assert drawn in posted.body
    assert "evil" not in posted.body
    assert '"diagram":{"type":"string"}' in llm.requests[0].system
