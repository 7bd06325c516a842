"""`glossator setup`: make the GitHub App in the browser, by GitHub's App manifest flow.

A page on this machine sends the manifest to GitHub; the person confirms there; GitHub sends
them back with a code, which is changed for the App's id, key and secrets.
https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
"""

import asyncio
import hmac
import html
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx2
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from bot.github.errors import message_of
from bot.manifest import manifest
from bot.ports import free_port
from bot.settings import Settings

#: Code and state are good for an hour on GitHub's side; nobody waits so long.
WAIT_SECONDS = 1800

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Glossator setup</title>
<style>body{{font:16px/1.5 system-ui;max-width:40rem;margin:4rem auto;padding:0 1rem}}
button{{font:inherit;padding:.6rem 1.2rem}}</style><h1>{title}</h1>{body}"""


class SetupFailed(Exception):
    """Raised when the App could not be made or its secrets not be kept; one sentence."""


@dataclass(frozen=True, slots=True)
class Created:
    """The App as GitHub made it; `secrets` are environment variables."""

    name: str
    url: str
    secrets: Mapping[str, str]

    @property
    def install_url(self) -> str:
        return f"{self.url}/installations/new"


async def run_setup(
    settings: Settings, *, name: str, organization: str, port: int, announce: Any = print
) -> Created:
    """Serve the page, wait for the person, and return the App. Raises SetupFailed."""
    port = port or free_port()
    state, outcome = secrets.token_urlsafe(24), asyncio.get_running_loop().create_future()
    base = f"http://localhost:{port}"
    new = (
        f"/organizations/{organization}/settings/apps/new" if organization else "/settings/apps/new"
    )
    target = f"{settings.github_url}{new}?{urlencode({'state': state})}"
    asked = json.dumps(manifest(settings, name, f"{base}/callback"))

    async def start(_: Request) -> Response:
        body = (
            f"<p>GitHub will show you the App <b>{html.escape(name)}</b> and what it may do.</p>"
            f'<form method="post" action="{html.escape(target)}">'
            f'<input type="hidden" name="manifest" value="{html.escape(asked)}">'
            "<button>Create it on GitHub</button></form>"
        )
        return HTMLResponse(_PAGE.format(title="Create the GitHub App", body=body))

    async def callback(request: Request) -> Response:
        given = request.query_params.get("state", "")
        if not hmac.compare_digest(given.encode(), state.encode()) or outcome.done():
            return HTMLResponse(_PAGE.format(title="This link is not for now", body=""), 400)
        try:
            created = await _convert(settings, request.query_params.get("code", ""))
        except SetupFailed as exc:
            body = f"<p>{html.escape(str(exc))}</p>"
            return HTMLResponse(_PAGE.format(title="That did not work", body=body), 502)
        outcome.set_result(created)
        return RedirectResponse("/done", 303)

    async def done(_: Request) -> Response:
        if not outcome.done():
            return RedirectResponse("/", 303)
        link = html.escape(outcome.result().install_url)
        body = f'<p>Now <a href="{link}">install it</a> on your repositories.</p>'
        return HTMLResponse(_PAGE.format(title="The App is made", body=body))

    app = Starlette(routes=[Route("/", start), Route("/callback", callback), Route("/done", done)])
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, access_log=False)
    )
    serving = asyncio.create_task(server.serve())
    announce(f"Open {base}/ in your browser. (On another machine: ssh -L {port}:localhost:{port})")
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            created: Created = await outcome
        await asyncio.sleep(0)  # lets the redirect to the last page be sent
        return created
    except TimeoutError as exc:
        raise SetupFailed("Nobody came back from GitHub within 30 minutes.") from exc
    finally:
        server.should_exit = True
        await serving


async def _convert(settings: Settings, code: str) -> Created:
    """Change the code for the App. Raises SetupFailed."""
    url = f"{settings.github_api_url}/app-manifests/{code}/conversions"
    if not code or not code.replace("-", "").replace("_", "").isalnum():
        raise SetupFailed("GitHub sent no code. Start again.")
    try:
        async with httpx2.AsyncClient(timeout=settings.github_timeout) as http:
            answer = await http.post(url, headers={"Accept": "application/vnd.github+json"})
    except httpx2.HTTPError as exc:
        raise SetupFailed(f"{urlsplit(url).netloc} does not answer; start again.") from exc
    if answer.status_code != 201:
        said, _ = message_of(answer.content)
        raise SetupFailed(f"GitHub answered {answer.status_code}: {said} Start again.")
    made = answer.json()
    return Created(
        name=made["name"],
        url=made["html_url"],
        secrets={
            "GITHUB_APP_ID": str(made["id"]),
            "GITHUB_PRIVATE_KEY": made["pem"].strip().replace("\n", "\\n"),
            "GITHUB_WEBHOOK_SECRETS": made["webhook_secret"],
            "GITHUB_CLIENT_ID": made["client_id"],
            "GITHUB_CLIENT_SECRET": made["client_secret"],
            "SECRET_KEY": secrets.token_urlsafe(32),
        },
    )


def as_env(values: Mapping[str, str]) -> str:
    """Lines for `.env`; none of the values has a quote or a line end in it."""
    return "".join(f'{name}="{value}"\n' for name, value in values.items())


def keep(path: Path, values: Mapping[str, str], *, replace: bool) -> None:
    """Write the secrets into `.env`, readable by its owner only; other lines stay.

    Raises SetupFailed if it holds one of them already and `replace` is not set.
    """
    old = path.read_text().splitlines() if path.exists() else []
    names = {line.partition("=")[0].strip() for line in old}
    if (there := sorted(names & set(values))) and not replace:
        raise SetupFailed(
            f"{path} has {', '.join(there)} already: use --replace, or --print to keep "
            "them elsewhere."
        )
    kept = [line for line in old if line.partition("=")[0].strip() not in values]
    text = "".join(f"{line}\n" for line in kept) + as_env(values)
    temporary = path.with_name(f"{path.name}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    temporary.chmod(0o600)
    temporary.replace(path)
