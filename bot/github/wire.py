"""One exchange with GitHub over HTTP: sends, reads up to a cap, and tells what happened.

Outcomes are values, not exceptions: an exception of the HTTP library holds the request, and with
it the Authorization header, wherever a traceback ends up.
"""

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import httpx2

from bot.github.errors import Elsewhere, TooLarge
from bot.telemetry import tracing

_REDIRECTS = frozenset({301, 302, 307, 308})
_MAX_REDIRECTS = 3
#: What OpenSSL has against a certificate, in Python's text of it.
_UNTRUSTED = re.compile(r"certificate verify failed: ([^(]{1,200}?) \(_ssl")

_NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)

#: Called after each exchange: method, route, status (0 when there was no answer), seconds, and
#: `X-RateLimit-Remaining` (None when absent).
OnResponse = Callable[[str, str, int, float, int | None], None]


@dataclass(frozen=True, slots=True)
class GitHubResponse:
    """What GitHub answered; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class RequestFailure:
    """No answer came. `sent` tells whether GitHub may have got the request."""

    reason: str
    sent: bool


@dataclass(frozen=True, slots=True)
class Transport:
    """The way to one GitHub, shared by all clients of a process.

    `http` is owned by the caller; `api_url` is `https://api.github.com` or
    `https://ghe.example/api/v3`. `timeout` holds for each step of an exchange and `deadline` for
    all of it, both in seconds.
    """

    http: httpx2.AsyncClient
    api_url: str
    timeout: float = 30.0
    deadline: float = 60.0
    max_bytes: int = 16 * 1024 * 1024
    on_response: OnResponse | None = None

    @property
    def graphql_url(self) -> str:
        """`/api/graphql` beside `/api/v3` on GHES, `/graphql` elsewhere.

        https://docs.github.com/en/enterprise-server/graphql/guides/forming-calls-with-graphql
        """
        base = self.api_url.rstrip("/")
        return f"{base.removesuffix('/v3')}/graphql"

    def path_of(self, url: str) -> str:
        """The path of a URL below the API's own; raises Elsewhere when it leads elsewhere.

        Next-page links and redirects come from outside, and every request carries a token.
        """
        api, target = urlsplit(self.api_url), urlsplit(url)
        if (api.scheme, api.netloc) != (target.scheme, target.netloc):
            raise self._elsewhere(url)
        return target.path.removeprefix(api.path.rstrip("/"))

    async def exchange(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> GitHubResponse | RequestFailure:
        """Send a request, following redirects that stay on this API with the same method.

        A renamed repository answers so: https://docs.github.com/en/rest/using-the-rest-api/
        best-practices-for-using-the-rest-api#follow-redirects. Raises TooLarge and Elsewhere.
        """
        for _ in range(_MAX_REDIRECTS + 1):
            path = self.path_of(url)
            started = time.perf_counter()
            outcome = await self._traced(method, url, headers, body)
            self._report(method, path, outcome, time.perf_counter() - started)
            if isinstance(outcome, RequestFailure) or outcome.status not in _REDIRECTS:
                return outcome
            url = urljoin(url, outcome.headers.get("location", ""))
            if not url.startswith(f"{self.api_url}/"):  # GHES has more than its API on this host
                raise self._elsewhere(url)
        return RequestFailure("it redirects in a circle", sent=True)

    def _elsewhere(self, url: str) -> Elsewhere:
        target = urlsplit(url)
        return Elsewhere(
            f"GitHub pointed to {target.scheme}://{target.hostname or ''}, which is not the "
            f"API at {self.api_url}: check that GITHUB_API_URL is the address GitHub uses.",
            url,
        )

    async def _traced(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> GitHubResponse | RequestFailure:
        route = route_of(self.path_of(url))
        attributes = {"http.request.method": method, "http.route": route}
        with tracing.span(f"{method} {route}", attributes, kind="client") as span:
            outcome = await self._send(method, url, headers, body)
            status = outcome.status if isinstance(outcome, GitHubResponse) else None
            span.set_attributes({"http.response.status_code": status})
            return outcome

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> GitHubResponse | RequestFailure:
        try:
            async with asyncio.timeout(self.deadline):
                return await self._read(method, url, headers, body)
        except _NEVER_SENT as error:
            return RequestFailure(f"no connection ({_cause(error)})", sent=False)
        except httpx2.HTTPError as error:
            return RequestFailure(f"the connection broke ({type(error).__name__})", sent=True)
        except TimeoutError:
            return RequestFailure(f"no full answer within {self.deadline:.0f} s", sent=True)

    async def _read(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> GitHubResponse:
        async with self.http.stream(
            method,
            url,
            headers=dict(headers),
            content=body,
            timeout=self.timeout,
            follow_redirects=False,
        ) as response:
            read = bytearray()
            async for chunk in response.aiter_bytes():
                read += chunk
                if len(read) > self.max_bytes:
                    raise TooLarge(
                        f"GitHub's answer to {method} {urlsplit(url).path} exceeds "
                        f"the limit of {self.max_bytes} bytes."
                    )
            return GitHubResponse(response.status_code, response.headers, bytes(read))

    def _report(
        self, method: str, path: str, outcome: GitHubResponse | RequestFailure, seconds: float
    ) -> None:
        if self.on_response is None:
            return
        status, remaining = 0, None
        if isinstance(outcome, GitHubResponse):
            status = outcome.status
            remaining_header = outcome.headers.get("x-ratelimit-remaining", "")
            remaining = (
                int(remaining_header)
                if remaining_header.isascii() and remaining_header.isdigit()
                else None
            )
        self.on_response(method, route_of(path), status, seconds, remaining)


#: The fixed parts of the paths this package uses; everything else is a value.
_FIXED = frozenset(
    {
        "access_tokens",
        "actions",
        "annotations",
        "app",
        "attempts",
        "check-runs",
        "collaborators",
        "comments",
        "commits",
        "compare",
        "contents",
        "deliveries",
        "events",
        "files",
        "graphql",
        "hook",
        "installations",
        "issues",
        "jobs",
        "logs",
        "permission",
        "pulls",
        "reactions",
        "replies",
        "repos",
        "reviews",
    }
)
#: What follows these is one value, slashes included.
_TRAILING = frozenset({"contents", "compare"})


def route_of(path: str) -> str:
    """A path with its values replaced by `*`: few enough names to label a metric with.

    >>> route_of("/repos/octo/hello/contents/src/app.py")
    '/repos/*/*/contents/*'
    """
    parts: list[str] = []
    for position, part in enumerate(path.strip("/").split("/")):
        is_name = parts[:1] == ["repos"] and position in (1, 2)
        parts.append(part if part in _FIXED and not is_name else "*")
        if parts[-1] in _TRAILING:
            parts.append("*")
            break
    return "/" + "/".join(parts)


def _cause(error: httpx2.HTTPError) -> str:
    """The kind of error; of a certificate that is not trusted, why it is not."""
    if found := _UNTRUSTED.search(str(error)):
        return f"its certificate is not trusted: {found[1]}"
    return type(error).__name__
