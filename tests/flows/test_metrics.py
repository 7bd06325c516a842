"""The figures of a flow add up to what happened."""

import asyncio
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from redis.asyncio import Redis

from bot.security.tls import trusted
from bot.store import UsageTotal
from bot.telemetry.metrics import CATALOG
from bot.web.pages.statistics import days_of
from tests.flows.environment import REPO, World, running
from tests.support.llm_server import LLMServer, Text, agreeable, review

BEFORE = {"app.py": "x = 1\n"}
ALERTS = Path(__file__).parents[2] / "deploy/prometheus/alerts.yaml"
AFTER = {"app.py": "import subprocess\nsubprocess.call(input(), shell=True)\n"}


async def scraped(world: World) -> httpx2.Response:
    async with httpx2.AsyncClient(verify=trusted()) as http:
        return await http.get(world.metrics_url)


def values(text: str) -> dict[str, float]:
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


async def test_counters_of_alerts_begin_at_zero(world: World) -> None:
    seen = values((await scraped(world)).text)
    counters = set(re.findall(r"increase\((\w+)", ALERTS.read_text()))
    assert len(counters) == 4
    for counter in counters:
        assert {n for name, n in seen.items() if name.partition("{")[0] == counter} == {0}
    assert 'glossator_reviews_total{state="failed"}' in seen
    assert 'glossator_llm_files_total{outcome="unread"}' in seen
    for event, outcome in (("other", "refused"), ("pull_request", "unavailable")):
        assert f'glossator_deliveries_total{{event="{event}",outcome="{outcome}"}}' in seen


async def test_what_is_counted_is_what_happened(world: World) -> None:
    await world.open_pull(BEFORE, AFTER)
    await world.open_pull(BEFORE, AFTER, draft=True)
    await world.settle()
    [delivery, _] = world.sandbox.state.deliveries
    await world.sandbox.redeliver(delivery.id)

    async def flushed() -> bool:
        requests = sum(
            number
            for name, number in (await world.store.metrics.totals()).items()
            if name.startswith("glossator_github_requests_total")
        )
        return requests == len([e for e in world.sandbox.requests if e.path.startswith("/api")])

    await world.until_true(flushed)
    seen = values((await scraped(world)).text)
    queued = 'glossator_deliveries_total{event="pull_request",outcome="queued"}'
    again = 'glossator_deliveries_total{event="pull_request",outcome="duplicate"}'
    assert (seen[queued], seen[again]) == (2, 1)
    assert seen['glossator_reviews_total{state="completed"}'] == len(world.reviews) == 1
    reported = sum(n for name, n in seen.items() if name.startswith("glossator_findings_total"))
    assert reported == len(world.inline_comments)
    for step in ("scan", "publish"):
        assert seen[f'glossator_stage_seconds_count{{stage="{step}"}}'] == 1
        assert seen[f'glossator_stage_seconds_bucket{{stage="{step}",le="+Inf"}}'] == 1
    for queue in ("events", "scan", "analysis", "reports"):
        assert seen[f'glossator_queue_messages{{queue="{queue}",state="waiting"}}'] == 0
    assert seen["glossator_workers_alive"] == 1
    assert seen['glossator_worker_slots{state="all"}'] == world.settings.worker_threads
    assert seen['glossator_worker_slots{state="busy"}'] == 0
    for process in ("web", "worker"):
        assert seen[f'glossator_process_memory_bytes{{process="{process}"}}'] > 10_000_000
    assert seen["glossator_feeds_open"] == 0
    installation = world.sandbox.installation_id
    left = seen[f'glossator_github_rate_limit_remaining{{installation="{installation}"}}']
    assert 0 < left < 5000


async def test_every_series_is_in_the_catalogue(world: World) -> None:
    await world.open_pull(BEFORE, AFTER)
    await world.settle()
    text = (await scraped(world)).text
    for name in CATALOG:
        assert f"# TYPE {name} " in text
    reported = await world.store.metrics.totals()
    shown = values(text)
    assert set(reported) - set(shown) == set()


def finding(path: str) -> dict[str, object]:
    return {
        "path": path,
        "quote": "return total / count",
        "line": 2,
        "side": "RIGHT",
        "category": "correctness",
        "severity": "high",
        "title": "Division by zero",
        "body": "`count` may be 0.",
        "confidence": 0.9,
        "suggestion": None,
    }


