"""How the time of some work grows with its size: a ratio, so that any machine will do."""

import gc
import time
from collections.abc import Callable

#: Times shorter than this, in seconds, are noise of the clock and of the first call.
NOISE = 0.005


def growth(work: Callable[[int], object], size: int, *, times: int = 4) -> float:
    """How many times longer ``work(size)`` takes than ``work(size // times)``.

    Processor time of this thread, the best of three of the small size and one of the large.
    Linear work gives about ``times``, quadratic about ``times ** 2``.
    """
    small = min(_seconds(work, size // times) for _ in range(3))
    return _seconds(work, size) / max(small, NOISE)


def _seconds(work: Callable[[int], object], size: int) -> float:
    gc.collect()
    gc.disable()  # how long it takes depends on all that the tests before have left
    try:
        started = time.thread_time()
        work(size)
        return time.thread_time() - started
    finally:
        gc.enable()
