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
IN_ALL = 256 << 20
OF_ONE = 64 << 20


class NoRoom(Exception):
    """Too much is being sent at this moment."""


class Share:
    """What one request holds; given back when it ends."""

    def __init__(self, room: "Room", address: str) -> None:
        self._room, self._address = room, address
        self.size = 0

    def take(self, size: int) -> None:
        """Raises NoRoom."""
        self._room.take(self._address, size)
        self.size += size


class Room:
    """The bytes that are held now, by address."""

    def __init__(self, in_all: int = IN_ALL, of_one: int = OF_ONE) -> None:
        self._in_all, self._of_one = in_all, of_one
        self._held: Counter[str] = Counter()
        self._total = 0

    @property
    def held(self) -> int:
        return self._total

    def take(self, address: str, size: int) -> None:
        """Raises NoRoom, and takes nothing then."""
        if self._total + size > self._in_all or self._held[address] + size > self._of_one:
            raise NoRoom
        self._total += size
        self._held[address] += size

    @contextmanager
    def share(self, address: str) -> Iterator[Share]:
        """What an address holds until the end of the `with`."""
        network = network_of(address)
        share = Share(self, network)
        try:
            yield share
        finally:
            self._total -= share.size
            self._held[network] -= share.size
            if not self._held[network]:
                del self._held[network]
