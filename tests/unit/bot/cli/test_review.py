"""`glossator review` as people see it: at a terminal, in a pipe, in a hook."""

import json
import os
import pty
import re
import select
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.support.commands import ROOT, Commands
from tests.support.llm_server import LLMServer, Reply, Request, agreeable, check, judged

ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "PYTHONPATH": str(ROOT),
    "ANALYZERS_DISABLED": "secrets",
    "TERM": "xterm",
}
MARKERS = "<<<<<<< HEAD\nx = 1\n=======\nx = 2\n>>>>>>> topic\n"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository in which a merge conflict was left in a file that is staged."""
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    (tmp_path / "notes.py").write_text(MARKERS)
    subprocess.run(["git", "-C", str(tmp_path), "add", "."], check=True)
    return tmp_path


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "bot", "review", *arguments]


InPipe = Callable[..., "subprocess.CompletedProcess[str]"]
AtTerminal = Callable[..., tuple[int, str]]


@pytest.fixture
def in_pipe(command_line: Commands) -> InPipe:
    def run(
        repo: Path, *arguments: str, stdin: str = "", **more: str
    ) -> "subprocess.CompletedProcess[str]":
        env = ENVIRONMENT | more
        return command_line.run("review", *arguments, cwd=repo, env=env, stdin=stdin)

    return run


@pytest.fixture
def at_terminal(command_line: Commands) -> AtTerminal:
    """The exit code, and all that comes to the terminal."""

    def run(repo: Path, *arguments: str, **more: str) -> tuple[int, str]:
        ours, theirs = pty.openpty()
        typed = os.open(os.devnull, os.O_RDONLY)
        streams = typed, theirs, theirs
        command_line.start(("review", *arguments), repo, ENVIRONMENT | more, streams)
        shown = b""
        while select.select([ours], [], [], 60)[0]:
            try:
                chunk = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            shown += chunk
        os.close(ours)
        return command_line.wait(), shown.decode()

    return run


def test_a_pipe_gets_lines_for_editors(repo: Path, in_pipe: InPipe) -> None:
    done = in_pipe(
        repo, "--staged", "--no-llm", LLM_MODEL="m", OPENAI_BASE_URL="http://127.0.0.1:9"
    )
    assert done.returncode == 0
    assert done.stdout.startswith("notes.py:1: ")
    assert done.stdout.splitlines()[0].split(": ")[1] in ("critical", "high", "medium")
    assert done.stderr == (
        "glossator: No LLM is configured; this review comes from static analyzers only.\n"
    )


def test_an_unknown_analyzer_is_told_once_as_a_setting(repo: Path, in_pipe: InPipe) -> None:
    done = in_pipe(repo, "--staged", "--no-llm", ANALYZERS_DISABLED="ruf")
    assert done.returncode == 0
    assert done.stderr.startswith(
        "glossator: ANALYZERS_DISABLED has unknown names: ruf. The analyzers are ruff, secrets,"
    )
    assert (done.stdout + done.stderr).count("unknown") == 1


def test_a_terminal_gets_colors_and_no_model_is_asked(repo: Path, at_terminal: AtTerminal) -> None:
    code, shown = at_terminal(repo)
    assert code == 0
    assert "\x1b[1" in shown
    assert "notes.py:1" in shown
    _, plain = at_terminal(repo, NO_COLOR="1", TERM="dumb")
    assert "\x1b" not in plain
    assert "notes.py:1" in plain


def test_nothing_of_a_change_reaches_the_terminal_as_a_command(
    repo: Path, at_terminal: AtTerminal
) -> None:
    name = "\x1b]0;owned\x07.py"
    (repo / name).write_text(MARKERS)
    _, shown = at_terminal(repo, NO_COLOR="1", TERM="dumb")
    assert "owned" in shown
    assert "\x1b" not in shown
    assert "\x07" not in shown


def test_a_terminal_gets_no_binary(repo: Path, at_terminal: AtTerminal) -> None:
    code, shown = at_terminal(repo, "--format", "pdf")
    assert code == 2
    assert "A PDF is not printed to a terminal; choose a file with --output." in shown


def test_the_ending_of_the_output_chooses_the_format(repo: Path, in_pipe: InPipe) -> None:
    assert in_pipe(repo, "--output", "report.sarif").returncode == 0
    unknown = in_pipe(repo, "--output", "report.docx")
    assert unknown.returncode == 2
    assert "The ending of report.docx is not known" in " ".join(unknown.stderr.split())
    assert json.loads((repo / "report.sarif").read_text())["version"] == "2.1.0"


def test_rdjson_has_a_diagnostic_for_each_place(repo: Path, in_pipe: InPipe) -> None:
    done = in_pipe(repo, "--format", "rdjson")
    result = json.loads(done.stdout)
    assert result["source"] == {"name": "glossator"}
    places = {each["location"]["range"]["start"]["line"] for each in result["diagnostics"]}
    assert 1 in places
    assert {each["severity"] for each in result["diagnostics"]} <= {"ERROR", "WARNING", "INFO"}


def test_a_gate_of_the_repository_decides_the_exit_code(tmp_path: Path, in_pipe: InPipe) -> None:
    """By the configuration that was committed before the change."""
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    (tmp_path / ".github").mkdir()
    checks = [{"name": "Tested", "instruction": "Every change has a test.", "mode": "fail"}]
    (tmp_path / ".github/glossator.yml").write_text(json.dumps({"checks": checks}))
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "--quiet", "-m", "Begin"], check=True)
    (tmp_path / "app.py").write_text("x = 1\n")
    (tmp_path / ".github/glossator.yml").write_text("checks: [\n")

    silent = in_pipe(tmp_path, "--no-llm")
    assert silent.returncode == 2
    assert 'Check "Tested" could not be judged: no LLM is configured' in silent.stderr
    assert "so they did not pass; see the report." in silent.stderr

    def answer(request: Request) -> Reply:
        failed = check(1, "failed", ("app.py", 1, "x = 1"), reason="No test is changed.")
        return judged(failed) if request.asks_for_checks else agreeable(request)

    with LLMServer(default=answer).in_thread() as llm:
        model = {"LLM_MODEL": "m", "OPENAI_BASE_URL": llm.url, "OPENAI_API_KEY": "x"}
        failing = in_pipe(tmp_path, "--fail-on", "never", **model)
        assert failing.returncode == 1, failing.stderr
        assert 'Check "Tested" failed: No test is changed.' in failing.stderr
        llm.default = agreeable
        assert in_pipe(tmp_path, **model).returncode == 0

        subprocess.run([*git, "commit", "--quiet", "-am", "Break it"], check=True)
        (tmp_path / "app.py").write_text("x = 2\n")
        unreadable = in_pipe(tmp_path, **model)
        assert unreadable.returncode == 2
        assert 'glossator.yml" could not be judged: the file could not be read' in unreadable.stderr


def test_an_empty_diff_ends_well_with_one_line(tmp_path: Path, in_pipe: InPipe) -> None:
    done = in_pipe(tmp_path, "--diff", "-")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "glossator: The diff is empty.\n"


def test_a_diff_is_read_from_standard_input(tmp_path: Path, in_pipe: InPipe) -> None:
    lines = MARKERS.splitlines()
    added = "".join(f"+{line}\n" for line in lines)
    diff = f"--- a/notes.py\n+++ b/notes.py\n@@ -40,0 +41,{len(lines)} @@\n{added}"
    done = in_pipe(tmp_path, "--diff", "-", "--fail-on", "medium", stdin=diff)
    assert done.stdout.startswith("notes.py:41: ")
    assert done.returncode == 1
    assert "glossator: Only the diff was available: lines outside its hunks" in done.stderr


def test_the_hook_stops_a_commit_and_lets_others_pass(tmp_path: Path) -> None:
    """As git runs it: with its variables set, and of a first commit."""
    [hook] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    name, *arguments = shlex.split(hook["entry"])
    assert (name, arguments[0]) == ("glossator", "review")
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    script = tmp_path / ".git/hooks/pre-commit"
    script.parent.mkdir(exist_ok=True)
    script.write_text(f"#!/bin/sh\n{shlex.join(command(*arguments[1:]))}\n")
    script.chmod(0o755)

    def commit(path: str, text: str) -> "subprocess.CompletedProcess[str]":
        (tmp_path / path).write_text(text)
        git = ["git", "-C", str(tmp_path), "-c", "user.name=A", "-c", "user.email=a@b"]
        subprocess.run([*git, "add", path], check=True)
        return subprocess.run(
            [*git, "commit", "--quiet", "-m", "x"],
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            check=False,
        )

    assert commit("readme.txt", "Nothing for an analyzer.\n").returncode == 0
    stopped = commit("notes.py", MARKERS)
    assert stopped.returncode == 1
    assert "notes.py:1: high:" in stopped.stdout + stopped.stderr
    assert commit("notes.py", "x = 1\n").returncode == 0


def test_the_problem_matcher_reads_the_lines_for_editors(repo: Path, in_pipe: InPipe) -> None:
    matcher = json.loads((ROOT / "deploy/problem-matcher.json").read_text())
    patterns = {each["severity"]: each["pattern"][0] for each in matcher["problemMatcher"]}
    [line] = [each for each in in_pipe(repo).stdout.splitlines() if "Merge" in each]
    for severity, expected in (("high", "error"), ("low", "warning"), ("critical", "error")):
        text = line.replace(": high: ", f": {severity}: ")
        [(kind, found)] = [
            (kind, match)
            for kind, pattern in patterns.items()
            if (match := re.search(pattern["regexp"], text))
        ]
        assert kind == expected
        pattern = patterns[kind]
        assert (found[pattern["file"]], found[pattern["line"]]) == ("notes.py", "1")
        assert found[pattern["message"]] == "Merge conflict markers were committed"


def test_what_is_removed_and_still_used_is_found_without_a_model(
    repo: Path, in_pipe: InPipe
) -> None:
    before = {
        "shop/prices.py": "def price(n):\n    return n\n",
        "shop/__init__.py": "",
        "app.py": "from shop.prices import price\n\nprint(price(2))\n",
    }
    for path, text in before.items():
        (repo / path).parent.mkdir(exist_ok=True)
        (repo / path).write_text(text)
    git = ["git", "-C", str(repo), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "--quiet", "-m", "Begin"], check=True)
    (repo / "shop/prices.py").write_text("def cost(n):\n    return n\n")
    subprocess.run([*git, "commit", "--quiet", "-a", "-m", "Rename"], check=True)

    done = in_pipe(repo, "--base", "HEAD~1", "--head", "HEAD", "--no-llm", "--format", "json")
    [finding] = json.loads(done.stdout)["findings"]
    assert finding["source"] == "leftovers:name"
    assert (finding["path"], finding["side"], finding["start_line"]) == (
        "shop/prices.py",
        "LEFT",
        1,
    )
    assert [place["path"] for place in finding["looked_at"]] == ["app.py"]
    failing = in_pipe(repo, "--base", "HEAD~1", "--head", "HEAD", "--no-llm", "--fail-on", "high")
    assert failing.returncode == 1
