"""What is deployed."""

import json
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@cache
def version() -> str:
    return json.loads((ROOT / "package.json").read_text())["version"]


@cache
def commit() -> str:
    """The commit that is checked out, "" if this is no clone."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def shown() -> str:
    return f"{version()} ({commit()})" if commit() else version()
