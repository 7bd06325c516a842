"""Who calls, the App by its JWT or an installation by its token, and its hourly rate limit."""

import base64
import binascii
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

import jwt

from bot.sandbox.api.call import GitHubError, bad_credentials, forbidden, unprocessable
from bot.sandbox.state import Installation, Quota, Repository, SandboxState, Token

#: "The expiration time … must be no more than 10 minutes into the future", GitHub docs,
#: "Generating a JSON Web Token (JWT) for a GitHub App".
JWT_SECONDS = 600
#: GitHub lets clocks differ a little; its docs say to backdate `iat` by 60 seconds.
CLOCK_DRIFT_SECONDS = 60
TOKEN_LIFETIME = timedelta(hours=1)

_LEVELS = {"read": 1, "write": 2, "admin": 3}


@dataclass(frozen=True, slots=True)
class Permission:
    """What an endpoint asks of a token: any one of `names`, at `level` or more."""

    names: tuple[str, ...]
    level: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `issues|pull_requests:write`."""
        names, _, level = text.partition(":")
        return cls(tuple(names.split("|")), level)

    def allowed_by(self, granted: dict[str, str]) -> bool:
        """Whether these permissions are enough."""
        need = _LEVELS[self.level]
        return any(_LEVELS.get(granted.get(name, ""), 0) >= need for name in self.names)


def bearer(header: str) -> str:
    """The credential of an Authorization header (`Bearer …` or `token …`).

    Raises the 401 that GitHub answers when there is none.
    """
    scheme, _, value = header.partition(" ")
    if not header:
        raise GitHubError(401, "Requires authentication")
    if scheme.lower() not in ("bearer", "token") or not value.strip():
        raise bad_credentials()
    return value.strip()


def verify_app(state: SandboxState, token: str) -> None:
    """Check an App's JWT: signature, issuer, and times against the sandbox's clock.

    Raises the 401 that GitHub answers.
    """
    options: Any = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}
    try:
        claims = jwt.decode(token, state.public_key_pem, algorithms=["RS256"], options=options)
    except jwt.InvalidTokenError as error:
        raise GitHubError(401, "A JSON web token could not be decoded") from error
    if str(claims.get("iss")) not in (str(state.app.id), state.app.client_id):
        raise GitHubError(401, "Integration not found")
    _check_times(claims, state.clock().timestamp())


def _check_times(claims: dict[str, Any], now: float) -> None:
    issued, expires = claims.get("iat"), claims.get("exp")
    if not isinstance(issued, int | float) or issued > now + CLOCK_DRIFT_SECONDS:
        raise GitHubError(
            401,
            "'Issued at' claim ('iat') must be an Integer representing the time that the"
            " assertion was issued",
        )
    if not isinstance(expires, int | float) or expires <= now:
        raise GitHubError(
            401,
            "'Expiration time' claim ('exp') must be a numeric value representing the future"
            " time at which the assertion expires",
        )
    if expires > now + JWT_SECONDS:
        raise GitHubError(401, "'Expiration time' claim ('exp') is too far in the future")


def verify_token(state: SandboxState, value: str) -> Token:
    """The living token with this value. Raises 401, or 403 for a suspended installation."""
    token = state.tokens.get(value)
    if token is None or token.expires_at <= state.clock():
        raise bad_credentials()
    installation = state.installations.get(token.installation_id)
    if installation is None:
        raise bad_credentials()
    check_not_suspended(installation)
    return token


def check_permission(token: Token, needed: str) -> None:
    """Raise GitHub's 403 unless the token has this permission, such as `checks:write`."""
    if not Permission.parse(needed).allowed_by(token.permissions):
        raise forbidden()


def has_access(token: Token, repository: Repository) -> bool:
    """Whether the token covers this repository."""
    return repository.id in token.repository_ids


def check_not_suspended(installation: Installation) -> None:
    """Raises 403 for one that an owner has suspended."""
    if installation.suspended_at:
        raise GitHubError(403, "This installation has been suspended")


