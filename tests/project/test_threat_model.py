"""The threat model stays true: each row has all its parts, and names what exists."""

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
