"""Where analysers run: no network, no environment, none of our files, limited resources.

As much as the machine offers, found out once: bubblewrap, else Landlock with seccomp, else a
network namespace, else resource limits alone. In a container bubblewrap may be allowed namespaces
and yet no /proc of its own (the kernel forbids it where parts of /proc are masked); then there is
none. Most containers allow no namespaces at all, and all of them Landlock.
"""

import shutil
import subprocess
import sys
import sysconfig
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from workers.scan.repository.process import Finished, run

_HERE = Path(__file__).parent
_MEMORY = 2 << 30
_FILE = 64 << 20
_PROCESSES = 2048  # counted for the user on the whole machine, threads included
_MAX_OUTPUT = 16 << 20
_PROBE_SECONDS = 10


class Isolation(StrEnum):
    """What keeps an analyser in, and the sentence for the operator."""

    BUBBLEWRAP = "Analyzers run in bubblewrap: no network, no access to the server's files."
    NO_PROC = (
        "Analyzers run in bubblewrap, without /proc: no network, no access to the server's files."
    )
    LANDLOCK = (
        "Analyzers run under Landlock and seccomp: no network, no access to the server's files."
    )
    NETWORK = "Analyzers run without network but can read files; install bubblewrap."
    LIMITS = "Analyzers run under resource limits only; install bubblewrap and allow namespaces."

    @property
    def holds(self) -> bool:
        """Whether it keeps programs from both the network and the server's files."""
        return self not in (Isolation.NETWORK, Isolation.LIMITS)


@lru_cache(maxsize=1)
def isolation() -> Isolation:
    """The best that works on this machine (blocking; asked once)."""
    return next(kind for kind in Isolation if works(kind))


def works(kind: Isolation) -> bool:
    """Whether programs can be run this way here (blocking)."""
    prefix = _prefix(kind, Path("/tmp"))  # noqa: S108 - only as a place that exists
    return kind is Isolation.LIMITS or (bool(prefix) and _works([*prefix, "/bin/true"]))


async def run_isolated(
    command: list[str], directory: Path, *, seconds: float, kind: Isolation
) -> Finished:
    """Run a program of our own environment in `directory`, all it may write to.

    Raises ProcessTimeout, OutputTooLarge, FileNotFoundError.
    """
    program = shutil.which(command[0], path=sysconfig.get_path("scripts"))
    if program is None:
        raise FileNotFoundError(command[0])
    limits = [str(n) for n in (_MEMORY, int(seconds) + 1, _FILE, _PROCESSES)]
    launcher = [sys.executable, "-I", "-S", str(_HERE / "probes" / "limits.py"), *limits]
    return await run(
        [*launcher, *_prefix(kind, directory), program, *command[1:]],
        cwd=directory,
        env=_environment(directory),
        seconds=seconds,
        max_output=_MAX_OUTPUT,
    )


def _environment(directory: Path) -> dict[str, str]:
    return {
        "PATH": f"{sysconfig.get_path('scripts')}:/usr/bin:/bin",
        "HOME": str(directory),
        "TMPDIR": str(directory),
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "NO_COLOR": "1",
    }


def _prefix(kind: Isolation, directory: Path) -> list[str]:
    """The words before the program; none if the machine lacks the tool."""
    if kind in (Isolation.BUBBLEWRAP, Isolation.NO_PROC):
        found = shutil.which("bwrap")
        proc = kind is Isolation.BUBBLEWRAP
        return [found, *_bubble(directory, proc=proc)] if found else []
    if kind is Isolation.LANDLOCK:
        launcher = [sys.executable, "-I", "-S", str(_HERE / "probes" / "landlock.py")]
        return [*launcher, str(directory), *_readable(), "--"]
    if kind is Isolation.NETWORK:
        found = shutil.which("unshare")
        return [found, "--user", "--map-root-user", "--net", "--"] if found else []
    return []


def _readable() -> list[str]:
    """The system's programs and our environment."""
    return sorted(
        {
            *("/usr", "/lib", "/lib32", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/alternatives"),
            *(sys.prefix, sys.base_prefix, str(_HERE)),
        }
    )


def _bubble(directory: Path, *, proc: bool) -> list[str]:
    """Read-only: what is `_readable`. Writable: `directory`."""
    words = [
        # It stays in the session, which `run` has made for it and which has no terminal: a kill
        # of the group while bubblewrap still starts would not reach a session of its own.
        "--unshare-all",
        "--die-with-parent",
        # Started by root it would leave root's rights, and what is read-only could be remounted.
        *("--cap-drop", "ALL"),
        *(("--proc", "/proc") if proc else ()),
        "--dev",
        "/dev",
        "--tmpfs",
        "/tmp",  # noqa: S108 - a private one
    ]
    for path in _readable():
        words += ["--ro-bind-try", path, path]
    return [*words, "--bind", str(directory), str(directory), "--chdir", str(directory), "--"]


def _works(command: list[str]) -> bool:
    try:
        done = subprocess.run(command, capture_output=True, timeout=_PROBE_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