def create_token(
    state: SandboxState, installation: Installation, requested: dict[str, Any]
) -> Token:
    """Make a token for an hour, narrowed as the request's body wishes.

    Raises 422 where it wishes for more than the installation has.
    """
    token = Token(
        value=_opaque(state.app.id),
        installation_id=installation.id,
        permissions=_narrowed_permissions(installation, requested.get("permissions")),
        repository_ids=_narrowed_repositories(state, installation, requested),
        expires_at=_expiry(state),
    )
    state.tokens[token.value] = token
    return token


def _opaque(app_id: int) -> str:
    """A token in the shape and length of GitHub's: `ghs_`, the App's id, a JWT.

    https://github.blog/changelog/2026-05-15-github-app-installation-tokens-per-request-override-header/
    """
    claims = {"iss": "github", "jti": secrets.token_hex(128)}
    return f"ghs_{app_id}_{jwt.encode(claims, secrets.token_bytes(64), 'HS512')}"


def _expiry(state: SandboxState) -> datetime:
    return state.now() + TOKEN_LIFETIME


def _narrowed_permissions(
    installation: Installation, permissions_requested: dict[str, str] | None
) -> dict[str, str]:
    if not permissions_requested:
        return dict(installation.permissions)
    for name, level in permissions_requested.items():
        granted = _LEVELS.get(installation.permissions.get(name, ""), 0)
        if level not in _LEVELS or _LEVELS[level] > granted:
            raise GitHubError(
                422, "The permissions requested are not granted to this installation."
            )
    # Metadata comes with every token.
    return {"metadata": "read", **permissions_requested}


def _narrowed_repositories(
    state: SandboxState, installation: Installation, requested: dict[str, Any]
) -> frozenset[int]:
    if "repository_ids" not in requested and "repositories" not in requested:
        return frozenset(installation.repository_ids)
    requested_ids = set(requested.get("repository_ids", []))
    by_name = {r.name: r.id for r in state.repositories.values() if r.owner == installation.account}
    requested_ids |= {by_name.get(name, -1) for name in requested.get("repositories", [])}
    if not requested_ids or not requested_ids <= installation.repository_ids:
        raise unprocessable(
            "There is at least one repository that does not exist or is not accessible to the"
            " parent installation."
        )
    return frozenset(requested_ids)


def basic_password(header: str) -> str:
    """The password of a Basic Authorization header; git sends the token there.

    Raises 401 where there is none.
    """
    scheme, _, value = header.partition(" ")
    try:
        decoded = base64.b64decode(value, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        decoded = ""
    user, _, password = decoded.partition(":")
    if scheme.lower() != "basic" or user != "x-access-token" or not password:
        raise bad_credentials()
    return password


def count_request(state: SandboxState, token: Token | None) -> Quota:
    """Count one request against the caller's hour. Raises 403 when it is used up.

    https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
    """
    quota = quota_of(state, token)
    if quota.remaining <= 0:
        raise GitHubError(
            403,
            f"API rate limit exceeded for installation ID {token.installation_id if token else 0}.",
            headers=quota_headers(quota),
        )
    quota.remaining -= 1
    return quota


def quota_of(state: SandboxState, token: Token | None) -> Quota:
    """The caller's quota; a new hour starts a new one."""
    key = f"installation:{token.installation_id}" if token else "app"
    quota = state.quotas.get(key)
    if quota is None or quota.resets_at <= state.now():
        quota = state.quotas[key] = Quota(
            limit=state.hourly_limit,
            remaining=state.hourly_limit,
            resets_at=state.now() + timedelta(hours=1),
        )
    return quota


def quota_headers(quota: Quota) -> dict[str, str]:
    """The headers that tell a client what is left of its hour."""
    return {
        "X-RateLimit-Limit": str(quota.limit),
        "X-RateLimit-Remaining": str(quota.remaining),
        "X-RateLimit-Used": str(quota.limit - quota.remaining),
        "X-RateLimit-Reset": str(int(quota.resets_at.timestamp())),
        "X-RateLimit-Resource": "core",
    }