@pytest.fixture
async def world_with_llm(
    redis_url: str, redis: "Redis", tmp_path: Path
) -> AsyncIterator[tuple[World, LLMServer]]:
    """The App with a model whose tokens have a price."""
    async with LLMServer(default=agreeable) as llm:
        settings = {
            "openai_base_url": llm.url,
            "openai_api_key": "sk-test",
            "llm_model": "small",
            "llm_verify_model": "small",
            "llm_prices": {"small": {"prompt": 1, "completion": 10}},
        }
        async with running(redis_url, redis, tmp_path, **settings) as world:
            yield world, llm


async def test_what_the_llm_cost_is_what_it_answered(
    world_with_llm: tuple[World, LLMServer],
) -> None:
    world, llm = world_with_llm
    llm.script(review(finding("mean.py"), **{"mean.py": "Adds a mean."}))
    await world.open_pull(
        {"mean.py": "x = 1\n"}, {"mean.py": "def mean(total, count):\n    return total / count\n"}
    )
    await world.settle()
    pull = await world.store.pulls.get(world.repository.id, 1)
    report = await world.store.stage_data.report(pull.current)
    assert report is not None
    usage = report.usage
    assert usage.calls == len(llm.requests) > 0

    async def flushed() -> bool:
        return 'glossator_findings_total{severity="high"}' in await world.store.metrics.totals()

    await world.until_true(flushed)
    seen = values((await scraped(world)).text)
    assert seen["glossator_llm_calls_total"] == usage.calls
    assert seen['glossator_llm_tokens_total{kind="prompt"}'] == usage.prompt_tokens
    assert seen['glossator_llm_tokens_total{kind="completion"}'] == usage.completion_tokens
    assert usage.cost is not None
    assert seen["glossator_llm_cost_total"] == pytest.approx(usage.cost)
    assert seen['glossator_llm_files_total{outcome="read"}'] == 1
    assert seen['glossator_findings_total{severity="high"}'] == len(report.findings) == 1


async def test_what_questions_cost_is_counted_also_of_those_without_an_answer(
    world_with_llm: tuple[World, LLMServer],
) -> None:
    world, llm = world_with_llm
    number = await world.open_pull(BEFORE, AFTER)
    await world.settle()
    report = await world.store.stage_data.report(
        (await world.store.pulls.get(world.repository.id, number)).current
    )
    assert report is not None
    before = report.usage
    assert before.cost is not None
    llm.script(Text("So.", prompt_tokens=2000, completion_tokens=50), Text(""))
    await world.sandbox.comment(REPO, number, "/review ask Why?\n/review ask Why not?")
    await world.settle()

    async def flushed() -> bool:
        reported = await world.store.metrics.totals()
        return reported.get("glossator_llm_calls_total") == before.calls + 2

    await world.until_true(flushed)
    seen = values((await scraped(world)).text)
    prompt, completion = before.prompt_tokens + 3000, before.completion_tokens + 150
    assert seen['glossator_llm_tokens_total{kind="prompt"}'] == prompt
    assert seen['glossator_llm_tokens_total{kind="completion"}'] == completion

    [today] = days_of(world.store.now())[-1:]
    repository = world.repository.id
    spent = (await world.store.usage.of_questions([today], lambda id: id == repository))[today]
    assert spent.tokens == 3150
    assert spent.cost == pytest.approx((3000 + 10 * 150) / 1e6)
    others = await world.store.usage.of_questions([today], lambda id: id != repository)
    assert others == {today: UsageTotal()}
    in_all = (await world.store.usage.by_day([today]))[today]
    assert in_all.keys() == {world.sandbox.installation_id}
    [of_installation] = in_all.values()
    assert of_installation.tokens == before.prompt_tokens + before.completion_tokens + 3150
    assert of_installation.cost == pytest.approx(before.cost + (3000 + 10 * 150) / 1e6)


@pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is missing: apt-get install prometheus"
)
async def test_prometheus_reads_the_page_without_complaint(world: World) -> None:
    await world.open_pull(BEFORE, AFTER)
    await world.settle()
    page = (await scraped(world)).text
    command = ["promtool", "check", "metrics"]
    done = await asyncio.to_thread(
        subprocess.run, command, input=page, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


async def test_the_public_port_has_no_metrics(world: World) -> None:
    """However the path is written, and for administrators too."""
    async with httpx2.AsyncClient(verify=trusted()) as http:
        for path in ("/metrics", "/%6d%65trics", "/metrics/"):
            answer = await http.get(f"{world.url}{path}")
            assert answer.status_code == 404
            assert "glossator_" not in answer.text
        other = await http.get(world.metrics_url.replace("/metrics", "/api/reviews"))
        assert other.status_code == 404
