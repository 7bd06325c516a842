"""The web process: what `glossator web` runs until it is told to stop."""

import gc

import uvicorn

from bot.config.settings import Settings
from bot.web.app import create_app
from bot.web.feed.feed import MESSAGE_BYTES
from bot.web.header_limits import HeaderLimitProtocol

#: Objects more than before that let the process look for cycles.
GC_THRESHOLD = 20_000


def run_web(settings: Settings) -> None:
    """Raises SettingsError."""
    server = create_app(settings)
    # A delivery leaves hundreds of objects behind that reference counting takes away; looking
    # for cycles among them and through all modules was an eighth of the work.
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)
    uvicorn.run(
        server,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=HeaderLimitProtocol,
        ws_max_size=MESSAGE_BYTES,
        log_config=None,
        access_log=False,
        server_header=False,
        ws_per_message_deflate=False,  # events are short: 60 KiB a feed for next to nothing
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )
