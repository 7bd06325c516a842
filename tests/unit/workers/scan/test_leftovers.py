"""What a change removes and other files still use is a finding, where that is certain."""

from pathlib import Path

import pytest

from bot.domain.diff import Side
from tests.support.run_scan import Changed, Files, leftovers_of

Case = tuple[Files, Changed, Files]

PACKAGE = {"shop/__init__.py": "", "shop/prices.py": "def price(n):\n    return n\n\n\nTAX = 2\n"}
WITHOUT_PRICE: Changed = {"shop/prices.py": "def cost(n):\n    return n\n\n\nTAX = 2\n"}
WITHOUT_TAX: Changed = {"shop/prices.py": "def price(n):\n    return n\n"}
SCRIPT = {"src/prices.ts": "export function price(n: number) {}\nexport const TAX = 2;\n"}
SCRIPT_WITHOUT: Changed = {"src/prices.ts": "export const TAX = 2;\n"}
COMMON = {"lib/utils.js": "exports.price = function price(n) { return n; };\nexports.tax = 2;\n"}
COMMON_WITHOUT: Changed = {"lib/utils.js": "exports.tax = 2;\n"}
GO = {
    "shop/prices.go": "package shop\n\nfunc price(n int) int {\n\treturn n\n}\n\nvar tax = 2\n",
    "shop/cart.go": "package shop\n\nfunc Total() int {\n\treturn price(2)\n}\n",
}
GO_WITHOUT: Changed = {"shop/prices.go": "package shop\n\nvar tax = 2\n"}


@pytest.mark.parametrize(
    ("before", "changed", "users"),
    [
        (PACKAGE, WITHOUT_PRICE, {"a.py": "from shop.prices import (\n  TAX,\n  price as p,\n)\n"}),
        (PACKAGE, WITHOUT_TAX, {"shop/cart.py": "from .prices import TAX, price\n"}),
        (PACKAGE, WITHOUT_TAX, {"shop/cart.py": "from . import prices\n\nx = 2 * prices.TAX\n"}),
        (PACKAGE, WITHOUT_TAX, {"a.py": "import shop.prices as p\n\nx = p.TAX\n"}),
        (PACKAGE, {"shop/prices.py": None}, {"app.py": "from shop.prices import price\n"}),
        (PACKAGE, {"shop/prices.py": None}, {"shop/cart.py": "from .prices import price\n"}),
        (SCRIPT, SCRIPT_WITHOUT, {"src/cart.tsx": "import { TAX, price as p } from './prices';\n"}),
        (SCRIPT, SCRIPT_WITHOUT, {"src/index.ts": "export { price } from './prices';\n"}),
        (SCRIPT, SCRIPT_WITHOUT, {"src/a.ts": "import * as all from './prices';\nall.price(1);\n"}),
        (SCRIPT, {"src/prices.ts": None}, {"web/a.js": "import { TAX } from '../src/prices.js'\n"}),
        (COMMON, COMMON_WITHOUT, {"lib/app.js": "var u = require('./utils');\nu.price(2);\n"}),
        (COMMON, COMMON_WITHOUT, {"lib/app.js": "const { price } = require('./utils');\n"}),
        (COMMON, {"lib/utils.js": None}, {"lib/app.js": "var utils = require('./utils');\n"}),
        (GO, GO_WITHOUT, {}),
    ],
)
async def test_what_is_still_used_is_found(
    tmp_path: Path, before: Files, changed: Changed, users: Files
) -> None:
    [one] = await leftovers_of(tmp_path, before | users, changed)
    [place] = one.looked_at
    user = next(iter(users), "shop/cart.go")
    assert place.path == user
    assert f"`{user}:{place.start_line}`" in one.body
    word = "price" if "price" in one.title else "TAX"
    assert word in (before | users)[user].split("\n")[place.start_line - 1] or place.start_line == 1
    [path] = changed
    assert one.path == path
    if changed[path] is None:
        assert not one.anchored
    else:
        assert (one.side, one.anchored) == (Side.LEFT, True)
        assert one.quote == before[path].split("\n")[(one.start_line or 0) - 1]


