"""The repository's word holds over the server's, key by key."""

from dataclasses import fields
from typing import Any

import pytest

from bot.config.repository_config import Profile, RepoConfig
from bot.config.settings import FailOn, Forks, Settings
from bot.domain.model import Category, Effort, Severity
from bot.policy.precedence import Effective, effective, speak
from templates.languages import Language, current, speaking

#: Of each key the server's value and the repository's.
KEYS: dict[str, tuple[Any, Any]] = {
    "categories": ((Category.SECURITY, Category.QUALITY), (Category.PERFORMANCE,)),
    "min_severity": (Severity.HIGH, Severity.LOW),
    "effort": (Effort.QUICK, Effort.DEEP),
    "fail_on": (FailOn.HIGH, FailOn.NEVER),
    "fail_incomplete": (True, False),
    "request_changes": (True, False),
    "max_comments": (7, 0),
    "settle_seconds": (30, 0),
    "forks": (Forks.REVIEW, Forks.ASK),
    "max_files": (40, 3),
    "language": (Language.GERMAN, Language.JAPANESE),
}
OTHER_NAMES = {
    "effort": "review_effort",
    "max_files": "max_analyze_files",
    "language": "review_language",
}


def settings() -> Settings:
    values: dict[str, Any] = {
        OTHER_NAMES.get(name, name): servers for name, (servers, _) in KEYS.items()
    }
    return Settings(_env_file=None, **values)


def test_every_key_is_in_the_table() -> None:
    assert {field.name for field in fields(Effective)} == {
        *KEYS,
        *("analyzers_disabled", "min_confidence"),
    }
    undecided = {field.name for field in fields(RepoConfig) if field.default is None}
    assert undecided == set(KEYS), "what a repository leaves to the server is decided here"


@pytest.mark.parametrize("name", KEYS)
def test_the_repository_goes_before_the_server(name: str) -> None:
    servers, own = KEYS[name]
    assert getattr(effective(settings(), RepoConfig()), name) == servers
    assert getattr(effective(settings(), RepoConfig(**{name: own})), name) == own


def test_a_repository_cannot_have_more_files_reviewed_than_the_server_allows() -> None:
    assert effective(settings(), RepoConfig(max_files=1000)).max_files == 40


def test_what_either_disables_does_not_run() -> None:
    server = Settings(_env_file=None, analyzers_disabled=("ruff",))
    disabled = effective(server, RepoConfig(analyzers_disabled=("oxlint",))).analyzers_disabled
    assert disabled == {"ruff", "oxlint"}


def test_a_profile_goes_before_the_server_and_behind_what_the_repository_says_itself() -> None:
    server = Settings(
        _env_file=None, min_severity=Severity.LOW, max_comments=15, min_confidence=0.6
    )
    said = {profile: effective(server, RepoConfig(profile=profile)) for profile in Profile}
    assert {
        profile: (one.min_severity, one.max_comments, one.min_confidence)
        for profile, one in said.items()
    } == {
        Profile.QUIET: (Severity.MEDIUM, 5, 0.75),
        Profile.BALANCED: (Severity.LOW, 15, 0.6),
        Profile.THOROUGH: (Severity.INFO, 30, 0.6),
    }
    own = RepoConfig(profile=Profile.QUIET, min_severity=Severity.INFO, max_comments=0)
    holds = effective(server, own)
    assert (holds.min_severity, holds.max_comments) == (Severity.INFO, 0)
    sure = Settings(_env_file=None, min_confidence=0.9)
    assert effective(sure, RepoConfig(profile=Profile.QUIET)).min_confidence == 0.9


def test_what_is_written_from_then_on_is_in_the_language_that_holds() -> None:
    with speaking(Language.ENGLISH):
        speak(settings(), RepoConfig())
        assert current() is Language.GERMAN
        speak(settings(), RepoConfig(language=Language.JAPANESE))
        assert current() is Language.JAPANESE
