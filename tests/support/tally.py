"""How often the examples of a property were of some kind.

A property that may hold of nothing, because what it tests returned nothing, says how often it did
not: `tally` is a fixture, and the test fails where a kind occurs too seldom.

    @tallied
    @given(...)
    def test_what_is_found_is_right(tally: Tally, ...) -> None:
        tally.at_least(found=0.3)
        found = look(...)
        tally.add(found=found is not None)
"""

from collections import Counter
from collections.abc import Callable
from typing import TypeVar

from hypothesis import HealthCheck, settings

Test = TypeVar("Test", bound=Callable[..., object])


def tallied(test: Test) -> Test:
    """All examples of a property share its tally, on purpose."""
    return settings(suppress_health_check=[HealthCheck.function_scoped_fixture])(test)


class Tally:
    def __init__(self) -> None:
        self.examples = 0
        self._seen: Counter[str] = Counter()
        self._least: dict[str, float] = {}

    def at_least(self, **shares: float) -> None:
        """The share of examples that have to be of each kind, from 0 to 1; the same each time.
        Well below what is usual: examples depend on the constants of all modules that a run of
        pytest has loaded."""
        self._least = shares

    def add(self, **kinds: bool) -> None:
        """One example, and whether it is of each kind."""
        self.examples += 1
        self._seen.update(name for name, is_so in kinds.items() if is_so)

    def check(self) -> None:
        """Raises AssertionError if a kind was too rare, or nothing was counted."""
        shares = {name: self._seen[name] / max(1, self.examples) for name in self._least}
        rare = {name: share for name, share in shares.items() if share < self._least[name]}
        assert self.examples, "no example was counted"
        assert not rare, f"of {self.examples} examples too few were: {rare}, not {self._least}"
