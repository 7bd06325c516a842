"""The GitHub Action: its own steps, run as a runner would, against a sandbox GitHub."""

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
import yaml

from bot.sandbox.api.auth import create_token
from tests.support.sandbox.server import Sandbox

ROOT = Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
REPO = "octo/shop"
BEFORE = {"shop.py": "def total(prices):\n    return sum(prices)\n"}
UNSAFE = (
    "\n\ndef run(command):\n    import subprocess\n\n    subprocess.call(command, shell=True)\n"
)
AFTER = {"shop.py": BEFORE["shop.py"] + UNSAFE}
READ_ONLY = {"contents": "read", "pull_requests": "read", "metadata": "read"}


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """Whose App writes under the name that jobs have."""
    async with Sandbox() as sandbox:
        sandbox.state.app.slug = "github-actions"
        await sandbox.add_repository(REPO)
        yield sandbox


async def opened(sandbox: Sandbox, *, from_fork: bool = False, draft: bool = False) -> str:
    base = await sandbox.commit(REPO, BEFORE, message="Begin")
    head = await sandbox.commit(REPO, AFTER, parent=base, message="Run commands")
    await sandbox.open_pull(REPO, base, head, from_fork=from_fork, draft=draft)
    return head


class Runner:
    """Runs the last step of the action that is ours, with inputs and event as a workflow gives
    them; what the steps before it prepare is the environment of the tests."""

    def __init__(self, sandbox: Sandbox, folder: Path, head: str) -> None:
        self.sandbox = sandbox
        self.folder = folder
        self.event = folder / "event.json"
        base = {"repo": {"full_name": REPO}}
        pull = {"number": 1, "base": base, "head": {"sha": head}}
        self.event.write_text(json.dumps({"action": "opened", "pull_request": pull}))
        (folder / ".cache").mkdir()
        (folder / ".cache/glossator-action").symlink_to(sys.prefix)
        self.summary = folder / "summary.md"

    async def run(
        self,
        inputs: Mapping[str, str] = {},
        permissions: Mapping[str, str] = {},
        event: str = "pull_request",
    ) -> tuple[int, str]:
        """Exit code and all output."""
        state = self.sandbox.state
        installation = state.installations[self.sandbox.installation_id]
        token = create_token(state, installation, {"permissions": dict(permissions)}).value
        [step] = [each for each in ACTION["runs"]["steps"] if each.get("id") == "review"]
        values = {
            "github.action_path": str(ROOT),
            "runner.temp": str(self.folder / "temp"),
            **{f"inputs.{name}": str(one.get("default")) for name, one in ACTION["inputs"].items()},
            "inputs.token": token,
            **{f"inputs.{name}": value for name, value in inputs.items()},
        }
        environment = {
            name: re.sub(r"\$\{\{ ?([\w.-]+) ?\}\}", lambda found: values[found[1]], text)
            for name, text in step["env"].items()
        }
        assert "${{" not in step["run"], "inputs reach a script as variables only"
        process = await asyncio.create_subprocess_exec(
            *("bash", "-c", step["run"]),
            cwd=self.folder,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.folder),
                "VIRTUAL_ENV": "",
                "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
                "ANALYZERS_DISABLED": "secrets",
                "GITHUB_EVENT_NAME": event,
                "GITHUB_EVENT_PATH": str(self.event),
                "GITHUB_STEP_SUMMARY": str(self.summary),
                "GITHUB_WORKSPACE": str(self.folder / "workspace"),
                "GITHUB_API_URL": self.sandbox.api_url,
                "GITHUB_SERVER_URL": self.sandbox.url,
                **environment,
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await process.communicate()
        assert process.returncode is not None
        return process.returncode, out.decode()

    def artifact(self) -> set[str]:
        return {path.name for path in (self.folder / "temp/glossator").glob("*")}


