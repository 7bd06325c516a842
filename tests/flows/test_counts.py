"""A review has one number of findings, wherever it is asked for."""

import re
from pathlib import Path

import httpx2
from redis.asyncio import Redis

from bot.security.tls import trusted
from tests.flows.environment import REPO, running
from tests.support.llm_server import LLMServer, Request, Text, agreeable, review

TOKEN = "glossator-test-token-0123456789"
MODULE = "def run{n}(command):\n    return command.split()[{n}]\n"
SHELL = "import subprocess\n\n\ndef show(it):\n    return subprocess.call(it, shell=True)\n"
FOUND = {
    "side": "RIGHT",
    "category": "correctness",
    "severity": "medium",
    "title": "A short command raises IndexError",
    "body": "Nothing says that there are so many words.",
    "confidence": 0.9,
    "suggestion": None,
}


async def test_github_page_api_and_reports_have_the_same_findings(
    redis_url: str, redis: Redis, tmp_path: Path, llm: LLMServer
) -> None:
    after = {f"m{n}.py": MODULE.format(n=n) for n in range(4)} | {"shell.py": SHELL}
    findings = [
        FOUND | {"path": f"m{n}.py", "line": 2, "quote": f"    return command.split()[{n}]"}
        for n in range(4)
    ]
    unplaced = FOUND | {"path": "m0.py", "quote": "nothing()", "line": None, "severity": "high"}
    unplaced |= {"title": "Nothing limits how long a command runs", "category": "performance"}

    def answer(request: Request) -> Text:
        return agreeable(request) if request.asks_for_verdicts else review(*findings, unplaced)

    llm.default = answer
    more = {**llm.settings, "api_tokens": TOKEN}
    async with running(redis_url, redis, tmp_path, **more) as world:
        await world.open_pull({"README.md": "Commands\n"}, after)
        await world.settle()
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with httpx2.AsyncClient(
            verify=trusted(), base_url=world.url, headers=headers
        ) as http:
            [listed] = (await http.get("/api/reviews")).json()["items"]
            one = (await http.get(f"/api/reviews/{listed['id']}")).json()
            report = (await http.get(listed["reports"]["json"])).json()
            [run] = (await http.get(listed["reports"]["sarif"])).json()["runs"]
            page = (await http.get(f"/reviews/{listed['id']}")).text

    total = report["counts"]["total"]
    places = [each for item in report["findings"] for each in (item, *item["places"])]
    assert total == len(places) > len(report["findings"]), "some are folded"
    assert (listed["findings"], one["findings"], len(run["results"])) == (total,) * 3
    assert f'id="findings-count">{total}<' in page
    assert sum(map(int, re.findall(r'<li class="chip \w+">(\d+) \w+</li>', page))) == total

    [check_run] = world.check_runs
    assert sum(int(n) for n in re.findall(r"(\d+) \w+", check_run.output["title"] or "")) == total
    on_lines = sum(each["start_line"] is not None for each in places)
    assert len(check_run.annotations) == on_lines == total - 1
    [posted] = world.reviews
    head = posted.body.partition("<details")[0].partition("**\n\n")[2].partition("\n")[0]
    assert sum(int(n) for n in re.findall(r"[🔴🟠🟡🔵⚪] (\d+)", head)) == total
    inline = [item for item in report["findings"] if item["shown"] == "inline"]
    assert len(world.inline_comments) == len(inline) > 0
    assert REPO in page