IN_PYTHON = {"a.py": "from shop.prices import price\n"}
IN_SCRIPT = {"src/a.ts": "import { price } from './prices';\n"}
MOVED: Changed = {
    "shop/prices.py": None,
    "shop/__init__.py": None,
    "src/shop/prices.py": "price = 1\n",
    "src/shop/__init__.py": "",
}
#: It is there all the same.
STILL_THERE: list[Case] = [
    (PACKAGE, {"shop/prices.py": "from shop.other import price, TAX\n"}, IN_PYTHON),
    (PACKAGE, {"shop/prices.py": "def __getattr__(name):\n    return 1\n"}, IN_PYTHON),
    (PACKAGE, {"shop/prices.py": "from shop.all import *\n"}, IN_PYTHON),
    (PACKAGE, {"shop/prices.py": None, "shop/prices/__init__.py": ""}, IN_PYTHON),
    (PACKAGE, {"shop/prices.py": None, "shop/prices.pyx": ""}, IN_PYTHON),
    (PACKAGE, {"shop/prices.py": None, ".gitignore": "shop/prices.py\n"}, IN_PYTHON),
    (PACKAGE, MOVED, IN_PYTHON),
    (
        PACKAGE,
        {
            "shop/__init__.py": "import sys\n\nsys.modules['shop.prices'] = sys\n",
            "shop/prices.py": None,
        },
        IN_PYTHON,
    ),
    (
        COMMON,
        {"lib/utils.js": "module.exports = require('./all');\n"},
        {"lib/a.js": "var u = require('./utils');\nu.price();\n"},
    ),
    (SCRIPT, {"src/prices.ts": "export * from './all';\n"}, IN_SCRIPT),
    (SCRIPT, {"src/prices.ts": None, "src/prices/index.ts": ""}, IN_SCRIPT),
    (GO, {**GO_WITHOUT, "shop/new.go": "package shop\n\nfunc price(n int) int {\n}\n"}, {}),
]
#: Something else is meant.
ANOTHER: list[Case] = [
    (PACKAGE, WITHOUT_PRICE, {"a.py": "from other.prices import price\n"}),
    (PACKAGE, WITHOUT_PRICE, {"a.py": "# from shop.prices import price\nprice = 1\n"}),
    (PACKAGE, WITHOUT_PRICE, {"a.py": '"""\nfrom shop.prices import price\n"""\n'}),
    (PACKAGE, WITHOUT_PRICE, {"a/shop/prices.py": "price = 1\n", **IN_PYTHON}),
    (
        PACKAGE,
        WITHOUT_TAX,
        {"shop/a.py": "from . import prices\n\nprices = load()\nx = prices.TAX\n"},
    ),
    (
        SCRIPT,
        SCRIPT_WITHOUT,
        {
            "web/a.ts": "import { price } from './prices';\n",
            "web/prices.ts": "export const price = 1;\n",
        },
    ),
    (SCRIPT, SCRIPT_WITHOUT, {"src/a.ts": "import { price } from 'prices';\n"}),
    (
        GO,
        {**GO_WITHOUT, "shop/cart.go": "package shop\n\nfunc T(price func()) {\n\tprice()\n}\n"},
        {},
    ),
    (GO, {**GO_WITHOUT, "shop/cart.go": "package shop\n\nfunc T(c Cart) {\n\tc.price(2)\n}\n"}, {}),
]
#: Somebody is prepared for it.
GUARDED: list[Case] = [
    (
        PACKAGE,
        WITHOUT_PRICE,
        {"a.py": "try:\n    from shop.prices import price\nexcept ImportError:\n    pass\n"},
    ),
    (
        PACKAGE,
        WITHOUT_TAX,
        {"shop/a.py": "from . import prices\n\nx = hasattr(prices, 'TAX') and prices.TAX\n"},
    ),
    (PACKAGE, WITHOUT_TAX, {"shop/a.py": "from . import prices\n\nprices.TAX = 3\n"}),
]


@pytest.mark.parametrize(("before", "changed", "users"), [*STILL_THERE, *ANOTHER, *GUARDED])
async def test_what_is_not_certain_is_not_said(
    tmp_path: Path, before: Files, changed: Changed, users: Files
) -> None:
    assert await leftovers_of(tmp_path, before | users, changed) == []


async def test_it_can_be_switched_off_and_excluded_files_are_not_named(tmp_path: Path) -> None:
    users = {"app.py": "from shop.prices import price\n"}
    assert await leftovers_of(tmp_path, PACKAGE | users, dict(WITHOUT_PRICE), "leftovers") == []
