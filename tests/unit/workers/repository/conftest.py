"""A repository and settings for each test."""

from pathlib import Path

import pytest

from bot.config.settings import Settings, load
from tests.support.repositories import Repository


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "upstream.git")


@pytest.fixture
def settings() -> Settings:
    return load(_env_file=None, llm_model="some-model")


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only place for temporary directories in the test, so that leftovers show."""
    place = tmp_path / "scratch"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    return place
