"""Calls that no longer fit a function are a finding, where that is certain."""

from pathlib import Path

import pytest

from bot.domain.diff import Side
from tests.support.run_scan import Files, leftovers_of

OLD = "def price(count, rate=1):\n    return count * rate\n"
PACKAGE = {"shop/__init__.py": "", "shop/prices.py": OLD}


def changed(header: str) -> str:
    return OLD.replace("def price(count, rate=1):", header)


CLASS = "class Cart:\n    def __init__(self, owner):\n        self.owner = owner\n"
CLASS_TWO = CLASS.replace("self, owner", "self, owner, shop")


@pytest.mark.parametrize(
    ("before", "after", "user", "why"),
    [
        (
            OLD,
            changed("def price(count, rate, currency):"),
            "from shop.prices import price\n\nx = price(1, 2)\n",
            "its parameter `currency` is required and not given",
        ),
        (
            OLD,
            changed("def price(count):"),
            "from shop import prices as p\n\nx = p.price(1, 2)\n",
            "it takes at most 1 positional arguments, not 2",
        ),
        (
            OLD,
            changed("def price(count, *, factor=1):"),
            "import shop.prices\n\nx = shop.prices.price(1, rate=2)\n",
            "it has no parameter `rate`",
        ),
        (
            OLD,
            changed(
                "async def price(\n    count: int,\n    *,\n    unit: str,\n    **more: int,\n):"
            ),
            "from shop.prices import (\n  price as cost,\n)\nx = cost(count=1, rate=3)\n",
            "its parameter `unit` is required and not given",
        ),
        (
            OLD,
            changed("def price(count, rate, /):"),
            "from .prices import price\n\nx = price(1, rate=2)\n",
            "it has no parameter `rate`",
        ),
        (
            CLASS,
            CLASS_TWO,
            "from shop.prices import Cart\n\nx = Cart('me')\n",
            "its parameter `shop` is required and not given",
        ),
    ],
)
async def test_a_call_that_no_longer_fits_is_found(
    tmp_path: Path, before: str, after: str, user: str, why: str
) -> None:
    files = PACKAGE | {"shop/prices.py": before, "shop/user.py": user}
    [one] = await leftovers_of(tmp_path, files, {"shop/prices.py": after})
    line = len(user.split("\n")) - 1
    assert one.body.endswith(f"`shop/user.py:{line}` no longer fits: {why}.")
    assert [(each.path, each.start_line) for each in one.looked_at] == [("shop/user.py", line)]
    assert (one.path, one.side, one.anchored) == ("shop/prices.py", Side.RIGHT, True)
    assert one.quote == after.split("\n")[(one.start_line or 0) - 1]


async def test_a_call_in_the_same_file_is_found(tmp_path: Path) -> None:
    rest = "\n\ndef total():\n    return price(1, 2)\n"
    files = PACKAGE | {"shop/prices.py": OLD + rest}
    [one] = await leftovers_of(tmp_path, files, {"shop/prices.py": changed("def price(n):") + rest})
    assert one.looked_at[0].start_line == 6


USER = "from shop.prices import price\n\nx = price(1, 2)\n"
NEEDS_ONE = changed("def price(count):")
DOUBTS: list[tuple[str, str, str]] = [
    # It fits.
    (OLD, changed("def price(count, rate=1, unit=''):"), USER),
    (OLD, changed("def price(count, *rates):"), USER),
    (OLD, changed("def price(*, currency='', **others):"), USER.replace("1, 2", "count=1")),
    (OLD, NEEDS_ONE, USER.replace("1, 2", "*numbers")),
    (OLD, NEEDS_ONE, USER.replace("1, 2", "1, **named")),
    # Something else is called, or may be.
    (OLD, NEEDS_ONE, USER.replace("shop.prices", "other.prices")),
    (OLD, NEEDS_ONE, USER.replace("x = ", "price = load()\nx = ")),
    (OLD, NEEDS_ONE, "from shop.prices import price\n\n\ndef f(price):\n    price(1, 2)\n"),
    (OLD, NEEDS_ONE, "from shop.prices import price\n\nfor price in all: price(1, 2)\n"),
    (OLD, NEEDS_ONE, USER.replace("x = price", "x = self.price")),
    (OLD, "@cache\n" + NEEDS_ONE, USER),
    (OLD, NEEDS_ONE + "\nif OLD:\n    price = older\n", USER),
    (OLD, NEEDS_ONE + "\n\ndef price(count, rate):\n    pass\n", USER),
    (CLASS, CLASS_TWO.replace("Cart:", "Cart(Base):"), USER.replace("price", "Cart")),
    (CLASS, CLASS_TWO.replace("def __init__", "def __new__"), USER.replace("price", "Cart")),
    # Somebody is prepared for it.
    (OLD, NEEDS_ONE, USER + "\nwith raises(TypeError):\n    price(1, 2)\n"),
    (OLD, NEEDS_ONE, "import mock\n" + USER),
    # The definition did not change, or is new.
    (NEEDS_ONE, NEEDS_ONE + "\nTAX = 2\n", USER),
    ("TAX = 2\n", "TAX = 2\n\n\n" + NEEDS_ONE, USER),
]


@pytest.mark.parametrize(("before", "after", "user"), DOUBTS)
async def test_a_call_in_doubt_is_not_reported(
    tmp_path: Path, before: str, after: str, user: str
) -> None:
    files: Files = PACKAGE | {"shop/prices.py": before, "shop/user.py": user}
    assert await leftovers_of(tmp_path, files, {"shop/prices.py": after}) == []


async def test_deep_nesting_is_no_danger(tmp_path: Path) -> None:
    deep = (
        "".join(" " * depth + "if x:\n" for depth in range(3_000)) + " " * 3_000 + "price(1, 2)\n"
    )
    files: Files = PACKAGE | {"shop/user.py": USER + deep}
    await leftovers_of(tmp_path, files, {"shop/prices.py": NEEDS_ONE + "\n" + deep})


SETTINGS = (
    "class Settings(BaseSettings):\n    host: str\n    relay: str = ''\n\n\nsettings = Settings()\n"
)
WITHOUT = SETTINGS.replace("    relay: str = ''\n", "")
READS = {"a.py": "from shop.prices import settings\n\nx = settings.relay\n"}


async def test_a_setting_that_is_still_read_is_found(tmp_path: Path) -> None:
    files = PACKAGE | {"shop/prices.py": SETTINGS} | READS
    [one] = await leftovers_of(tmp_path, files, {"shop/prices.py": WITHOUT})
    assert one.title == "settings.relay no longer exists but is still used in a.py"
    assert (one.looked_at[0].path, one.looked_at[0].start_line) == ("a.py", 3)


@pytest.mark.parametrize(
    ("after", "users"),
    [
        (WITHOUT.replace("(BaseSettings)", "(Base)"), READS),
        (WITHOUT.replace("Settings()", "Settings(host='x')"), READS),
        (WITHOUT.replace("    host", "    model_config = {'extra': 'allow'}\n    host"), READS),
        (WITHOUT + "\n\ndef relay():\n    pass\n", READS),
        (WITHOUT, {"a.py": "from shop.prices import settings\n\nsettings.relay = 1\n"}),
        (WITHOUT, {"a.py": "from other import settings\n\nx = settings.relay\n"}),
    ],
)
async def test_a_setting_that_may_be_there_is_not_reported(
    tmp_path: Path, after: str, users: Files
) -> None:
    files = PACKAGE | {"shop/prices.py": SETTINGS} | users
    assert await leftovers_of(tmp_path, files, {"shop/prices.py": after}) == []
