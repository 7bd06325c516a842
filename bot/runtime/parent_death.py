"""Child processes that end with their parent, even if it is killed.

Two Redis servers on one data directory, or an old web process on the port of a new one, would
be worse than none.
"""

import ctypes
import signal
import sys
from collections.abc import Callable

#: https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html
_PR_SET_PDEATHSIG = 1


def die_with_parent() -> Callable[[], None] | None:
    """What a child has to do before it becomes its program; None where the system cannot.

    Linux then sends it SIGTERM when the thread that started it ends.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl  # looked up before the fork, where loading is not safe

    def set_death_signal() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

    return set_death_signal
