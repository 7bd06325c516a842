"""All that we keep in Redis, and the only package that knows its keys and scripts.

GitHub is the durable record; here is work in progress, reports (kept KEEP_DAYS), and what is known
of pull requests and deliveries. Others import from here alone: `Store` and its parts, each with a
method for what it does, and the values that these take and give. `bot.store.keys` has the index of
what is kept.
"""

import time
from collections.abc import Callable

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from bot.domain.audit import Action, AuditEntry, Way
from bot.store import keys
from bot.store.audit import AUDIT_CURSOR, Audit, AuditLine
from bot.store.database import FORMAT, Database, connect, connect_sync, day_of, is_ready
from bot.store.deliveries import Deliveries, start_next_delivery
from bot.store.findings.outcomes import Outcomes, Seen
from bot.store.findings.unwanted import (
    MAX_PREFERENCES,
    MAX_SUPPRESSIONS,
    PreferenceRepository,
    Preferences,
    Suppressions,
)
from bot.store.llm import LLMState, UsageRecords, UsageTotal
from bot.store.locks import Locks
from bot.store.metrics import MetricsStore
from bot.store.pull_requests import PostedSummary, PullRequests, PullState
from bot.store.queues import (
    ALL_QUEUES,
    LOST_SECONDS,
    QUEUE_OF,
    QUEUES,
    Message,
    Queues,
    Snapshot,
    message,
)
from bot.store.review_state import Handoff, ReviewResult, ReviewState, ReviewSummary
from bot.store.review_views import CURSOR, BadCursor, Events, ReviewList, StreamEvent
from bot.store.reviews import OpenResult, Reviews
from bot.store.sessions import PendingRequest, RepositoryAccess, Requests, Session, Sessions
from bot.store.stage_data import StageData

__all__ = [
    "ALL_QUEUES",
    "AUDIT_CURSOR",
    "Action",
    "AuditEntry",
    "AuditLine",
    "BadCursor",
    "CURSOR",
    "Events",
    "FORMAT",
    "Handoff",
    "LLMState",
    "LOST_SECONDS",
    "MAX_PREFERENCES",
    "MAX_SUPPRESSIONS",
    "Message",
    "OpenResult",
    "PendingRequest",
    "PostedSummary",
    "PreferenceRepository",
    "PullState",
    "QUEUES",
    "QUEUE_OF",
    "RedisConnectionError",
    "RedisError",
    "RedisTimeoutError",
    "RepositoryAccess",
    "ReviewResult",
    "ReviewState",
    "ReviewSummary",
    "Seen",
    "Session",
    "Snapshot",
    "Store",
    "StreamEvent",
    "UsageRecords",
    "UsageTotal",
    "Way",
    "connect",
    "is_ready",
    "connect_sync",
    "day_of",
    "keys",
    "message",
    "start_next_delivery",
]


class Store(Database):
    """Everything that is kept, in parts. `keep_seconds` is how long a finished review and its
    report are kept."""

    def __init__(
        self, redis: "Redis", *, keep_seconds: int, now: Callable[[], float] = time.time
    ) -> None:
        super().__init__(redis, keep_seconds=keep_seconds, now=now)
        self.audit = Audit(self)
        self.deliveries = Deliveries(self)
        self.events = Events(self)
        self.llm = LLMState(self)
        self.locks = Locks(self)
        self.metrics = MetricsStore(self)
        self.outcomes = Outcomes(self)
        self.preferences = Preferences(self)
        self.pulls = PullRequests(self)
        self.queues = Queues(self)
        self.requests = Requests(self)
        self.stage_data = StageData(self)
        self.review_list = ReviewList(self)
        self.reviews = Reviews(self)
        self.sessions = Sessions(self)
        self.suppressions = Suppressions(self)
        self.usage = UsageRecords(self)
