"""Security headers on every answer, in one place (pure ASGI middleware)."""

from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.config.settings import Settings

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
