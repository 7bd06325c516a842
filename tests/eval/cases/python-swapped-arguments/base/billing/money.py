"""Amounts of money as people read them."""

from decimal import ROUND_HALF_UP, Decimal

SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£"}
DIGITS = {"JPY": 0}


def rounded(amount, currency):
    """The amount with as many digits as the currency has."""
    step = Decimal(1).scaleb(-DIGITS.get(currency, 2))
    return Decimal(amount).quantize(step, rounding=ROUND_HALF_UP)


def format_price(amount, currency):
    """`12.50 €`, or with the code where there is no symbol."""
    value = rounded(amount, currency)
    return f"{value:,} {SYMBOLS.get(currency, currency)}"


def format_range(currency, low, high):
    """`€ 10.00 to € 12.50`."""
    return f"{format_price(low, currency)} to {format_price(high, currency)}"
