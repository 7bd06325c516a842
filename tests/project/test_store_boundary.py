"""Nobody but the store says anything to Redis: others import from `bot.store` alone."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

#: What imports redis beside the store: `bot` hides OpenTelemetry from it first.
EXEMPT = {"bot/__init__.py"}


def outside_files() -> list[str]:
    paths = (path for folder in ("bot", "workers") for path in (ROOT / folder).rglob("*.py"))
    names = (str(path.relative_to(ROOT)) for path in paths)
    return sorted(name for name in names if not name.startswith("bot/store/"))


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.fixture(scope="module")
def trees() -> dict[str, ast.Module]:
    return {name: ast.parse((ROOT / name).read_text()) for name in outside_files()}


def test_parts_of_the_store_are_imported_from_its_front(trees: dict[str, ast.Module]) -> None:
    inside = [
        (name, module)
        for name, tree in trees.items()
        for module in imported(tree)
        if module.startswith("bot.store.")
    ]
    assert inside == []


def test_redis_is_imported_by_the_store_alone(trees: dict[str, ast.Module]) -> None:
    importers = {
        name
        for name, tree in trees.items()
        for module in imported(tree)
        if module.partition(".")[0] == "redis"
    }
    assert importers == EXEMPT


def test_the_stores_client_is_left_to_it(trees: dict[str, ast.Module]) -> None:
    users = [
        (name, node.lineno)
        for name, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr == "redis"
        if not (isinstance(node.value, ast.Attribute) and node.value.attr == "brokers")
    ]
    assert users == []
