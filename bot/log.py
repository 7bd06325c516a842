"""Structured logs: a constant event name and fields; ids, never bodies or secrets."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from bot.settings import Settings

#: What may never stand in a log, whatever field it comes in.
_SECRETS = re.compile(
    r"gh[a-z]_[A-Za-z0-9]{10,}|github_pat_\w{10,}|ghs\.[\w.-]{10,}"  # GitHub's tokens
    r"|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}"  # JWTs
    r"|sk-[\w-]{16,}"  # keys of LLM services
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)"
    r"|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"  # user:password of a URL
    r"|(?<=[?&]key=)[^&\s\"']+"  # the key of a signed link
    r"|(?<=[?&]code=)[^&\s\"']+"  # GitHub's answer to a sign-in
    r"|(?i:(?<=bearer )|(?<=basic )|(?<=token ))[\w.~+/=-]{16,}"
)
REDACTED = "[redacted]"


def redact(value: object) -> object:
    """The value with every secret in its strings replaced; containers are walked."""
    if isinstance(value, str):
        return _SECRETS.sub(REDACTED, value)
    if isinstance(value, bytes):
        return redact(value.decode(errors="replace"))
    if isinstance(value, dict):
        return {key: redact(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(item) for item in value]
    if isinstance(value, int | float | bool | None):
        return value
    return redact(str(value))


def _redact_event(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    # Runs after tracebacks have become text, so that they are redacted as well.
    return {key: redact(value) for key, value in event.items()}


def configure(settings: Settings) -> None:
    """Send all logs, the libraries' too, to standard error in one shape."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _redact_event,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if settings.log_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
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
    root.setLevel(settings.log_level.upper())
    for noisy in ("httpx2", "httpcore2", "openai", "dramatiq", "asyncio", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))
    logging.getLogger("uvicorn.error").addFilter(_is_no_refused_handshake)


def _is_no_refused_handshake(record: logging.LogRecord) -> bool:
    """Uvicorn calls it an error when a WebSocket is refused with an HTTP status, which any
    stranger can bring about at will."""
    return "returned without completing handshake" not in str(record.msg)


def get(name: str) -> structlog.stdlib.BoundLogger:
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger
