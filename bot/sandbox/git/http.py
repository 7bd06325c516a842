"""git smart HTTP, read only, answered by the real `git upload-pack`.

https://git-scm.com/docs/http-protocol; partial clones and any commit id are allowed, as on GitHub.
"""

import asyncio
import zlib
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from bot.sandbox.api import auth
from bot.sandbox.api.call import GitHubError
from bot.sandbox.git.git import ENVIRONMENT
from bot.sandbox.state import Repository, SandboxState

_CHUNK = 65_536
_UPLOAD_PACK = (
    "-c",
    "uploadpack.allowFilter=true",
    "-c",
    "uploadpack.allowAnySHA1InWant=true",
    "upload-pack",
    "--stateless-rpc",
)


class _Denied(Exception):
    """The answer to a request that may not go on."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


def routes(state: SandboxState) -> list[Route]:
    """The two routes of the protocol's fetching half."""

    async def advertise(request: Request) -> Response:
        try:
            repository = _authorized(state, request)
        except _Denied as denied:
            return denied.response
        if request.query_params.get("service") != "git-upload-pack":
            return PlainTextResponse("Write access to repository not granted.\n", 403)
        return StreamingResponse(
            _advertisement(repository, request.headers.get("git-protocol", "")),
            media_type="application/x-git-upload-pack-advertisement",
            headers={"Cache-Control": "no-cache"},
        )

    async def upload_pack(request: Request) -> Response:
        try:
            repository = _authorized(state, request)
            # Read before the answer begins: a streaming response takes over the connection's
            # messages. What a client wants and has is small beside the pack.
            wants = _unzipped(request, await request.body())
        except _Denied as denied:
            return denied.response
        except zlib.error:
            return PlainTextResponse("The body is no gzip data.\n", 400)
        return StreamingResponse(
            _pack(repository, wants, request.headers.get("git-protocol", "")),
            media_type="application/x-git-upload-pack-result",
            headers={"Cache-Control": "no-cache"},
        )

    return [
        Route("/{owner}/{repo}.git/info/refs", advertise, methods=["GET"]),
        Route("/{owner}/{repo}.git/git-upload-pack", upload_pack, methods=["POST"]),
    ]


def _authorized(state: SandboxState, request: Request) -> Repository:
    """The repository, if the token of the request may read its contents."""
    try:
        password = auth.basic_password(request.headers.get("authorization", ""))
        token = auth.verify_token(state, password)
        repository = state.repositories.get("{owner}/{repo}".format(**request.path_params))
        if repository is None or not auth.has_access(token, repository):
            raise _Denied(PlainTextResponse("Repository not found.\n", 404))
        auth.check_permission(token, "contents:read")
    except GitHubError as error:
        headers = {"WWW-Authenticate": 'Basic realm="GitHub"'} if error.status == 401 else {}
        raise _Denied(
            PlainTextResponse(f"{error.message}\n", error.status, headers=headers)
        ) from error
    return repository


async def _start(
    repository: Repository, protocol: str, *extra: str, stdin: int
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        "git",
        *_UPLOAD_PACK,
        *extra,
        str(repository.git_dir),
        env=ENVIRONMENT | {"GIT_PROTOCOL": protocol},
        stdin=stdin,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )


async def _advertisement(repository: Repository, protocol: str) -> AsyncIterator[bytes]:
    process = await _start(
        repository, protocol, "--http-backend-info-refs", stdin=asyncio.subprocess.DEVNULL
    )
    if "version=2" not in protocol:
        yield b"001e# service=git-upload-pack\n0000"
    async for chunk in _output(process):
        yield chunk


async def _pack(repository: Repository, wants: bytes, protocol: str) -> AsyncIterator[bytes]:
    process = await _start(repository, protocol, stdin=asyncio.subprocess.PIPE)
    feeding = asyncio.create_task(_feed(process, wants))
    try:
        async for chunk in _output(process):
            yield chunk
    finally:
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)


async def _feed(process: asyncio.subprocess.Process, wants: bytes) -> None:
    """Write git's input beside the reading of its output, so that neither pipe fills up."""
    assert process.stdin is not None
    process.stdin.write(wants)
    await process.stdin.drain()
    process.stdin.close()


def _unzipped(request: Request, body: bytes) -> bytes:
    """The request's body; git's client zips long ones. Raises zlib.error."""
    if request.headers.get("content-encoding") in ("gzip", "x-gzip"):
        return zlib.decompress(body, wbits=16 + zlib.MAX_WBITS)
    return body


async def _output(process: asyncio.subprocess.Process) -> AsyncIterator[bytes]:
    assert process.stdout is not None
    try:
        while chunk := await process.stdout.read(_CHUNK):
            yield chunk
    finally:
        if process.returncode is None and not process.stdout.at_eof():
            process.kill()
        await process.communicate()  # its end is not seen before all that it wrote is read
