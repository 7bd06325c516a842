"""The tests mirror the code: whoever knows a module's name knows the name of its tests.

`bot/text/globs.py` is tested by `tests/unit/bot/text/test_globs.py`, a folder as a whole by
`test_<folder>.py` beside the folder. What is too long for one file adds a word after the
module's name: `test_prompt_budget.py` is about `prompt.py`.
"""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "tests/unit"
TESTS = sorted(path.relative_to(UNIT) for path in UNIT.rglob("test_*.py"))


@pytest.mark.parametrize("path", TESTS, ids=str)
def test_unit_tests_are_named_for_a_module_or_folder(path: Path) -> None:
    words = path.stem.removeprefix("test_").split("_")
    names = ["_".join(words[:count]) for count in range(1, len(words) + 1)]
    folder = ROOT / path.parent
    assert any((folder / f"{name}.py").is_file() or (folder / name).is_dir() for name in names)


def test_nothing_but_tests_of_modules_lies_in_the_unit_tests() -> None:
    assert {path.parts[0] for path in TESTS} == {"bot", "templates", "workers"}
