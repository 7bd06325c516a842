"""How many bytes of strangers one process holds before it knows who sent them.

A delivery's signature is known to be right only once the whole body was read. Without a bound,
a few hundred slow uploads of 25 MB would take all memory.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from bot.security.network import network_of

#: Bytes in all, and of one address: thousands of deliveries as GitHub sends them, or two of the
#: largest.
MAX_TOTAL_BYTES = 256 << 20
MAX_ADDRESS_BYTES = 64 << 20


class BudgetExceeded(Exception):
    """Too much is being sent at this moment."""


class ByteReservation:
    """What one request holds; given back when it ends."""

    def __init__(self, budget: "ByteBudget", address: str) -> None:
        self._budget, self._address = budget, address
        self.size = 0

    def take(self, size: int) -> None:
        """Raises NoRoom."""
        self._budget.take(self._address, size)
        self.size += size


class ByteBudget:
    """The bytes that are held now, by address."""

    def __init__(
        self, total_limit: int = MAX_TOTAL_BYTES, address_limit: int = MAX_ADDRESS_BYTES
    ) -> None:
        self._total_limit, self._address_limit = total_limit, address_limit
        self._used: Counter[str] = Counter()
        self._total = 0

    @property
    def used(self) -> int:
        return self._total

    def take(self, address: str, size: int) -> None:
        """Raises NoRoom, and takes nothing then."""
        if (
            self._total + size > self._total_limit
            or self._used[address] + size > self._address_limit
        ):
            raise BudgetExceeded
        self._total += size
        self._used[address] += size

    @contextmanager
    def reserve(self, address: str) -> Iterator[ByteReservation]:
        """What an address holds until the end of the `with`."""
        network = network_of(address)
        reservation = ByteReservation(self, network)
        try:
            yield reservation
        finally:
            self._total -= reservation.size
            self._used[network] -= reservation.size
            if not self._used[network]:
                del self._used[network]
