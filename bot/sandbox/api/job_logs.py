"""Logs of GitHub Actions jobs: the API says where a log is stored, and another host has it.

https://docs.github.com/en/rest/actions/workflow-jobs#download-job-logs-for-a-workflow-run
"""

import re

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bot.sandbox.api.call import Call, Endpoint, not_found
from bot.sandbox.state import SandboxState

#: Stands for what signs an address.
_SIGNATURE = "c2lnbmVk"
#: Azure's storage takes ranges of this form alone:
#: https://learn.microsoft.com/en-us/rest/api/storageservices/specifying-the-range-header-for-blob-service-operations
_RANGE = re.compile(r"bytes=([0-9]+)-")


async def download(call: Call) -> Response:
    """GET /repos/{owner}/{repo}/actions/jobs/{job_id}/logs"""
    job_id = call.number("job_id")
    run = call.repo.check_runs.get(job_id)
    if run is None or run.log is None:
        raise not_found()
    # The same server under another name: a token for the API must not get there.
    host = call.state.url.replace("//127.0.0.1", "//localhost")
    address = f"{host}/job-logs/{call.repo.id}/{job_id}?sig={_SIGNATURE}"
    return RedirectResponse(address, 302)


def storage(state: SandboxState) -> Route:
    """The other host. As Azure's, it refuses a signed address with credentials of another kind."""

    async def read(request: Request) -> Response:
        signed = request.query_params.get("sig") == _SIGNATURE
        if not signed or "authorization" in request.headers:
            return Response("AuthenticationFailed", 403)
        job_id, repo_id = request.path_params["job"], request.path_params["repository"]
        [repo] = [each for each in state.repositories.values() if each.id == repo_id]
        log = repo.check_runs[job_id].log or b""
        found = _RANGE.fullmatch(request.headers.get("range", ""))
        start = int(found[1]) if found else 0
        return Response(log[start:], 206 if found else 200, media_type="text/plain")

    return Route("/job-logs/{repository:int}/{job:int}", read)


ENDPOINTS = (
    Endpoint(
        "GET", "/repos/{owner}/{repo}/actions/jobs/{job_id:int}/logs", download, "actions:read"
    ),
)
