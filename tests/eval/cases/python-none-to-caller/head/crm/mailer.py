"""Letters to customers."""

import logging

from crm.customers import Customers, UnknownCustomer

log = logging.getLogger(__name__)


def welcome(customers: Customers, number: int, send) -> None:
    customer = customers.find(number)
    send(to=customer.email, subject="Welcome", body=f"Dear {customer.name}, …")


def welcome_all(customers: Customers, numbers: list[int], send) -> int:
    sent = 0
    for number in numbers:
        try:
            welcome(customers, number, send)
        except UnknownCustomer:
            log.warning("customer %d is gone", number)
        else:
            sent += 1
    return sent
