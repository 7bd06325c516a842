"""Who a person is at GitHub, and which repositories they may read: the App's web flow.

https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-user-access-token-for-a-github-app
The person's token is used for these questions only and is not kept.
"""

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import httpx2

from bot.config.settings import Settings
from bot.security.tls import trusted
from bot.store import RepositoryAccess

#: Pages of 100 that are read of one list: more repositories than anybody looks at.
MAX_PAGES = 20


class SignInFailed(Exception):
    """Raised when GitHub does not say who somebody is; the message is for people."""


@dataclass(frozen=True, slots=True)
class Identity:
    login: str
    repositories: tuple[RepositoryAccess, ...]  # where the App is installed and the person may read


def authorize_url(settings: Settings, state: str, verifier: str) -> str:
    """Where a person says yes. PKCE (RFC 7636) binds the answer to who has the verifier."""
    challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = {
        "client_id": settings.github_client_id,
        "redirect_uri": redirect_uri(settings),
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    return f"{settings.github_url}/login/oauth/authorize?{urlencode(query)}"


def redirect_uri(settings: Settings) -> str:
    return f"{settings.public_url}/sign-in/github/callback"


async def identify(settings: Settings, code: str, verifier: str) -> Identity:
    """Raises NotKnown."""
    try:
        async with httpx2.AsyncClient(verify=trusted(), timeout=settings.github_timeout) as http:
            token = await _token(http, settings, code, verifier)
            http.headers |= {
                "Authorization": f"Bearer {token}",
                "Accept": "application/vnd.github+json",
            }
            api = settings.github_api_url
            login = str((await _get(http, f"{api}/user"))["login"])
            repositories: list[RepositoryAccess] = []
            for each in await _all(http, f"{api}/user/installations", "installations"):
                id = int(each["id"])
                path = f"{api}/user/installations/{id}/repositories"
                found = await _all(http, path, "repositories")
                repositories += [_granted(repository, id) for repository in found]
    except (httpx2.HTTPError, KeyError, TypeError, ValueError) as exc:
        raise SignInFailed("GitHub did not answer as expected. Try again in a moment.") from exc
    return Identity(login, tuple(repositories))


async def _token(http: httpx2.AsyncClient, settings: Settings, code: str, verifier: str) -> str:
    answer = await http.post(
        f"{settings.github_url}/login/oauth/access_token",
        headers={"Accept": "application/json"},
        data={
            "client_id": settings.github_client_id,
            "client_secret": settings.github_client_secret.get_secret_value(),
            "code": code,
            "redirect_uri": redirect_uri(settings),
            "code_verifier": verifier,
        },
    )
    answer.raise_for_status()
    body = answer.json()
    if "access_token" not in body:  # a refusal is a 200 with `error`
        raise SignInFailed("GitHub did not accept the sign-in: it took too long. Try again.")
    return str(body["access_token"])


async def _get(http: httpx2.AsyncClient, url: str, **params: int) -> Any:
    answer = await http.get(url, params=params)
    answer.raise_for_status()
    return answer.json()


async def _all(http: httpx2.AsyncClient, url: str, name: str) -> list[Any]:
    """A whole list, page by page."""
    found: list[Any] = []
    for page in range(1, MAX_PAGES + 1):
        items = (await _get(http, url, per_page=100, page=page))[name]
        found += items
        if len(items) < 100:
            break
    return found


def _granted(repository: Any, installation_id: int) -> RepositoryAccess:
    may = repository.get("permissions") or {}
    write = bool(may.get("push") or may.get("maintain") or may.get("admin"))
    return RepositoryAccess(
        int(repository["id"]), str(repository["full_name"]), write, installation_id
    )
