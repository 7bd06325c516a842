"""Who asked for, cancelled, dismissed or changed what, and by which way (pure)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from bot.domain.model import Review


class Way(StrEnum):
    """How it reached us. `webhook`: something else that was done on GitHub, as a push, a button of
    a check run, or a label."""

    WEBHOOK = "webhook"
    COMMENT = "comment"
    REACTION = "reaction"
    PAGE = "page"
    API = "api"
    CLI = "cli"


class Action(StrEnum):
    REVIEW_REQUESTED = "review_requested"
    REVIEW_CANCELLED = "review_cancelled"
    QUESTION_ASKED = "question_asked"
    FINDING_DISMISSED = "finding_dismissed"
    DISMISSAL_REMOVED = "dismissal_removed"
    PREFERENCE_KEPT = "preference_kept"
    PREFERENCE_EDITED = "preference_edited"
    PREFERENCE_REMOVED = "preference_removed"
    REVIEWS_PAUSED = "reviews_paused"
    REVIEWS_RESUMED = "reviews_resumed"
    ACCESS_REMOVED = "access_removed"
    MESSAGE_RETRIED = "message_retried"
    SIGNED_IN = "signed_in"
    SIGN_IN_REFUSED = "sign_in_refused"
    AUDIT_EXPORTED = "audit_exported"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """`who` is a login on GitHub, `admin` for whoever has an admin token, or an account of this
    machine. "" and 0 where there is none. `detail` is as somebody wrote it: hostile text."""

    action: Action
    way: Way
    who: str
    repository: str = ""  # owner/name
    number: int = 0
    review: str = ""
    detail: str = ""

    @classmethod
    def of(cls, review: Review, action: Action, way: Way, who: str, detail: str = "") -> Self:
        """What somebody did about a review."""
        return cls(
            action=action,
            way=way,
            who=who,
            repository=review.repository.full_name,
            number=review.number,
            review=review.id,
            detail=detail,
        )
