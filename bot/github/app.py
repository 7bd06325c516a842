"""The App at one GitHub: hands out clients and git tokens, each narrowed to its use. And a client
for a token that somebody hands us, as the command line does."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx2

from bot.github.auth import AppKey, InstallationCredentials, InstallationTokens, Scope, Token
from bot.github.client import GitHub
from bot.github.errors import GitHubError, Invalid, NotFound
from bot.github.rate_limits import Clock, Quota, RetryPolicy
from bot.github.wire import OnResponse, Transport

_CacheEntry = tuple[str | None, str | None, Any, str | None]
_CacheKey = tuple[Scope, str]
#: As GitHub says it of a repository that is gone, or was taken from the installation.
_NOT_THERE = "not accessible to the parent installation"
#: Answers kept for conditional requests, over all repositories of a process.
_CACHED_RESPONSES = 512


class ScopedCache(MutableMapping[str, _CacheEntry]):
    """The part of a bounded cache that one scope may see: answers hold private data."""

    def __init__(
        self, entries: OrderedDict[_CacheKey, _CacheEntry], scope: Scope, limit: int
    ) -> None:
        self._entries = entries
        self._scope = scope
        self._limit = limit

    def __getitem__(self, url: str) -> _CacheEntry:
        entry = self._entries[self._scope, url]
        self._entries.move_to_end((self._scope, url))
        return entry

    def __setitem__(self, url: str, entry: _CacheEntry) -> None:
        self._entries[self._scope, url] = entry
        self._entries.move_to_end((self._scope, url))
        while len(self._entries) > self._limit:
            self._entries.popitem(last=False)

    def __delitem__(self, url: str) -> None:
        del self._entries[self._scope, url]

    def __iter__(self) -> Iterator[str]:
        return iter([url for scope, url in self._entries if scope == self._scope])

    def __len__(self) -> int:
        return sum(1 for _ in self)


class GitHubApp:
    """One GitHub App, by its id and private key. One per process; needs a running event loop.

    `http` is owned by the caller. Raises ValueError for an unusable key or address.
    """

    def __init__(
        self,
        *,
        api_url: str,
        app_id: int | str,
        private_key: str,
        http: httpx2.AsyncClient,
        policy: RetryPolicy | None = None,
        clock: Clock | None = None,
        timeout_seconds: float = 30.0,
        on_response: OnResponse | None = None,
    ) -> None:
        if urlsplit(api_url).scheme not in ("http", "https") or not urlsplit(api_url).hostname:
            raise ValueError(
                f"GITHUB_API_URL is {api_url!r}: use https://api.github.com, or "
                "https://HOST/api/v3 for GitHub Enterprise Server."
            )
        self._policy = policy or RetryPolicy()
        self._clock = clock or Clock()
        self._transport = Transport(
            http,
            api_url.rstrip("/"),
            timeout=timeout_seconds,
            deadline=2 * timeout_seconds,
            on_response=on_response,
        )
        self._key = AppKey(app_id, private_key, self._clock)
        self._tokens = InstallationTokens(self._fetch, self._clock)
        self._quotas: dict[int | None, Quota] = {}
        self._cache: OrderedDict[_CacheKey, _CacheEntry] = OrderedDict()
        self._login: str | None = None

    async def installation(
        self,
        installation_id: int,
        repository: int | str,
        permissions: Mapping[str, str] | None = None,
    ) -> GitHub:
        """A client for one repository, by id or name, of an installation.

        Its token is fetched here, so that a lost installation shows at once: raises NotFound when
        it is gone, suspended, or has not the repository, and Invalid when it lacks a permission.
        """
        scope = Scope.of(installation_id, repository, permissions)
        await self._tokens.get(scope)
        return GitHub(
            self._transport,
            InstallationCredentials(self._tokens, scope),
            quota=self._quota(installation_id),
            policy=self._policy,
            clock=self._clock,
            cache=ScopedCache(self._cache, scope, _CACHED_RESPONSES),
        )

    def as_app(self) -> GitHub:
        """A client for the App's own endpoints: `/app`, deliveries, installations."""
        return GitHub(
            self._transport,
            self._key,
            quota=self._quota(None),
            policy=self._policy,
            clock=self._clock,
        )

    async def installation_token(
        self,
        installation_id: int,
        repository_id: int,
        permissions: Mapping[str, str] | None = None,
    ) -> str:
        """A token for git over HTTPS (user `x-access-token`), good for at least five minutes.

        `permissions` None means `{"contents": "read"}`.
        """
        requested = permissions or {"contents": "read"}
        return await self._tokens.get(Scope.of(installation_id, repository_id, requested))

    async def login(self) -> str:
        """The name under which the App writes, `slug[bot]`; asked of GitHub once."""
        if self._login is None:
            app = await self.as_app().getitem("/app")
            self._login = f"{app['slug']}[bot]"
        return self._login

    def remaining(self) -> dict[int, tuple[int, float]]:
        """Requests left of each installation, by the last answer to this process, and until
        when that holds (Unix seconds)."""
        return {
            installation: (quota.remaining, quota.reset)
            for installation, quota in self._quotas.items()
            if installation is not None and quota.remaining is not None
        }

    def _quota(self, installation_id: int | None) -> Quota:
        return self._quotas.setdefault(installation_id, Quota())

    async def _fetch(self, scope: Scope) -> Token:
        try:
            answer = await self.as_app().post(
                "/app/installations/{installation}/access_tokens",
                {"installation": str(scope.installation_id)},
                data=scope.request(),
            )
        except Invalid as exc:
            if _NOT_THERE not in str(exc):
                raise
            raise NotFound(str(exc)) from exc
        if not isinstance(answer, dict):
            raise GitHubError(
                "GitHub's response to an installation token request is not a JSON object."
            )
        return Token.of(answer)


@dataclass(frozen=True, slots=True)
class TokenCredentials:
    """A personal or installation token; it can't be renewed."""

    token: str = field(repr=False)

    async def authorization(self) -> str:
        return f"Bearer {self.token}"

    def handle_unauthorized(self, authorization: str) -> bool:
        return False


def token_client(api_url: str, token: str, http: httpx2.AsyncClient, timeout: float) -> GitHub:
    """A client that acts as whoever the token belongs to; `timeout` in seconds."""
    clock = Clock()
    return GitHub(
        Transport(http, api_url, timeout=timeout, deadline=2 * timeout, on_response=None),
        TokenCredentials(token),
        quota=Quota(),
        policy=RetryPolicy(),
        clock=clock,
    )
