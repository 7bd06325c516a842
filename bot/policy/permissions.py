"""Who may ask, command and dismiss, by their permission on the repository (pure).

`permission` is GitHub's `permission` or `role_name` of a person; what GitHub does not say allows
nothing.
"""

from bot.domain.commands import Command, Verb

_WRITERS = frozenset({"write", "maintain", "admin"})
_READERS = _WRITERS | {"read", "triage"}


def may_write(permission: str) -> bool:
    """Whether they may press our buttons and have a finding dismissed by a reaction: whoever may
    do that to the repository may also silence us."""
    return permission in _WRITERS


#: What the author of a pull request may do in it, where the repository allows that.
_AUTHORS = frozenset({Verb.ASK, Verb.DISMISS, Verb.FIX_PROMPT})


def is_permitted(permission: str, command: Command, *, as_author: bool = False) -> bool:
    """Whether they may give the command; `as_author` in their own pull request, in a repository
    that lets authors take part.

    Everything but help costs money or changes something, so it needs the right to write.
    Help is for all who can read, and so comment; somebody without access gets no answer.
    """
    if as_author and command.verb in _AUTHORS and permission in _READERS:
        return True
    return permission in (_READERS if command.verb is Verb.HELP else _WRITERS)


def only_as_author(permission: str, command: Command) -> bool:
    """Whether they may give the command in their own pull request at most: only then it matters
    whose that is."""
    return not is_permitted(permission, command) and is_permitted(
        permission, command, as_author=True
    )
