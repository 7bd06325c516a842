"""Customers by their number."""

from dataclasses import dataclass


class UnknownCustomer(LookupError):
    """Raised when there is no customer of that number."""


@dataclass(frozen=True)
class Customer:
    number: int
    name: str
    email: str


class Customers:
    def __init__(self, rows: dict[int, Customer]) -> None:
        self._rows = rows

    def names(self) -> list[str]:
        return sorted(customer.name for customer in self._rows.values())

    def find(self, number: int) -> Customer:
        """Raises UnknownCustomer."""
        try:
            return self._rows[number]
        except KeyError:
            raise UnknownCustomer(number) from None

    def add(self, customer: Customer) -> None:
        self._rows[customer.number] = customer
