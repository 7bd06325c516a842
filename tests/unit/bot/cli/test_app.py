"""What people type, see, and get when it fails: the real command in a process of its own."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bot import __version__
from tests.support.commands import ROOT, Commands

GIT_IDENTITY = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")


def git(repo: Path, *arguments: str) -> str:
    command = ["git", "-C", str(repo), *GIT_IDENTITY, *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository with a branch `topic` that adds a dangerous call."""
    repo = tmp_path / "shop"
    repo.mkdir()
    git(repo, "init", "--quiet", "--initial-branch=main")
    (repo / "shop.py").write_text("def total(prices):\n    return sum(prices)\n")
    git(repo, "add", ".")
    git(repo, "commit", "--quiet", "-m", "Begin")
    tree = git(repo, "write-tree")
    git(repo, "branch", "stranger", git(repo, "commit-tree", "-m", "Begin elsewhere", tree))
    git(repo, "checkout", "--quiet", "-b", "topic")
    with (repo / "shop.py").open("a") as file:
        file.write("\n\ndef run(command):\n    import subprocess\n\n")
        file.write("    return subprocess.call(command, shell=True)\n")
    git(repo, "commit", "--quiet", "--all", "-m", "Run commands")
    return repo


Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def glossator(command_line: Commands) -> Run:
    """The code beside this test, and without the slowest analyzer, which no test here needs."""

    def run(*arguments: str, cwd: Path, **more: str) -> "subprocess.CompletedProcess[str]":
        usual = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "ANALYZERS_DISABLED": "secrets"}
        return command_line.run(*arguments, cwd=cwd, env=usual | more)

    return run


def test_a_branch_is_reviewed_without_a_server(repo: Path, glossator: Run) -> None:
    done = glossator("review", "--format", "json", cwd=repo)
    assert done.returncode == 0, done.stderr
    [finding] = json.loads(done.stdout)["findings"]
    assert (finding["path"], finding["start_line"]) == ("shop.py", 8)


def test_fail_on_decides_the_exit_code(repo: Path, glossator: Run) -> None:
    assert glossator("review", "--fail-on", "high", cwd=repo).returncode == 1
    assert glossator("review", "--fail-on", "critical", cwd=repo).returncode == 0


