"""Which commits the demo shows."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from bot.cli.demo.commit_range import DemoFailed, choose_range

GIT_IDENTITY = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """Two commits; the second adds a file whose name is not UTF-8, and git does not quote it."""
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "config", "core.quotePath", "false")
    git(tmp_path, "commit", "--quiet", "--allow-empty", "-m", "Begin")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.py")).write_text("x = 1\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "Go on")
    return tmp_path


def git(repo: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(repo), *GIT_IDENTITY, *arguments], check=True, stdout=subprocess.PIPE
    )
    return done.stdout.decode().strip()


def test_a_repository_with_any_names_is_shown(repo: Path) -> None:
    shown = git(repo, "rev-parse", "HEAD~1"), git(repo, "rev-parse", "HEAD")
    assert choose_range(repo, "") == shown
    assert choose_range(repo, "HEAD~1..HEAD") == shown


def test_a_long_history_shows_a_change_of_its_newest_commits(repo: Path) -> None:
    git(repo, "commit", "--quiet", "--allow-empty", "-m", "Rest")
    assert choose_range(repo, "") == choose_range(repo, "HEAD~2..HEAD")


@pytest.mark.parametrize(
    ("commits", "why"),
    [
        ("HEAD", "write it as base..head"),
        ("nowhere..HEAD", "'nowhere' is not a branch or commit of"),
        ("HEAD..HEAD", "HEAD..HEAD changes nothing"),
    ],
)
def test_a_wrong_range_is_a_sentence(repo: Path, commits: str, why: str) -> None:
    with pytest.raises(DemoFailed, match=re.escape(why)):
        choose_range(repo, commits)
