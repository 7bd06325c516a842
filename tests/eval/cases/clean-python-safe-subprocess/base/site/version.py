"""What is deployed."""

import json
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@cache
def version() -> str:
    return json.loads((ROOT / "package.json").read_text())["version"]
