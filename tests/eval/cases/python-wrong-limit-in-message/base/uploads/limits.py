"""What may be uploaded."""

import mimetypes
from dataclasses import dataclass

MAX_BYTES = 10 * 1024 * 1024
TYPES = frozenset({"image/png", "image/jpeg", "application/pdf"})


class Refused(Exception):
    """Raised for an upload that is not taken; the message is shown to the user."""


@dataclass(frozen=True)
class Upload:
    name: str
    size: int

    @property
    def type(self) -> str:
        return mimetypes.guess_type(self.name)[0] or "application/octet-stream"


def check(upload: Upload) -> None:
    """Raises Refused."""
    if upload.type not in TYPES:
        raise Refused(f"{upload.name}: only PNG, JPEG and PDF files can be uploaded.")
    if upload.size > MAX_BYTES:
        raise Refused("The file is larger than 10 MB.")
