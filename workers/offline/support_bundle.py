"""`glossator doctor --bundle`: what support needs to see, as a zip without secrets.

Nothing in it was written by people or by a model: no code, titles, comments, prompts, answers, nor
the texts of errors, which may quote any of them. Of settings that are secrets it says whether they
are set; all other texts go through the redaction of the log.
"""

import json
import os
import platform
import re
import sys
import zipfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic_core import to_jsonable_python

from bot import __version__
from bot.config.settings import Settings
from bot.runtime.subprocesses import run_git
from bot.store import FORMAT, RedisError, Store, connect
from bot.telemetry import log

#: Reviews that are listed, the newest.
MAX_REVIEWS = 50

_README = """\
A support bundle of Glossator, made by `glossator doctor --bundle`.

versions.json  this program, Python, git and all packages
settings.json  every setting; of secrets only whether they are set
checks.json    what `glossator doctor` found
queues.json    sizes of the queues, live workers, dead letters by actor and kind of error
reviews.json   how many reviews are kept by state, and the newest {most}: times and numbers
metrics.json   all counters, as /metrics shows them

It has no names of repositories, no logins, code, comments, prompts or answers. URLs and names of
models are as they are set: look through it before you send it.
"""

_EXCEPTION = re.compile(r"([A-Za-z_][\w.]*)(?::|$)")

_SECRET = {True: "(set)", False: ""}


async def support_bundle(settings: Settings, checks: Sequence[Any]) -> dict[str, str]:
    """The files of the bundle by name; `checks` are those of the doctor. The log has to know the
    secrets of these settings (`log.configure`)."""
    files: dict[str, Any] = {
        "versions.json": await _versions(),
        "settings.json": {name: _shown(getattr(settings, name)) for name in Settings.model_fields},
        "checks.json": [asdict(check) for check in checks],
        **await _of_store(settings),
    }
    readme = _README.format(most=MAX_REVIEWS)
    return {"README.txt": readme} | {
        name: json.dumps(log.redact(to_jsonable_python(content)), indent=1)
        for name, content in files.items()
    }


async def _versions() -> dict[str, Any]:
    try:
        _, out, _ = await run_git("--version")
        git = out.decode(errors="replace").strip()
    except FileNotFoundError:
        git = "not installed"
    packages = {str(one.metadata["Name"]): one.version for one in metadata.distributions()}
    return {
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "glossator": __version__,
        "format": FORMAT,
        "python": sys.version,
        "platform": platform.platform(),
        "processors": os.cpu_count(),
        "git": git,
        "packages": dict(sorted(packages.items())),
    }


def _shown(value: Any) -> Any:
    """A setting without what is secret in it."""
    match value:
        case SecretStr():
            return _SECRET[bool(value.get_secret_value())]
        case tuple():
            return [_shown(one) for one in value]
        case _:
            return value


async def _of_store(settings: Settings) -> dict[str, Any]:
    if not settings.redis_url:
        return {}
    store = Store(connect(settings.redis_url), keep_seconds=1)
    try:
        return {
            "queues.json": await _queues(store),
            "reviews.json": await _reviews(store),
            "metrics.json": await store.metrics.totals(),
        }
    except RedisError as exc:
        return {"queues.json": {"error": type(exc).__name__}}
    finally:
        await store.aclose()


async def _queues(store: Store) -> dict[str, Any]:
    letters = await store.queues.dead_letters()
    return {
        "redis": await store.redis_version(),
        "workers": await store.queues.live_workers(),
        "queues": [asdict(queue) for queue in await store.queues.all()],
        "dead_letters": [
            # Its arguments may be a comment, and the text of its error may quote anything.
            {
                "queue": letter.queue,
                "id": letter.id,
                "actor": letter.actor,
                "died_at": letter.died_at,
                "error": found[1] if (found := _EXCEPTION.match(letter.error)) else "",
            }
            for letter in letters
        ],
    }


async def _reviews(store: Store) -> dict[str, Any]:
    states = Counter[str]()
    newest: list[dict[str, Any]] = []
    async for _, summary in store.review_list.newest_first():
        states[summary.state] += 1
        if len(newest) < MAX_REVIEWS:
            newest.append(
                {
                    "id": summary.review.id,
                    "trigger": summary.review.trigger,
                    "state": summary.state,
                    "opened_at": summary.opened_at,
                    "seconds": summary.seconds,
                    "percent": summary.percent,
                    "activity": summary.activity,
                    "files": [summary.files_done, summary.files_total],
                    "findings": summary.findings,
                    "tokens": summary.tokens,
                    "failed_with_a_text": bool(summary.error),
                }
            )
    return {"states": dict(states), "newest": newest}


def write_bundle(path: Path, files: dict[str, str]) -> None:
    """Write the zip, readable by its owner only. Raises OSError, FileExistsError among them."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with (
        os.fdopen(descriptor, "wb") as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as to,
    ):
        for name, text in files.items():
            to.writestr(name, text)
