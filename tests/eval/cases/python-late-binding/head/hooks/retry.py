"""Sends webhooks again that were not taken."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

LIMIT = 5


@dataclass(frozen=True)
class Hook:
    url: str
    body: bytes
    attempts: int = 0

    @property
    def delay(self) -> float:
        """Seconds to wait before the next attempt."""
        return 30.0 * 2**self.attempts


Send = Callable[[Hook], bool]


def failed(hooks: Sequence[Hook], send: Send) -> list[Hook]:
    """The hooks that were not taken, each with one attempt more."""
    return [replace(hook, attempts=hook.attempts + 1) for hook in hooks if not send(hook)]


def retry_later(hooks: Sequence[Hook], send: Send) -> list[threading.Timer]:
    """A timer for each hook that may still be tried; all of them are started."""
    timers = []
    for hook in hooks:
        if hook.attempts >= LIMIT:
            continue
        timer = threading.Timer(hook.delay, lambda: send(hook))
        timer.daemon = True
        timer.start()
        timers.append(timer)
    return timers
