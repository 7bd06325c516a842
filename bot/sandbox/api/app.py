"""The App's own endpoints: itself, its tokens, its webhook and deliveries, and its creation from
a manifest: the pages that a person sees on GitHub, and the conversion of the code.

https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
"""

import html
import json
import secrets
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from bot.sandbox import repository_json
from bot.sandbox.api import auth
from bot.sandbox.api.call import MAX_PER_PAGE, Call, Endpoint, answer, not_found, page_of
from bot.sandbox.state import HookDelivery, Installation, SandboxState


async def get_app(call: Call) -> Response:
    """GET /app"""
    return answer(repository_json.app(call.state))


async def list_installations(call: Call) -> Response:
    """GET /app/installations"""
    items, headers = page_of(call, list(call.state.installations.values()))
    return answer(
        [repository_json.installation(call.state, item) for item in items], headers=headers
    )


async def get_installation(call: Call) -> Response:
    """GET /app/installations/{id}"""
    return answer(repository_json.installation(call.state, _installation(call)))


def _installation(call: Call) -> Installation:
    installation = call.state.installations.get(call.number("installation_id"))
    if installation is None:
        raise not_found()
    return installation


async def get_repository_installation(call: Call) -> Response:
    """GET /repos/{owner}/{repo}/installation"""
    installation = call.state.installation_of(call.repo)
    if installation is None:
        raise not_found()
    return answer(repository_json.installation(call.state, installation))


async def create_access_token(call: Call) -> Response:
    """POST /app/installations/{id}/access_tokens"""
    installation = _installation(call)
    auth.check_not_suspended(installation)
    token = auth.create_token(call.state, installation, call.body)
    body: dict[str, Any] = {
        "token": token.value,
        "expires_at": repository_json.timestamp(token.expires_at),
        "permissions": token.permissions,
        "repository_selection": "selected",
    }
    if "repository_ids" in call.body or "repositories" in call.body:
        body["repositories"] = [
            repository_json.repository(call.state, repository)
            for repository in call.state.repositories.values()
            if repository.id in token.repository_ids
        ]
    return answer(body, 201)


async def list_repositories(call: Call) -> Response:
    """GET /installation/repositories"""
    seen = call.token.repository_ids if call.token else frozenset()
    repositories = [r for r in call.state.repositories.values() if r.id in seen]
    items, headers = page_of(call, repositories)
    body = {
        "total_count": len(repositories),
        "repository_selection": "selected",
        "repositories": [repository_json.repository(call.state, item) for item in items],
    }
    return answer(body, headers=headers)


async def get_hook_config(call: Call) -> Response:
    """GET /app/hook/config"""
    return answer(_hook_config(call))


async def update_hook_config(call: Call) -> Response:
    """PATCH /app/hook/config"""
    call.state.app.webhook_url = call.body.get("url", call.state.app.webhook_url)
    call.state.app.webhook_secret = call.body.get("secret", call.state.app.webhook_secret)
    return answer(_hook_config(call))


def _hook_config(call: Call) -> dict[str, str]:
    return {
        "content_type": "json",
        "insecure_ssl": "0",
        "secret": "********",
        "url": call.state.app.webhook_url,
    }


async def list_deliveries(call: Call) -> Response:
    """GET /app/hook/deliveries: newest first, paged by an opaque cursor"""
    newest = sorted(call.state.deliveries, key=lambda item: item.id, reverse=True)
    if status := call.query("status"):
        newest = [d for d in newest if (d.status == "OK") == (status == "success")]
    if cursor := call.query("cursor"):
        newest = [d for d in newest if d.id < int(cursor.removeprefix("v1_"))]
    size = min(int(call.query("per_page", "30")), MAX_PER_PAGE)
    page = newest[:size]
    headers = {}
    if len(newest) > size:
        url = call.request.url.include_query_params(cursor=f"v1_{page[-1].id}")
        headers["Link"] = f'<{url}>; rel="next"'
    return answer([_delivery(item) for item in page], headers=headers)


async def get_delivery(call: Call) -> Response:
    """GET /app/hook/deliveries/{id}"""
    item = _found_delivery(call)
    request = {"headers": item.request_headers, "payload": json.loads(item.request_body)}
    response = {"headers": item.response_headers, "payload": item.response_body}
    url = call.state.app.webhook_url
    return answer(_delivery(item) | {"url": url, "request": request, "response": response})


async def redeliver(call: Call) -> Response:
    """POST /app/hook/deliveries/{id}/attempts: accepted at once, sent in the background"""
    delivery = _found_delivery(call)
    call.webhooks.in_background(call.webhooks.redeliver(delivery.id))
    return answer({}, 202)


def _found_delivery(call: Call) -> HookDelivery:
    try:
        return call.webhooks.find(call.number("delivery_id"))
    except KeyError as error:
        raise not_found() from error


def _delivery(item: HookDelivery) -> dict[str, Any]:
    return {
        "id": item.id,
        "guid": item.guid,
        "delivered_at": repository_json.timestamp(item.delivered_at),
        "redelivery": item.redelivery,
        "duration": item.duration,
        "status": item.status,
        "status_code": item.status_code,
        "event": item.event,
        "action": item.action,
        "installation_id": item.installation_id,
        "repository_id": item.repository_id,
        "throttled_at": None,
    }


async def get_rate_limit(call: Call) -> Response:
    """GET /rate_limit: asking is free"""
    quota = auth.quota_of(call.state, call.token)
    quota.remaining += 1
    rate = {
        "limit": quota.limit,
        "used": quota.limit - quota.remaining,
        "remaining": quota.remaining,
        "reset": int(quota.resets_at.timestamp()),
        "resource": "core",
    }
    return answer({"resources": {"core": rate, "search": rate}, "rate": rate})


_PAGE = """<!doctype html><meta charset="utf-8"><title>Create GitHub App</title>
<h1>Create GitHub App for {owner}</h1><pre>{manifest}</pre>
<form method="post" action="{action}"><button>Create GitHub App for {owner}</button></form>"""


def manifest_pages(state: SandboxState) -> list[Route]:
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


def manifest_conversion(state: SandboxState) -> Route:
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


ENDPOINTS = (
    Endpoint("GET", "/app", get_app, "app"),
    Endpoint("GET", "/app/installations", list_installations, "app"),
    Endpoint("GET", "/app/installations/{installation_id:int}", get_installation, "app"),
    Endpoint(
        "POST",
        "/app/installations/{installation_id:int}/access_tokens",
        create_access_token,
        "app",
    ),
    Endpoint("GET", "/app/hook/config", get_hook_config, "app"),
    Endpoint("PATCH", "/app/hook/config", update_hook_config, "app"),
    Endpoint("GET", "/app/hook/deliveries", list_deliveries, "app"),
    Endpoint("GET", "/app/hook/deliveries/{delivery_id:int}", get_delivery, "app"),
    Endpoint("POST", "/app/hook/deliveries/{delivery_id:int}/attempts", redeliver, "app"),
    Endpoint("GET", "/repos/{owner}/{repo}/installation", get_repository_installation, "app"),
    Endpoint("GET", "/installation/repositories", list_repositories, "metadata:read"),
    Endpoint("GET", "/rate_limit", get_rate_limit, ""),
)
