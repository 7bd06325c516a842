"""What the sandbox keeps out, tried by programs that mean harm."""

# ruff: noqa: ASYNC240 - nothing else runs on this loop meanwhile

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from bot.runtime.tasks import stop
from tests.support.open_pipes import open_pipes
from workers.scan.analyzers.isolation import Isolation, isolation, run_isolated, works
from workers.scan.repository.process import OutputTooLarge, ProcessTimeout, run

ROOT = Path(__file__).parents[5]
LANDLOCK = ROOT / "workers/scan/analyzers/probes/landlock.py"
#: Those that keep programs in, as far as this machine has them.
HOLDING = [kind for kind in Isolation if kind.holds and works(kind)]
KINDS = [*HOLDING, Isolation.LIMITS]

needs_landlock = pytest.mark.skipif(
    not works(Isolation.LANDLOCK), reason="no Landlock on this machine"
)


async def python(code: str, directory: Path, kind: Isolation, seconds: float = 20) -> str:
    done = await run_isolated(["python", "-I", "-c", code], directory, seconds=seconds, kind=kind)
    return done.out.decode() + done.err.decode()


@pytest.mark.parametrize("kind", KINDS)
async def test_sees_none_of_our_environment(
    kind: Isolation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_PRIVATE_KEY", "the key")
    out = await python("import os, json; print(json.dumps(dict(os.environ)))", tmp_path, kind)
    env = json.loads(out)
    assert "GITHUB_PRIVATE_KEY" not in env
    assert env["HOME"] == str(tmp_path)


@pytest.mark.parametrize("kind", HOLDING)
async def test_reaches_no_network(kind: Isolation, tmp_path: Path) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    code = (  # whose text, which a traceback quotes, does not hold the word
        f"import socket; socket.create_connection(('127.0.0.1', {port}), 5); print('rea' 'ched')"
    )
    assert "reached" in await python(code, tmp_path, Isolation.LIMITS)  # the test itself works
    assert "reached" not in await python(code, tmp_path, kind)
    server.close()


@pytest.mark.parametrize("kind", HOLDING)
async def test_shows_none_of_our_files(kind: Isolation, tmp_path: Path) -> None:
    secret = tmp_path / "key.pem"
    secret.write_text("the key")
    work = tmp_path / "work"
    work.mkdir()
    read = f"print(open({str(secret)!r}).read())"
    assert "the key" in await python(read, work, Isolation.LIMITS)
    assert "the key" not in await python(read, work, kind)
    write = f"open({str(secret)!r}, 'w').write('gone'); open('own', 'w').write('x')"
    await python(write, work, kind)
    assert secret.read_text() == "the key"
    await python("open('own', 'w').write('x')", work, kind)
    assert (work / "own").read_text() == "x"


@pytest.mark.skipif(isolation() is not Isolation.BUBBLEWRAP, reason="no bubblewrap here")
@pytest.mark.parametrize("kind", [Isolation.BUBBLEWRAP, Isolation.NO_PROC])
@pytest.mark.parametrize("namespaces", [0, 0x10000000 | 0x00020000], ids=["here", "nested"])
async def test_read_only_mounts_cannot_be_remounted(
    kind: Isolation, namespaces: int, tmp_path: Path
) -> None:
    """By root of its own namespace, either: what it runs as may be all that we run as."""
    code = f"""if True:
        import ctypes, os
        c = ctypes.CDLL(None, use_errno=True)
        if {namespaces}:
            c.unshare({namespaces})
        told = c.mount(None, b"/usr", None, 0x1020, None)  # MS_REMOUNT | MS_BIND, writable
        print(told, bool(os.statvfs("/usr").f_flag & os.ST_RDONLY))
    """
    assert await python(code, tmp_path, kind) == "-1 True\n"


@needs_landlock
@pytest.mark.parametrize(
    "attempt",
    [
        pytest.param("open('/etc/passwd').read()", id="files"),
        pytest.param("os.listdir('/tmp')", id="directories"),
        pytest.param(f"open('/proc/{os.getpid()}/environ').read()", id="environment"),
        pytest.param(f"os.kill({os.getpid()}, 0)", id="signals"),
        pytest.param("signal.pidfd_send_signal(0, 0)", id="signals by descriptor"),
        pytest.param(f"resource.prlimit({os.getpid()}, 7)", id="others' limits"),
        pytest.param("socket.socket(socket.AF_UNIX)", id="sockets of files"),
        pytest.param("socket.socket(socket.AF_INET, socket.SOCK_DGRAM)", id="UDP"),
        pytest.param("os.chmod('own', 0o777)", id="modes"),
        pytest.param("os.utime('own')", id="times"),
        pytest.param("os.mknod('s', stat.S_IFSOCK)", id="making sockets"),
        pytest.param("subprocess.run(['./own'])", id="executing what was written"),
        pytest.param("raised(libc.unshare(0x10000000))", id="namespaces"),
        pytest.param("raised(libc.ptrace(16, os.getppid(), 0, 0))", id="tracing"),
        pytest.param("raised(libc.syscall(425, 1, bytes(120)))", id="io_uring"),
    ],
)
async def test_landlock_refuses_what_it_has_no_namespace_for(attempt: str, tmp_path: Path) -> None:
    code = f"""if True:
        import ctypes, os, resource, signal, socket, stat, subprocess
        libc = ctypes.CDLL(None, use_errno=True)
        def raised(result):
            if result < 0:
                raise OSError(ctypes.get_errno(), "refused")
        open("own", "w").write("#!/bin/sh")
        try:
            {attempt}
        except PermissionError:
            print("refused")
    """
    (tmp_path / "own").touch(mode=0o755)
    assert await python(code, tmp_path, Isolation.LANDLOCK) == "refused\n"


@needs_landlock
async def test_landlock_leaves_programs_what_they_need(tmp_path: Path) -> None:
    code = """if True:
        import os, resource, subprocess, threading
        os.mkdir("deep")
        open("deep/a", "w").write("x")
        os.rename("deep/a", "b")
        os.remove("b")
        open("/dev/null", "w").write("x")
        thread = threading.Thread(target=print, args=("thread",))
        thread.start()
        thread.join()
        print(subprocess.check_output(["/bin/echo", "child"]), resource.getrlimit(0)[0] > 0)
    """
    assert await python(code, tmp_path, Isolation.LANDLOCK) == "thread\nb'child\\n' True\n"


@needs_landlock
def test_landlock_is_used_where_no_namespaces_are_allowed(tmp_path: Path) -> None:
    """As in containers with the usual profile, which a first filter stands in for: it refuses
    namespaces and mounts."""
    code = "from workers.scan.analyzers.isolation import isolation; print(isolation().name)"
    launcher = [sys.executable, "-I", "-S", str(LANDLOCK), str(tmp_path), "/", "--"]
    done = subprocess.run(
        [*launcher, sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    assert done.stdout == "LANDLOCK\n"


@pytest.mark.skipif(isolation() is not Isolation.BUBBLEWRAP, reason="no bubblewrap here")
async def test_without_proc_nothing_of_other_processes_is_seen(tmp_path: Path) -> None:
    look = "import os; print(os.path.exists('/proc/self/environ'), os.path.exists('/proc/1'))"
    assert await python(look, tmp_path, Isolation.BUBBLEWRAP) == "True True\n"
    assert await python(look, tmp_path, Isolation.NO_PROC) == "False False\n"


@pytest.mark.parametrize("kind", KINDS)
async def test_memory_and_file_size_are_limited(kind: Isolation, tmp_path: Path) -> None:
    assert "MemoryError" in await python("bytearray(3 << 30)", tmp_path, kind)
    code = "f = open('big', 'wb')\nfor _ in range(100): f.write(bytes(1 << 20))"
    await python(code, tmp_path, kind)
    assert (tmp_path / "big").stat().st_size <= 64 << 20


@pytest.mark.variations(2)
@pytest.mark.parametrize("kind", KINDS)
async def test_nothing_survives_the_time_limit(kind: Isolation, tmp_path: Path) -> None:
    """The program starts a child that writes its heartbeat; both are gone after the limit."""
    heart = (
        "import time\nwhile True:\n"
        "    open('heart', 'w').write(str(time.time()))\n    time.sleep(0.05)"
    )
    code = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {heart!r}])"
    with pytest.raises(ProcessTimeout):
        await python(code, tmp_path, kind, seconds=2)
    assert (tmp_path / "heart").exists(), "the child never ran"
    ended = time.time()
    assert await _still(tmp_path / "heart", since=ended)


async def _still(file: Path, since: float) -> bool:
    """Whether nothing writes the file any more: twenty of its beats go by without one."""
    deadline = time.monotonic() + 1
    while time.monotonic() < deadline:
        if file.stat().st_mtime > since + 0.5:
            return False
        await asyncio.sleep(0.05)
    return True


async def test_children_are_killed_when_the_program_itself_ends(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys\n"
        "none = subprocess.DEVNULL\n"
        "child = subprocess.Popen(['sleep', '600'], stdout=none, stderr=none)\n"
        "print(child.pid)"
    )
    done = await run(
        [sys.executable, "-c", code], cwd=tmp_path, env={"PATH": os.environ["PATH"]}, seconds=10,
        max_output=100,
    )  # fmt: skip
    assert await _gone(int(done.out))


async def test_one_that_is_cancelled_twice_leaves_nothing_under_way(tmp_path: Path) -> None:
    """A child in a session of its own holds the output open a while after the kill."""
    code = (
        "import pathlib, subprocess, time\n"
        "subprocess.Popen(['sleep', '0.5'], start_new_session=True)\n"
        "pathlib.Path('ready').touch()\n"
        "time.sleep(600)"
    )
    work = run(
        [sys.executable, "-c", code], cwd=tmp_path, env={"PATH": os.environ["PATH"]}, seconds=60,
        max_output=100,
    )  # fmt: skip
    task = asyncio.create_task(work)
    while not (tmp_path / "ready").exists():
        await asyncio.sleep(0.01)
    await stop(task, again_seconds=0.01)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_pipes_that_something_outside_the_group_holds_open_are_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.scan.repository.process._LAST_SECONDS", 0.05)
    code = (
        "import subprocess\n"
        "child = subprocess.Popen(['sleep', '600'], start_new_session=True)\n"
        "print(child.pid, file=open('child', 'w'))"
    )
    before = open_pipes()
    with pytest.raises(ProcessTimeout):
        await run(
            [sys.executable, "-c", code], cwd=tmp_path, env={"PATH": os.environ["PATH"]},
            seconds=2, max_output=100,
        )  # fmt: skip
    after = open_pipes()
    os.kill(int((tmp_path / "child").read_text()), signal.SIGKILL)
    assert after <= before


@pytest.mark.skipif(isolation() is not Isolation.BUBBLEWRAP, reason="no bubblewrap here")
@pytest.mark.parametrize("kind", [Isolation.BUBBLEWRAP, Isolation.NO_PROC])
async def test_a_kill_of_the_group_reaches_what_bubblewrap_starts(
    kind: Isolation, tmp_path: Path
) -> None:
    """Also before bubblewrap has asked to die with its parent: group and session are those that
    were made for it outside, which have no number inside."""
    assert await python("import os; print(os.getpgrp(), os.getsid(0))", tmp_path, kind) == "0 0\n"


async def test_one_that_is_cancelled_while_it_starts_leaves_nothing_under_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has children already, which hold its output open."""
    started = asyncio.Event()
    loop = asyncio.get_running_loop()
    start = loop.subprocess_exec

    async def late(*argv: Any, **options: Any) -> Any:
        program = await start(*argv, **options)
        while not (tmp_path / "child").exists():
            await asyncio.sleep(0.01)
        started.set()
        await asyncio.sleep(0.01)
        return program

    monkeypatch.setattr(loop, "subprocess_exec", late)
    work = run(
        ["sh", "-c", "sleep 600 & echo $! > child; sleep 600"], cwd=tmp_path,
        env={"PATH": os.environ["PATH"]}, seconds=60, max_output=100,
    )  # fmt: skip
    task = asyncio.create_task(work)
    await started.wait()
    task.cancel()
    await asyncio.wait({task}, timeout=10)
    assert task.cancelled()
    assert await _gone(int((tmp_path / "child").read_text()))
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def _gone(pid: int) -> bool:
    """Whether the process ends within five seconds (a zombie has ended)."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][:1]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        await asyncio.sleep(0.02)
    return False


async def test_output_without_end_is_cut_off(tmp_path: Path) -> None:
    with pytest.raises(OutputTooLarge):
        await run(
            [sys.executable, "-c", "while True: print('x' * 1000)"],
            cwd=tmp_path, env={}, seconds=20, max_output=10_000,
        )  # fmt: skip
