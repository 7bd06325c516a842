"""The web process: what `glossator web` runs until it is told to stop."""

import uvicorn

from bot.config.settings import Settings, SettingsError
from bot.runtime.memory import hide_memory
from bot.runtime.tcp_ports import listen
from bot.web.app import create_app
from bot.web.connection_limits import limited_protocol
from bot.web.feed.feed import MESSAGE_BYTES


def run_web(settings: Settings) -> None:
    """Raises SettingsError."""
    hide_memory()
    metrics_on = None
    if settings.metrics_port:
        try:
            metrics_on = listen(settings.metrics_port, settings.metrics_host)
        except OSError as exc:
            raise SettingsError(
                f"METRICS_PORT: {settings.metrics_host}:{settings.metrics_port} cannot be used "
                f"({exc.strerror})."
            ) from exc
    uvicorn.run(
        create_app(settings, metrics_on),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        forwarded_allow_ips=settings.trusted_proxies or None,
        http=limited_protocol(settings),
        ws_max_size=MESSAGE_BYTES,
        log_config=None,
        access_log=False,
        server_header=False,
        ws_per_message_deflate=False,  # events are short: 60 KiB a feed for next to nothing
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )
