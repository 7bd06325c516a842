"""How long requests take."""

import logging
from collections.abc import Callable
from time import perf_counter
from typing import Any

log = logging.getLogger(__name__)

Handler = Callable[[Any], Any]


def timed(handler: Handler, *, slow: float) -> Handler:
    """The handler, with a line in the log for each request; `slow` is in milliseconds."""

    def handle(request: Any) -> Any:
        started = perf_counter()
        try:
            return handler(request)
        finally:
            elapsed_seconds = (perf_counter() - started) * 1000
            log.info("%s %s took %.0f ms", request.method, request.path, elapsed_seconds)
            if elapsed_seconds > slow:
                log.warning("slow request: %s", request.path)

    return handle
