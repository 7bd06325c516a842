"""The Redis server beside the app: its data, who can reach it, and which program it is."""

import asyncio
import os
import stat
import sys
from pathlib import Path

import pytest

from bot.cli import embedded_redis as server
from bot.cli import redis_program
from bot.cli.embedded_redis import RedisServerError, embedded_redis
from bot.cli.redis_program import Program, Server
from bot.store import connect

#: What Redis 6.2 wrote, as text: two commands.
OLD_FILE = "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$8\r\naccepted\r\n$3\r\nyes\r\n"


async def value(url: str, key: str) -> object:
    redis = connect(url)
    try:
        return await redis.get(key)
    finally:
        await redis.aclose()


async def test_two_servers_never_share_their_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second would write to the first one's file, whose data would be lost."""
    monkeypatch.setattr(server, "FREE_SECONDS", 0.2)
    async with embedded_redis(tmp_path) as url:
        with pytest.raises(RedisServerError, match="Another Glossator is using"):
            async with embedded_redis(tmp_path):
                raise AssertionError("two servers on one directory")
        redis = connect(url)
        await redis.set("accepted", "yes")
        await redis.aclose()
    async with embedded_redis(tmp_path) as url:
        assert await value(url, "accepted") == b"yes"


async def test_other_users_of_the_machine_can_neither_read_nor_reach_it(tmp_path: Path) -> None:
    """Whatever the umask is, and in a directory that an earlier version left open."""
    directory = tmp_path / "data" / "redis"
    directory.mkdir(parents=True)
    directory.chmod(0o755)
    before = os.umask(0o022)
    try:
        async with embedded_redis(directory) as url:
            redis = connect(url)
            await redis.set("code", "private")
            ports = await redis.info("server")
            await redis.aclose()
            modes = {
                path.relative_to(directory): stat.S_IMODE(path.lstat().st_mode)
                for path in directory.rglob("*")
            }
    finally:
        os.umask(before)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    written = {path: mode for path, mode in modes.items() if path.parts[0].startswith("append")}
    assert written
    assert all(mode & 0o077 == 0 for mode in written.values()), written
    assert modes[Path("redis.sock")] == 0o700
    assert modes[Path("redis.conf")] == 0o600
    assert ports["tcp_port"] == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
async def test_another_user_gets_no_connection(tmp_path: Path) -> None:
    for parent in (tmp_path, *tmp_path.parents):
        if parent.is_relative_to("/tmp") and parent != Path("/tmp"):
            parent.chmod(0o755)
    async with embedded_redis(tmp_path / "redis"):
        code = (
            "import os, socket, sys; os.setuid(65534); "
            "socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
        )
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-c", code, str(tmp_path / "redis" / "redis.sock")),
            stderr=asyncio.subprocess.PIPE,
        )
        _, err = await child.communicate()
    assert b"PermissionError" in err


async def test_a_name_too_long_for_a_socket_is_no_obstacle(tmp_path: Path) -> None:
    async with embedded_redis(tmp_path / ("d" * 120)) as url:
        assert await value(url, "nothing") is None


async def test_data_of_earlier_versions_are_taken_over_and_kept(tmp_path: Path) -> None:
    (tmp_path / "appendonly.aof").write_text(OLD_FILE, newline="")
    async with embedded_redis(tmp_path) as url:
        assert await value(url, "accepted") == b"yes"
    copy = tmp_path / "copy-of-redis-6.2"
    assert (copy / "appendonly.aof").read_text() == OLD_FILE.replace("\r\n", "\n")
    async with embedded_redis(tmp_path) as url:
        assert await value(url, "accepted") == b"yes"


async def test_data_that_no_program_reads_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "appendonlydir").mkdir()
    (tmp_path / "written-by").write_text("valkey server v=99.0\n")
    with pytest.raises(RedisServerError, match=r"read the data of valkey 99\.0"):
        async with embedded_redis(tmp_path):
            raise AssertionError("they were read")
    assert (tmp_path / "written-by").read_text() == "valkey server v=99.0\n"


async def test_a_directory_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RedisServerError, match="Set DATA_DIR to a directory"):
        async with embedded_redis(tmp_path / "file" / "redis"):
            raise AssertionError("it was used")


def program(name: str, kind: str, major: int, minor: int) -> Program:
    return Program(Path(name), Server(kind, (major, minor)))


MACHINE_REDIS_6 = program("/usr/bin/redis-server", "redis", 6, 0)
MACHINE_REDIS_7 = program("/usr/bin/redis-server", "redis", 7, 0)
MACHINE_REDIS_8 = program("/usr/bin/redis-server", "redis", 8, 2)
MACHINE_VALKEY = program("/usr/bin/valkey-server", "valkey", 8, 1)
WHEEL = program("wheel", "valkey", 9, 1)


@pytest.mark.parametrize(
    ("programs", "writer", "chosen"),
    [
        ([MACHINE_VALKEY, WHEEL], None, MACHINE_VALKEY),
        ([MACHINE_REDIS_7, WHEEL], None, MACHINE_REDIS_7),
        ([MACHINE_REDIS_6, WHEEL], None, WHEEL),  # out of maintenance
        ([MACHINE_REDIS_7, WHEEL], Server("redis", (6, 2)), MACHINE_REDIS_7),
        ([WHEEL], Server("redis", (6, 2)), WHEEL),
        ([MACHINE_REDIS_7, WHEEL], Server("valkey", (9, 1)), WHEEL),
        ([MACHINE_VALKEY, WHEEL], Server("valkey", (9, 1)), WHEEL),
        ([MACHINE_REDIS_8, WHEEL], Server("valkey", (9, 1)), WHEEL),
        ([WHEEL], Server("redis", (7, 4)), None),  # Valkey split off before
        ([MACHINE_REDIS_8, WHEEL], Server("redis", (7, 4)), MACHINE_REDIS_8),
        ([], None, None),
    ],
)
def test_the_first_maintained_program_that_reads_the_data_is_taken(
    programs: list[Program], writer: Server | None, chosen: Program | None
) -> None:
    assert redis_program.choose(programs, writer) == chosen


def test_no_program_of_the_working_directory_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in redis_program.PROGRAMS:
        (tmp_path / name).write_text("#!/bin/sh\necho 'Valkey server v=99.0.0'\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", ".:/usr/bin:/bin")
    assert all(found.server.version < (99, 0) for found in redis_program.installed())
    monkeypatch.setenv("PATH", str(tmp_path))
    assert next(redis_program.installed()).server == Server("valkey", (99, 0))


def test_the_wheel_has_a_program_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    [found] = redis_program.installed()
    assert found.server.kind == "valkey"
    assert found.server.version >= (9, 1)
