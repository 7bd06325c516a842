"""`glossator` as people type it, in a process of its own whose imports are done.

The imports are most of a short command's time. So one process imports, and forks for each command,
which gets arguments, environment, directory and streams of its own, and ends as an interpreter
does. What a start of Python brings in is not seen here: processes are started whole in
tests/security/test_hostile_working_directory.py, and for servers, the hook and the demo.
"""

import gc
import importlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: What most commands import, beside the command line.
_IMPORTED = (
    "bot.cli.app",
    "bot.web.server",
    "workers.main",
    "workers.offline.command",
    "workers.offline.doctor",
    "workers.offline.review_command",
)
_MOST_BYTES = 100_000


class Commands:
    """Runs commands, one after the other."""

    def __init__(self, forking: socket.socket) -> None:
        self._forking = forking

    def run(
        self, *arguments: str, cwd: Path, env: Mapping[str, str], stdin: str = ""
    ) -> "subprocess.CompletedProcess[str]":
        """The command between pipes."""
        (their_in, our_in), (our_out, their_out), (our_err, their_err) = (
            os.pipe(), os.pipe(), os.pipe(),
        )  # fmt: skip
        self.start(arguments, cwd, env, (their_in, their_out, their_err))
        with (
            ThreadPoolExecutor() as threads,
            open(our_in, "w") as typed,
            open(our_out) as out,
            open(our_err) as err,
        ):
            printed, complained = threads.submit(out.read), threads.submit(err.read)
            with suppress(BrokenPipeError):  # it may end before it has read all
                typed.write(stdin)
                typed.close()
            code = self.wait()
            return subprocess.CompletedProcess(
                arguments, code, printed.result(), complained.result()
            )

    def start(
        self,
        arguments: Sequence[str],
        cwd: Path,
        env: Mapping[str, str],
        streams: tuple[int, int, int],
    ) -> None:
        """Begin one with these descriptors as its streams, which are closed here."""
        request = json.dumps([arguments, str(cwd), dict(env)]).encode()
        assert len(request) < _MOST_BYTES
        socket.send_fds(self._forking, [request], streams)
        for stream in set(streams):
            os.close(stream)

    def wait(self) -> int:
        """The exit code of the one that was begun."""
        return int(self._forking.recv(_MOST_BYTES))


@contextmanager
def commands() -> Iterator[Commands]:
    """Start the process that forks, and end it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.commands", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            cwd=ROOT,
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), **_coverage()},
        )
        theirs.close()
        yield Commands(ours)
        ours.close()
        assert process.wait(30) == 0


def _coverage() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("COVERAGE")}


def _serve(forking: socket.socket) -> None:
    for name in _IMPORTED:
        importlib.import_module(name)
    gc.freeze()
    while True:
        request, streams, _, _ = socket.recv_fds(forking, _MOST_BYTES, 3)
        if not request:
            return
        if not (child := os.fork()):
            forking.close()
            arguments, cwd, env = json.loads(request)
            _run(arguments, cwd, env, streams)
        for stream in streams:
            os.close(stream)
        _, status = os.waitpid(child, 0)
        forking.send(str(os.waitstatus_to_exitcode(status)).encode())


def _run(arguments: list[str], cwd: str, env: dict[str, str], streams: list[int]) -> None:
    """Be the command; raises SystemExit at its end."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = ["glossator", *arguments]
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        ready = getattr(sys, name)  # as Python made it for other descriptors
        stream = open(  # noqa: SIM115 - a descriptor that stays open
            number,
            ready.mode,
            buffering=1 if name == "stderr" or os.isatty(number) else -1,
            encoding=ready.encoding,
            errors=ready.errors,
            closefd=False,
        )
        setattr(sys, name, stream)
    sys.modules["bot.cli.app"].main()


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
