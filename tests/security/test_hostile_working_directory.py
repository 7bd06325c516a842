"""No command trusts the directory that it is run in.

The directory is somebody else's clone: it holds settings, modules that shadow ours, tools'
configuration and a git configuration that runs programs. Every command is run in it; none may
take a setting from there, run any of that code, or speak to the address that it names.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Self

import pytest
import typer.main
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from redis import Redis

from bot.cli.app import app
from bot.runtime.tcp_ports import free_port

ROOT = Path(__file__).parents[2]

GIT_IDENTITY = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")

#: Files of other programs that would change what an analyzer says, or end it.
TOOL_FILES = {
    "ruff.toml": 'extend = "/nowhere/ruff.toml"\n',
    "pyproject.toml": '[tool.ruff]\nextend = "/nowhere"\n[tool.ruff.lint]\nignore = ["S602"]\n',
    ".shellcheckrc": "disable=all\n",
    ".hadolint.yaml": "ignored: [DL3006]\n",
    ".oxlintrc.json": "{nonsense",
    "glossator.yml": "fail_on: nonsense\n",
    ".github/glossator.yml": "analyzers:\n  disabled: [ruff, secrets]\n",
    "glossator.env": "LOG_LEVEL=trace\n",
    ".glossator/glossator.env": "LOG_LEVEL=trace\n",
}

#: Modules of ours, of Python's start and of the standard library.
MODULES = (
    "bot/__init__.py", "bot/__main__.py", "workers/__init__.py", "templates/__init__.py",
    "sitecustomize.py", "usercustomize.py", "typing.py", "json.py", "reportlab_settings.py",
)  # fmt: skip

SERVERS = {
    "serve": ("serve",),
    "web": ("web",),
    "work": ("work", "--queues", "events"),
    "schedule": ("schedule",),
}
OFFLINE = {
    "review": ("review", "--base", "main", "--fail-on", "high"),
    "review uncommitted": ("review", "--fail-on", "high"),
    "review staged": ("review", "--staged", "--fail-on", "high"),
    "review diff": ("review", "--diff", "../home/diff", "--fail-on", "high"),
    "action": ("action",),
    "mcp": ("mcp",),
    "prompt": ("prompt",),
    "eval": ("eval", "../home/cases", "--without-llm"),
    "config": ("config",),
    "audit": ("audit",),
    "outcomes": ("outcomes",),
    "doctor": ("doctor", "--json"),
    "demo": ("demo", "--once", "--repo", ".", "--range", "main..topic"),
}


class Listener:
    """An address that counts who comes."""

    def __init__(self) -> None:
        self.connections = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:  # closed
                return
            self.connections += 1
            connection.close()

    def settings(self) -> str:
        """A `.env` that would send everything here."""
        here = f"http://127.0.0.1:{self.port}"
        return (
            f"OPENAI_BASE_URL={here}/v1\nLLM_MODEL=x\nLLM_BACKOFF_MS=1\n"
            f"GITHUB_API_URL={here}/api/v3\nGITHUB_URL={here}\n"
            f"REDIS_URL=redis://127.0.0.1:{self.port}/0\n"
        )


class Clone:
    """Somebody else's repository, checked out in `path`, and what would show that it won."""

    def __init__(self, path: Path, home: Path, attacker: Listener) -> None:
        self.path = path
        self.home = home
        self.canary = home / "canary"
        self.attacker = attacker
        path.mkdir()
        case = "python-unsafe-yaml"
        shutil.copytree(ROOT / "tests/eval/cases" / case, home / "cases" / case)
        self._git("init", "--quiet", "--initial-branch=main")
        (path / "shop.py").write_text("x = 1\n")
        self._git("add", ".")
        self._git("commit", "--quiet", "-m", "Begin")
        self._git("checkout", "--quiet", "-b", "topic")
        for name, text in TOOL_FILES.items():
            self._write(name, text)
        for name in MODULES:
            self._write(name, f"open({str(self.canary)!r}, 'a').write({name!r} + '\\n')\n")
        self._write(".gitattributes", "* diff=evil filter=evil\n")
        (path / "shop.py").write_text("import subprocess\nsubprocess.call(input(), shell=True)\n")
        self._git("add", "--force", ".")
        self._git("commit", "--quiet", "-m", "Change")
        self._sign()
        self._nest()
        (path / "shop.py").write_text("import os\nos.system(input())\n")
        self._git("add", "shop.py")
        (home / "diff").write_bytes(self._git("diff", "--cached", "shop.py"))
        (path / "shop.py").write_text("import os\nos.system(input('What? '))\n")
        self._arm()

    def _write(self, name: str, text: str) -> None:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def _git(self, *arguments: str, stdin: bytes = b"") -> bytes:
        command = ("git", "-C", str(self.path), *GIT_IDENTITY, *arguments)
        return subprocess.run(command, check=True, capture_output=True, input=stdin).stdout

    def _nest(self) -> None:
        """A submodule and a repository that git does not know, with settings of their own."""
        for name in ("known", "unknown"):
            nested = self.path / name
            nested.mkdir()
            inner = ("-C", name)
            self._git(*inner, "init", "--quiet")
            self._git(*inner, "commit", "--quiet", "--allow-empty", "-m", "Begin")
            if name == "known":
                self._git("add", "--force", name)
                self._git("commit", "--quiet", "-m", "Nest")
            (nested / "new.txt").write_text("1\n")
            self._git(*inner, "config", "core.fsmonitor", str(self.home / "program"))

    def _sign(self) -> None:
        """Give the newest commit a signature, for which git would ask a program."""
        head, _, message = self._git("cat-file", "commit", "HEAD").partition(b"\n\n")
        signature = b"\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n -----END PGP SIGNATURE-----\n\n"
        signed = self._git(
            "hash-object", "-t", "commit", "-w", "--stdin", stdin=head + signature + message
        )
        self._git("update-ref", "HEAD", signed.decode().strip())

    def _arm(self) -> None:
        """Programs for git to run, where it trusts the repository's configuration."""
        program = self.home / "program"
        program.write_text(f'#!/bin/sh\necho "$0 $*" >> {self.canary}\nexit 1\n')
        program.chmod(0o755)
        for name in (
            "core.fsmonitor", "gpg.program", "core.pager", "diff.external", "diff.evil.textconv",
            "core.sshCommand", "uploadpack.packObjectsHook",
            "filter.evil.clean", "filter.evil.smudge", "filter.evil.process",
            "remote.origin.uploadpack",
        ):  # fmt: skip
            self._git("config", name, str(program))
        self._git("config", "log.showSignature", "true")
        for name, value in {
            "remote.origin.url": str(self.path),
            "remote.origin.promisor": "true",
            "protocol.file.allow": "always",
        }.items():
            self._git("config", name, value)
        hooks = self.path / ".git" / "hooks"
        hooks.mkdir(exist_ok=True)
        for name in ("post-checkout", "reference-transaction", "pre-auto-gc"):
            (hooks / name).symlink_to(program)

    def set_env_file(self, text: str) -> None:
        self._write(".env", text)

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        return {
            "PATH": "/usr/bin:/bin",
            "HOME": str(self.home),
            "PYTHONPATH": os.environ.get("PYTHONPATH", str(ROOT)),
            "PYTHONDONTWRITEBYTECODE": "1",
            "ANALYZERS_DISABLED": "secrets",
            "OPENAI_API_KEY": "sk-the-developers-own",
            "GITHUB_TOKEN": "ghp_thedevelopersown",
            **more,
        }

    def run(self, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
        command = self.start(*arguments, **more)
        out, err = command.communicate(timeout=150)
        return subprocess.CompletedProcess(arguments, command.returncode, out, err)

    def start(self, *arguments: str, **more: str) -> "subprocess.Popen[str]":
        """As the installed `glossator` is: a script that is not in this directory."""
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "bot", *arguments],
            cwd=self.path,
            env=self._environment(more),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def assert_unused(self) -> None:
        assert not self.canary.exists(), self.canary.read_text()
        assert self.attacker.connections == 0


OF_UNCOMMITTED = ("review uncommitted", "review staged", "review diff")

#: An ordinary project's own settings: the names are ours too, the values are none for us.
ORDINARY = "LOG_LEVEL=trace\nREDIS_URL=localhost:6379\nPORT=http\nSECRET_KEY=theirs\n"


@pytest.fixture
def attacker() -> Iterator[Listener]:
    with Listener() as listener:
        yield listener


@pytest.fixture
def clone(tmp_path: Path, attacker: Listener) -> Clone:
    return Clone(tmp_path / "clone", tmp_path / "home", attacker)


def test_every_command_is_tried() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert set(commands) == {*SERVERS, *(words[0] for words in OFFLINE.values()), "setup"}


@pytest.mark.variations(4)
@pytest.mark.parametrize("name", OFFLINE)
@pytest.mark.parametrize("kind", ["ordinary", "hostile"])
def test_a_command_takes_nothing_from_the_directory(clone: Clone, name: str, kind: str) -> None:
    clone.set_env_file(ORDINARY if kind == "ordinary" else clone.attacker.settings())
    own = {"GITHUB_API_URL": "http://127.0.0.1:9"} if name == "doctor" else {}
    done = clone.run(*OFFLINE[name], **own)
    clone.assert_unused()
    assert "LOG_LEVEL" not in done.stderr
    codes = {"review": 1, "doctor": 1, "action": 2, **dict.fromkeys(OF_UNCOMMITTED, 2)}
    assert done.returncode == codes.get(name, 0), done.stderr
    if name in OF_UNCOMMITTED:  # whose base says which analyzers run
        assert "skipped" in done.stderr
    if name == "review":  # what the change configures has silenced nothing
        assert "shell" in done.stdout
    assert str(clone.attacker.port) not in done.stdout


