"""The errors GitHub's API answers, as exceptions: handlers raise them, dispatch renders them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

DOCUMENTATION_URL = "https://docs.github.com/rest"

#: One entry of an error's `errors`: GitHub sends either sentences or objects.
Detail = str | Mapping[str, str]


class GitHubError(Exception):
    """An answer of GitHub with `message`, `documentation_url` and perhaps `errors`."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        errors: Sequence[Detail] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = tuple(errors)
        self.headers = dict(headers or {})

    def body(self) -> dict[str, object]:
        """The JSON object that GitHub would send."""
        body: dict[str, object] = {"message": self.message}
        if self.errors:
            body["errors"] = list(self.errors)
        body["documentation_url"] = DOCUMENTATION_URL
        body["status"] = str(self.status)
        return body


def not_found() -> GitHubError:
    """404: GitHub's answer for what is absent and for what the caller may not know of."""
    return GitHubError(404, "Not Found")


def bad_credentials() -> GitHubError:
    """401: no token, a wrong one, or one that has expired."""
    return GitHubError(401, "Bad credentials")


def forbidden() -> GitHubError:
    """403: the token is good, its permissions are not enough for this endpoint."""
    return GitHubError(403, "Resource not accessible by integration")


def invalid(resource: str, field: str, code: str = "invalid", message: str = "") -> GitHubError:
    """422 about one field. `code` is one of GitHub's: missing, missing_field, invalid, custom."""
    detail = {"resource": resource, "field": field, "code": code}
    if message:
        detail["message"] = message
    return GitHubError(422, "Validation Failed", errors=[detail])


def unprocessable(*sentences: str) -> GitHubError:
    """422 in the form that the review endpoints use: a list of sentences."""
    return GitHubError(422, "Unprocessable Entity", errors=sentences)
