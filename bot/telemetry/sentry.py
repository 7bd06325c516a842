"""Errors for Sentry: where in our code, of what type, for which review; off by default.

What the log calls an error is told, and less of it than the log has: no text of an exception,
no variable, no line of source, no host name, for each could show a secret or code under
review. `scrubbed` builds anew what is sent, from the fields that may be in it.

The package comes with the extra `sentry`, and is imported only where a DSN is set.
https://develop.sentry.dev/sdk/data-model/event-payloads/
"""

import sys
from collections.abc import Mapping
from typing import Any

from bot import __version__
from bot.config.settings import Settings, SettingsError
from bot.telemetry import log

#: What of a log line names something and shows nothing.
_TAGS = ("review", "delivery", "queue", "step", "code")

_FRAME = ("filename", "function", "lineno", "module", "in_app")
_KEPT = ("event_id", "timestamp", "level", "logger", "platform", "release", "message", "tags")

#: Seconds that the end of a process waits for errors to be sent.
_LAST_SECONDS = 2


def configure(settings: Settings, process: str) -> None:
    """Tell the project of the settings, if there is one, of the errors of this process. Raises
    SettingsError if the package is not installed or the DSN is none."""
    dsn = settings.sentry_dsn.get_secret_value()
    if not dsn:
        return
    try:
        import sentry_sdk
        from sentry_sdk.integrations.atexit import AtexitIntegration
        from sentry_sdk.utils import BadDsn
    except ModuleNotFoundError as exc:
        raise SettingsError(
            "SENTRY_DSN is set, but Sentry's client is not installed. "
            "Install Glossator with the extra `sentry`, or unset it."
        ) from exc
    try:
        sentry_sdk.init(
            dsn=dsn,
            release=f"glossator@{__version__}",
            default_integrations=False,
            auto_enabling_integrations=False,
            integrations=[AtexitIntegration(callback=lambda pending, timeout: None)],
            before_send=lambda event, hint: scrubbed(event),
            include_local_variables=False,
            include_source_context=False,
            max_breadcrumbs=0,
            send_client_reports=False,
            shutdown_timeout=_LAST_SECONDS,
        )
    except BadDsn as exc:
        raise SettingsError(
            "SENTRY_DSN is not a valid DSN: copy it from the project's settings in Sentry."
        ) from exc
    log.set_error_hook(lambda line: _send(line, process))


def shutdown() -> None:
    """Send what is left, and tell no more."""
    import sentry_sdk

    log.set_error_hook(None)
    sentry_sdk.get_client().close(timeout=_LAST_SECONDS)
    sentry_sdk.get_global_scope().set_client(None)


def _send(line: Mapping[str, Any], process: str) -> None:
    import sentry_sdk
    from sentry_sdk.utils import event_from_exception

    if line["logger"].startswith("sentry_sdk"):  # its own trouble would go round for ever
        return
    event: Any = {}
    if exc := _exception(line.get("exc_info")):
        event, _ = event_from_exception(exc)
    is_own = "_record" not in line  # the words of a library may have anything in them
    event |= {
        "level": "fatal" if line["level"] == "critical" else "error",
        "logger": line["logger"],
        "message": line["event"] if is_own else f"an error of {line['logger']}",
        "tags": {name: str(line[name]) for name in _TAGS if name in line} | {"process": process},
    }
    sentry_sdk.capture_event(event)


def _exception(info: Any) -> BaseException | None:
    if info is True:
        info = sys.exc_info()
    if isinstance(info, tuple):
        info = info[1]
    return info if isinstance(info, BaseException) else None


def scrubbed(event: Mapping[str, Any]) -> Any:
    """The event with what may be told, secrets redacted."""
    payload: Any = {name: log.redact(event[name]) for name in _KEPT if event.get(name) is not None}
    if exceptions := event.get("exception", {}).get("values"):
        payload["exception"] = {"values": [_without_text(one) for one in exceptions]}
    return payload


def _without_text(exception: Mapping[str, Any]) -> dict[str, Any]:
    frames = (exception.get("stacktrace") or {}).get("frames") or []
    kept = [{name: frame[name] for name in _FRAME if name in frame} for frame in frames]
    payload: dict[str, Any] = {name: exception.get(name) for name in ("type", "module")}
    if kept:
        payload["stacktrace"] = {"frames": kept}
    return payload
