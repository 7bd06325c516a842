"""The limit for accepting deliveries: a Starlette handler that only verifies and enqueues.

Run as a program: `python -m tests.bench.bare_handler PORT`, with REDIS_URL and
GITHUB_WEBHOOK_SECRETS in the environment.
"""

import hashlib
import hmac
import os
import sys

import uvicorn
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

#: Work that nobody does; the same length as a message of ours.
QUEUE = "bench:bare"


def create_app(redis: "Redis", secret: str) -> Starlette:
    async def receive(request: Request) -> JSONResponse:
        body = await request.body()
        expected = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, request.headers.get("X-Hub-Signature-256", "")):
            return JSONResponse({"status": "refused"}, status_code=401)
        await redis.rpush(QUEUE, body)
        return JSONResponse({"status": "queued"}, status_code=202)

    return Starlette(routes=[Route("/webhooks/github", receive, methods=["POST"])])


def main() -> None:
    redis = Redis.from_url(os.environ["REDIS_URL"])
    uvicorn.run(
        create_app(redis, os.environ["GITHUB_WEBHOOK_SECRETS"]),
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
    )


if __name__ == "__main__":
    main()
