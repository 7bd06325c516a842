"""Hostile migrations cost the server time that grows with their length, not with its square."""

import json

import pytest

from bot.domain.diff import ChangedFile, FileStatus
from tests.support.runtime_growth import growth
from workers.scan.analyzers.analyzer import Target
from workers.scan.analyzers.squawk import SQUAWK

IN_TRANSACTION = "ban-concurrent-index-creation-in-transaction"
NOT_NULL = "adding-not-nullable-field"


def migration(text: str, path: str = "migrations/1.sql") -> Target:
    return Target(ChangedFile(path=path, status=FileStatus.ADDED), "sql", text)


def said(text: str, *found: tuple[str, int]) -> list[int]:
    """The lines, counted from 0, of what is reported of squawk's `found`."""
    items = [
        {"file": "1.sql", "rule_name": rule, "line": line, "line_end": line, "message": "M."}
        for rule, line in found
    ]
    read = SQUAWK.read(json.dumps(items).encode(), {"1.sql": migration(text)})
    return [each.line - 1 for each in read]


@pytest.mark.parametrize("line", [" \n", "ALTER COLUMN a \n", "START \n", "ENGINE \n", "GO \n--"])
def test_a_file_is_chosen_in_time_that_grows_with_its_length(line: str) -> None:
    assert growth(lambda size: SQUAWK.wants(migration("jsonb\n" + line * size)), 16_000) < 10


@pytest.mark.parametrize("folder", ["migrat", "V_", "V1__"])
def test_a_path_is_looked_at_in_time_that_grows_with_its_length(folder: str) -> None:
    assert growth(lambda n: SQUAWK.wants(migration("", f"{folder * n}-/1.sql")), 4000) < 10


@pytest.mark.parametrize("line", [" \n", "BEGIN \n", "CREATE TABLE \n", "ALTER TABLE a ADD b int;"])
def test_findings_are_read_in_time_that_grows_with_the_file(line: str) -> None:
    def read(size: int) -> None:
        said(line * size, *[(IN_TRANSACTION, n) for n in range(size // 8)])

    assert growth(read, 16_000) < 10


def test_what_opens_a_transaction_or_a_batch_is_still_seen() -> None:
    begun = "\n  BEGIN ISOLATION LEVEL SERIALIZABLE;\nCREATE INDEX CONCURRENTLY i ON a (b);\n"
    assert said(begun, (IN_TRANSACTION, 2)) == [2]
    assert said(begun.replace("BEGIN", "CHAIN"), (IN_TRANSACTION, 2)) == []
    assert SQUAWK.wants(migration(begun))
    assert not SQUAWK.wants(migration(begun + "  GO \r\n"))


def test_a_table_that_the_file_makes_may_be_altered() -> None:
    text = 'CREATE TABLE public."A" (x int);\nALTER TABLE a ADD b int;\nALTER TABLE c ADD b int;\n'
    assert said(text, (NOT_NULL, 1), (NOT_NULL, 2)) == [2]


@pytest.mark.parametrize(
    "path", ["db-migrations/1.sql", "migrate/a.sql", "versions/a.sql", "x/V1_2__a.sql"]
)
def test_migrations_are_known_by_their_folder_or_name(path: str) -> None:
    assert SQUAWK.wants(migration("a jsonb", path))


def test_a_dump_of_data_is_not_looked_at() -> None:
    assert not SQUAWK.wants(migration("a jsonb" + "\n" * 200_000))
