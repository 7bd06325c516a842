"""The house in order: what is depended on is explained and locked."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
RUNS: list[str] = PROJECT["project"]["dependencies"]
EXTRAS: list[str] = [
    item for extra in PROJECT["project"]["optional-dependencies"].values() for item in extra
]
TESTS: list[str] = PROJECT["dependency-groups"]["dev"]


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=!;~ ]", item, maxsplit=1)[0].lower() for item in requirements}


def locked(lock: str) -> set[str]:
    lines = (ROOT / lock).read_text().splitlines()
    return {line.split("==")[0].lower() for line in lines if "==" in line}


def test_each_dependency_has_a_line_that_explains_it() -> None:
    rows = re.findall(r"^\| ([^|]+) \|", (ROOT / "docs/dependencies.md").read_text(), re.MULTILINE)
    explained = {name for row in rows for name in row.split(", ")}
    declared = {"types-*" if n.startswith("types-") else n for n in names(RUNS) | names(TESTS)}
    assert declared - explained == set()
    assert explained - declared == {"package", "---"}


def test_each_dependency_is_locked() -> None:
    assert names(RUNS) - locked("requirements.lock") == set()
    assert (names(RUNS) | names(EXTRAS)) - locked("requirements-extras.lock") == set()
    assert (names(RUNS) | names(TESTS)) - locked("requirements-dev.lock") == set()


def test_extras_cost_nothing_who_does_not_ask_for_them() -> None:
    assert names(EXTRAS) & locked("requirements.lock") == set()
    assert names(EXTRAS) <= names(TESTS)


def test_the_lock_files_hold_a_hash_for_each_version() -> None:
    for lock in ("requirements.lock", "requirements-extras.lock", "requirements-dev.lock"):
        text = (ROOT / lock).read_text()
        pinned = re.findall(
            r"^[\w.-]+(?:\[[\w,]+\])?==[^\n]*\\\n +--hash=sha256:", text, re.MULTILINE
        )
        assert len(pinned) == len(re.findall(r"^[\w.-]+(?:\[[\w,]+\])?==", text, re.MULTILINE)) > 50
