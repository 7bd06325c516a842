"""A client with a token that somebody hands us, as the command line does."""

from dataclasses import dataclass, field

import httpx2

from bot.github.client import GitHub
from bot.github.rate_limits import Clock, Quota, RetryPolicy
from bot.github.wire import Transport


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
