"""What the pictures in docs/images show, as one hash: they are stale once it differs."""

from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs/images"
RECORD = FOLDER / "inputs.sha256"

#: Texts, styles and code that decide how the pages look, the demo's pull request, and the script.
_INPUTS = (
    "bot/cli/demo/bookshop",
    "bot/sandbox/pages",
    "templates/check",
    "templates/pages",
    "templates/report/report.typ",
    "templates/review",
    "templates/sandbox",
    "tests/images/__main__.py",
)


def inputs_hash() -> str:
    """Of the paths and contents of all inputs, in hex."""
    made = sha256()
    for path in _files():
        content = path.read_bytes()
        made.update(f"{path.relative_to(ROOT)}\0{len(content)}\0".encode() + content)
    return made.hexdigest()


def _files() -> list[Path]:
    found = []
    for name in _INPUTS:
        path = ROOT / name
        found += [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    return sorted(each for each in found if "__pycache__" not in each.parts)
