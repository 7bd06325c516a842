"""Keys of Redis: each in the index of `bot.store.keys`, and made nowhere else."""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

from bot.store import keys

ROOT = Path(__file__).parents[4]

#: A key begins so; what people read has a space there.
_KEY = re.compile(rf"{keys.PREFIX}(?=\S|$)")

#: Those who know how Dramatiq keeps its messages.
_DRAMATIQ = ("bot/store/", "workers/queue/")


def made_keys() -> Iterator[str]:
    """Every key that the module makes, without its prefix, with names for what goes into it."""
    for name, value in vars(keys).items():
        if isinstance(value, str) and name.isupper() and name not in ("PREFIX", "NAMESPACE"):
            yield value.removeprefix(keys.PREFIX)
        elif inspect.isfunction(value):
            names = {each: f"<{each}>" for each in inspect.signature(value).parameters}
            yield value(**names).removeprefix(keys.PREFIX)


def test_the_index_lists_every_key_with_its_type_and_lifetime() -> None:
    line = re.compile(
        r"^  (?P<key>\S+) +(string|hash|set|zset|list|stream) +"
        r"(\d+ \w+|KEEP|for ever|while |until |seconds|the span)"
    )
    documentation = keys.__doc__ or ""
    listed = [found["key"] for each in documentation.splitlines() if (found := line.match(each))]
    assert sorted(listed) == sorted(made_keys())
    assert len(listed) == len(re.findall(r"^  \S", documentation, re.MULTILINE))


def source_files() -> list[Path]:
    return sorted(path for folder in ("bot", "workers") for path in (ROOT / folder).rglob("*.py"))


def texts(path: Path) -> Iterator[str]:
    """The texts of a module that are not documentation."""
    tree = ast.parse(path.read_text())
    documentation = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    constants = (node for node in ast.walk(tree) if isinstance(node, ast.Constant))
    for node in constants:
        if isinstance(node.value, str) and id(node) not in documentation:
            yield node.value


def test_no_other_module_makes_a_key() -> None:
    for path in source_files():
        name = str(path.relative_to(ROOT))
        if name != "bot/store/keys.py":
            assert [text for text in texts(path) if _KEY.match(text)] == [], name
        if not name.startswith(_DRAMATIQ):
            assert [text for text in texts(path) if text.startswith(f"{keys.NAMESPACE}:")] == [], (
                name
            )
            assert not re.search(r"\b(NAMESPACE|PREFIX)\b", path.read_text()), name
