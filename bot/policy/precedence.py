"""What holds for one review: the repository's word over the server's (pure, no I/O).

Only here a repository's configuration and the server's settings meet. Most keys of a repository
replace the server's setting; `max_files` can only lower it, and analyzers disabled on the server
run nowhere.
"""

from dataclasses import dataclass
from typing import TypeVar

from bot.config.repository_config import Profile, RepoConfig
from bot.config.settings import FailOn, Forks, Settings
from bot.domain.model import Category, Effort, Severity
from templates.languages import Language, use

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Effective:
    """The values that hold; counts and seconds as in the settings of the same names."""

    categories: tuple[Category, ...]
    min_severity: Severity
    min_confidence: float
    effort: Effort
    fail_on: FailOn
    fail_incomplete: bool
    request_changes: bool
    max_comments: int
    max_files: int
    settle_seconds: int
    forks: Forks
    analyzers_disabled: frozenset[str]
    language: Language


def effective(settings: Settings, config: RepoConfig) -> Effective:
    """The repository's values where it sets any, else the server's."""
    largest, said = settings.max_analyze_files, _PROFILES[config.profile]
    return Effective(
        categories=_first(config.categories, settings.categories),
        min_severity=_first(config.min_severity, said.min_severity, settings.min_severity),
        min_confidence=max(said.min_confidence, settings.min_confidence),
        effort=_first(config.effort, settings.review_effort),
        fail_on=_first(config.fail_on, settings.fail_on),
        fail_incomplete=_first(config.fail_incomplete, settings.fail_incomplete),
        request_changes=_first(config.request_changes, settings.request_changes),
        max_comments=_first(config.max_comments, said.max_comments, settings.max_comments),
        max_files=min(_first(config.max_files, largest), largest),
        settle_seconds=_first(config.settle_seconds, settings.settle_seconds),
        forks=_first(config.forks, settings.forks),
        analyzers_disabled=frozenset((*settings.analyzers_disabled, *config.analyzers_disabled)),
        language=_first(config.language, settings.review_language),
    )


def speak(settings: Settings, config: RepoConfig) -> None:
    """Write in the language that holds for the rest of this task."""
    use(effective(settings, config).language)


@dataclass(frozen=True, slots=True)
class _Said:
    """What a profile says in place of the server's settings; what a repository says itself goes
    before it."""

    min_severity: Severity | None = None
    max_comments: int | None = None
    min_confidence: float = 0.0


_PROFILES = {
    Profile.QUIET: _Said(Severity.MEDIUM, 5, 0.75),
    Profile.BALANCED: _Said(),
    Profile.THOROUGH: _Said(Severity.INFO, 30),
}


def _first(*said: T | None) -> T:
    """The first that says something; the last, the server's, does."""
    return next(each for each in said if each is not None)