def test_a_pull_request_is_read_from_no_address_of_the_directory(clone: Clone) -> None:
    clone.set_env_file(clone.attacker.settings())
    nowhere = f"http://127.0.0.1:{free_port()}"
    done = clone.run("review", "--pr", "octo/hello#1", HTTPS_PROXY=nowhere)
    assert done.returncode == 2
    clone.assert_unused()


def test_setup_asks_no_github_of_the_directory(clone: Clone) -> None:
    clone.set_env_file(ORDINARY + clone.attacker.settings())
    command = clone.start("setup")
    _read_until(command.stderr, "Open http://")
    command.terminate()
    command.communicate(timeout=20)
    clone.assert_unused()


@pytest.mark.variations(2)
@pytest.mark.parametrize("name", SERVERS)
def test_a_server_takes_nothing_from_the_directory(clone: Clone, name: str, redis_url: str) -> None:
    clone.set_env_file(ORDINARY)
    with Listener() as github:
        more = {
            "GITHUB_APP_ID": "1",
            "GITHUB_PRIVATE_KEY": private_key(),
            "GITHUB_WEBHOOK_SECRETS": "secret",
            "GITHUB_API_URL": f"http://127.0.0.1:{github.port}",
            "PORT": str(free_port()),
            # serve starts a Redis of its own, whose data belong into the person's home
            **({} if name == "serve" else {"REDIS_URL": redis_url}),
        }
        with Redis.from_url(redis_url) as redis:
            redis.flushdb()
        server = clone.start(*SERVERS[name], **more)
        try:
            _until_begun(server, name, int(more["PORT"]), github)
        finally:
            server.terminate()
            out, err = server.communicate(timeout=40)
    assert server.returncode in (0, -signal.SIGTERM), out + err  # uvicorn passes the signal on
    clone.assert_unused()
    assert not (clone.path / ".glossator" / "redis").exists()


def _until_begun(
    server: "subprocess.Popen[str]", name: str, port: int, github: Listener, seconds: float = 60
) -> None:
    """Wait until the server does its work: it answers, or it has asked GitHub."""
    end = time.monotonic() + seconds
    if name == "serve":
        return _read_until(server.stdout, "listens")
    if name == "work":
        return _read_until(server.stderr, "worker_started")
    while server.poll() is None and time.monotonic() < end:
        with socket.socket() as probe:
            if name == "web" and probe.connect_ex(("127.0.0.1", port)) == 0:
                return None
        if name == "schedule" and github.connections:
            return None
        time.sleep(0.05)
    raise AssertionError(f"{name} has not begun")


def _read_until(stream: IO[str] | None, text: str) -> None:
    assert stream is not None
    while text not in (line := stream.readline()):
        assert line, f"it ended before it printed {text!r}"


def private_key() -> str:
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return pem.decode().replace("\n", "\\n")
