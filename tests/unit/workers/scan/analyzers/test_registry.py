"""One line makes an analyzer known everywhere, and a forgotten one fails here."""

import importlib
import pkgutil
import sysconfig
from pathlib import Path

import pytest

from bot.domain.model import DEPENDENCIES_SOURCE
from workers.offline import doctor
from workers.scan import analyzers, leftovers, own_rules
from workers.scan.analyzers.analyzer import Analyzer, TextCheck
from workers.scan.analyzers.registry import ANALYZERS, NAMES

ROOT = Path(__file__).parents[5]


def _defined() -> set[str]:
    """The names of all analyzers that a module of the folder holds."""
    modules = [
        importlib.import_module(f"{analyzers.__name__}.{found.name}")
        for found in pkgutil.iter_modules(analyzers.__path__)
        if found.name != "registry"
    ]
    return {
        value.name
        for module in modules
        for value in vars(module).values()
        if isinstance(value, Analyzer | TextCheck)
    }


def test_every_analyzer_of_the_folder_is_in_the_registry_once() -> None:
    assert _defined() | {leftovers.NAME, own_rules.NAME, DEPENDENCIES_SOURCE} == set(NAMES)
    assert len(NAMES) == len(set(NAMES))


def test_the_page_has_a_row_for_each_analyzer() -> None:
    page = (ROOT / "docs/analyzers.md").read_text()
    rows = "".join(f"| `{analyzer.name}` | {analyzer.about} |\n" for analyzer in ANALYZERS)
    assert f"| --- | --- |\n{rows}" in page, f"docs/analyzers.md has to have:\n{rows}"
    assert all(analyzer.about for analyzer in ANALYZERS)


@pytest.mark.parametrize("analyzer", ANALYZERS, ids=[analyzer.name for analyzer in ANALYZERS])
def test_doctor_looks_for_whatever_program_an_analyzer_starts(
    analyzer: Analyzer | TextCheck,
) -> None:
    if isinstance(analyzer, TextCheck):
        return
    command = analyzer.command({})[0]
    assert command in {"python", analyzer.program}
    if analyzer.program:
        assert analyzer.program in doctor.PROGRAMS
        assert (Path(sysconfig.get_path("scripts")) / analyzer.program).exists()
