"""`glossator setup`: make the GitHub App in the browser, by GitHub's App manifest flow.

A page on this machine sends the manifest to GitHub; the person confirms there; GitHub sends
them back with a code, which is changed for the App's id, key and secrets.
https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
"""

import asyncio
import contextlib
import hmac
import html
import json
import secrets
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

import httpx2
import uvicorn
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from bot.config.env_file import SECRETS
from bot.config.settings import Settings
from bot.github.errors import message_of
from bot.github.manifest import manifest
from bot.runtime.tcp_ports import listen
from bot.security.tls import trusted

#: Code and state are good for an hour on GitHub's side; nobody waits so long.
WAIT_SECONDS = 1800

#: The browser has so long to fetch the last page.
LAST_PAGE_SECONDS = 10

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


Announce = Callable[[str], None]


def _print(text: str) -> None:
    """To a person; standard output is for the secrets."""
    print(text, file=sys.stderr)


class _Flow:
    """The pages on this machine, and what came of them."""

    def __init__(self, settings: Settings, name: str, organization: str, base: str) -> None:
        self.outcome: asyncio.Future[Created] = asyncio.get_running_loop().create_future()
        self.shown = asyncio.Event()
        self._settings = settings
        self._name = name
        self._state = secrets.token_urlsafe(24)
        owner = f"/organizations/{quote(organization, safe='')}" if organization else ""
        query = urlencode({"state": self._state})
        self._target = f"{settings.github_url}{owner}/settings/apps/new?{query}"
        self._manifest = json.dumps(
            manifest(
                settings.public_url,
                name,
                f"{base}/callback",
                code_scanning=settings.code_scanning_upload,
                job_logs=settings.ci_logs,
            )
        )

    def app(self) -> Starlette:
        pages = (("/", self.start), ("/callback", self.callback), ("/done", self.done))
        return Starlette(routes=[Route(path, page) for path, page in pages])

    async def start(self, _: Request) -> Response:
        """A button that sends the manifest to GitHub."""
        name, target = html.escape(self._name), html.escape(self._target)
        return _page(
            "Create the GitHub App",
            f"<p>GitHub will show the App <b>{name}</b> and its permissions.</p>"
            f'<form method="post" action="{target}">'
            f'<input type="hidden" name="manifest" value="{html.escape(self._manifest)}">'
            "<button>Create it on GitHub</button></form>",
        )

    async def callback(self, request: Request) -> Response:
        """Where GitHub sends the person, with the code and the state that we gave it."""
        given = request.query_params.get("state", "")
        if not hmac.compare_digest(given.encode(), self._state.encode()) or self.outcome.done():
            return _page("This link has expired", status=400)
        try:
            created = await _convert(self._settings, request.query_params.get("code", ""))
        except SetupFailed as exc:
            return _page("Something went wrong", f"<p>{html.escape(str(exc))}</p>", status=502)
        if not self.outcome.done():
            self.outcome.set_result(created)
        return RedirectResponse("/done", 303)

    async def done(self, _: Request) -> Response:
        if not self.outcome.done():
            return RedirectResponse("/", 303)
        link = html.escape(self.outcome.result().install_url)
        page = _page("App created", f'<p>Now <a href="{link}">install it</a>.</p>')
        page.background = BackgroundTask(self.shown.set)
        return page


def _page(title: str, body: str = "", *, status: int = 200) -> HTMLResponse:
    return HTMLResponse(_PAGE.format(title=title, body=body), status)


async def run_setup(
    settings: Settings, *, name: str, organization: str, port: int, announce: Announce = _print
) -> Created:
    """Serve the page, wait for the person, and return the App; `port` 0 is a free one.
    Raises SetupFailed."""
    try:
        listener = listen(port)
        listener.listen()  # else a second setup would see too late that the port is taken
    except OSError as exc:
        raise SetupFailed(f"Port {port} cannot be used ({exc.strerror}): give --port.") from exc
    port = listener.getsockname()[1]
    base = f"http://localhost:{port}"
    flow = _Flow(settings, name, organization, base)
    server = uvicorn.Server(uvicorn.Config(flow.app(), log_config=None, access_log=False))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    if settings.public_url.startswith(("http://localhost", "http://127.")):
        announce(f"GitHub cannot reach {settings.public_url}: give --url, or set PUBLIC_URL.")
    announce(f"Open {base}/ in your browser. (On another machine: ssh -L {port}:localhost:{port})")
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            created = await flow.outcome
        with contextlib.suppress(TimeoutError):  # the App is made, whoever looks
            async with asyncio.timeout(LAST_PAGE_SECONDS):
                await flow.shown.wait()
        return created
    except TimeoutError as exc:
        raise SetupFailed("Timed out after 30 minutes.") from exc
    finally:
        server.should_exit = True
        await serving


async def _convert(settings: Settings, code: str) -> Created:
    """Change the code for the App. Raises SetupFailed."""
    url = f"{settings.github_api_url}/app-manifests/{code}/conversions"
    if not code or not code.replace("-", "").replace("_", "").isalnum():
        raise SetupFailed("GitHub sent no code. Start again.")
    try:
        async with httpx2.AsyncClient(verify=trusted(), timeout=settings.github_timeout) as http:
            answer = await http.post(url, headers={"Accept": "application/vnd.github+json"})
    except httpx2.HTTPError as exc:
        raise SetupFailed(f"{urlsplit(url).netloc} does not answer; start again.") from exc
    if answer.status_code != 201:
        message, _ = message_of(answer.content)
        raise SetupFailed(f"GitHub answered {answer.status_code}: {message} Start again.")
    made = answer.json()
    values = (
        str(made["id"]),
        made["pem"].strip().replace("\n", "\\n"),
        made["webhook_secret"],
        made["client_id"],
        made["client_secret"],
        secrets.token_urlsafe(32),
    )
    return Created(
        name=made["name"],
        url=made["html_url"],
        secrets=dict(zip(SECRETS, values, strict=True)),
    )
