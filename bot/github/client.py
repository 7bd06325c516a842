"""A GitHub client for one set of credentials: gidgethub's verbs, with waiting and repeating.

Everything goes through `GitHub._request`, REST, GraphQL and each page of `getiter` alike, so
gidgethub only ever sees answers that succeeded.
"""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

import gidgethub
from gidgethub import abc, sansio

from bot import __version__
from bot.github.auth import Credentials
from bot.github.errors import (
    GitHubError,
    Transient,
    error_of,
    message_of,
    query_error_of,
)
from bot.github.rate_limits import (
    Clock,
    Quota,
    RetryPolicy,
    is_retryable,
    limit_wait,
    notifies,
    retry_after,
)
from bot.github.wire import GitHubResponse, RequestFailure, Transport
from bot.telemetry.outages import outages

USER_AGENT = f"glossator/{__version__}"
#: https://docs.github.com/en/rest/about-the-rest-api/api-versions
API_VERSION = "2022-11-28"
RAW = "application/vnd.github.raw+json"
#: Longer answers are not kept for conditional requests.
_CACHED_BODY_BYTES = 256 * 1024


class GitHub(abc.GitHubAPI):
    """Raises the errors of bot.github.errors only, from each of gidgethub's verbs.

    Repeats what is safe to repeat, waits out short rate limits, keeps writes that notify people
    a second apart, and asks with the ETag where `cache` knows an answer.
    """

    def __init__(
        self,
        transport: Transport,
        credentials: Credentials,
        *,
        quota: Quota,
        policy: RetryPolicy,
        clock: Clock,
        cache: abc.CACHE_TYPE | None = None,
    ) -> None:
        super().__init__(USER_AGENT, base_url=transport.api_url, cache=cache)
        self._transport = transport
        self._credentials = credentials
        self._quota = quota
        self._policy = policy
        self._clock = clock

    @property
    def is_scarce(self) -> bool:
        """Whether so few requests are left of this hour that those a review can do without are
        kept for those it can't."""
        return self._quota.is_scarce(self._clock.wall())

    async def sleep(self, seconds: float) -> None:
        """Wait, by the injected clock."""
        await self._clock.sleep(seconds)

    async def getraw(self, url: str) -> bytes | None:
        """GET the bytes of a file, which gidgethub would decode as text; None for a folder.

        A file that did not change costs nothing of the rate limit. GitHub answers with plain JSON
        where the path is a folder or a submodule.
        """
        full_url = sansio.format_url(url, {}, base_url=self.base_url)
        headers = sansio.create_headers(self.requester, accept=RAW)
        cache = {} if self._cache is None else self._cache
        key = f"{RAW} {full_url}"
        etag, _, known, _ = cache.get(key, (None, None, None, None))
        if etag is not None:
            headers["if-none-match"] = etag
        status, response_headers, body = await self._request("GET", full_url, headers)
        if status == 304:
            return bytes(known)
        if response_headers.get("content-type", "").startswith("application/json"):
            return None
        if "etag" in response_headers:
            cache[key] = (response_headers["etag"], None, body, None)
        return body

    async def query(self, query: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Run a GraphQL query or mutation; returns `data`. Raises GitHubError."""
        try:
            data = await self.graphql(query, endpoint=self._transport.graphql_url, **variables)
        except gidgethub.QueryError as error:
            raise query_error_of(error.response["errors"]) from error
        except (gidgethub.GraphQLException, ValueError) as error:
            raise Transient(f"GitHub's GraphQL response is not valid: {error}") from error
        return dict(data or {})

    async def _make_request(self, *args: Any, **kwargs: Any) -> tuple[Any, str | None, int]:
        try:
            return await super()._make_request(*args, **kwargs)
        except (gidgethub.HTTPException, json.JSONDecodeError, UnicodeDecodeError) as error:
            raise Transient(f"GitHub's response is not valid ({type(error).__name__}).") from error

    async def _request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b""
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Send until it succeeds, or raise the GitHubError that tells why it did not."""
        path = self._transport.path_of(url)
        started = self._clock.monotonic()
        attempt, renewed = 0, False
        while True:
            attempt += 1
            await self._wait_for_quota(method, path)
            authorization = await self._credentials.authorization()
            auth_headers = {"authorization": authorization, "x-github-api-version": API_VERSION}
            outcome = await self._transport.exchange(method, url, {**headers, **auth_headers}, body)
            if isinstance(outcome, GitHubResponse):
                if outcome.status < 500:
                    outages.answered(self.base_url)
                self._quota.update(outcome.headers)
                if outcome.status < 300 or outcome.status == 304:
                    return outcome.status, self._success(outcome, headers, path), outcome.body
                if outcome.status == 401 and not renewed:
                    renewed = True
                    if self._credentials.handle_unauthorized(authorization):
                        continue
            requested_wait = self._requested_wait(outcome, method, path)
            wait = max(requested_wait or 0.0, self._policy.backoff(attempt, self._clock.random()))
            if (
                attempt >= self._policy.attempts
                or wait > self._policy.wait_in_place_seconds
                or self._clock.monotonic() + wait - started > self._policy.total_seconds
                or not self._is_retryable(outcome, method, path)
            ):
                failure = _retries_exhausted(outcome, method, path, requested_wait)
                if isinstance(outcome, RequestFailure) or outcome.status >= 500:
                    outages.failed(self.base_url, str(failure))
                raise failure
            await self.sleep(wait)

    async def _wait_for_quota(self, method: str, path: str) -> None:
        wait = self._quota.reserve(
            self._clock.monotonic(),
            write=notifies(method, path),
            max_wait=self._policy.wait_in_place_seconds,
        )
        if wait > 0:
            await self.sleep(wait)

    def _success(
        self, answer: GitHubResponse, request_headers: Mapping[str, str], path: str
    ) -> Mapping[str, str]:
        """The headers for gidgethub, without those that would have it cache a long answer."""
        kind = answer.headers.get("content-type", "")
        if answer.body and "json" not in kind and request_headers.get("accept") != RAW:
            raise GitHubError(
                f"{self.base_url} answered {path} with {kind or 'no content type'} instead of "
                "JSON: check that GITHUB_API_URL is GitHub's API and that no proxy answers for it."
            )
        headers = dict(answer.headers)
        if len(answer.body) > _CACHED_BODY_BYTES:
            headers.pop("etag", None)
            headers.pop("last-modified", None)
        return headers

    def _requested_wait(
        self, outcome: GitHubResponse | RequestFailure, method: str, path: str
    ) -> float | None:
        """Seconds that GitHub asks to wait, None when it does not say; raises its refusals."""
        if isinstance(outcome, RequestFailure):
            return None
        if outcome.status >= 500:
            return retry_after(outcome.headers, self._clock.wall())
        limited = limit_wait(outcome.status, outcome.headers, outcome.body, self._clock.wall())
        if limited is None:
            raise error_of(outcome.status, outcome.headers, outcome.body, method=method, path=path)
        self._quota.block_until(self._clock.monotonic() + limited)
        return limited

    @staticmethod
    def _is_retryable(outcome: GitHubResponse | RequestFailure, method: str, path: str) -> bool:
        """Whether sending again cannot do the same thing twice."""
        executed = outcome.sent if isinstance(outcome, RequestFailure) else outcome.status >= 500
        return not executed or is_retryable(method, path)


def _retries_exhausted(
    outcome: GitHubResponse | RequestFailure, method: str, path: str, retry_after: float | None
) -> Transient:
    if isinstance(outcome, RequestFailure):
        return Transient(f"GitHub did not answer {method} {path}: {outcome.reason}.", retry_after)
    if outcome.status < 500:
        detail = f"GitHub's rate limit blocks {method} {path} for another {retry_after or 0:.0f} s."
        return Transient(detail, retry_after)
    message, _ = message_of(outcome.body)
    suffix = f": {message}" if message else ""
    return Transient(f"GitHub answers {method} {path} with {outcome.status}{suffix}.", retry_after)


_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")
_DOTS = frozenset({".", ".."})


def repo_url(repo: str, *parts: str | int, **query: str | int) -> str:
    """The path of an endpoint below a repository; each part and value is quoted.

    Raises ValueError when `repo` is not `owner/name`, or when a part is empty or made of dots:
    URL libraries resolve such parts and would ask for something else.

    >>> repo_url("octo/hello", "pulls", 7, "files", per_page=100)
    '/repos/octo/hello/pulls/7/files?per_page=100'
    """
    owner, _, name = repo.partition("/")
    for word in (owner, name):
        if not _NAME.fullmatch(word) or word in _DOTS:
            raise ValueError(f"{repo[:100]!r} is not a repository name; expected owner/name.")
    quoted = []
    for part in map(str, parts):
        if not part or part in _DOTS:
            raise ValueError(f"{part!r} cannot be part of a GitHub API path.")
        quoted.append(quote(part, safe=""))
    address = "/".join(["/repos", owner, name, *quoted])
    return f"{address}?{urlencode(query)}" if query else address
