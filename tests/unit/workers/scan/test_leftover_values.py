"""Routes, CSS classes and variables that are gone and still used are findings, where certain."""

from pathlib import Path

import pytest

from bot.domain.model import Severity
from tests.support.run_scan import Changed, Files, leftovers_of

FLASK = (
    'from flask import Flask\n\napp = Flask(__name__)\n\n\n@app.get("/api/orders")\n'
    'def orders():\n    return []\n\n\n@app.get("/health")\ndef health():\n    return "ok"\n'
)
WITHOUT_ORDERS = FLASK.replace(
    '@app.get("/api/orders")\ndef orders', '@app.get("/api/all")\ndef every'
)
EXPRESS = (
    "const app = express();\napp.get('/api/orders', (req, res) => {});\n"
    "app.get('/health', (req, res) => {});\n"
)
WITHOUT_EXPRESS = EXPRESS.replace("'/api/orders'", "'/api/all'")
STARLETTE = (
    "from starlette.applications import Starlette\n\napp = Starlette(\n    routes=[\n"
    '        Route("/api/orders", orders),\n        Route("/health", health),\n    ]\n)\n'
)
WITHOUT_STARLETTE = STARLETTE.replace('        Route("/api/orders", orders),\n', "")
FETCH = {"web/app.js": "load();\nfetch('/api/orders?page=1').then(show);\n"}

CSS = ".cart-total {\n  color: red;\n}\n\n.other-thing { margin: 0 }\n"
WITHOUT_TOTAL = ".other-thing { margin: 0 }\n"
ENV = "DATABASE_URL=\nSMTP_RELAY=mail\n"
WITHOUT_RELAY = "DATABASE_URL=\n"


@pytest.mark.parametrize(
    ("path", "before", "after", "users", "value"),
    [
        ("app.py", FLASK, WITHOUT_ORDERS, FETCH, "/api/orders"),
        ("app.py", FLASK, WITHOUT_ORDERS, {"t.html": 'x\n<a href="/api/orders">'}, "/api/orders"),
        (
            "app.py",
            FLASK,
            WITHOUT_ORDERS,
            {"b.py": 'x = 1\nredirect("/api/orders")\n'},
            "/api/orders",
        ),
        ("app.js", EXPRESS, WITHOUT_EXPRESS, FETCH, "/api/orders"),
        ("app.py", STARLETTE, WITHOUT_STARLETTE, FETCH, "/api/orders"),
        ("a.css", CSS, WITHOUT_TOTAL, {"t.html": '<b>\n<p class="x cart-total">'}, ".cart-total"),
        (
            "a.css",
            CSS,
            WITHOUT_TOTAL,
            {"src/a.tsx": 'x;\nf(<p className="cart-total" />)'},
            ".cart-total",
        ),
        (
            ".env.example",
            ENV,
            WITHOUT_RELAY,
            {"b.py": 'import os\nhost = os.environ["SMTP_RELAY"]\n'},
            "SMTP_RELAY",
        ),
        (
            "web/.env.sample",
            ENV,
            WITHOUT_RELAY,
            {"web/b.ts": "x;\nconst h = process.env.SMTP_RELAY!;\n"},
            "SMTP_RELAY",
        ),
    ],
)
async def test_what_is_still_named_is_found(
    tmp_path: Path, path: str, before: str, after: str, users: Files, value: str
) -> None:
    [one] = await leftovers_of(tmp_path, {path: before} | users, {path: after})
    [user] = users
    assert one.title.startswith(f"{value} ")
    assert [(place.path, place.start_line) for place in one.looked_at] == [(user, 2)]
    assert f"`{user}:2`" in one.body
    assert (one.path, one.anchored) == (path, True)
    assert one.quote == before.split("\n")[(one.start_line or 0) - 1]
    assert one.severity is {".": Severity.LOW, "/": Severity.HIGH}.get(value[0], Severity.MEDIUM)


def _routes(**changes: str) -> Changed:
    return {"app.py": WITHOUT_ORDERS, **{k.replace("_", "."): v for k, v in changes.items()}}


