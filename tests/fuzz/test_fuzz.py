"""Every parser of what strangers send, fed with what is nearly right.

A short run belongs to the suite; `make fuzz` runs each target for FUZZ_SECONDS.
"""

import os
import random
import time

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from .targets import TARGETS, Target

#: Processor seconds that no single input may take: none of them is longer than some kilobytes.
SLOW = 2.0
_ROUND = 300


def run(target: Target, examples: int, at: int) -> None:
    """Check so many inputs, chosen by the seed `at`; a failing one is shrunk and shown."""

    @seed(at)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    @given(target.inputs)
    def holds(value: object) -> None:
        started = time.thread_time()
        target.check(value)
        assert time.thread_time() - started < SLOW, "too slow"

    holds()


@pytest.mark.variations(5)
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_nothing_nearly_right_breaks_it(target: Target) -> None:
    run(target, 150, 1)


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_nothing_breaks_it_for_a_long_time(target: Target) -> None:
    end = time.monotonic() + float(os.environ.get("FUZZ_SECONDS", "60"))
    rounds = 0
    while time.monotonic() < end:
        run(target, _ROUND, random.randrange(1 << 62))
        rounds += 1
    print(f"{target.name}: {rounds * _ROUND} inputs")
