"""Who we are to GitHub: the App's own JWT, and installation tokens narrowed to their use.

https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app
"""

import asyncio
import contextlib
import functools
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, Self

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from bot.github.errors import GitHubError
from bot.github.rate_limits import Clock

#: `iat` lies this far back, for servers whose clock is behind ours.
_BACKDATED_SECONDS = 60
#: GitHub allows 10 minutes; one is left for servers whose clock is behind ours.
_JWT_SECONDS = 9 * 60
#: A JWT is made anew when less than this is left of it.
_JWT_MARGIN_SECONDS = 3 * 60
#: A token is renewed when less than this is left of its hour: a git fetch may outlast it.
RENEW_BEFORE_SECONDS = 5 * 60


class Credentials(Protocol):
    """Where a client gets its Authorization header."""

    async def authorization(self) -> str:
        """The value of the Authorization header, fresh enough to use now."""

    def handle_unauthorized(self, authorization: str) -> bool:
        """Told that GitHub answered 401 to this value; True when a new one is worth a try."""


class AppKey:
    """The App's id and private key, as the source of its JWTs.

    Raises ValueError when the key is not an RSA private key in PEM; the text never quotes the key.
    """

    def __init__(self, app_id: int | str, private_key: str, clock: Clock) -> None:
        self._issuer = str(app_id)
        self._key = _load(private_key)
        self._clock = clock
        self._jwt = ""
        self._issued_at = self._expires_at = 0.0

    def jwt(self) -> str:
        """An RS256 JWT that is good for some minutes."""
        import jwt  # with all of X.509, which a worker need not read before it starts

        now = self._clock.wall()
        # A clock that was set back would leave us with one that is not good yet.
        if now < self._issued_at or self._expires_at - now < _JWT_MARGIN_SECONDS:
            issued, expires = int(now) - _BACKDATED_SECONDS, int(now) + _JWT_SECONDS
            claims = {"iat": issued, "exp": expires, "iss": self._issuer}
            self._jwt = jwt.encode(claims, self._key, algorithm="RS256")
            self._issued_at, self._expires_at = now, expires
        return self._jwt

    async def authorization(self) -> str:
        """The header for the App's own endpoints (`/app/...`)."""
        return f"Bearer {self.jwt()}"

    def handle_unauthorized(self, authorization: str) -> bool:
        """A new JWT would say the same: never worth a try."""
        return False


@functools.lru_cache(maxsize=1)  # its primes are checked, for a tenth of a second
def _load(private_key: str) -> RSAPrivateKey:
    # Settings carried through an environment variable often hold \n in place of line ends.
    pem = private_key.replace("\\n", "\n").strip().encode()
    key = None
    with contextlib.suppress(ValueError, TypeError):  # not PEM, or protected by a password
        key = load_pem_private_key(pem, password=None)
    # Raised here and not above, so that no chained exception can quote the key.
    if not isinstance(key, RSAPrivateKey):
        raise ValueError(
            "The App's private key is not an unencrypted RSA key in PEM: use the complete .pem "
            "file downloaded from GitHub, including its BEGIN and END lines."
        )
    return key


@dataclass(frozen=True, slots=True)
class Scope:
    """What a token is for: one installation, some of its repositories, some permissions.

    `repository_name` is without its owner, who is the installation's; empty `permissions` mean all
    that was granted.
    """

    installation_id: int
    repository_ids: tuple[int, ...] = ()
    permissions: tuple[tuple[str, str], ...] = ()
    repository_name: str = ""

    @classmethod
    def of(
        cls,
        installation_id: int,
        repository: int | str,
        permissions: Mapping[str, str] | None = None,
    ) -> Self:
        """The scope for one repository, by id or name, and e.g. `{"contents": "read"}`."""
        granted = tuple(sorted((permissions or {}).items()))
        if isinstance(repository, str):
            return cls(installation_id, (), granted, repository)
        return cls(installation_id, (repository,), granted)

    def request(self) -> dict[str, Any]:
        """The body that asks GitHub for such a token."""
        body: dict[str, Any] = {}
        if self.repository_ids:
            body["repository_ids"] = list(self.repository_ids)
        if self.repository_name:
            body["repositories"] = [self.repository_name]
        if self.permissions:
            body["permissions"] = dict(self.permissions)
        return body


@dataclass(frozen=True, slots=True)
class Token:
    """An installation token; `expires_at` in Unix seconds."""

    value: str = field(repr=False)
    expires_at: float

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Self:
        """Read GitHub's answer; raises GitHubError when it holds no token."""
        try:
            expires = datetime.fromisoformat(str(answer["expires_at"])).timestamp()
            return cls(str(answer["token"]), expires)
        except (KeyError, TypeError, ValueError):
            pass
        raise GitHubError("GitHub's response to an installation token request contains no token.")


class InstallationTokens:
    """Installation tokens in memory: one fetch per scope at a time, renewed before they expire."""

    def __init__(self, fetch: Callable[[Scope], Awaitable[Token]], clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._tokens: dict[Scope, Token] = {}
        self._pending_fetches: dict[Scope, asyncio.Task[Token]] = {}

    async def get(self, scope: Scope) -> str:
        """A token that stays good for at least five minutes. Raises GitHubError."""
        token = self._tokens.get(scope)
        if token is not None and self._fresh(token):
            return token.value
        task = self._pending_fetches.get(scope)
        if task is None:
            task = asyncio.create_task(self._renew(scope))
            self._pending_fetches[scope] = task
            task.add_done_callback(lambda done: self._fetch_done(scope, done))
        # One asker that is cancelled must not take the fetch away from the others.
        return (await asyncio.shield(task)).value

    def drop(self, scope: Scope, value: str) -> None:
        """Forget a token that GitHub refused, unless a newer one has taken its place."""
        cached = self._tokens.get(scope)
        if cached is not None and cached.value == value:
            del self._tokens[scope]

    async def _renew(self, scope: Scope) -> Token:
        token = await self._fetch(scope)
        self._tokens = {key: cached for key, cached in self._tokens.items() if self._fresh(cached)}
        self._tokens[scope] = token
        return token

    def _fetch_done(self, scope: Scope, task: asyncio.Task[Token]) -> None:
        self._pending_fetches.pop(scope, None)
        if not task.cancelled():
            task.exception()  # seen here, so that asyncio does not log it when every asker left

    def _fresh(self, token: Token) -> bool:
        return token.expires_at - self._clock.wall() > RENEW_BEFORE_SECONDS


@dataclass(frozen=True, slots=True)
class InstallationCredentials:
    """The Authorization header of one scope."""

    tokens: InstallationTokens
    scope: Scope

    async def authorization(self) -> str:
        """The header for calls on behalf of the installation."""
        return f"token {await self.tokens.get(self.scope)}"

    def handle_unauthorized(self, authorization: str) -> bool:
        """Drop the refused token: it was revoked early, and a new one may do."""
        self.tokens.drop(self.scope, authorization.removeprefix("token "))
        return True
