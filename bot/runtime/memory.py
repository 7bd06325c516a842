"""Keeping a process' memory and environment, where the secrets are, from others of its user."""

import ctypes
import resource
import sys

#: https://man7.org/linux/man-pages/man2/PR_SET_DUMPABLE.2const.html
_PR_SET_DUMPABLE = 4


def hide_memory() -> None:
    """See to it that no other process of the same user reads this one's memory or environment, as
    an analyzer that was taken over could, and that a crash leaves no core. What it starts is not
    hidden. Only Linux can do the first."""
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
