"""What the pages on security and reliability promise stays true: each promise has all its parts,
and names tests that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/security.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in PAGE.splitlines()
    if line.startswith("| ") and not line.startswith(("| asset", "| ---"))
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]}: {row[2]}"[:60])
def test_each_threat_is_shown_by_a_test_that_exists(row: list[str]) -> None:
    assert len(row) == 5
    assert all(row)
    named = re.findall(r"`(tests/[\w./]+)`", row[4])
    assert named, "no test is named"
    files = [file for path in named for file in _files(ROOT / path)]
    assert any(re.search(r"^(async )?def test_", f.read_text(), re.MULTILINE) for f in files)


def _files(path: Path) -> list[Path]:
    """The file, or those of the folder. Raises FileNotFoundError."""
    if path.is_dir():
        return list(path.glob("test_*.py"))
    path.stat()
    return [path]


def test_what_stops_a_threat_exists() -> None:
    source_paths = [f"/{path.relative_to(ROOT)}" for path in ROOT.glob("[bw]o*/**/*.py")]
    named = [name for row in ROWS for name in re.findall(r"`([\w/]+\.py)`", row[3])]
    assert len(named) > 10
    for name in named:
        assert any(path.endswith(f"/{name}") for path in source_paths), name


RELIABILITY = (ROOT / "docs/reliability.md").read_text()
PROMISES = re.findall(r"^\| (.+) \|$", RELIABILITY, re.MULTILINE)[2:]

#: `path::test`, or a file or folder of tests.
_NAMED_TEST = re.compile(r"`(tests/[\w./]+)(?:::(\w+))?`")


def test_each_named_test_exists() -> None:
    named = [match for page in (PAGE, RELIABILITY) for match in _NAMED_TEST.findall(page)]
    assert len(named) > 80
    assert all((ROOT / path).exists() for path, _ in named)
    missing = [f"{path}::{name}" for path, name in named if name and not _defines(path, name)]
    assert missing == []


def _defines(path: str, name: str) -> bool:
    text = (ROOT / path).read_text()
    return re.search(rf"^(async )?def {name}\(", text, re.MULTILINE) is not None


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise[:40])
def test_each_row_on_reliability_names_the_test_that_shows_it(promise: str) -> None:
    what, follows, shown_by = promise.split(" | ")
    assert what
    assert follows
    assert any(name for _, name in _NAMED_TEST.findall(shown_by)), "no test is named"


@pytest.mark.parametrize("section", re.split(r"^## ", RELIABILITY, flags=re.MULTILINE))
def test_each_section_on_reliability_names_a_test(section: str) -> None:
    assert _NAMED_TEST.search(section)
