"""The web process: what `glossator web` runs until it is told to stop."""

import uvicorn

from bot.config.settings import Settings
from bot.runtime.memory import hide_memory
from bot.web.app import create_app
from bot.web.feed.feed import MESSAGE_BYTES
from bot.web.header_limits import HeaderLimitProtocol


def run_web(settings: Settings) -> None:
    """Raises SettingsError."""
    hide_memory()
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        forwarded_allow_ips=settings.trusted_proxies or None,
        http=HeaderLimitProtocol,
        ws_max_size=MESSAGE_BYTES,
        log_config=None,
        access_log=False,
        server_header=False,
        ws_per_message_deflate=False,  # events are short: 60 KiB a feed for next to nothing
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )
