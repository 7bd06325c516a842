"""The words of checks that a team writes in plain words (pure)."""

from dataclasses import dataclass
from enum import StrEnum


class CheckMode(StrEnum):
    """What a check does that did not pass."""

    WARN = "warn"  # it is shown
    FAIL = "fail"  # the check run fails


class CheckStatus(StrEnum):
    """What a check came to."""

    PASSED = "passed"
    FAILED = "failed"
    COULD_NOT_TELL = "could_not_tell"
    DID_NOT_APPLY = "did_not_apply"


@dataclass(frozen=True, slots=True)
class CheckScope:
    """Whether a check applies to a change. `hidden` are files that it is about and that no model
    is shown: what is in them, nobody can tell."""

    name: str
    applies: bool = True
    hidden: tuple[str, ...] = ()