def test_fail_on_judges_nothing_that_was_not_read(repo: Path, glossator: Run) -> None:
    nobody = {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1", "LLM_MODEL": "m", "LLM_BACKOFF_MS": "1"}
    done = glossator("review", "--fail-on", "critical", cwd=repo, **nobody)
    assert done.returncode == 2
    assert "Some files were not reviewed" in done.stderr
    assert "shop.py" in done.stdout
    assert glossator("review", cwd=repo, **nobody).returncode == 0


def test_where_nothing_is_changed_there_is_nothing_to_praise(repo: Path, glossator: Run) -> None:
    done = glossator("review", "--base", "topic", cwd=repo)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "glossator: No changes between topic and HEAD.\n"


def test_the_base_is_the_default_branch_of_the_remote(repo: Path, glossator: Run) -> None:
    git(repo, "branch", "--quiet", "--move", "main", "develop")
    assert "'main' is not a branch" in glossator("review", cwd=repo).stderr
    git(repo, "update-ref", "refs/remotes/origin/develop", "develop")
    git(repo, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/develop")
    done = glossator("review", "--format", "json", "--fail-on", "high", cwd=repo)
    assert (done.returncode, done.stderr) == (1, "")


def test_the_version_is_printed(tmp_path: Path, glossator: Run) -> None:
    done = glossator("--version", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"glossator {__version__}\n")


def test_a_misspelled_variable_is_named_with_the_nearest(tmp_path: Path, glossator: Run) -> None:
    done = glossator("--version", cwd=tmp_path, LLM_MODLE="m", GITHUB_SERVER_URL="https://x")
    assert done.stderr == "glossator: LLM_MODLE is not a setting. Did you mean LLM_MODEL?\n"


@pytest.mark.variations(2)
@pytest.mark.parametrize(
    ("variable", "value", "expected_text"),
    [
        ("PORT", "many", "PORT: must be a whole number (got 'many')"),
        ("PORT", "99999", "PORT: must be 65535 or less (got '99999')"),
        ("LOG_JSON", "perhaps", "LOG_JSON: must be true or false (got 'perhaps')"),
        ("GITHUB_TIMEOUT", "0", "GITHUB_TIMEOUT: must be more than 0"),
        ("FAIL_ON", "often", "FAIL_ON: must be one of 'never', 'critical', 'high'"),
        ("PUBLIC_URL", "example.org", "PUBLIC_URL: must be a URL that starts with https://"),
    ],
)
def test_a_wrong_setting_is_one_plain_line(
    tmp_path: Path, variable: str, value: str, expected_text: str, glossator: Run
) -> None:
    done = glossator("doctor", cwd=tmp_path, **{variable: value})
    assert (done.returncode, done.stdout) == (2, "")
    assert expected_text in done.stderr
    assert "Value error" not in done.stderr


@pytest.mark.variations(2)
@pytest.mark.parametrize("where", ["a folder within", "a worktree", "100%41 café #1"])
def test_a_repository_is_found_wherever_it_is_entered(
    repo: Path, where: str, glossator: Run
) -> None:
    entered = repo.parent / where
    if where == "a folder within":
        entered = repo / "docs"
        entered.mkdir()
    elif where == "a worktree":
        git(repo, "worktree", "add", "--quiet", "--detach", str(entered))
    else:
        repo.rename(entered)
    done = glossator("review", "--format", "json", "--fail-on", "high", cwd=entered)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.slow
def test_a_repository_of_another_owner_is_reviewed_if_git_trusts_it(
    repo: Path, tmp_path: Path, glossator: Run
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    for path in (repo, repo / ".git"):
        os.chown(path, 1000, 1000)
    refused = glossator("review", cwd=repo)
    assert refused.returncode == 2
    assert "detected dubious ownership" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(f"[safe]\n\tdirectory = {repo}\n")
    done = glossator("review", "--format", "json", "--fail-on", "high", cwd=repo, HOME=str(home))
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.variations(2)
@pytest.mark.parametrize(
    ("arguments", "expected_text"),
    [
        (("--base", "nowhere"), "'nowhere' is not a branch or commit in"),
        (("--format", "docx"), "Unknown format 'docx'"),
        (("--pr", "owner/name#12"), "set GITHUB_TOKEN"),
        (("--repo", "/"), "/ is not in a git repository."),
        (("--repo", "nowhere"), "nowhere is not a folder"),
        (("--base", "stranger"), "'stranger' and 'HEAD' have no common ancestor"),
        (("--output", "/dev/null/report.md"), "/dev/null/report.md cannot be written"),
        (("stranger",), "stranger is not a file here; name a branch with --head."),
        (("../shop.py",), "../shop.py is not in the repository"),
    ],
)
def test_a_mistake_gets_one_sentence(
    repo: Path, arguments: tuple[str, ...], expected_text: str, glossator: Run
) -> None:
    done = glossator("review", *arguments, cwd=repo)
    assert done.returncode == 2
    assert expected_text in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


def test_a_partial_clone_is_reviewed_once_the_change_is_there(
    repo: Path, tmp_path: Path, glossator: Run
) -> None:
    git(repo, "config", "uploadpack.allowFilter", "true")
    partial = tmp_path / "partial"
    git(tmp_path, "clone", "-q", "--filter=blob:none", "--no-checkout", f"file://{repo}", "partial")
    revisions = ("--base", "origin/main", "--head", "origin/topic")

    refused = glossator("review", *revisions, cwd=partial)
    assert refused.returncode == 2
    assert "to fetch them, run `git diff BASE...HEAD > /dev/null` in it." in refused.stderr
    assert "fsck" not in refused.stderr

    git(partial, "diff", "origin/main...origin/topic")
    done = glossator("review", *revisions, cwd=partial)
    assert done.returncode == 0
    assert "shell=True" in done.stdout


def test_a_repository_with_sha256_names_is_reviewed(tmp_path: Path, glossator: Run) -> None:
    git(tmp_path, "init", "-q", "--object-format=sha256", "-b", "main", ".")
    (tmp_path / "a.py").write_text("x = 1\n")
    git(tmp_path, "add", "a.py")
    git(tmp_path, "commit", "-qm", "Begin")
    (tmp_path / "a.py").write_text("x = nowhere\n")
    git(tmp_path, "commit", "-qam", "Change")

    done = glossator("review", "--base", "HEAD~1", cwd=tmp_path)

    assert done.returncode == 0
    assert "Undefined name `nowhere`" in done.stdout


def test_a_damaged_repository_is_not_a_github_failure(repo: Path, glossator: Run) -> None:
    tree = git(repo, "rev-parse", "topic^{tree}")
    (repo / ".git" / "objects" / tree[:2] / tree[2:]).unlink()
    done = glossator("review", cwd=repo)
    assert done.returncode == 2
    assert "check it with `git fsck`" in done.stderr
    assert "GitHub" not in done.stderr


@pytest.mark.variations(4)
@pytest.mark.parametrize(
    ("typed", "expected_text"),
    [
        ("review --fail-on bad", "'--fail-on': 'bad' is not one of 'never', 'critical', 'high'"),
        ("review --fail-n high", "--fail-n (Possible options: --fail-on)"),
        ("prompt topic", "unexpected extra argument(s) (topic); see `"),
        ("review --staged --head topic", "--staged and --head cannot be combined."),
        ("review --diff nowhere", "nowhere cannot be read: No such file or directory."),
        ("work --queues foo", "'--queues': Unknown queue 'foo'; choose events, scan,"),
        ("eval", "Missing argument 'cases'; see `"),
        ("eval a b", "Name one folder or file, or `compare` and two files"),
        ("eval compare a.json b.json", "a.json can't be read: No such file or directory."),
        ("eval cases.yml --without-llm", "cases.yml does not exist."),
        ("setup --port high", "'--port': must be a valid integer; see `"),
        ("demo --once=3", "Option '--once' does not take a value."),
        ("reviw", "No such command 'reviw'; did you mean 'review'?"),
        ("xyzzy", "No such command 'xyzzy'; see `"),
    ],
)
def test_a_mistake_in_what_is_typed_gets_one_sentence(
    tmp_path: Path, typed: str, expected_text: str, glossator: Run
) -> None:
    done = glossator(*typed.split(), cwd=tmp_path, FORCE_COLOR="1")
    assert done.returncode == 2
    assert expected_text in done.stderr
    assert done.stderr.startswith("glossator: ")
    assert len(done.stderr.splitlines()) == 1
    assert "\x1b" not in done.stderr
    assert done.stdout == ""


def test_without_a_command_all_of_them_are_listed(tmp_path: Path, glossator: Run) -> None:
    done = glossator(cwd=tmp_path)
    assert done.returncode == 2
    assert "Review your changes" in done.stdout + done.stderr
    assert "glossator: " not in done.stderr


@pytest.fixture
def misconfigured(repo: Path) -> Path:
    """The repository with a configuration on `main` whose second line is a mistake."""
    git(repo, "checkout", "--quiet", "main")
    (repo / ".github").mkdir()
    (repo / ".github" / "glossator.yml").write_text("drafts: true\nseverity: high\n")
    git(repo, "add", ".")
    git(repo, "commit", "--quiet", "-m", "Configure")
    git(repo, "checkout", "--quiet", "topic")
    return repo


MISTAKE = "`.github/glossator.yml`, line 2: `severity` is not a known key."


def test_a_configuration_error_is_reported_in_the_report(
    misconfigured: Path, glossator: Run
) -> None:
    done = glossator("review", "--format", "json", cwd=misconfigured)
    assert done.returncode == 0, done.stderr
    assert any(note.startswith(MISTAKE) for note in json.loads(done.stdout)["notes"])


@pytest.mark.slow
def test_a_configuration_error_is_reported_beside_the_prompts(
    misconfigured: Path, glossator: Run
) -> None:
    done = glossator("prompt", cwd=misconfigured)
    assert done.returncode == 0
    assert done.stderr.startswith(f"glossator: {MISTAKE}")


def test_prompt_shows_what_a_model_would_be_asked(repo: Path, glossator: Run) -> None:
    done = glossator("prompt", cwd=repo)
    assert done.returncode == 0, done.stderr
    assert "subprocess.call(command, shell=True)" in done.stdout


def test_the_server_names_the_missing_setting(tmp_path: Path, glossator: Run) -> None:
    done = glossator("serve", cwd=tmp_path)
    assert done.returncode == 2
    assert "GITHUB_APP_ID is not set" in done.stderr


@pytest.mark.variations(2)
@pytest.mark.parametrize(
    ("form", "begins"),
    [
        ("pdf", b"%PDF-"),
        ("sarif", b"{"),
        ("html", b"<!doctype html>"),
        ("markdown", b"# shop: Run commands"),
    ],
)
def test_the_report_comes_in_every_format(
    repo: Path, form: str, begins: bytes, glossator: Run
) -> None:
    report = repo.parent / "report"
    done = glossator("review", "--format", form, "--output", str(report), cwd=repo)
    assert done.returncode == 0, done.stderr
    assert report.read_bytes().startswith(begins)


@pytest.mark.variations(2)
@pytest.mark.parametrize(
    ("key_bytes", "expected_text"),
    [
        (b"", "glossator: GITHUB_PRIVATE_KEY_FILE: key.pem is empty."),
        (b"\x30\x82\xff\xfe", "glossator: GITHUB_PRIVATE_KEY_FILE: key.pem is not a text file."),
        (b"-----BEGIN", "glossator: GITHUB_PRIVATE_KEY: The App's private key is not an unencr"),
    ],
)
@pytest.mark.parametrize("command", ["serve", "work", "schedule"])
def test_an_invalid_key_is_reported_in_one_sentence(
    tmp_path: Path, command: str, key_bytes: bytes, expected_text: str, glossator: Run
) -> None:
    """A worker that went on without it would make dead letters of all that was accepted."""
    (tmp_path / "key.pem").write_bytes(key_bytes)
    done = glossator(
        command,
        cwd=tmp_path,
        GITHUB_APP_ID="1",
        GITHUB_WEBHOOK_SECRETS="a secret",
        GITHUB_PRIVATE_KEY_FILE="key.pem",
        REDIS_URL="redis://127.0.0.1:9/0",
    )
    assert done.returncode == 2
    assert done.stderr.startswith(expected_text)
    assert len(done.stderr.splitlines()) == 1


def test_nothing_is_signed_with_an_empty_key(tmp_path: Path, glossator: Run) -> None:
    (tmp_path / "key.pem").touch()
    done = glossator(
        "web",
        cwd=tmp_path,
        GITHUB_PRIVATE_KEY_FILE="key.pem",
        GITHUB_WEBHOOK_SECRETS="a secret",
        REDIS_URL="redis://127.0.0.1:9/0",
    )
    assert done.returncode == 2
    assert "GITHUB_PRIVATE_KEY_FILE: key.pem is empty" in done.stderr


def test_a_worker_without_what_it_works_with_ends(tmp_path: Path, glossator: Run) -> None:
    """It would make dead letters of all that was accepted."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    done = glossator(
        "work",
        cwd=tmp_path,
        GITHUB_APP_ID="1",
        GITHUB_WEBHOOK_SECRETS="a secret",
        GITHUB_PRIVATE_KEY=pem.decode(),
        REDIS_URL="redis://127.0.0.1:9/0",
        SSL_CERT_FILE="nowhere.pem",
    )
    assert done.returncode == 2
    last_line = done.stderr.splitlines()[-1]
    assert last_line == "glossator: The worker cannot start: [Errno 2] No such file or directory."


@pytest.mark.variations(1)
@pytest.mark.parametrize("name", ["OPENAI_BASE_URL", "GITHUB_API_URL", "PUBLIC_URL"])
@pytest.mark.parametrize("port", ["port", "99999"])
def test_an_address_has_a_port_that_is_one(
    tmp_path: Path, name: str, port: str, glossator: Run
) -> None:
    done = glossator("web", cwd=tmp_path, **{name: f"http://host:{port}/v1"})
    assert done.returncode == 2
    assert f"{name}: the port must be a number" in done.stderr
