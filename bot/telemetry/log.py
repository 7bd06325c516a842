"""Structured logs: a constant event name and fields; ids, never bodies or secrets."""

import logging
import re
import sys
import threading
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import suppress
from functools import lru_cache
from types import TracebackType
from typing import Any
from urllib.parse import unquote, urlsplit

import structlog
from pydantic import SecretStr

from bot.config.settings import Settings, SettingsError
from bot.text import secrets as known_secrets

#: What may never stand in a log, whatever field it comes in.
_SECRETS = re.compile(
    r"gh[oprsu]_[\w.-]{10,}|github_pat_\w{10,}"  # GitHub's tokens
    r"|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}"  # JWTs
    r"|sk-[\w-]{16,}"  # keys of LLM services
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)"
    r"|(?<=://)[^/\s:@]*:(?!\d{1,5}/)[^\s@]{1,4000}(?=@)"  # user:password of a URL
    r"|(?<=[?&]key=)[^&\s\"']+"  # the key of a signed link
    r"|(?<=[?&]code=)[^&\s\"']+"  # GitHub's answer to a sign-in
    r"|(?i:(?<=bearer )|(?<=basic )|(?<=token ))[\w.~+/=-]{16,}"
)
REDACTED = "[redacted]"
#: Shorter values are words that stand in a log by chance.
MIN_CHARACTERS = 8

_FENCE = re.compile(r"-----(?:BEGIN|END) [A-Z ]+-----")

#: Most strings of a log are names that come again and again; what is longer is looked through
#: each time.
_CACHED_CHARACTERS = 32

#: What every delivery is named by. No rule but that for our own secrets can match it.
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

#: This server's own secrets, word for word, once `configure` was called.
_secrets_pattern: re.Pattern[str] | None = None

_error_hook: Callable[[Mapping[str, Any]], None] | None = None


def redact(value: object) -> object:
    """The value with every secret in its strings replaced; containers are walked."""
    if isinstance(value, str):
        short = len(value) <= _CACHED_CHARACTERS
        return _redact_short(value) if short else _redact_text(value)
    if isinstance(value, bytes):
        return redact(value.decode(errors="replace"))
    if isinstance(value, dict):
        return {redact(key): redact(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(item) for item in value]
    if isinstance(value, int | float | bool | None):
        return value
    return redact(str(value))


def _redact_text(text: str) -> str:
    redacted = text if _secrets_pattern is None else _secrets_pattern.sub(REDACTED, text)
    if _GUID.fullmatch(redacted):
        return redacted
    return _SECRETS.sub(REDACTED, known_secrets.redact(redacted))


_redact_short = lru_cache(maxsize=1024)(_redact_text)


def configured_secrets(settings: Settings) -> list[str]:
    """Every secret of the settings as it could stand in a text, the longest first."""
    values = []
    for name in Settings.model_fields:
        value = getattr(settings, name)
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, SecretStr):
                values.append(one.get_secret_value())
        if "url" in name and isinstance(value, str):
            values.append(unquote(urlsplit(value).password or ""))
            values.append(urlsplit(value).password or "")
    with suppress(SettingsError):  # analysers alone need no App
        values.append(settings.private_key)
    parts = [part.strip() for value in values for part in (value, *re.split(r"[\n,]|\\n", value))]
    # The first line of a key is no secret, and is what other keys are known by.
    known = {part for part in parts if len(part) >= MIN_CHARACTERS and not _FENCE.fullmatch(part)}
    return sorted(known, key=len, reverse=True)


def _redact_event(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    # Runs after tracebacks have become text, so that they are redacted as well.
    return {key: redact(value) for key, value in event.items()}


class _Output:
    """Where a module's own lines go once they are text: to standard error, past Python's
    `logging`, whose way there is half of what a line costs."""

    def __init__(self, name: str = "root") -> None:
        self.name = name

    def msg(self, line: str) -> None:
        with suppress(OSError, ValueError):  # nobody listens any more
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()

    debug = info = warning = error = critical = exception = msg


def set_error_hook(hook: Callable[[Mapping[str, Any]], None] | None) -> None:
    """Call `hook` with each line of an error, in the thread where it is, before its exception
    becomes text; nobody with None. It must not raise or log."""
    global _error_hook
    _error_hook = hook


def _call_error_hook(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    if _error_hook is not None and event.get("level") in ("error", "critical"):
        _error_hook(event)
    return event


def configure(settings: Settings) -> None:
    """Send all logs, the libraries' too, to standard error in one shape, and know from now on
    what of the settings may never stand in them."""
    global _secrets_pattern
    secrets = configured_secrets(settings)
    _secrets_pattern = re.compile("|".join(map(re.escape, secrets))) if secrets else None
    _redact_short.cache_clear()
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        _call_error_hook,
        structlog.processors.format_exc_info,
        _redact_event,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # No line says in which file, thread or process it was written; to find that out costs more
    # than the rest (https://docs.python.org/3/howto/logging.html#optimization).
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if settings.log_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    level = logging.getLevelNamesMapping()[settings.log_level]
    structlog.configure(
        processors=[*shared, renderer],
        logger_factory=_Output,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for noisy in ("httpx2", "httpcore2", "openai", "dramatiq", "asyncio", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))
    # What would print itself on standard error, past all redaction, goes the same way.
    logging.raiseExceptions = False
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    threading.excepthook = lambda args: _uncaught(args.exc_type, args.exc_value, args.exc_traceback)
    logging.getLogger("uvicorn.error").addFilter(_is_not_rejected_handshake)


def _uncaught(
    kind: type[BaseException], exc: BaseException | None, trace: TracebackType | None
) -> None:
    if exc is not None and not issubclass(kind, KeyboardInterrupt | SystemExit):
        logging.getLogger("uncaught").critical("uncaught", exc_info=(kind, exc, trace))


def _is_not_rejected_handshake(record: logging.LogRecord) -> bool:
    """Uvicorn calls it an error when a WebSocket is refused with an HTTP status, which any
    stranger can bring about at will."""
    return "returned without completing handshake" not in str(record.msg)


#: A context in which every line bears the given ids, in what is started within it as well.
bound = structlog.contextvars.bound_contextvars


def get(name: str) -> structlog.typing.FilteringBoundLogger:
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(name)
    return logger
