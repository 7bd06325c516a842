"""What the secrets analyser finds is shown nowhere in the scan, not only where it was added."""

from collections.abc import Mapping

import pytest

from bot.config.settings import Settings
from tests.support.repositories import Repository
from tests.support.run_scan import scanned

Files = Mapping[str | bytes, str | bytes]

#: Known by the name it is given to alone, as no rule of form has it for a secret.
WEAK = "correcthorse"
BELOW = "".join(f"x{n} = {n}\n" for n in range(20))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            {"a.py": f"DB_PASSWORD = '{WEAK}'\n"},
            {"a.py": f"DB_PASSWORD = '{WEAK}'  # of the tests\n"},
        ),
        (
            {"a.py": f"DB_PASSWORD = '{WEAK}'\n{BELOW}"},
            {"a.py": f"DB_PASSWORD = '{WEAK}'  # as in b\n{BELOW.replace('x15 =', 'y =')}"},
        ),
        (
            {"a.py": f"import b\nDB_PASSWORD = '{WEAK}'\n", "b.py": "x = 1\n"},
            {"a.py": "import b\n", "b.py": f"x = 1\nDB_PASSWORD = '{WEAK}'\n"},
        ),
        (
            {"a.py": "import b\n", "b.py": "x = 1\n"},
            {
                "a.py": "import b\n\nb.Shop()\n",
                "b.py": f"x = 1\n\n\nclass Shop:\n    password = '{WEAK}'\n",
            },
        ),
        (
            {"a.py": "x = 1\n"},
            {"a.py": "".join(f"password_{n} = '{WEAK}'\n" for n in range(300))},
        ),
    ],
    ids=["edited", "over a hunk", "moved", "imported", "many"],
)
async def test_no_secret_that_was_found_is_shown_elsewhere(
    repository: Repository, settings: Settings, before: Files, after: Files
) -> None:
    result = await scanned(repository.change(before, after), settings)
    assert any(item.source.startswith("secrets:") for item in result.scan.evidence)
    assert result.batches
    assert "[redacted:secret]" in repr(result)
    assert WEAK not in repr(result)
