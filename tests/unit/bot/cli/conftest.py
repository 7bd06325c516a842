"""One process from which all commands of a session are forked."""

from collections.abc import Iterator

import pytest

from tests.support.commands import Commands, commands


@pytest.fixture(scope="session")
def command_line() -> Iterator[Commands]:
    with commands() as started:
        yield started
