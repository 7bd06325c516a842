"""Settings of the application."""

from dataclasses import dataclass, fields
from pathlib import Path

import yaml


class BadSettings(ValueError):
    """Raised for a file that can't be used; the message says why."""


@dataclass(frozen=True)
class Settings:
    host: str = "127.0.0.1"
    port: int = 8000
    debug: bool = False


def load(path: Path) -> Settings:
    """Settings from a YAML file. Raises BadSettings."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, yaml.YAMLError) as exc:
        raise BadSettings(f"{path} can't be read: {exc}") from exc
    if not isinstance(data, dict):
        raise BadSettings(f"{path} holds no mapping.")
    known = {field.name for field in fields(Settings)}
    if unknown := sorted(set(data) - known):
        raise BadSettings(f"{path}: there is no setting {unknown[0]!r}.")
    return Settings(**data)
