"""ETags for pages that are made on the fly."""

import hashlib
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response


def etag(body: bytes) -> str:
    """A quoted tag that changes with the body."""
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'


def conditional(make: Callable[[Request], bytes]) -> Callable[[Request], Response]:
    """A page that is sent only if the client does not have it yet."""

    def page(request: Request) -> Response:
        body = make(request)
        tag = etag(body)
        known = request.headers.get("if-none-match", "")
        if tag in (part.strip() for part in known.split(",")):
            return Response(status_code=304, headers={"etag": tag})
        return Response(body, media_type="text/html", headers={"etag": tag})

    return page
