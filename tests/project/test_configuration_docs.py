"""The configuration reference is current, and says nothing that the code does not use."""

import re
from pathlib import Path

import pytest

from bot.config.reference import reference
from bot.config.settings import Settings, SettingsError, load

ROOT = Path(__file__).parents[2]
CODE = "\n".join(
    path.read_text()
    for folder in ("bot", "workers")
    for path in (ROOT / folder).rglob("*.py")
    if path.name != "settings.py"
)


def test_the_page_matches_the_settings() -> None:
    page = (ROOT / "docs/configuration.md").read_text()
    assert page == reference(), "run: glossator config > docs/configuration.md"


@pytest.mark.parametrize("name", list(Settings.model_fields))
def test_each_setting_is_used(name: str) -> None:
    used = re.search(rf"\b(?:settings|_settings|self)\.{name}\b", CODE)
    derived = re.search(rf"\bself\.{name}\b", (ROOT / "bot/config/settings.py").read_text())
    assert used or derived, f"{name.upper()} is documented and used nowhere"


def test_each_setting_that_is_used_exists() -> None:
    known = set(Settings.model_fields) | set(dir(Settings))
    used = set(re.findall(r"\bsettings\.([a-z_]+)\b", CODE))
    modules = {"py", "load"}  # `bot.config.settings.load`, and file names in comments
    assert used - known - modules == set()


def test_an_unknown_log_level_is_reported_in_one_sentence() -> None:
    assert load(_env_file=None, log_level="warning").log_level == "WARNING"
    with pytest.raises(SettingsError, match=r"LOG_LEVEL: .*'DEBUG', 'INFO'.* \(got 'LOUD'\)"):
        load(_env_file=None, log_level="loud")
