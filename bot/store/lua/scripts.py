"""The Lua scripts, by name: each a file beside this one, each atomic.

A crash can fall before a script or after it, never between two of its effects. What a script takes
and returns stands at the top of its file; `prelude.lua` says what all have in common.
"""

import inspect
import json
import re
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.commands.core import AsyncScript

from bot.store import keys

_FOLDER = Path(__file__).parent

_KEY = re.compile(r"\bkey\.(\w+)")


class Script(StrEnum):
    """Every script; the value is its file's name without `.lua`."""

    ACCEPT_DELIVERY = "accept_delivery"
    ACQUIRE_SLOT = "acquire_slot"
    ADD_USAGE = "add_usage"
    ADMIT_REVIEW = "admit_review"
    CHANGE_PREFERENCE = "change_preference"
    CLAIM_FORMAT = "claim_format"
    CLEAR_WAITING = "clear_waiting"
    CONSUME_QUOTA = "consume_quota"
    END_PENDING = "end_pending"
    FINISH_BATCH = "finish_batch"
    KEEP_PREFERENCE = "keep_preference"
    MARK_USED = "mark_used"
    MOVE_REVIEW = "move_review"
    OPEN_REVIEW = "open_review"
    PUT_MESSAGES = "put_messages"
    RECORD_AUDIT = "record_audit"
    RECORD_OUTCOMES = "record_outcomes"
    RELEASE_SLOT = "release_slot"
    REQUEUE_LOST_MESSAGES = "requeue_lost_messages"
    RESERVE_TOKENS = "reserve_tokens"
    RETRY_DEAD_LETTER = "retry_dead_letter"
    SAVE_SCAN = "save_scan"
    START_DELIVERIES = "start_deliveries"
    THROTTLE = "throttle"
    UNSUPPRESS = "unsuppress"
    UPDATE_PROGRESS = "update_progress"
    UPDATE_REVIEW = "update_review"


class Scripts:
    """Runs scripts in one Redis."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis
        self._registered: dict[Script, AsyncScript] = {}

    async def run(self, script: Script, *bodies: bytes, **arguments: object) -> Any:
        """What the script returns. `arguments` are JSON values, and those that are None are left
        out; `bodies` are what JSON cannot carry."""
        if script not in self._registered:
            self._registered[script] = self._redis.register_script(source(script))
        return await self._registered[script](args=[encode_arguments(arguments), *bodies])


def encode_arguments(arguments: dict[str, object]) -> str:
    """The one JSON argument of a script."""
    return json.dumps({name: value for name, value in arguments.items() if value is not None})


@cache
def source(script: Script) -> str:
    """The Lua of a script: patterns of the keys that it uses, the prelude, and its own."""
    body = _read("prelude") + _read(script)
    names = sorted(set(_KEY.findall(body)))
    patterns = "".join(f"  {name} = '{_pattern(name)}',\n" for name in names)
    return f"local key = {{\n{patterns}}}\n{body}"


@cache
def _read(name: str) -> str:
    return (_FOLDER / f"{name}.lua").read_text()


def _pattern(name: str) -> str:
    """A key with %s for each part that scripts fill in. Raises AttributeError for a name that
    `bot.store.keys` does not have."""
    made = getattr(keys, name)
    return (
        made if isinstance(made, str) else made(*["%s"] * len(inspect.signature(made).parameters))
    )
