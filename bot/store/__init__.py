"""All that we keep in Redis. GitHub is the durable record; here is work in progress,
reports (kept `KEEP_DAYS`), and what pull requests and deliveries are known."""

from bot.store.connection import connect
from bot.store.store import OpenResult, Store

__all__ = ["OpenResult", "Store", "connect"]
