"""What people told us not to report again, and which findings that covers (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from bot.domain.fingerprint import have_same_words, names_secret
from bot.domain.model import SECRETS_SOURCE, Finding, Severity
from templates.languages import _


class Via(StrEnum):
    """How somebody told us: by a command, or by a reaction to our comment."""

    COMMAND = "command"
    THUMBS_DOWN = "thumbs_down"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """A finding that a repository does not want to hear again, whoever finds it. Times are in
    seconds since the epoch; 0.0: not known, or never."""

    fingerprint: str
    path: str
    title: str
    reason: str
    suppressed_by: str
    via: Via = Via.COMMAND
    suppressed_at: float = 0.0
    used_at: float = 0.0

    @property
    def one_secret(self) -> bool:
        """Whether it covers one value of a secret, and no other in the same place."""
        return names_secret(self.fingerprint)

    @property
    def day(self) -> str:
        """The day on which it was made, as ISO 8601 in UTC; "" if that is not known."""
        if not self.suppressed_at:
            return ""
        return datetime.fromtimestamp(self.suppressed_at, UTC).date().isoformat()

    def covers(self, finding: Finding) -> bool:
        """Whether the finding is the one that it names. A critical one is covered only as the
        same secret: other code of the same words may be critical for a reason of its own, and so
        may something else on the line of the secret."""
        if finding.fingerprint != self.fingerprint:
            return False
        if finding.severity is not Severity.CRITICAL:
            return True
        return self.one_secret and (
            SECRETS_SOURCE in finding.tools or have_same_words(self.title, finding.title)
        )

    @property
    def last_used_at(self) -> float:
        """When it was made, or covered a finding for the last time."""
        return max(self.suppressed_at, self.used_at)


@dataclass(frozen=True, slots=True)
class Dismissals:
    """What is not to be reported on one pull request: fingerprints that were dismissed there, and
    the suppressions of its repository, by their fingerprint."""

    on_pull: frozenset[str] = frozenset()
    in_repository: Mapping[str, Suppression] = field(default_factory=dict)

    @property
    def fingerprints(self) -> frozenset[str]:
        return self.on_pull | self.in_repository.keys()

    def why(self, finding: Finding) -> str | None:
        """Who dismissed the finding, when and why; None if nobody did."""
        one = self.in_repository.get(finding.fingerprint)
        if one is not None and one.covers(finding):
            values = {"login": one.suppressed_by, "reason": one.reason}
            if one.day:
                return _("by {login} on {day}: {reason}", day=one.day, **values)
            return _("by {login}: {reason}", **values)
        return _("on this pull request") if finding.fingerprint in self.on_pull else None
