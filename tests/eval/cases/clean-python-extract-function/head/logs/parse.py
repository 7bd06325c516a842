"""Lines of an access log."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

_LINE = re.compile(
    r'(?P<host>\S+) \S+ \S+ \[(?P<at>[^\]]+)\] "(?P<request>[^"]*)" (?P<status>\d{3}) (?P<size>\d+|-)'
)
_TIME = "%d/%b/%Y:%H:%M:%S %z"


@dataclass(frozen=True)
class Entry:
    host: str
    at: datetime
    method: str
    path: str
    status: int
    size: int


def parse(lines: Iterable[str]) -> list[Entry]:
    """The entries of all lines that can be read."""
    return list(_entries(lines))


def _entries(lines: Iterable[str]) -> Iterator[Entry]:
    for line in lines:
        match = _LINE.match(line)
        if match is None:
            continue
        parts = match["request"].split(" ")
        if len(parts) < 2:
            continue
        yield Entry(
            host=match["host"],
            at=datetime.strptime(match["at"], _TIME),
            method=parts[0],
            path=parts[1],
            status=int(match["status"]),
            size=_size(match["size"]),
        )


def _size(text: str) -> int:
    return 0 if text == "-" else int(text)
