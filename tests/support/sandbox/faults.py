"""Trouble on request: what a client must survive, answered in place of or after the truth."""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

Kind = Literal["500", "502", "429", "secondary", "timeout", "reset", "slow"]


@dataclass(slots=True, kw_only=True)
class Fault:
    """Trouble for requests whose `METHOD /path` fits a glob, `times` times.

    `retry_after` (seconds) goes into 429 and secondary answers; `delay` (seconds) is for slow.
    With `after` the request takes effect first, and only the answer is lost.
    """

    match: str
    kind: Kind
    times: int = 1
    retry_after: int | None = None
    delay: float = 1.0
    after: bool = False
    triggered: int = 0

    def answer(self) -> tuple[int, dict[str, str], dict[str, object]]:
        """(status, headers, JSON body) of a fault that answers at all."""
        headers: dict[str, str] = {}
        if self.retry_after is not None:
            headers["Retry-After"] = str(self.retry_after)
        if self.kind in ("429", "secondary"):
            status = 429 if self.kind == "429" else 403
            return status, headers, _SECONDARY_LIMIT
        return int(self.kind), headers, {"message": "Server Error"}


_SECONDARY_LIMIT: dict[str, object] = {
    "message": (
        "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
    ),
    "documentation_url": (
        "https://docs.github.com/rest/overview/rate-limits-for-the-rest-api"
        "#about-secondary-rate-limits"
    ),
}


class Faults:
    """The faults still to come, in the order they were added."""

    def __init__(self) -> None:
        self.planned: list[Fault] = []

    def add(
        self,
        match: str,
        kind: Kind,
        *,
        times: int = 1,
        retry_after: int | None = None,
        delay: float = 1.0,
        after: bool = False,
    ) -> Fault:
        """Plan a fault, e.g. `add("POST /api/v3/repos/*/pulls/*/reviews", "502")`.

        Returns it, so that a test can ask how often it `triggered`.
        """
        fault = Fault(
            match=match, kind=kind, times=times, retry_after=retry_after, delay=delay, after=after
        )
        self.planned.append(fault)
        return fault

    def take(self, method: str, path: str) -> Fault | None:
        """The fault that strikes this request, counted off; None for most requests."""
        for fault in self.planned:
            if fault.triggered < fault.times and fnmatchcase(f"{method} {path}", fault.match):
                fault.triggered += 1
                return fault
        return None
