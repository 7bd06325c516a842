"""`glossator doctor --deliver`: does a signed delivery reach the server at PUBLIC_URL, and does one
with a wrong signature not get in. A `ping`, which starts nothing, is sent as GitHub sends it.

https://docs.github.com/en/webhooks/webhook-events-and-payloads#ping
"""

import hashlib
import hmac
import json
import uuid
from collections.abc import Sequence

import httpx2

from bot.config.settings import Settings
from bot.security.tls import trusted
from workers.offline.doctor import Check, failure, ok

#: "Your server must respond within 10 seconds", GitHub docs, "Best practices for webhooks".
ANSWER_SECONDS = 10

_NAME = "delivery"


async def check_delivery(settings: Settings) -> Sequence[Check]:
    """Two checks at most: what came of the signed delivery and of the other."""
    if not settings.webhook_secrets:
        remedy = "Run `glossator setup`, or set it as `web` and `serve` have it."
        return [failure(_NAME, "GITHUB_WEBHOOK_SECRETS is not set", remedy)]
    url = f"{settings.public_url}/webhooks/github"
    async with httpx2.AsyncClient(verify=trusted(), timeout=ANSWER_SECONDS) as http:
        try:
            answer = await _ping(http, url, settings.webhook_secrets[0])
        except httpx2.HTTPError as exc:
            text = f"{url} does not answer ({type(exc).__name__})"
            return [failure(_NAME, text, await _where_it_ends(settings))]
        if answer.status_code != 200:
            return [_rejection(url, answer)]
        if _word(answer) != "pong":
            text = f"something other than Glossator answers at {url}"
            return [failure(_NAME, text, _lead(settings))]
        seconds = answer.elapsed.total_seconds()
        return [
            ok(_NAME, f"a signed ping to {url} was accepted in {seconds:.1f} s"),
            await _forged(http, url),
        ]


async def _ping(http: httpx2.AsyncClient, url: str, secret: str) -> httpx2.Response:
    body = json.dumps({"zen": "Sent by glossator doctor.", "hook_id": 0}).encode()
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Delivery": str(uuid.uuid4()),
        "X-GitHub-Event": "ping",
        "X-Hub-Signature-256": "sha256="
        + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(),
    }
    return await http.post(url, content=body, headers=headers)


async def _forged(http: httpx2.AsyncClient, url: str) -> Check:
    """One that somebody without the secret could send."""
    answer = await _ping(http, url, "not the secret")
    if answer.status_code == 401:
        return ok("forgery", "a ping with a wrong signature was refused")
    text = f"a ping with a wrong signature got {answer.status_code}, not 401"
    return failure("forgery", text, "Make sure that no proxy answers for /webhooks/github.")


def _rejection(url: str, answer: httpx2.Response) -> Check:
    status = answer.status_code
    text = f"{url} returned {status}"
    match status:
        case 401:
            return failure(
                _NAME,
                f"{text}: the signature does not match",
                "Restart the server with these settings. If it has them already, a proxy changes "
                "request bodies.",
            )
        case 503:
            return failure(_NAME, f"{text}: the queue is unavailable", "Check the server's Redis.")
        case _:
            return failure(
                _NAME,
                text,
                "Configure the proxy to forward /webhooks/github unchanged and without sign-in.",
            )


async def _where_it_ends(settings: Settings) -> str:
    """What to do, by whether the server answers on this machine."""
    async with httpx2.AsyncClient(timeout=ANSWER_SECONDS, trust_env=False) as http:
        try:
            answer = await _ping(http, f"{_local(settings)}/webhooks/github", "not the secret")
        except httpx2.HTTPError:
            return "Start it with `glossator serve`, and point PUBLIC_URL to it."
    if answer.status_code == 401:
        return _lead(settings)
    return f"Something other than Glossator listens at {_local(settings)}: set PORT."


def _lead(settings: Settings) -> str:
    return f"Lead {settings.public_url} to {_local(settings)}, where Glossator listens."


def _local(settings: Settings) -> str:
    return f"http://127.0.0.1:{settings.port}"


def _word(answer: httpx2.Response) -> str:
    try:
        data = answer.json()
    except ValueError:
        return ""
    return str(data.get("status", "")) if isinstance(data, dict) else ""
