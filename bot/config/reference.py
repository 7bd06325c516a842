"""The configuration reference, made from the settings themselves: `glossator config`."""

import re
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from bot.config.settings import Settings

HEAD = """# Configuration

Every setting is an environment variable. Servers (`serve`, `web`, `work`, `schedule`), `doctor`
and `setup` also read one file: the one that `--env-file` or `ENV_FILE` names, else
`glossator.env` in `DATA_DIR`, where `setup` writes. Variables of the environment win over it. No
command reads a file of the working directory, which may be a stranger's clone. This page is
made by `glossator config` from `bot/config/settings.py`. What a repository may set for
itself: [repository-configuration.md](repository-configuration.md).

| variable | default | what it does |
| --- | --- | --- |
"""


def reference() -> str:
    """The page as Markdown: a row for each setting, in the order of the code."""
    rows = [_row(name, field) for name, field in Settings.model_fields.items()]
    return HEAD + "\n".join(rows) + "\n"


def _row(name: str, field: FieldInfo) -> str:
    text = (field.description or "").replace("|", "\\|")
    return f"| `{name.upper()}` | {_default(field.get_default())} | {text}{_bounds(field)} |"


def _default(value: Any) -> str:
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, bool):
        value = str(value).lower()
    if isinstance(value, tuple):
        value = ",".join(_plain(item) for item in value)
    text = _plain(value)
    return f"`{text}`" if text else ""


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, Path):
        return value.as_posix()
    if isinstance(value, dict):
        return "" if not value else str(value)
    return str(value)


def _bounds(field: FieldInfo) -> str:
    """The least and the most, where there are any, as `(1 to 600)`."""
    bounds = " ".join(str(item) for item in field.metadata)
    minimum = re.search(r"\bg[et]=([\d.]+)", bounds)
    maximum = re.search(r"\bl[et]=([\d.]+)", bounds)
    if minimum and maximum:
        return f" ({minimum[1]} to {maximum[1]})"
    return ""
