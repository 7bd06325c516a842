"""The GitHub App: what faces GitHub and people."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def _blocked_import(name: str) -> Iterator[None]:
    """Within, the package `name` cannot be imported; afterwards it is as it was."""
    previous = sys.modules.get(name)
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]
        if previous is not None:
            sys.modules[name] = previous


# Each imports the other where it is installed, for what no process uses: figures of redis's own,
# and structlog's colored tracebacks. That is a fifth of a process's start, and 6 MiB of its memory.
# Here, as this comes before any other import of them.
with _blocked_import("opentelemetry"):
    import redis.asyncio  # noqa: F401
with _blocked_import("rich"):
    import structlog  # noqa: F401

__version__ = "0.1.0"