ROUTES: list[tuple[Changed, Files]] = [
    # It is served elsewhere, or may be.
    ({"app.py": FLASK.replace("def orders", "def all_orders")}, FETCH),
    (_routes(other_py='@bp.route("/orders")\ndef orders():\n    pass\n'), FETCH),
    (_routes(other_go='r.GET("/api/orders", list)\n'), FETCH),
    (_routes(other_py='path("orders/", view)\n'), FETCH),
    ({"app.py": WITHOUT_ORDERS + '\napp.mount("/api", other)\n'}, FETCH),
    (
        {"app.py": WITHOUT_ORDERS + '\n\n@app.get("/<path:rest>")\ndef any(rest):\n    pass\n'},
        FETCH,
    ),
    ({"app.py": WITHOUT_ORDERS, "pages/api/orders.ts": "export {};\n"}, FETCH),
    # It is no request of ours, or one of a test.
    ({"app.py": WITHOUT_ORDERS}, {"a.js": "fetch('https://x.example/api/orders');\n"}),
    ({"app.py": WITHOUT_ORDERS}, {"a.js": "const path = '/api/orders';\n"}),
    ({"app.py": WITHOUT_ORDERS}, {"a.md": "fetch('/api/orders')\n"}),
    ({"app.py": WITHOUT_ORDERS}, {"tests/test_a.py": 'redirect("/api/orders")\n'}),
]


@pytest.mark.parametrize(("changed", "users"), ROUTES)
async def test_a_route_that_may_be_served_is_not_reported(
    tmp_path: Path, changed: Changed, users: Files
) -> None:
    assert await leftovers_of(tmp_path, {"app.py": FLASK} | users, changed) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # The path of a router begins somewhere else, and one with parameters has no one literal.
        (FLASK.replace("Flask(__name__)", "Blueprint(__name__)"), None),
        (FLASK.replace("/api/orders", "/api/orders/<id>"), None),
        (FLASK.replace("Flask(__name__)", 'FastAPI(root_path="/v1")'), None),
    ],
)
async def test_a_route_whose_whole_path_is_not_known_is_not_reported(
    tmp_path: Path, before: str, after: None
) -> None:
    gone = "\n".join(line for line in before.split("\n") if "orders" not in line)
    assert await leftovers_of(tmp_path, {"app.py": before} | FETCH, {"app.py": gone}) == []


MARKUP = {"t.html": '<p class="cart-total">\n'}
CLASSES: list[Files] = [
    # Another stylesheet, a script or a framework may know it.
    MARKUP | {"b.css": ".cart-total b { margin: 0 }\n"},
    MARKUP | {"vendor/b.css": ".cart-total{margin:0}\n"},
    MARKUP | {"b.scss": ".order { &-total { margin: 0 } }\n"},
    MARKUP | {"a.js": "document.querySelector('.cart-total').hidden = true;\n"},
    {"t.html": '<style>.cart-total { margin: 0 }</style><p class="cart-total">\n'},
    {"t.html": '<p class="cart-total-sum">\n'},
    {"t.md": '<p class="cart-total">\n'},
    MARKUP | {"big.css": "." + "x" * 300_000 + " { margin: 0 }\n"},
]


@pytest.mark.parametrize("users", CLASSES)
async def test_a_class_that_may_be_defined_is_not_reported(tmp_path: Path, users: Files) -> None:
    found = await leftovers_of(tmp_path, {"a.css": CSS} | users, {"a.css": WITHOUT_TOTAL})
    assert found == []


@pytest.mark.parametrize("name", ["btn-primary", "total", "mt-4", "is-active"])
async def test_a_class_that_a_framework_may_have_is_not_reported(tmp_path: Path, name: str) -> None:
    before = {"a.css": CSS.replace("cart-total", name), "t.html": f'<p class="{name}">\n'}
    assert await leftovers_of(tmp_path, before, {"a.css": WITHOUT_TOTAL}) == []


READ = {"b.py": 'import os\nhost = os.environ["SMTP_RELAY"]\n'}
VARIABLES: list[Files] = [
    # Something else sets it, or nothing needs it.
    READ | {"compose.yaml": "environment:\n  SMTP_RELAY: mail\n"},
    READ | {"Dockerfile": "ENV SMTP_RELAY=mail\n"},
    READ | {"c.py": 'import os\nos.environ["SMTP_RELAY"] = "mail"\n'},
    READ | {"tests/conftest.py": 'monkeypatch.setenv("SMTP_RELAY", "mail")\n'},
    {"b.py": 'import os\nhost = os.environ.get("SMTP_RELAY")\n'},
    {"b.py": 'import os\ntry:\n    h = os.environ["SMTP_RELAY"]\nexcept KeyError:\n    h = ""\n'},
    {"b.ts": "const h = process.env.SMTP_RELAY ?? 'mail';\n"},
]


@pytest.mark.parametrize("users", VARIABLES)
async def test_a_variable_that_is_set_or_optional_is_not_reported(
    tmp_path: Path, users: Files
) -> None:
    before = {".env.example": ENV} | users
    assert await leftovers_of(tmp_path, before, {".env.example": WITHOUT_RELAY}) == []
