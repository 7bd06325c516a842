"""All that we keep in Redis. GitHub is the durable record; here is work in progress,
reports (kept `KEEP_DAYS`), and what pull requests and deliveries are known."""

from bot.store.connection import connect
from bot.store.review_state import Handoff, ReviewResult, ReviewState, ReviewSummary
from bot.store.reviews import OpenResult
from bot.store.store import Store

__all__ = [
    "Handoff",
    "OpenResult",
    "ReviewResult",
    "ReviewState",
    "ReviewSummary",
    "Store",
    "connect",
]
