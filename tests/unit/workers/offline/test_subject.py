"""What is reviewed of a repository on this machine: uncommitted, staged, a range, a diff."""

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from bot.config.settings import Settings
from bot.domain.model import Report
from bot.domain.progress import Progress
from workers.offline.diff_input import READS_PARTS
from workers.offline.review_target import NothingChanged, TargetNotFound, local_range
from workers.offline.subject import Subject, review_subject
from workers.scan.analyzers.registry import NAMES

SETTINGS = Settings(_env_file=None, analyzers_disabled="secrets")
UNSAFE = "import subprocess\n\nsubprocess.call(input(), shell=True)\n"


def git(repo: Path, *arguments: str) -> str:
    command = ["git", "-C", str(repo), "-c", "user.name=A", "-c", "user.email=a@b", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    repo = tmp_path / "shop"
    repo.mkdir()
    git(repo, "init", "--quiet", "--initial-branch=main")
    (repo / "shop.py").write_text("x = 1\n" * 20)
    (repo / "lib").mkdir()
    (repo / "lib/old.py").write_text("y = 2\n")
    git(repo, "add", ".")
    git(repo, "commit", "--quiet", "-m", "Begin")
    return repo


async def reviewed(repo: Path, paths: Iterable[str] = (), **asked: str | bool | bytes) -> Report:
    async def quietly(progress: Progress) -> None: ...

    subject = Subject(repo=repo, paths=tuple(paths), **asked)  # type: ignore[arg-type]
    return await review_subject(subject, SETTINGS, on_progress=quietly)


def files(report: Report) -> dict[str, str]:
    return {file.path: str(file.status) for file in report.files}


async def test_uncommitted_work_is_all_that_git_does_not_ignore(repo: Path) -> None:
    (repo / ".gitignore").write_text("*.log\n")
    (repo / ".git/info/exclude").write_text("private.txt\n")
    for name in ("a.log", "private.txt", "new.py", "staged.py"):
        (repo / name).write_text(UNSAFE)
    git(repo, "add", "staged.py")
    (repo / "shop.py").write_text("x = 1\n" * 20 + UNSAFE)
    (repo / "lib/old.py").unlink()
    report = await reviewed(repo)
    assert files(report) == {
        ".gitignore": "added",
        "lib/old.py": "deleted",
        "new.py": "added",
        "shop.py": "modified",
        "staged.py": "added",
    }
    [shell] = [finding for finding in report.findings if "shell" in finding.title]
    assert {place.path for place in shell.located} == {"new.py", "shop.py", "staged.py"}
    assert git(repo, "status", "--porcelain").splitlines() == [
        " D lib/old.py", " M shop.py", "A  staged.py", "?? .gitignore", "?? new.py",
    ]  # fmt: skip


async def test_staged_work_is_what_the_commit_would_hold(repo: Path) -> None:
    (repo / "shop.py").write_text("x = 1\n" * 20 + UNSAFE)
    git(repo, "add", "shop.py")
    (repo / "shop.py").write_text("x = 1\n" * 20)  # taken back, but not in the index
    (repo / "new.py").write_text(UNSAFE)
    report = await reviewed(repo, staged=True)
    assert files(report) == {"shop.py": "modified"}
    assert [finding.start_line for finding in report.findings] == [23]
    git(repo, "reset", "--quiet")
    with pytest.raises(NothingChanged, match="Nothing is staged"):
        await reviewed(repo, staged=True)


async def test_the_first_commit_of_all_can_be_reviewed(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "new.py").write_text(UNSAFE)
    git(tmp_path, "add", ".")
    assert files(await reviewed(tmp_path, staged=True)) == {"new.py": "added"}


async def test_a_branch_is_reviewed_where_all_is_committed(repo: Path) -> None:
    git(repo, "checkout", "--quiet", "-b", "topic")
    (repo / "lib/new.py").write_text(UNSAFE)
    (repo / "shop.py").write_text(UNSAFE)
    git(repo, "add", ".")
    git(repo, "commit", "--quiet", "-m", "Change")
    assert files(await reviewed(repo)) == {"lib/new.py": "added", "shop.py": "modified"}
    assert files(await reviewed(repo, ["lib"])) == {"lib/new.py": "added"}
    (repo / "lib/more.py").write_text("z = 3\n")
    assert files(await reviewed(repo / "lib", ["more.py"])) == {"lib/more.py": "added"}
    assert files(await reviewed(repo, base="main")) == {
        "lib/new.py": "added",
        "shop.py": "modified",
    }


async def test_a_path_without_changes_is_nothing_to_review(repo: Path) -> None:
    (repo / "shop.py").write_text(UNSAFE)
    with pytest.raises(NothingChanged, match="No changes between main and HEAD in lib"):
        await reviewed(repo, ["lib"])


async def test_a_file_with_conflicts_is_named(repo: Path) -> None:
    git(repo, "checkout", "--quiet", "-b", "topic")
    (repo / "shop.py").write_text("a\n")
    git(repo, "commit", "--quiet", "--all", "-m", "One")
    git(repo, "checkout", "--quiet", "main")
    (repo / "shop.py").write_text("b\n")
    git(repo, "commit", "--quiet", "--all", "-m", "Other")
    with pytest.raises(subprocess.CalledProcessError):
        git(repo, "merge", "topic")
    with pytest.raises(TargetNotFound, match="shop.py has merge conflicts; resolve them first"):
        await reviewed(repo)


async def test_odd_files_are_survived(repo: Path) -> None:
    (repo / "lib/old.py").unlink()
    (repo / "lib").rmdir()
    (repo / "lib").symlink_to("/etc")  # where a folder was
    (repo / "shop.py").unlink()
    (repo / "shop.py").mkdir()  # where a file was
    (repo / "shop.py/part.py").write_text("x = 1\n")
    os.mkfifo(repo / "pipe")
    name = os.fsdecode(b"caf\xe9 \n.py")
    (repo / name).write_text("x = 1\n")
    git(repo, "init", "--quiet", str(repo / "nested"))
    (repo / "nested/inner.py").write_text(UNSAFE)
    assert files(await reviewed(repo)) == {
        "caf\\xe9 \\n.py": "added",
        "lib": "added",
        "lib/old.py": "deleted",
        "shop.py": "deleted",
        "shop.py/part.py": "added",
    }


async def test_line_ends_that_git_converts_are_no_change(repo: Path) -> None:
    git(repo, "config", "core.autocrlf", "true")
    (repo / "shop.py").write_bytes(b"x = 1\r\n" * 20)
    (repo / "new.py").write_text("x = 1\n")
    assert files(await reviewed(repo)) == {"new.py": "added"}


async def test_a_diff_is_reviewed_on_the_commit_that_it_applies_to(repo: Path) -> None:
    (repo / "shop.py").write_text("x = 1\n" * 20 + UNSAFE)
    diff = git(repo, "diff").encode()
    report = await reviewed(repo, diff=diff)
    assert [(f.path, f.start_line) for f in report.findings] == [("shop.py", 23)]
    assert not any("Only the diff" in note for note in report.notes)
    git(repo, "checkout", "--quiet", "-b", "topic")
    git(repo, "commit", "--quiet", "--all", "-m", "Change")  # now it applies to main
    assert files(await reviewed(repo, diff=diff)) == {"shop.py": "modified"}


async def test_a_diff_alone_is_read_as_far_as_it_goes(repo: Path, tmp_path: Path) -> None:
    (repo / "shop.py").write_text("x = 1\n" * 20 + "<<<<<<< HEAD\nx\n=======\ny\n>>>>>>> topic\n")
    (repo / "lib/old.py").rename(repo / "lib/moved é.py")
    (repo / "picture").write_bytes(b"\0\1")
    git(repo, "add", ".")
    diff = git(repo, "diff", "--cached", "-M").encode()
    report = await reviewed(tmp_path, diff=diff)
    assert files(report) == {"lib/moved é.py": "renamed", "shop.py": "modified"}
    [finding] = report.findings
    assert (finding.path, finding.start_line) == ("shop.py", 21)
    notes = "\n".join(report.notes)
    assert "lines outside its hunks" in notes
    assert "Binary files of the diff were not reviewed" in notes


async def test_what_needs_no_whole_file_judges_a_diff_alone(tmp_path: Path) -> None:
    assert {*NAMES} > READS_PARTS
    diff = "--- a/x.py\n+++ b/x.py\n@@ -40 +40 @@\n-a\n+a = 1  # \u202e hidden\n".encode()
    report = await reviewed(tmp_path, diff=diff)
    assert [finding.sources for finding in report.findings] == [("hidden-characters:bidi",)]
    assert not [note for note in report.notes if "unknown names" in note]


@pytest.mark.parametrize(
    ("diff", "expected_text"),
    [
        (b"hello\n", "Standard input is not a unified diff"),
        (b"--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n a\n", "git cannot apply the diff"),
        (b"--- a/../x\n+++ b/../x\n@@ -1 +1 @@\n-a\n+b\n", "git cannot apply the diff"),
        (b"--- a/.git/x\n+++ b/.git/x\n@@ -1 +1 @@\n-a\n+b\n", "git cannot apply the diff"),
        (b"--- a/x\n+++ b/x\n@@ -999999999 +1 @@\n-a\n+b\n", "beyond line 200,000"),
    ],
)
async def test_a_bad_diff_gets_one_sentence(
    tmp_path: Path, diff: bytes, expected_text: str
) -> None:
    with pytest.raises(TargetNotFound, match=expected_text):
        await reviewed(tmp_path, diff=diff)


async def test_a_missing_object_is_fetched_by_no_program_of_the_repository(
    repo: Path, tmp_path: Path
) -> None:
    program, canary = tmp_path / "program", tmp_path / "canary"
    program.write_text(f"#!/bin/sh\ntouch {canary}\nexit 1\n")
    program.chmod(0o755)
    for name, value in {
        "core.repositoryFormatVersion": "1",
        "extensions.partialClone": "origin",
        "remote.origin.url": str(repo),
        "remote.origin.promisor": "true",
        "remote.origin.uploadpack": str(program),
        "protocol.file.allow": "always",
    }.items():
        git(repo, "config", name, value)
    tree = git(repo, "rev-parse", "HEAD^{tree}").strip()
    (repo / "new.py").write_text(UNSAFE)
    (repo / ".git/objects" / tree[:2] / tree[2:]).unlink()
    with pytest.raises(TargetNotFound):
        await local_range(repo, "HEAD", "HEAD", ["lib"])
    with pytest.raises(TargetNotFound):
        await reviewed(repo)
    assert not canary.exists()
