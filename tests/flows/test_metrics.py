"""The figures of a flow add up to what happened."""

import httpx2

from bot.metrics import CATALOGUE, kept
from tests.flows.world import World

BEFORE = {"app.py": "x = 1\n"}
AFTER = {"app.py": "import subprocess\nsubprocess.call(input(), shell=True)\n"}


async def scraped(world: World, token: str = "letmein") -> httpx2.Response:
    async with httpx2.AsyncClient() as http:
        return await http.get(
            f"{world.url}/metrics", headers={"Authorization": f"Bearer {token}"} if token else {}
        )


def values(text: str) -> dict[str, float]:
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


async def test_what_is_counted_is_what_happened(world_with_token: World) -> None:
    world = world_with_token
    await world.open_pull(BEFORE, AFTER)
    await world.open_pull(BEFORE, AFTER, draft=True)
    await world.settle()
    [delivery, _] = world.sandbox.state.deliveries
    await world.sandbox.redeliver(delivery.id)

    async def flushed() -> bool:
        requests = sum(
            number
            for name, number in (await kept(world.store.redis)).items()
            if name.startswith("glossator_github_requests_total")
        )
        return requests == len([e for e in world.sandbox.requests if e.path.startswith("/api")])

    await world.until_true(flushed)
    seen = values((await scraped(world)).text)
    queued = 'glossator_deliveries_total{event="pull_request",outcome="queued"}'
    again = 'glossator_deliveries_total{event="pull_request",outcome="duplicate"}'
    assert (seen[queued], seen[again]) == (2, 1)
    assert seen['glossator_reviews_total{state="completed"}'] == len(world.reviews) == 1
    told = sum(n for name, n in seen.items() if name.startswith("glossator_findings_total"))
    assert told == len(world.inline_comments)
    for step in ("scan", "report"):
        assert seen[f'glossator_step_seconds_count{{step="{step}"}}'] == 1
        assert seen[f'glossator_step_seconds_bucket{{step="{step}",le="+Inf"}}'] == 1
    for queue in ("events", "scan", "analysis", "reports"):
        assert seen[f'glossator_queue_messages{{queue="{queue}",state="waiting"}}'] == 0
    assert seen["glossator_workers_alive"] == 1
    assert seen["glossator_github_rate_limit_remaining"] > 0


async def test_every_series_is_in_the_catalogue(world_with_token: World) -> None:
    await world_with_token.open_pull(BEFORE, AFTER)
    await world_with_token.settle()
    text = (await scraped(world_with_token)).text
    for name in CATALOGUE:
        assert f"# TYPE {name} " in text
    told = await kept(world_with_token.store.redis)
    shown = values(text)
    assert set(told) - set(shown) == set()


async def test_strangers_see_no_metrics(world_with_token: World) -> None:
    assert (await scraped(world_with_token, token="")).status_code == 404
    assert (await scraped(world_with_token, token="wrong")).status_code == 404
