"""Forms of our pages: read with limits, and only if they were sent from our pages."""

from urllib.parse import parse_qsl

from starlette.requests import Request

from bot.access import Viewer
from bot.headers import same_origin
from bot.sessions import is_form_token

#: Our forms are small.
MOST_BYTES = 4096


async def form_of(request: Request) -> dict[str, str]:
    """The fields of an urlencoded form; {} for what is none or too large."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            return {}
    try:
        return dict(parse_qsl(body.decode("ascii"), max_num_fields=20))
    except ValueError:
        return {}


async def own_form(request: Request, who: Viewer) -> dict[str, str]:
    """The fields, if the form carries the session's token and comes from our page; else {}."""
    form = await form_of(request)
    session = who.session
    if session is None or not same_origin(request):
        return {}
    known = is_form_token(request.app.state.keys, session.id, form.get("form_token", ""))
    return form if known else {}
