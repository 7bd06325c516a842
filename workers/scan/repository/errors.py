"""What ends a scan; every message is one sentence that may stand on a pull request."""


class CloneError(Exception):
    """The repository could not be had.

    `transient` says whether trying again may help: a network that failed does heal,
    a repository that is too large does not.
    """

    def __init__(self, message: str, *, transient: bool) -> None:
        super().__init__(message)
        self.transient = transient


class Unreadable(CloneError):
    """Git could not read what should be there."""
