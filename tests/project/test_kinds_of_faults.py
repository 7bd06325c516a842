"""Each kind of fault on its page is held by tests that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/kinds-of-faults.md").read_text()
ROWS = re.findall(r"^\| (\d+) \| (.+) \| (.+) \| (.+) \|$", PAGE, re.MULTILINE)
NAMED = re.compile(r"`(tests/[\w./]+)(?:::(\w+))?`")


def test_there_are_all_kinds_in_their_order() -> None:
    assert [int(number) for number, *_ in ROWS] == list(range(1, 26))
    assert len({kind for _, kind, *_ in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_each_names_tests_that_exist(row: tuple[str, str, str, str]) -> None:
    named = NAMED.findall(row[3])
    assert any(name for _, name in named), "no test is named"
    for path, name in named:
        defined = rf"^(?:async )?def {name}\(" if name else r"^(?:async )?def test_"
        assert re.search(defined, (ROOT / path).read_text(), re.MULTILINE), (path, name)
