"""Security headers on every answer, in one place (pure ASGI middleware)."""

from urllib.parse import urlsplit

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.config.settings import Settings

#: Of GitHub, whose requests are signed, and of whoever runs the server, who knows machines only.
EXEMPT_PATHS = frozenset({"/webhooks/github", "/healthz", "/readyz"})

#: For a report in HTML, which is one file with its style inside and runs nothing.
REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; sandbox"
)


def content_policy(settings: Settings) -> str:
    """Nothing but our own files; the feed's origin is named because not every browser
    counts WebSockets under 'self'."""
    url = urlsplit(settings.public_url)
    socket = f"{'wss' if url.scheme == 'https' else 'ws'}://{url.netloc}"
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        f"connect-src 'self' {socket}; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )


class AllowedHosts:
    """Answers 400 to a request in the name of another host: what we redirect to, and whose pages
    may send forms, goes by that name."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        public = urlsplit(settings.public_url).hostname or ""
        hosts = settings.allowed_hosts or (public, "localhost", "127.0.0.1", "::1")
        self._hosts = frozenset(host.lower().strip("[]") for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or scope["path"] in EXEMPT_PATHS or self._allows(scope):
            await self._app(scope, receive, send)
            return
        text = "Unknown host. Use PUBLIC_URL, or add this name to ALLOWED_HOSTS."
        await PlainTextResponse(text, 400)(scope, receive, send)

    def _allows(self, scope: Scope) -> bool:
        if "*" in self._hosts:
            return True
        given = [value for name, value in scope["headers"] if name == b"host"]
        if len(given) != 1:
            return False
        try:
            host = urlsplit(f"//{given[0].decode('ascii')}").hostname
        except ValueError:  # not ASCII, or no address
            return False
        return host in self._hosts


class SecurityHeaders:
    """Adds what a handler has not set itself. Addresses carry signed links, so that no
    referrer leaves this server (`no-referrer` would hide the origin of our own forms), and
    pages are not stored."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        headers = {
            "Content-Security-Policy": content_policy(settings),
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Referrer-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
            "X-Robots-Tag": "noindex, nofollow",
            "Cache-Control": "no-store",
        }
        if settings.public_url.startswith("https:"):
            headers["Strict-Transport-Security"] = "max-age=31536000"
        self._raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                # Each answer comes through here, so that no names are compared one by one.
                headers = list(message["headers"])
                present = {name for name, _ in headers}
                message["headers"] = headers + [
                    pair for pair in self._raw if pair[0] not in present
                ]
            await send(message)

        await self._app(scope, receive, send_with_headers)
