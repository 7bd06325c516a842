"""git as a subprocess that trusts nothing in the repository and knows nothing of this machine.

Never a checkout: with a bare repository no filter, hook, symlink or path of theirs
ever touches the disk.
"""

import asyncio
import base64
import math
import os
import re
import time
from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bot.telemetry import tracing
from workers.scan.repository.errors import CloneError, Unreadable
from workers.scan.repository.process import Finished, OutputTooLarge, ProcessTimeout, run

#: Of our environment git sees only how to reach the network.
_PASSED_ON = (
    "PATH",
    *("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO"),
)

_HARDENED = {
    "core.hooksPath": os.devnull,
    "core.attributesFile": os.devnull,
    "core.fsmonitor": "false",
    "core.symlinks": "false",
    "core.bigFileThreshold": "16m",  # larger blobs are streamed instead of held in memory
    "pack.threads": "2",  # each takes memory of its own
    "pack.windowMemory": "64m",
    "credential.helper": "",
    "fetch.recurseSubmodules": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "http.lowSpeedLimit": "1000",
    "http.lowSpeedTime": "60",
    "fetch.negotiationAlgorithm": "noop",  # of a commit that is here, blobs are missing
    "protocol.allow": "never",
    "http.followRedirects": "false",  # our token goes to this host and no other
}

#: Serves a repository of this machine whoever owns it. git asks that of the configuration of the
#: person who runs us, which is kept from it here; whether they trust it was asked before.
_LOCAL_UPLOADPACK = "git -c 'safe.directory=*' upload-pack"

#: What one git may take of memory; trees of a few kilobytes can name more files than fit any.
MAX_MEMORY_KB = 1 << 20
#: Where a limit cannot be set, as outside Linux, git runs without.
_LIMITED = (
    'ulimit -c 0; ulimit -d "$0" 2>/dev/null; ulimit -t "$1" 2>/dev/null; shift; exec git "$@"'
)
_NO_SUCH_PROGRAM = 127
_OUT_OF_MEMORY = re.compile(r"out of memory|cannot allocate memory|(?:malloc|mmap) failed", re.I)

#: Where the directory's size is looked at while git writes into it.
_WATCH_SECONDS = 0.25

_NOT_FOUND = re.compile(
    r"couldn't find remote ref|not our ref|unadvertised object|bad object|"
    r"repository .* not found|repository not found|does not exist|error: 40[04]",
    re.IGNORECASE,
)
_NOT_FETCHED = re.compile(r"promisor remote|lazy fetching disabled", re.IGNORECASE)
#: So says git from 2.45 on of what a partial clone does not have.
_NOT_SERVED = re.compile(r"not our ref", re.IGNORECASE)
#: With GnuTLS, and with OpenSSL.
_UNTRUSTED = re.compile(
    r"certificate verification failed|server verification failed|ssl certificate problem", re.I
)
_REFUSED = re.compile(r"authentication failed|could not read (username|password)|40[13]", re.I)


class MissingRef(CloneError):
    """The remote does not have what was asked for."""


@dataclass(frozen=True, slots=True)
class Git:
    """One bare repository in `directory`; all calls together end before `deadline` (monotonic)."""

    directory: Path
    url: str
    token: str = field(repr=False)
    protocols: tuple[str, ...]
    deadline: float
    max_bytes: int
    max_output: int = 256 << 20

    def within(self, *, seconds: float, more_bytes: int, max_output: int) -> "Git":
        """The same with so much time, disk and output left at most, for what may fail alone."""
        return replace(
            self,
            deadline=min(self.deadline, time.monotonic() + seconds),
            max_bytes=min(self.max_bytes, _size_of(self.directory) + more_bytes),
            max_output=min(self.max_output, max_output),
        )

    async def local(
        self,
        *args: str,
        stdin: bytes = b"",
        codes: Container[int] = (0,),
        max_records: int | None = None,
    ) -> bytes:
        """Output of a git command that needs no network and has none, and ends with a code of
        `codes`; at most `max_records` that end in NUL. Raises CloneError."""
        done = await self._run(args, {}, stdin, max_records=max_records)
        _check_code(done, codes)
        return done.out

    async def some(
        self, *args: str, stdin: bytes = b"", codes: Container[int] = (0,)
    ) -> tuple[bytes, bool]:
        """The same, but where there is too much output its beginning, and whether it is all."""
        done = await self._run(args, {}, stdin, beginning=True)
        if done.complete:
            _check_code(done, codes)
        return done.out, done.complete

    def size(self) -> int:
        """Bytes of the repository on disk (blocking)."""
        return _size_of(self.directory)

    async def remote(self, *args: str, stdin: bytes = b"", build_on_known: bool = False) -> None:
        """A git command that talks to the remote; `build_on_known`: which need not send what the
        commits that are here hold. Raises CloneError."""
        config = {f"protocol.{name}.allow": "always" for name in self.protocols}
        if build_on_known:
            config["fetch.negotiationAlgorithm"] = "consecutive"
        local = self.url.startswith("file:")
        if local:
            config["remote.origin.uploadpack"] = _LOCAL_UPLOADPACK
        if self.token:
            config[f"http.{_origin(self.url)}/.extraHeader"] = _authorization(self.token)
        task = asyncio.ensure_future(self._run(args, config, stdin))
        try:
            while not (await asyncio.wait({task}, timeout=_WATCH_SECONDS))[0]:
                await self._check_size()
            done = await task
        finally:
            task.cancel()
            await asyncio.wait({task})
        await self._check_size()
        if done.code != 0:
            said = done.err.decode("utf-8", "replace")
            if _OUT_OF_MEMORY.search(said):
                raise _too_large()
            raise _explained_here(said, self.url) if local else _explained(said)

    async def _run(
        self,
        args: tuple[str, ...],
        config: Mapping[str, str],
        stdin: bytes,
        *,
        max_records: int | None = None,
        beginning: bool = False,
    ) -> Finished:
        seconds = max(self.deadline - time.monotonic(), 0.001)
        limits = str(MAX_MEMORY_KB), str(math.ceil(2 * seconds))  # CPU seconds of all threads
        try:
            command = next(arg for arg in args if not arg.startswith("-"))
            with tracing.span(f"git {command}", {}):
                done = await run(
                    ("/bin/sh", "-c", _LIMITED, *limits, *args),
                    cwd=self.directory,
                    env=_environment(self.directory, {**_HARDENED, **config}),
                    seconds=seconds,
                    stdin=stdin,
                    max_output=self.max_output,
                    max_records=max_records,
                    beginning=beginning,
                )
        except ProcessTimeout as exc:
            raise CloneError(
                "Reading the repository took too long; raise CLONE_SECONDS if it is that large.",
                transient=True,
            ) from exc
        except OutputTooLarge as exc:
            raise _too_large() from exc
        if done.code == _NO_SUCH_PROGRAM:
            raise CloneError("git is not installed on the worker.", transient=False)
        return done

    async def _check_size(self) -> None:
        if await asyncio.to_thread(_size_of, self.directory) > self.max_bytes:
            raise CloneError(
                f"The repository is larger than {self.max_bytes >> 20} MB; raise CLONE_MB "
                "to review it.",
                transient=False,
            )


