"""A support bundle has what a helper needs, and nothing that people or a model wrote."""

import json
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from bot.config.settings import Settings
from bot.store import message
from bot.telemetry.log import configured_secrets
from tests.flows.environment import REPO, running
from tests.support.llm_server import LLMServer, review
from tests.support.logs import production_log
from workers.offline.doctor import run_checks
from workers.offline.support_bundle import support_bundle, write_bundle

#: Stands in the code, the title, a comment, a finding, a prompt and an error.
WRITTEN = "zanzibar"

BEFORE = {"app.py": "x = 1\n"}
AFTER = {"app.py": f"def {WRITTEN}(prices):\n    return eval(prices)\n"}
FINDING = {
    "path": "app.py",
    "quote": "    return eval(prices)",
    "category": "security",
    "severity": "high",
    "title": f"{WRITTEN} runs what it is given",
    "body": f"Whoever calls {WRITTEN} can run anything.",
    "confidence": 0.9,
}

#: A setting that is a secret gets this and its name, so that it cannot be there by chance.
SECRET = "correct-horse-battery"


def with_all_secrets(settings: Settings) -> Settings:
    """The same with something in every secret that has nothing yet."""
    empty: dict[str, Any] = {}
    for name in Settings.model_fields:
        value, marked = getattr(settings, name), SecretStr(f"{SECRET}-{name}")
        if isinstance(value, SecretStr) and not value.get_secret_value():
            empty[name] = marked
        elif value == () and "SecretStr" in str(Settings.model_fields[name].annotation):
            empty[name] = (marked,)
    assert len(empty) > 4
    return settings.model_copy(update=empty)


async def test_no_secret_and_nothing_that_was_written_is_in_it(
    redis_url: str, redis: "Redis", tmp_path: Path
) -> None:
    async with (
        LLMServer(default=review(FINDING)) as llm,
        running(redis_url, redis, tmp_path / "data", **llm.settings) as world,
    ):
        number = await world.open_pull(BEFORE, AFTER, title=f"Add {WRITTEN}")
        await world.settle()
        await world.sandbox.comment(REPO, number, f"/review explain {WRITTEN}")
        await world.store.queues.put(message("start_review", WRITTEN, WRITTEN))
        await world.settle()
        settings = with_all_secrets(world.settings)
        with production_log(settings):
            files = await support_bundle(settings, await run_checks(world.settings))

    path = tmp_path / "bundle.zip"
    write_bundle(path, files)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with zipfile.ZipFile(path) as bundle:
        read = {name: bundle.read(name).decode() for name in bundle.namelist()}
    everything = "\n".join(read.values())
    for secret in (*configured_secrets(settings), SECRET, WRITTEN, REPO, "octocat"):
        assert secret not in everything, secret

    # What it is for is there.
    shown = json.loads(read["settings.json"])
    assert shown["secret_key"] == "(set)"
    assert shown["llm_model"] == "small"
    [letter] = json.loads(read["queues.json"])["dead_letters"]
    assert (letter["actor"], letter["error"]) == ("start_review", "TypeError")
    reviews = json.loads(read["reviews.json"])
    assert reviews["states"] == {"completed": 1}
    assert {check["name"] for check in json.loads(read["checks.json"])} >= {"github", "redis"}
    assert json.loads(read["metrics.json"])
    assert "pydantic" in json.loads(read["versions.json"])["packages"]


def test_a_file_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "bundle.zip"
    path.write_text("something of mine")
    with pytest.raises(FileExistsError):
        write_bundle(path, {"README.txt": ""})
    assert path.read_text() == "something of mine"
