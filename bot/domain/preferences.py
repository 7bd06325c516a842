"""What a team does not want reported, in a sentence of its own for some of its paths (pure)."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Self

#: Characters of a preference; what is longer is an instruction.
MAX_TEXT = 200

#: Globs of one preference.
MAX_PATHS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """A sentence that a person of the team said yes to, for changed files that match any of
    `paths` (globs). `pull`, `fingerprint`, `category` and `rule` (who found it, as `llm` or
    `ruff:F821`) are of the finding that it came from. Times are in seconds since the epoch; 0.0:
    never."""

    number: int = 0  # in its repository; 0: not kept yet
    text: str
    paths: tuple[str, ...]
    repository: str  # owner/name
    pull: int
    fingerprint: str
    category: str = ""
    rule: str = ""
    kept_by: str
    kept_at: float
    edited_by: str = ""
    given_at: float = 0.0  # to the reader, for a file that it concerns

    @property
    def day(self) -> str:
        """The day on which it was kept, as ISO 8601 in UTC."""
        return datetime.fromtimestamp(self.kept_at, UTC).date().isoformat()

    @property
    def last_used_at(self) -> float:
        """When it was kept, or given to the reader for the last time."""
        return max(self.kept_at, self.given_at)

    def edited(self, text: str, paths: tuple[str, ...], by: str) -> Self:
        """The same in other words, or for other paths."""
        return replace(self, text=text, paths=paths, edited_by=by)
