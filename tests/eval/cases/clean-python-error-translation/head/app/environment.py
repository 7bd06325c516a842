"""Settings from environment variables."""

import os


class SettingError(Exception):
    """Raised for a variable that can't be used; the message names it."""


def number(name: str, default: int) -> int:
    text = os.environ.get(name)
    if text is None:
        return default
    try:
        return int(text)
    except ValueError:
        raise SettingError(f"{name} is {text!r}, which is no number.")


def flag(name: str) -> bool:
    text = os.environ.get(name, "").lower()
    if text not in ("", "0", "1", "false", "true"):
        raise SettingError(f"{name} is {text!r}; it can be true or false.")
    return text in ("1", "true")