def _check_code(done: Finished, codes: Container[int]) -> None:
    if done.code in codes:
        return
    if _OUT_OF_MEMORY.search(done.err.decode("utf-8", "replace")):
        raise _too_large()
    raise Unreadable(
        "The repository could not be read; it may be damaged: check it with `git fsck`.",
        transient=False,
    )


def _too_large() -> CloneError:
    return CloneError("The change is too large to be read.", transient=False)


def _environment(directory: Path, config: Mapping[str, str]) -> dict[str, str]:
    env = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    # Debian's git uses GnuTLS, which does not read OpenSSL's variable.
    if authorities := env.get("SSL_CERT_FILE"):
        env.setdefault("GIT_SSL_CAINFO", authorities)
    env |= {
        "GIT_DIR": str(directory),
        "HOME": str(directory),
        "LC_ALL": "C",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_LFS_SKIP_SMUDGE": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_CONFIG_COUNT": str(len(config)),
    }
    for number, (key, value) in enumerate(config.items()):
        env[f"GIT_CONFIG_KEY_{number}"] = key
        env[f"GIT_CONFIG_VALUE_{number}"] = value
    return env


def _authorization(token: str) -> str:
    """As GitHub takes an installation token over git: user `x-access-token`, token as password.

    https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app
    """
    basic = base64.b64encode(f"x-access-token:{token}".encode()).decode("ascii")
    return f"Authorization: Basic {basic}"


def _is_partial(url: str) -> bool:
    """Whether the git directory of that `file:` URL was cloned with a filter."""
    packs = Path(unquote(urlsplit(url).path), "objects", "pack")
    return next(packs.glob("*.promisor"), None) is not None


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _size_of(directory: Path) -> int:
    """Bytes on disk below `directory`; what git removes meanwhile counts nothing."""
    total = 0
    for folder, _, names in os.walk(directory):
        for name in names:
            try:
                total += os.lstat(os.path.join(folder, name)).st_blocks * 512
            except OSError:
                continue
    return total


def _explained(stderr: str) -> CloneError:
    """What git's message means. The message itself holds addresses and paths: it stays here."""
    if _NOT_FOUND.search(stderr):
        return MissingRef(
            "The commits under review are no longer in the repository, or the App may not "
            "read it; check the installation's access and push again.",
            transient=False,
        )
    if _REFUSED.search(stderr):
        return CloneError(
            "GitHub refused to let the App read the repository; check that it has the "
            "permission `contents: read`.",
            transient=True,  # a fresh token may be accepted
        )
    if _UNTRUSTED.search(stderr):
        return CloneError(
            "Git does not trust the certificate of GitHub's server; set SSL_CERT_FILE to a file "
            "that contains its certificate authority.",
            transient=True,  # it may be renewed while reviews wait
        )
    return CloneError(
        "The repository could not be fetched from GitHub; start the review again once GitHub "
        "is available.",
        transient=True,
    )


def _explained_here(stderr: str, url: str) -> CloneError:
    """The same of a repository of this machine, where neither GitHub nor the App is concerned."""
    kind = MissingRef if _NOT_FOUND.search(stderr) else CloneError
    if _NOT_FETCHED.search(stderr) or (_NOT_SERVED.search(stderr) and _is_partial(url)):
        return CloneError(
            "This is a partial clone, and files of the change are not on this machine. To "
            "fetch them, run `git diff BASE...HEAD > /dev/null` in it.",
            transient=False,
        )
    return kind(
        "Git could not copy the commits out of the repository; it may be damaged or incomplete: "
        "check it with `git fsck`.",
        transient=False,
    )
