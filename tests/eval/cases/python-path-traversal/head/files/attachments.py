"""Attachments of a ticket, kept as files."""

import shutil
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from flask import Blueprint, abort, current_app, send_file

pages = Blueprint("attachments", __name__)


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

    def path(self, ticket: int, name: str) -> Path:
        return self.root / str(ticket) / name


@pages.get("/tickets/<int:ticket>/attachments/<path:name>")
def download(ticket: int, name: str):
    path = current_app.extensions["attachments"].path(ticket, name)
    if not path.is_file():
        abort(404)
    return send_file(path, as_attachment=True)
