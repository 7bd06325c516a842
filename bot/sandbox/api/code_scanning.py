"""Code scanning: SARIF is taken, and becomes alerts that close when a later upload lacks them.

https://docs.github.com/en/rest/code-scanning/code-scanning#upload-an-analysis-as-sarif-data
https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
"""

import base64
import binascii
import gzip
import json
import re
import uuid
import zlib
from typing import Any

from starlette.responses import Response

from bot.sandbox.api.call import Call, Endpoint, GitHubError, answer
from bot.sandbox.git import git
from bot.sandbox.repository_json import repo_api
from bot.sandbox.state import ScanningAlert

_REF = re.compile(r"refs/(heads|tags|pull)/.+")


async def upload(call: Call) -> Response:
    """POST /repos/{owner}/{repo}/code-scanning/sarifs"""
    sha, ref = call.required("Sarif", "commit_sha", str), call.required("Sarif", "ref", str)
    if not _REF.fullmatch(ref) or await git.resolve(call.repo.git_dir, sha) != sha:
        raise GitHubError(422, f"commit not found or ref invalid: {sha} {ref}")
    for run in _runs(call.required("Sarif", "sarif", str)):
        # "the category is the part up to the last slash"
        category = run.get("automationDetails", {}).get("id", "").rpartition("/")[0]
        _store(call, ref, category, run)
    call.wrote = True
    upload_id = str(uuid.uuid4())
    api = repo_api(call.state, call.repo)
    return answer({"id": upload_id, "url": f"{api}/code-scanning/sarifs/{upload_id}"}, 202)


def _runs(sarif: str) -> list[dict[str, Any]]:
    """Raises 400 for what is not gzip in base64 of a SARIF log."""
    try:
        log = json.loads(gzip.decompress(base64.b64decode(sarif, validate=True)))
        runs: list[dict[str, Any]] = log["runs"]
    except (binascii.Error, OSError, EOFError, zlib.error, ValueError, KeyError) as exc:
        raise GitHubError(400, "Invalid SARIF: not gzip in base64 of a SARIF log") from exc
    return runs


def _store(call: Call, ref: str, category: str, run: dict[str, Any]) -> None:
    """An alert for each result by its rule and `primaryLocationLineHash`, the one fingerprint that
    GitHub looks at; those of the same ref and category that are not among them are fixed."""
    found = set()
    for result in run["results"]:
        name = result["partialFingerprints"]["primaryLocationLineHash"]
        key = (ref, category, result["ruleId"], name)
        found.add(key)
        alerts = call.repo.scanning_alerts
        alert = alerts.setdefault(key, ScanningAlert(number=len(alerts) + 1, rule=key[2]))
        alert.state = "open"
        where = result["locations"][0]["physicalLocation"]
        alert.path = where["artifactLocation"]["uri"]
    for key, alert in call.repo.scanning_alerts.items():
        if key[:2] == (ref, category) and key not in found:
            alert.state = "fixed"


ENDPOINTS = (
    Endpoint("POST", "/repos/{owner}/{repo}/code-scanning/sarifs", upload, "security_events:write"),
)
