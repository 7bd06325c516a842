"""Carry out the Dockerfile without Docker: each stage in a Debian root directory of its own.

    debootstrap --variant=minbase --include=python3,python3-venv,python3-pip,ca-certificates \
        bookworm /tmp/base
    python deploy/rehearse.py /tmp/base /tmp/image

Needs root, and a base of the same distribution as the Dockerfile's. Runs every COPY and RUN as
written, then starts the image's command as its user on a read-only root, and asks its health
check. What it cannot show: the base image itself, layers, and what Docker adds (seccomp, cgroups).
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]

#: What a build gets from its builder: certificates and name servers.
FROM_HOST = ("/etc/resolv.conf", "/etc/ssl/certs/ca-certificates.crt")

READY_SECONDS = 60


def instructions(text: str) -> list[tuple[str, str]]:
    """(name, rest) of each instruction, lines joined and comments dropped."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n", " ", "\n".join(lines))
    found = [line.strip().partition(" ") for line in joined.splitlines() if line.strip()]
    return [(name.upper(), rest.strip()) for name, _, rest in found]


def ignored(path: Path) -> bool:
    """Whether .dockerignore keeps the path out of the build."""
    patterns = (ROOT / ".dockerignore").read_text().split()
    name = path.relative_to(ROOT)
    if f"!{name}" in patterns:
        return False
    return any(name.match(pattern) or name.parts[0] == pattern for pattern in patterns)


class Stage:
    """One FROM: a root directory, and the state that instructions leave for the next."""

    def __init__(self, base: Path, root: Path) -> None:
        self.root = root
        self.directory = "/"
        self.user = "0"
        self.environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
        subprocess.run(["cp", "-a", "--reflink=auto", f"{base}/.", root], check=True)
        for name in FROM_HOST:
            shutil.copyfile(name, root / name.lstrip("/"))
        # As in Docker's Python images.
        (root / "usr/local/bin/python").symlink_to("/usr/bin/python3")

    def at(self, path: str) -> Path:
        """A path of the image on this machine; relative ones are below WORKDIR."""
        return self.root / os.path.join(self.directory, path).lstrip("/")

    def copy(self, rest: str, others: dict[str, "Stage"]) -> None:
        *sources, target = shlex.split(rest)
        origin = ROOT
        if sources[0].startswith("--from="):
            origin = others[sources.pop(0).removeprefix("--from=")].root
        for source in sources:
            path, to = origin / source.lstrip("/"), self.at(target)
            if origin == ROOT and ignored(path):
                raise SystemExit(f"COPY {source}: .dockerignore leaves it out")
            if path.is_dir():
                shutil.copytree(path, to, symlinks=True, dirs_exist_ok=True)
            else:
                shutil.copy2(path, to / path.name if target.endswith("/") else to)

    def command(self, *command: str) -> list[str]:
        """`command` in the image: its root, user, directory and environment."""
        given = [f"{name}={value}" for name, value in self.environment.items()]
        user = ["--userspec", self.user, "--groups="] if self.user != "0" else []
        script = f"cd {shlex.quote(self.directory)} && exec {shlex.join(command)}"
        return ["env", "-i", *given, "chroot", *user, str(self.root), "/bin/sh", "-c", script]

    def set(self, rest: str) -> None:
        for part in shlex.split(rest):
            name, _, value = part.partition("=")
            for known, text in self.environment.items():
                value = value.replace(f"${known}", text)
            self.environment[name] = value


def build(base: Path, target: Path) -> tuple[Stage, dict[str, str]]:
    """All stages; returns the last one and its CMD, HEALTHCHECK and the like."""
    stages: dict[str, Stage] = {}
    last: dict[str, str] = {}
    stage = None
    for name, rest in instructions((ROOT / "Dockerfile").read_text()):
        print(f"{name} {rest}"[:100], flush=True)
        if name == "FROM":
            title = rest.partition(" AS ")[2] or "final"
            stage = stages[title] = Stage(base, target / title)
            last = {}
            continue
        assert stage is not None
        if name == "COPY":
            stage.copy(rest, stages)
        elif name == "RUN":
            subprocess.run(stage.command("/bin/sh", "-c", rest), check=True)
        elif name == "WORKDIR":
            stage.directory = rest
            stage.at("").mkdir(parents=True, exist_ok=True)
        elif name == "USER":
            stage.user = f"{rest}:"  # and the group that /etc/passwd says
        elif name in ("ARG", "ENV"):
            stage.set(rest)
        else:
            last[name] = rest
    assert stage is not None
    return stage, last


def mount(stage: Stage) -> None:
    """The root read-only, as `docker run --read-only`; /data and /tmp may be written."""
    root = str(stage.root)
    subprocess.run(["mount", "--bind", root, root], check=True)
    for name, kind in (("proc", "proc"), ("tmp", "tmpfs")):
        subprocess.run(["mount", "-t", kind, kind, f"{root}/{name}"], check=True)
    subprocess.run(["mount", "--rbind", "/dev", f"{root}/dev"], check=True)
    subprocess.run(["mount", "--bind", f"{root}/data", f"{root}/data"], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", root], check=True)


def run(stage: Stage, last: dict[str, str], given: dict[str, str]) -> None:
    """Start the command, wait for the health check, and see that it stops when it is told."""
    stage.environment |= given
    check = json.loads(last["HEALTHCHECK"].partition("CMD ")[2])
    touched = subprocess.run(stage.command("touch", "/app/x"), capture_output=True, check=False)
    assert touched.returncode != 0, "the root file system can be written"
    child = subprocess.Popen(stage.command(*json.loads(last["CMD"])))
    try:
        until = time.monotonic() + READY_SECONDS
        while subprocess.run(stage.command(*check), capture_output=True).returncode != 0:
            assert child.poll() is None, "the command ended"
            assert time.monotonic() < until, "the health check never passed"
            time.sleep(0.5)
        subprocess.run(stage.command("id"), check=True)
        subprocess.run(stage.command("glossator", "doctor"), check=False)
    finally:
        child.terminate()
        code = child.wait(60)
    print(f"healthy, and ended with {code} when told", flush=True)


def main() -> None:
    base, target = map(Path, sys.argv[1:3])
    if os.environ.get("REHEARSAL") != "mounted":  # mounts end with their namespace
        os.environ["REHEARSAL"] = "mounted"
        command = ["unshare", "--mount", "--pid", "--fork", sys.executable, *sys.argv]
        os.execvp(command[0], command)  # noqa: S606
    target.mkdir(parents=True, exist_ok=True)
    stage, last = build(base, target)
    mount(stage)
    given = dict(part.split("=", 1) for part in sys.argv[3:])
    run(stage, last, given)


if __name__ == "__main__":
    main()
