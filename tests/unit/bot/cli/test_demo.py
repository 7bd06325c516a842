"""What the demo shows, for the repositories that people may name."""

import subprocess
from pathlib import Path

import httpx2
import pytest

from bot.cli.demo import HOME, SHOWCASE, DemoFailed, choose_range, environment
from bot.sandbox.server import Sandbox

GIT_IDENTITY = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")


def git(repo: Path, *arguments: str) -> None:
    subprocess.run(
        ["git", "-C", str(repo), *GIT_IDENTITY, *arguments], check=True, capture_output=True
    )


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    for number in range(3):
        (tmp_path / f"{number}.py").write_text("x = 1\n")
        git(tmp_path, "add", ".")
        git(tmp_path, "commit", "--quiet", "-m", f"Commit {number}")
    return tmp_path


def test_our_own_history_shows_commits_with_defects() -> None:
    if not (HOME / ".git").exists():
        pytest.skip("this is no git checkout")
    base, head = choose_range(HOME, "")
    assert base != head
    assert (base, head) == SHOWCASE or len(base) == len(head) == 40


def test_another_repository_shows_its_newest_commits(repo: Path) -> None:
    base, head = choose_range(repo, "")
    assert (base, head) == choose_range(repo, "HEAD~2..HEAD")


@pytest.mark.parametrize(
    ("commits", "expected_text"), [("HEAD", "base..head"), ("nope..HEAD", "rev-parse")]
)
def test_an_invalid_range_is_reported(repo: Path, commits: str, expected_text: str) -> None:
    with pytest.raises(DemoFailed, match=expected_text):
        choose_range(repo, commits)


async def test_the_sandbox_is_never_asked_by_way_of_a_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "example.org")
    async with Sandbox() as sandbox:
        for name, value in environment(sandbox, 8000, tmp_path).items():
            monkeypatch.setenv(name, value)
        async with httpx2.AsyncClient() as http:
            answer = await http.get(f"{sandbox.api_url}/app")
        assert answer.status_code == 401
