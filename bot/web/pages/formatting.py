"""Numbers and times in words for people (pure)."""

import time


def duration(seconds: float) -> str:
    """`42 s`, `3 min 5 s`, `1 h 4 min`."""
    total = max(0, round(seconds))
    if total < 60:
        return f"{total} s"
    if total < 3600:
        return f"{total // 60} min {total % 60} s"
    return f"{total // 3600} h {total % 3600 // 60} min"


def moment(seconds: float) -> str:
    """Time in UTC, as `2026-11-24 08:14`."""
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(seconds))


def iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def number(value: int | float) -> str:
    """With separators: 12,345."""
    return f"{value:,}"


def money(value: float) -> str:
    """US dollars; what is less than a cent is not told as nothing."""
    return f"${value:,.2f}" if value >= 0.01 or value == 0 else f"${value:.4f}"
