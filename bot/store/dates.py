"""Days, as what is counted by the day is kept under."""

from datetime import UTC, datetime


def day_of(seconds: float) -> str:
    """The day (UTC) of a Unix time, as ISO 8601 writes it."""
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()
