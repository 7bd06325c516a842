"""What a review looks for, decided in one place for the scan, the LLM and the report (pure)."""

from dataclasses import dataclass

from bot.config.repository_config import PathSeverity, RepoConfig
from bot.config.settings import Settings
from bot.domain.model import Category, Effort, Severity
from bot.domain.reasons import RejectionReason
from bot.policy.precedence import effective
from bot.text import globs

#: The reason, and the detail that its text has a place for.
Rejection = tuple[RejectionReason, str]


@dataclass(frozen=True, slots=True)
class FindingFilter:
    """The categories, the least severity, and the least confidence (0..1) of what is reported; in
    files that one of `path_severities` is for, the least severity is that of the first."""

    categories: tuple[Category, ...]
    min_severity: Severity
    min_confidence: float
    path_severities: tuple[PathSeverity, ...] = ()

    def rejects(self, category: Category, severity: Severity, path: str) -> Rejection | None:
        """Why a finding of that kind is not reported; None if it is."""
        if category not in self.categories:
            return RejectionReason.CATEGORY, str(category)
        least = self.least_severity(path)
        if severity.rank > least.rank:
            return RejectionReason.SEVERITY, str(least)
        return None

    def least_severity(self, path: str) -> Severity:
        """The least severity that is reported in the file."""
        matching = (each for each in self.path_severities if globs.any_matches(each.paths, path))
        return next((each.min_severity for each in matching), self.min_severity)


def doubts(confidence: float, min_confidence: float, because: str = "") -> Rejection | None:
    """Why a finding of that confidence (0..1) is not reported; None if it is. `because` is what
    whoever doubts it says."""
    if confidence >= min_confidence:
        return None
    said = f": {because}" if because else ""
    return RejectionReason.CONFIDENCE, f"{confidence:g} of {min_confidence:g}{said}"


def finding_filter(settings: Settings, config: RepoConfig, focus: Category | None) -> FindingFilter:
    """What the server and the repository say, but for the one category that somebody asked for,
    `focus`."""
    holds = effective(settings, config)
    return FindingFilter(
        categories=holds.categories if focus is None else (focus,),
        min_severity=holds.min_severity,
        min_confidence=holds.min_confidence,
        path_severities=config.path_severities,
    )


def effort_of(settings: Settings, config: RepoConfig, asked: Effort | None) -> Effort:
    """What somebody asked for goes over what the repository and the server say."""
    return asked or effective(settings, config).effort
