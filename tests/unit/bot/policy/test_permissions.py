"""Who may give which command."""

import pytest

from bot.domain.commands import Command, Verb
from bot.policy.permissions import is_permitted, may_write


@pytest.mark.parametrize("verb", Verb)
@pytest.mark.parametrize(
    ("permission", "writes", "may_read"),
    [
        ("admin", True, True),
        ("maintain", True, True),
        ("write", True, True),
        ("triage", False, True),
        ("read", False, True),
        ("none", False, False),
        ("", False, False),
        ("WRITE", False, False),
    ],
)
def test_help_is_for_readers_and_all_else_for_writers(
    verb: Verb, permission: str, writes: bool, may_read: bool
) -> None:
    allowed = may_read if verb is Verb.HELP else writes
    assert is_permitted(permission, Command(verb=verb, text="x")) is allowed
    assert may_write(permission) is writes
