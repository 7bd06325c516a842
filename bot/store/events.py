"""What happens to a review, as a stream of typed events for those who watch."""

from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from bot.domain.progress import Progress
from bot.store.review_state import ReviewResult


@dataclass(frozen=True, slots=True, kw_only=True)
class EventData(Progress):
    """`result` is told when a review completes."""

    result: ReviewResult | None = None


_adapter = TypeAdapter(EventData)


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One event of the stream; `kind` is `progress`, `completed`, `failed` or `cancelled`."""

    id: str
    kind: str
    data: EventData

    @property
    def is_final(self) -> bool:
        """Nothing comes after it."""
        return self.kind != "progress"


def parse_event(entry: Any) -> StreamEvent:
    """The event of an entry as redis-py gives it."""
    event_id, fields = entry
    data = _adapter.validate_json(fields[b"data"])
    return StreamEvent(event_id.decode(), fields[b"type"].decode(), data)
