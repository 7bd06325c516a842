"""What holds for one review: the repository's word over the server's (pure, no I/O).

Only here a repository's configuration and the server's settings meet. Most keys of a repository
replace the server's setting; `max_files` can only lower it, and analyzers disabled on the server
run nowhere.
"""

from dataclasses import dataclass
from typing import TypeVar

from bot.config.repository_config import RepoConfig
from bot.config.settings import FailOn, Forks, Settings
from bot.domain.model import Category, Effort, Severity
from templates.languages import Language, use

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Effective:
    """The values that hold; counts and seconds as in the settings of the same names."""

    categories: tuple[Category, ...]
    min_severity: Severity
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
    largest = settings.max_analyze_files
    return Effective(
        categories=_first(config.categories, settings.categories),
        min_severity=_first(config.min_severity, settings.min_severity),
        effort=_first(config.effort, settings.review_effort),
        fail_on=_first(config.fail_on, settings.fail_on),
        fail_incomplete=_first(config.fail_incomplete, settings.fail_incomplete),
        request_changes=_first(config.request_changes, settings.request_changes),
        max_comments=_first(config.max_comments, settings.max_comments),
        max_files=min(_first(config.max_files, largest), largest),
        settle_seconds=_first(config.settle_seconds, settings.settle_seconds),
        forks=_first(config.forks, settings.forks),
        analyzers_disabled=frozenset((*settings.analyzers_disabled, *config.analyzers_disabled)),
        language=_first(config.language, settings.review_language),
    )


def speak(settings: Settings, config: RepoConfig) -> None:
    """Write in the language that holds for the rest of this task."""
    use(effective(settings, config).language)


def _first(own: T | None, servers: T) -> T:
    return servers if own is None else own
