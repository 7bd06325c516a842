"""The text of an invoice."""

from dataclasses import dataclass
from decimal import Decimal

from billing.money import format_price


@dataclass(frozen=True)
class Item:
    name: str
    quantity: int
    price: Decimal

    @property
    def total(self) -> Decimal:
        return self.quantity * self.price


def lines(items: list[Item], currency: str) -> list[str]:
    rows = [
        f"{item.quantity:>4} × {item.name:<40} {format_price(item.total, currency):>14}"
        for item in items
    ]
    total = sum((item.total for item in items), Decimal(0))
    return [*rows, f"Total {format_price(total, currency):>56}"]
