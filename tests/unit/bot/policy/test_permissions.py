"""Who may give which command."""

import pytest

from bot.domain.commands import Command, Verb
from bot.policy.permissions import is_permitted, may_write, only_as_author


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


@pytest.mark.parametrize("verb", Verb)
@pytest.mark.parametrize("permission", ["read", "triage", "none", ""])
def test_an_author_with_a_say_may_ask_and_dismiss_if_they_can_read(
    verb: Verb, permission: str
) -> None:
    reads = permission in ("read", "triage")
    allowed = reads and verb in (Verb.ASK, Verb.DISMISS, Verb.FIX_PROMPT, Verb.HELP)
    command = Command(verb=verb, text="x")
    assert is_permitted(permission, command, as_author=True) is allowed
    assert is_permitted(permission, command) is (reads and verb is Verb.HELP)


@pytest.mark.parametrize(
    ("verb", "permission", "expected"),
    [
        (Verb.ASK, "read", True),
        (Verb.DISMISS, "triage", True),
        (Verb.ASK, "write", False),  # they may anyhow
        (Verb.HELP, "read", False),
        (Verb.REVIEW, "read", False),  # they may not even as the author
        (Verb.ASK, "none", False),
    ],
)
def test_whose_pull_request_it_is_matters_only_where_the_author_alone_may(
    verb: Verb, permission: str, expected: bool
) -> None:
    assert only_as_author(permission, Command(verb=verb, text="x")) is expected
