"""The log as it is set up in production, for one test."""

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from bot.config.settings import Settings
from bot.telemetry import log


@contextmanager
def production_log(settings: Settings) -> Iterator[None]:
    """Afterwards it is as it was."""
    root = logging.getLogger()
    before = root.handlers[:], root.level, structlog.get_config(), logging.raiseExceptions
    hooks = sys.excepthook, threading.excepthook
    log.configure(settings)
    # A logger that is kept as it is now would stay so in all later tests.
    structlog.configure(cache_logger_on_first_use=False)
    try:
        yield
    finally:
        sys.excepthook, threading.excepthook = hooks
        logging.captureWarnings(False)
        root.handlers, level, config, logging.raiseExceptions = before
        root.setLevel(level)
        structlog.configure(**config)
