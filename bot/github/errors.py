"""What can go wrong with GitHub, one class for each way to react.

No message ever holds a token: messages are made of the method, the path and GitHub's own words.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

#: Longest excerpt of GitHub's words that a message carries.
_MESSAGE_CHARACTERS = 500
#: As GitHub says it of an installation that an owner, or its support, has suspended.
_SUSPENDED = "has been suspended"
#: How long to leave GraphQL alone after one of its limits, which come without a time.
QUERY_LIMIT_SECONDS = 60.0


class GitHubError(Exception):
    """Raised when a call to GitHub did not do what it was asked to."""


class Transient(GitHubError):
    """Raised when the same call may succeed later: 5xx, time-outs, resets, rate limits.

    `retry_after` is in seconds; None when GitHub did not say.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unauthorized(GitHubError):
    """Raised when GitHub does not accept our credentials, fresh ones included (401)."""


class Forbidden(GitHubError):
    """Raised when the App is known but may not do this (403): an owner has to change something."""


class NotFound(GitHubError):
    """Raised when the thing is gone, or the App is not allowed to see it (404, 410; 403 where its
    installation is suspended)."""


class NoCommonAncestor(NotFound):
    """Raised when two commits share no history, so that there is no change between them."""


class Invalid(GitHubError):
    """Raised when GitHub understood the request and refuses it (422 and the other 4xx).

    `errors` is GitHub's own list: strings, or objects with `resource`, `field`, `code`, `message`.
    """

    def __init__(self, message: str, errors: tuple[Any, ...] = ()) -> None:
        super().__init__(message)
        self.errors = errors


class Elsewhere(GitHubError):
    """Raised when GitHub points to what is not its API, where no token may go. The message lacks
    what follows the host in `address`: it may hold credentials."""

    def __init__(self, message: str, address: str) -> None:
        super().__init__(message)
        self.address = address


class TooLarge(GitHubError):
    """Raised when an answer is longer than we are willing to hold in memory."""


def message_of(body: bytes) -> tuple[str, tuple[Any, ...]]:
    """GitHub's `message` and `errors` from the body of an error; empty when it is not JSON."""
    try:
        data = json.loads(body)
    except ValueError:  # an HTML page of a proxy, or bytes that are not UTF-8
        return "", ()
    if not isinstance(data, dict):
        return "", ()
    errors = data.get("errors") or []
    listed = tuple(errors) if isinstance(errors, list) else (errors,)
    return str(data.get("message") or "")[:_MESSAGE_CHARACTERS], listed


def error_of(
    status: int, headers: Mapping[str, str], body: bytes, *, method: str, path: str
) -> GitHubError:
    """The error for an answer of 400 to 499 that is no rate limit; header names in lower case."""
    message, errors = message_of(body)
    call = f"{method} {path}"
    suffix = f" ({message})" if message else ""
    if status == 401:
        return Unauthorized(
            f"GitHub does not accept our credentials for {call}{suffix}: check the App id, the "
            "private key and this machine's clock."
        )
    if status == 403 and _SUSPENDED in message:
        return NotFound(f"GitHub forbids {call}{suffix}: an owner has to unsuspend the App.")
    if status in (403, 451):
        return Forbidden(_forbidden(call, message, headers))
    if status in (404, 410):
        return NotFound(
            f"GitHub did not find {path}{suffix}: it was deleted, or the App is not installed "
            f"there or lacks the permission for this {method} request."
        )
    detail = "; ".join(describe(error) for error in errors)
    text = f"GitHub refuses {call} with {status}{suffix}{': ' + detail if detail else ''}."
    return Invalid(text[: 3 * _MESSAGE_CHARACTERS], errors)


def query_error_of(errors: Sequence[Mapping[str, Any]]) -> GitHubError:
    """The error for GraphQL's `errors`, which come with status 200; at least one."""
    kind, suffix = str(errors[0].get("type", "")), describe(errors[0].get("message", ""))
    if kind == "RATE_LIMITED" or "rate limit" in suffix.lower():
        return Transient(
            f"GitHub's rate limit blocks GraphQL queries: {suffix}", QUERY_LIMIT_SECONDS
        )
    kinds: dict[str, type[GitHubError]] = {"NOT_FOUND": NotFound, "FORBIDDEN": Forbidden}
    if kind in kinds:
        return kinds[kind](f"GitHub answers a GraphQL query with {kind}: {suffix}")
    return Invalid(f"GitHub refuses a GraphQL query: {suffix}", tuple(errors))


def describe(error: Any) -> str:
    """One entry of GitHub's `errors` in words, cut to a bounded length."""
    if isinstance(error, dict):
        fields = (error.get(key) for key in ("resource", "field", "code", "message"))
        return " ".join(str(value) for value in fields if value)[:_MESSAGE_CHARACTERS]
    return str(error)[:_MESSAGE_CHARACTERS]


def _forbidden(call: str, message: str, headers: Mapping[str, str]) -> str:
    """Why GitHub answered 403, and what an owner can do about it.

    `X-Accepted-GitHub-Permissions` names what the endpoint asks for:
    https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api
    """
    if "not accessible by integration" not in message.lower():
        return f"GitHub forbids {call}: {message or 'no reason given'}."
    needed = headers.get("x-accepted-github-permissions", "").strip()
    missing = f"the permission {needed}" if needed else "a permission that this call needs"
    return (
        f"GitHub forbids {call}: the App lacks {missing}. Grant it in the App's settings under "
        "Permissions, then let an owner of the installation accept the change."
    )
