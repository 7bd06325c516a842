"""What the secrets analyser finds is shown nowhere in the scan, not only where it was added."""

from collections.abc import Mapping

import pytest

from bot.config.settings import Settings
from bot.domain.diff import ChangedFile, FileStatus, Hunk, Line
from tests.support.repositories import Repository
from tests.support.run_scan import scanned
from tests.support.secret_shapes import aws_key_id, private_key
from workers.scan.analyzers.analyzer import Target
from workers.scan.redaction import redact_scan

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


KEYED = b"k" * 32


def hashes(text: str, key: bytes = KEYED) -> dict[int, str]:
    """By line of the one file, a hash of what was masked there."""
    added = tuple(Line(None, number, line) for number, line in enumerate(text.splitlines(), 1))
    hunk = Hunk(0, 1, "", added)
    file = ChangedFile(path="a.py", status=FileStatus.ADDED, hunks=(hunk,))
    return dict(redact_scan([Target(file, "", text)], [], key).secrets.get("a.py", {}))


def test_each_value_of_a_secret_has_its_own_hash() -> None:
    first, other = aws_key_id("first"), aws_key_id("other")
    [here] = hashes(f'x = 1\nkey = "{first}"\n').items()
    assert here[0] == 2
    assert hashes(f'key = "{first}"\n')[1] == here[1]
    assert hashes(f'key = "{other}"\n')[1] != here[1]
    assert hashes(f'key = "{first}"\n', b"o" * 32)[1] != here[1]
    assert first not in here[1]
    assert hashes(f'key = "{first}"\n', b"") == {}


def test_neighbors_are_told_apart() -> None:
    one, two, three = (aws_key_id(seed) for seed in "abc")
    before = hashes(f'a = "{one}"\nb = "{two}"\n')
    after = hashes(f'a = "{one}"\nb = "{three}"\n')
    assert before[1] == after[1]
    assert before[2] != after[2]


def test_all_lines_of_a_private_key_count_for_its_first() -> None:
    """Which is the same for all keys, and where the finding stands."""
    one = private_key()
    head, *body, end = one.split("\n")
    other = "\n".join([head, *body[::-1], end])
    assert len(set(hashes(one).values())) == 1
    assert hashes(one)[1] != hashes(other)[1]
