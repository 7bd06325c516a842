"""How many bytes of strangers one process holds before it knows who sent them.

A delivery's signature is known to be right only once the whole body was read. Without a bound,
a few hundred slow uploads of 25 MB would take all memory; without one for each address, the
uploads of a single one would have GitHub's deliveries refused.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bot.security.network import network_of

#: Bytes in all, and of one address: thousands of deliveries as GitHub sends them, or two of the
#: largest.
MAX_TOTAL_BYTES = 256 << 20
MAX_ADDRESS_BYTES = 64 << 20


class BudgetExceeded(Exception):
    """Too much is being sent at this moment."""


class ByteBudget:
    """The bytes that are held now, by network."""

    def __init__(self) -> None:
        self.used = 0  # in all
        self._of_network: Counter[str] = Counter()

    @contextmanager
    def reserve(self, address: str) -> Iterator[Callable[[int], None]]:
        """Gives `take(size)`: it counts so many bytes more of the address until the end of the
        `with`, or counts none and raises BudgetExceeded."""
        network, held = network_of(address), 0

        def take(size: int) -> None:
            nonlocal held
            if (
                self.used + size > MAX_TOTAL_BYTES
                or self._of_network[network] + size > MAX_ADDRESS_BYTES
            ):
                raise BudgetExceeded
            held += size
            self.used += size
            self._of_network[network] += size

        try:
            yield take
        finally:
            self.used -= held
            self._of_network[network] -= held
            if not self._of_network[network]:
                del self._of_network[network]