async def test_a_job_posts_one_review_however_often_it_runs(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    runner = Runner(sandbox, tmp_path, await opened(sandbox))
    code, out = await runner.run({"fail-on": "high"})
    assert code == 1, out
    assert "::add-matcher::" in out
    assert "shop.py:8: high: " in out
    assert runner.artifact() == {f"glossator.{end}" for end in ("sarif", "html", "json", "md")}
    assert "[The review](" in runner.summary.read_text()
    repository = sandbox.repository(REPO)
    assert len(repository.reviews) == 1
    writes = len(sandbox.writes())
    await runner.run()
    assert len(sandbox.writes()) == writes


async def test_the_next_commit_repeats_no_comment(sandbox: Sandbox, tmp_path: Path) -> None:
    head = await opened(sandbox)
    runner = Runner(sandbox, tmp_path, head)
    await runner.run()
    repository = sandbox.repository(REPO)
    comments = len(repository.review_comments)
    assert comments
    new = {"shop.py": AFTER["shop.py"], "more.py": "x = 1\n"}
    await sandbox.push(REPO, 1, await sandbox.commit(REPO, new, parent=head, message="More"))
    code, out = await runner.run()
    assert code == 0, out
    assert len(repository.review_comments) == comments
    assert len(repository.reviews) == 1


async def test_a_fork_is_reviewed_without_model_and_secrets(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    runner = Runner(sandbox, tmp_path, await opened(sandbox, from_fork=True))
    code, out = await runner.run({"llm-model": "gpt"}, READ_ONLY)
    assert code == 0, out
    summary = runner.summary.read_text()
    assert "Pull requests from forks get no secrets, so there was no model" in summary
    assert "so nothing was posted" in summary
    assert "shell" in summary
    assert sandbox.repository(REPO).reviews == {}
    assert "glossator.sarif" in runner.artifact()


@pytest.mark.slow
async def test_without_posting_the_reports_are_the_result(sandbox: Sandbox, tmp_path: Path) -> None:
    runner = Runner(sandbox, tmp_path, await opened(sandbox))
    code, out = await runner.run({"post": "false"}, READ_ONLY)
    assert code == 0, out
    assert sandbox.writes() == []
    assert "glossator.sarif" in runner.artifact()


@pytest.mark.slow
async def test_a_draft_is_left_until_it_is_ready(sandbox: Sandbox, tmp_path: Path) -> None:
    runner = Runner(sandbox, tmp_path, await opened(sandbox, draft=True))
    code, out = await runner.run()
    assert code == 0, out
    assert "did not review this pull request. The pull request is a draft." in (
        runner.summary.read_text()
    )


async def test_a_checkout_of_the_head_beside_secrets_is_refused(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    head = await opened(sandbox)
    runner = Runner(sandbox, tmp_path, head)
    workspace = tmp_path / "workspace"
    clone = await asyncio.create_subprocess_exec(
        *("git", "init", "--quiet", str(workspace)), stdout=asyncio.subprocess.DEVNULL
    )
    await clone.wait()
    git_dir = sandbox.repository(REPO).git_dir
    (workspace / ".git/objects/info/alternates").write_text(f"{git_dir}/objects\n")
    (workspace / ".git/HEAD").write_text(f"{head}\n")
    code, out = await runner.run(event="pull_request_target")
    assert code == 2
    assert "checks out the pull request's head under `pull_request_target`" in out
    assert sandbox.writes() == []
    (workspace / ".git/HEAD").write_text("ref: refs/heads/main\n")
    code, out = await runner.run(event="pull_request_target")
    assert code == 0, out


@pytest.mark.parametrize(
    ("event", "expected_text"),
    [
        ("push", "the event is 'push'; use `on: pull_request` in the workflow"),
        ("pull_request", "event.json does not describe a pull request"),
    ],
)
async def test_another_event_gets_one_sentence(
    sandbox: Sandbox, tmp_path: Path, event: str, expected_text: str
) -> None:
    runner = Runner(sandbox, tmp_path, "0" * 40)
    runner.event.write_text('{"pull_request": 1}')
    code, out = await runner.run(event=event)
    assert code == 2
    assert expected_text.casefold() in out.casefold()


def test_every_action_of_others_is_pinned_to_a_commit() -> None:
    used = [step["uses"] for step in ACTION["runs"]["steps"] if "uses" in step]
    assert used
    assert [name for name in used if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", name)] == []
