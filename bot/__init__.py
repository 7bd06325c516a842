"""The GitHub App: what faces GitHub and people."""

from bot.telemetry.lazy_import import blocked_import

# For figures of its own, which are off, it would import all of OpenTelemetry's SDK: a tenth of
# a second for every process. Here, so that it comes before any other import of redis.
with blocked_import("opentelemetry"):
    import redis.asyncio  # noqa: F401

__version__ = "0.1.0"
