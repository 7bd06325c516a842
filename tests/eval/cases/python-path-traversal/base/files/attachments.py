"""Attachments of a ticket, kept as files."""

import shutil
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4


class Attachments:
    def __init__(self, root: Path) -> None:
        self.root = root

    def store(self, ticket: int, stream: BinaryIO, suffix: str) -> str:
        """The name under which the stream was stored."""
        folder = self.root / str(ticket)
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{uuid4().hex}{suffix}"
        with (folder / name).open("wb") as target:
            shutil.copyfileobj(stream, target)
        return name

    def names(self, ticket: int) -> list[str]:
        folder = self.root / str(ticket)
        return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
