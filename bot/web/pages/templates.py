"""The pages' templates and how they write numbers and times, and the files that go with them."""

import functools
import time
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from bot import __version__
from bot.domain.diff import display_path
from bot.text.invisible_characters import visible
from templates import DIRECTORY, environment
from templates.languages import _, ngettext

if TYPE_CHECKING:
    from jinja2 import Environment

_STATIC = DIRECTORY / "pages" / "static"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

_files = {path.name: path.read_bytes() for path in sorted(_STATIC.iterdir())}
#: Part of each file's address, so that browsers may keep it for ever.
_tag = sha256(b"".join(_files.values())).hexdigest()[:12]


def static_url(name: str) -> str:
    assert name in _files
    return f"/static/{_tag}/{name}"


async def static(request: Request) -> Response:
    """A file of ours, whatever the tag: a page of another version still asks for it. That one may
    be newer, while processes are replaced one by one, and must not keep an old file for ever."""
    name = request.path_params["name"]
    if name not in _files:
        return Response("Not found.", 404, media_type="text/plain")
    kind = _TYPES[f".{name.rpartition('.')[2]}"]
    is_current = request.path_params["tag"] == _tag
    headers = {"Cache-Control": "public, max-age=31536000, immutable"} if is_current else {}
    return Response(_files[name], media_type=kind, headers=headers)


@functools.cache
def _environment() -> "Environment":
    # With the first page: taking deliveries needs none of it.
    from bot.web.pages import markup

    filters = (markup.markdown, markup.inline, duration, moment, ago, iso, money)
    made = environment(
        "pages",
        autoescape=True,
        filters={function.__name__: function for function in filters} | {"path": display_path},
        finalize=_to_markup,
    )
    made.globals |= {
        "static": static_url,
        "version": __version__,
        "highlighter": markup.Highlighter,
    }
    return made


def _to_markup(value: Any) -> Any:
    """What a page says, with nothing hidden or reordered in it; markup of ours saw to that."""
    return visible(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def page(template: str, status: int = 200, **values: Any) -> HTMLResponse:
    html = _environment().get_template(template).render(**values)
    # Paths of git may hold bytes that are no text.
    return HTMLResponse(html.encode("utf-8", "replace"), status)


def not_found() -> HTMLResponse:
    """One answer for all that does not exist or may not be seen."""
    return message_page(404, "Not found", NOT_FOUND)


def message_page(status: int, title: str, message: str) -> HTMLResponse:
    """One sentence for whoever asked, translated."""
    return page("message.html", status, title=_(title), message=_(message))


NOT_FOUND = (
    "This page does not exist, or the link has expired. Sign in, or comment `/review` for a new "
    "link."
)


def duration(seconds: float) -> str:
    """`42 s`, `3 min 5 s`, `1 h 4 min`."""
    total = max(0, round(seconds))
    if total < 60:
        return _("{number} s", number=total)
    if total < 3600:
        minutes, rest = divmod(total, 60)
        return f"{_('{number} min', number=minutes)} {_('{number} s', number=rest)}"
    hours, rest = divmod(total, 3600)
    return f"{_('{number} h', number=hours)} {_('{number} min', number=rest // 60)}"


def moment(seconds: float) -> str:
    """Time in UTC, as `2026-11-24 08:14`."""
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(seconds))


def ago(seconds: float, now: float) -> str:
    """`just now`, `5 min ago`, `3 h ago`, `2 days ago`; the day for what is older. The pages'
    script says the same."""
    age = max(0, now - seconds)
    if age < 60:
        return _("just now")
    if age < 3600:
        return _("{time} ago", time=_("{number} min", number=int(age // 60)))
    if age < 86_400:
        return _("{time} ago", time=_("{number} h", number=int(age // 3600)))
    days = int(age // 86_400)
    if days > 30:
        return moment(seconds).partition(" ")[0]
    return ngettext("{number} day ago", "{number} days ago", days)


def iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def money(value: float) -> str:
    """US dollars; what is less than a cent is not told as nothing."""
    return f"${value:,.2f}" if value >= 0.01 or value == 0 else f"${value:.4f}"
