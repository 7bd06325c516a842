"""Settings from environment variables."""

import os


def number(name: str, default: int) -> int:
    text = os.environ.get(name)
    if text is None:
        return default
    return int(text)


def flag(name: str) -> bool:
    return os.environ.get(name, "") == "1"
