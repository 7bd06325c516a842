"""One line when something outside goes down, and one when it is back, whoever asks it."""

import time
from collections.abc import Callable

from bot.telemetry import log

_log = log.get(__name__)


class Outages:
    """What does not answer this process now. Times are seconds of `now`, which never goes back."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._since: dict[str, float] = {}
        self._failures: dict[str, int] = {}

    def failed(self, endpoint: str, why: str) -> None:
        """The endpoint gave no answer, after all that was tried at once."""
        if endpoint not in self._since:
            self._since[endpoint], self._failures[endpoint] = self._now(), 0
            _log.warning("endpoint_down", endpoint=endpoint, why=why)
        self._failures[endpoint] += 1

    def answered(self, endpoint: str) -> None:
        """The endpoint did answer."""
        if (since := self._since.pop(endpoint, None)) is not None:
            seconds, failures = round(self._now() - since), self._failures.pop(endpoint)
            _log.warning("endpoint_up", endpoint=endpoint, after_seconds=seconds, failures=failures)


#: Those of this process.
outages = Outages()
