"""Says a list of secrets (JSON on standard input) into the log in every way there is.

Runs as a process of its own, configured from the environment as a real one is.
"""

import asyncio
import json
import logging
import sys
import threading
import warnings

import structlog

from bot.config.settings import load
from bot.telemetry import log


class Upset(Exception):
    """An exception of a library that holds what it was given."""


def _raise(secret: str) -> None:
    try:
        raise ValueError(f"inner {secret}")
    except ValueError as exc:
        raise Upset("outer", {"header": f"Authorization: {secret}"}, secret) from exc


def _structured(secret: str) -> None:
    bound_logger, plain = log.get("bot.speak"), structlog.get_logger()
    bound_logger.info(
        "event", field=secret, nested={"a": [secret, {"b": (secret,)}]}, data=secret.encode()
    )
    bound_logger.info(f"event {secret}", **{f"name_{secret[-12:]}": 1, "object": Upset(secret)})
    plain.warning("plain", url=f"https://user:{secret}@host/x?key={secret}")
    with structlog.contextvars.bound_contextvars(bound=secret):
        bound_logger.info("bound")
    try:
        _raise(secret)
    except Upset:
        bound_logger.exception("failed", value=secret)


def _standard(secret: str) -> None:
    for name in ("uvicorn.error", "dramatiq.worker.Worker", "redis", "httpx2", "py.x", "asyncio"):
        logger = logging.getLogger(name)
        logger.error("said %s and %r", secret, [secret])
        logger.error("extra", extra={"more": secret})
        logger.error("wrong number of arguments %s", secret, secret)
        try:
            _raise(secret)
        except Upset:
            logger.exception("failed with %s", secret)
    warnings.warn(f"warned {secret}", stacklevel=1)


async def _unawaited(secret: str) -> None:
    async def fails() -> None:
        _raise(secret)

    task = asyncio.create_task(fails())
    await asyncio.wait({task})
    del task


def main() -> None:
    log.configure(load())
    secrets: list[str] = json.load(sys.stdin)
    for secret in secrets:
        _structured(secret)
        _standard(secret)
        asyncio.run(_unawaited(secret))
        thread = threading.Thread(target=_raise, args=(secret,))
        thread.start()
        thread.join()
    log.get("bot.speak").info("all_said", number=len(secrets))
    _raise(secrets[0])


if __name__ == "__main__":
    main()
