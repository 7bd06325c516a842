"""The Lua scripts: each has its name, and says nothing that is for people or for Prometheus."""

import re
from pathlib import Path

import pytest
from redis.asyncio import Redis

import bot.store.lua.scripts
from bot.store import keys
from bot.store.lua.scripts import Script, Scripts, source

FOLDER = Path(bot.store.lua.scripts.__file__).parent
FILES = sorted(FOLDER.glob("*.lua"))


def literals(path: Path) -> list[str]:
    """The texts in a file, without those in its comments."""
    code = re.sub(r"--.*", "", path.read_text())
    return re.findall(r"'([^']*)'", code)


def test_every_file_has_its_name_and_every_name_its_file() -> None:
    assert {path.stem for path in FILES} - {"prelude"} == set(Script)
    assert {script.name.lower() for script in Script} == set(Script)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_script_says_what_it_takes_and_has_no_text_for_people(path: Path) -> None:
    assert path.read_text().startswith("-- ")
    for text in literals(path):
        # Commands of Redis and their options, names of fields, and signs.
        field = r"[A-Z]+|[a-z_]+|:[a-z]+|[-+~*:01]|-inf|1000|"
        assert re.fullmatch(rf"{field}|\"eta\":[%d()+-]+", text), text
        assert not text.startswith("glossator")


@pytest.mark.parametrize("script", Script)
async def test_redis_understands_it(redis: "Redis", script: Script) -> None:
    assert await redis.script_load(source(script))


def test_keys_are_written_before_it_as_python_makes_them() -> None:
    text = source(Script.START_DELIVERIES)
    assert "  active_deliveries = 'glossator:active_deliveries:%s',\n" in text
    assert f"  QUEUED_DELIVERIES = '{keys.QUEUED_DELIVERIES}',\n" in text
    assert "llm_leases" not in text, "only those that it uses"


def test_a_key_that_does_not_exist_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(keys, "delivery")
    source.cache_clear()
    with pytest.raises(AttributeError, match="delivery"):
        source(Script.ACCEPT_DELIVERY)


async def test_arguments_that_are_none_are_left_out(redis: "Redis") -> None:
    await Scripts(redis).run(
        Script.ADD_USAGE,
        day="day",
        keep=60,
        installation="1",
        review="",
        calls=1,
        tokens=20,
        cost=None,
    )
    assert await redis.hgetall("day") == {b"1:tokens": b"20"}
