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


def check(rows: Iterable[dict[str, str]], errors: list[str] = []) -> list[str]:
    """What is wrong, one sentence for each problem, with the number of the row."""
    for number, row in enumerate(rows, start=2):
        for name in REQUIRED:
            if not row.get(name):
                errors.append(f"row {number}: {name} is missing")
        if row.get("price") and not _is_price(row["price"]):
            errors.append(f"row {number}: {row['price']!r} is no price")
    return errors


def _is_price(text: str) -> bool:
    try:
        return Decimal(text) >= 0
    except InvalidOperation:
        return False
