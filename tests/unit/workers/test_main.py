"""A worker does not start with settings that name nothing."""

import pytest

from bot.config.settings import Settings, SettingsError
from workers.main import make_worker


def test_an_analyzer_that_is_disabled_has_to_exist() -> None:
    settings = Settings(_env_file=None, analyzers_disabled=("ruffs", "ruff"))
    with pytest.raises(SettingsError, match=r"unknown analyzers: ruffs\. There are ruff, secrets,"):
        make_worker(settings)
