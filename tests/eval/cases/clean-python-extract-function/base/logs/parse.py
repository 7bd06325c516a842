"""Lines of an access log."""

import re
from dataclasses import dataclass
from datetime import datetime

_LINE = re.compile(
    r'(?P<host>\S+) \S+ \S+ \[(?P<at>[^\]]+)\] "(?P<request>[^"]*)" (?P<status>\d{3}) (?P<size>\d+|-)'
)


@dataclass(frozen=True)
class Entry:
    host: str
    at: datetime
    method: str
    path: str
    status: int
    size: int


def parse(lines):
    entries = []
    for line in lines:
        match = _LINE.match(line)
        if match is None:
            continue
        parts = match["request"].split(" ")
        if len(parts) < 2:
            continue
        size = 0 if match["size"] == "-" else int(match["size"])
        at = datetime.strptime(match["at"], "%d/%b/%Y:%H:%M:%S %z")
        entries.append(Entry(match["host"], at, parts[0], parts[1], int(match["status"]), size))
    return entries
