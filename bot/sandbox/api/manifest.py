"""The App manifest flow: the pages that a person sees on GitHub, and the code's conversion.

https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
"""

from __future__ import annotations

import html
import json
import secrets
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from bot.sandbox.api.call import answer
from bot.sandbox.api.errors import not_found
from bot.sandbox.json import repository_json
from bot.sandbox.state import SandboxState

_PAGE = """<!doctype html><meta charset="utf-8"><title>Create GitHub App</title>
<h1>Create GitHub App for {owner}</h1><pre>{manifest}</pre>
<form method="post" action="{action}"><button>Create GitHub App for {owner}</button></form>"""


def pages(state: SandboxState) -> list[Route]:
    """`/settings/apps/new`, for a person and for an organisation, and what its button does."""

    async def new(request: Request) -> Response:
        form = parse_qs((await request.body()).decode())
        manifest: dict[str, Any] = json.loads(form["manifest"][0])
        waiting = secrets.token_hex(8)
        state.manifests[waiting] = manifest
        query = urlencode({"id": waiting, "state": request.query_params.get("state", "")})
        page = _PAGE.format(
            owner=html.escape(request.path_params.get("organization", "octocat")),
            manifest=html.escape(json.dumps(manifest, indent=1)),
            action=html.escape(f"/settings/apps/confirm?{query}"),
        )
        return HTMLResponse(page)

    async def confirm(request: Request) -> Response:
        manifest = state.manifests.pop(request.query_params["id"])
        code = secrets.token_hex(20)
        state.manifests[code] = manifest
        query = urlencode({"code": code, "state": request.query_params["state"]})
        return RedirectResponse(f"{manifest['redirect_url']}?{query}", 303)

    return [
        Route("/settings/apps/new", new, methods=["POST"]),
        Route("/organizations/{organization}/settings/apps/new", new, methods=["POST"]),
        Route("/settings/apps/confirm", confirm, methods=["POST"]),
    ]


def conversion(state: SandboxState) -> Route:
    """POST /app-manifests/{code}/conversions: once for each code, without credentials."""

    async def convert(request: Request) -> Response:
        manifest = state.manifests.pop(request.path_params["code"], None)
        if manifest is None:
            error = not_found()
            return answer(error.body(), error.status)
        state.app = replace(
            state.app,
            name=manifest["name"],
            webhook_url=manifest["hook_attributes"]["url"],
            events=tuple(manifest["default_events"]),
        )
        made = repository_json.app(state) | {
            "permissions": manifest["default_permissions"],
            "client_secret": secrets.token_hex(20),
            "webhook_secret": state.app.webhook_secret,
            "pem": state.private_key_pem,
        }
        return answer(made, 201)

    return Route("/app-manifests/{code}/conversions", convert, methods=["POST"])
