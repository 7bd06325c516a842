"""A pipeline's definition: steps, each with a name and a command."""

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import yaml


class BadDefinition(ValueError):
    """Raised for a definition that can't be used; the message says why."""


@dataclass(frozen=True)
class Step:
    name: str
    command: tuple[str, ...]


def built_in(folder: Path, name: str) -> list[Step]:
    """A definition that ships with the server."""
    return _steps(yaml.safe_load((folder / f"{name}.yml").read_text()))


def uploaded(stream: BinaryIO) -> list[Step]:
    """A definition from a form. Raises BadDefinition."""
    try:
        data = yaml.load(stream, Loader=yaml.Loader)
    except yaml.YAMLError as exc:
        raise BadDefinition(str(exc)) from exc
    return _steps(data)


def _steps(data: object) -> list[Step]:
    if not isinstance(data, list):
        raise BadDefinition("a definition is a list of steps")
    try:
        return [Step(str(item["name"]), tuple(item["command"])) for item in data]
    except (KeyError, TypeError) as exc:
        raise BadDefinition(f"a step lacks {exc}") from exc
