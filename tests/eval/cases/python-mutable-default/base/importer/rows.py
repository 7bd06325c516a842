"""Reads rows of a CSV upload and says what is wrong with them."""

import csv
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation

REQUIRED = ("sku", "name", "price")


def read(lines: Iterable[str]) -> Iterator[dict[str, str]]:
    """The rows, with names of columns in lower case."""
    reader = csv.DictReader(lines)
    for row in reader:
        yield {key.strip().lower(): (value or "").strip() for key, value in row.items()}


def check(row: dict[str, str]) -> str:
    for name in REQUIRED:
        if not row.get(name):
            return f"{name} is missing"
    return ""
