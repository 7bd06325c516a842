"""Forms of our pages: read with limits, and only if they were sent from our pages."""

import asyncio
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse

from bot.web.auth.sessions import form_token, is_form_token
from bot.web.auth.viewer import Viewer
from bot.web.pages.templates import page
from bot.web.security_headers import same_origin

#: Our forms are small.
MAX_BYTES = 4096

#: A form has so long to come.
TIMEOUT_SECONDS = 30.0


async def read_form(request: Request) -> dict[str, str]:
    """The fields of an urlencoded form; {} for what is none, too large, or comes too slowly."""
    body = b""
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BYTES:
                    return {}
        return dict(parse_qsl(body.decode("ascii"), max_num_fields=20))
    except (TimeoutError, ClientDisconnect, ValueError):
        return {}


async def verified_form(request: Request, user: Viewer) -> dict[str, str]:
    """The fields, if the form carries the session's token and comes from our page; else {}."""
    form = await read_form(request)
    session = user.session
    if session is None or not same_origin(request):
        return {}
    known = is_form_token(request.app.state.keys, session.id, form.get("form_token", ""))
    return form if known else {}


def token_for(request: Request, user: Viewer) -> str:
    """What the forms on a page for them carry; "" without a session, which can send none."""
    return form_token(request.app.state.keys[0], user.session.id) if user.session else ""


def form_rejected() -> HTMLResponse:
    """The answer to a form that `verified_form` does not know."""
    message = "The button was not pressed on this server's page, or the session has ended."
    return page("message.html", 403, title="Not done", message=message)
