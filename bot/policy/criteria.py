"""What a review looks for, decided in one place for the scan, the LLM and the report (pure)."""

from dataclasses import dataclass

from bot.config.repository_config import RepoConfig
from bot.config.settings import Settings
from bot.domain.model import Category, Effort, Severity
from bot.domain.reasons import RejectionReason

#: The reason, and the detail that its text has a place for.
Rejection = tuple[RejectionReason, str]


@dataclass(frozen=True, slots=True)
class FindingFilter:
    """The categories, the least severity, and the least confidence (0..1) of what is reported."""

    categories: tuple[Category, ...]
    min_severity: Severity
    min_confidence: float

    def rejects(self, category: Category, severity: Severity) -> Rejection | None:
        """Why a finding of that kind is not reported; None if it is."""
        if category not in self.categories:
            return RejectionReason.CATEGORY, str(category)
        if severity.rank > self.min_severity.rank:
            return RejectionReason.SEVERITY, str(self.min_severity)
        return None


def doubts(confidence: float, min_confidence: float, because: str = "") -> Rejection | None:
    """Why a finding of that confidence (0..1) is not reported; None if it is. `because` is what
    whoever doubts it says."""
    if confidence >= min_confidence:
        return None
    said = f": {because}" if because else ""
    return RejectionReason.CONFIDENCE, f"{confidence:g} of {min_confidence:g}{said}"


def finding_filter(settings: Settings, config: RepoConfig, focus: Category | None) -> FindingFilter:
    """The server's settings; over them what the repository sets itself; and over both the one
    category that somebody asked for, `focus`."""
    categories = settings.categories if config.categories is None else config.categories
    return FindingFilter(
        categories=categories if focus is None else (focus,),
        min_severity=config.min_severity or settings.min_severity,
        min_confidence=settings.min_confidence,
    )


def effort_of(settings: Settings, config: RepoConfig, asked: Effort | None) -> Effort:
    """What somebody asked for goes over what the repository sets, and that over the server's."""
    return asked or config.effort or settings.review_effort
