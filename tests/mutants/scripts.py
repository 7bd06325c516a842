"""The store's Lua scripts by what they decide, as `__main__` has Python's modules."""

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from redis import Redis
from redis.exceptions import ResponseError

from bot.cli.embedded_redis import embedded_redis
from bot.store import connect_sync
from bot.store.lua import scripts
from tests.mutants.lua import LuaMutant, lua_mutants

_FOLDER = Path(scripts.__file__).parent
_STORE = "tests/unit/bot/store"


@dataclass(frozen=True)
class Area:
    """Names of scripts, without `.lua`, and the tests that hold them, the quickest first."""

    scripts: tuple[str, ...]
    tests: tuple[str, ...]


AREAS = {
    "lua.deliveries": Area(
        ("accept_delivery",), (f"{_STORE}/test_deliveries.py", f"{_STORE}/test_audit.py")
    ),
    "lua.findings": Area(
        ("mark_used", "record_outcomes", "unsuppress"), (f"{_STORE}/test_findings.py",)
    ),
    "lua.llm": Area(
        ("acquire_slot", "add_usage", "release_slot", "reserve_tokens", "throttle"),
        (f"{_STORE}/test_llm.py",),
    ),
    # What all begin with, and those that are nothing else.
    "lua.prelude": Area(
        ("prelude", "put_messages", "record_audit", "start_deliveries"),
        tuple(
            f"{_STORE}/test_{name}.py"
            for name in ("reviews", "review_views", "deliveries", "queues", "sessions", "audit")
        ),
    ),
    "lua.queues": Area(
        ("claim_format", "requeue_lost_messages", "retry_dead_letter"),
        (f"{_STORE}/test_queues.py", f"{_STORE}/test_database.py"),
    ),
    "lua.reviews": Area(
        (
            *("admit_review", "clear_waiting", "consume_quota", "end_pending", "finish_batch"),
            *("move_review", "open_review", "save_scan", "update_progress", "update_review"),
        ),
        (f"{_STORE}/test_reviews.py", f"{_STORE}/test_sessions.py"),
    ),
}


def mutants_in(area: str) -> list[LuaMutant]:
    """All mutants of an area's scripts that Redis takes for Lua."""
    found = [
        mutant
        for script in AREAS[area].scripts
        for mutant in lua_mutants(script, (_FOLDER / f"{script}.lua").read_text())
    ]
    return asyncio.run(_loadable(found))


async def _loadable(mutants: Sequence[LuaMutant]) -> list[LuaMutant]:
    with tempfile.TemporaryDirectory() as directory:
        async with embedded_redis(Path(directory)) as url:
            client = connect_sync(url)
            try:
                return [mutant for mutant in mutants if _loads(client, mutant)]
            finally:
                client.close()


def _loads(client: Redis, mutant: LuaMutant) -> bool:
    is_prelude = mutant.script == "prelude"
    own = mutant.code if is_prelude else scripts._read("prelude") + mutant.code
    try:
        client.script_load(f"local key = {{}}\n{own}")
    except ResponseError:
        return False
    return True


def change(mutant: LuaMutant) -> None:
    """Have this process run the mutant instead of the script, from now on."""
    read = scripts._read

    def changed(name: str) -> str:
        return mutant.code if name == mutant.script else read(name)

    vars(scripts)["_read"] = changed
    scripts.source.cache_clear()
