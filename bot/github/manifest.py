"""The GitHub App as we need it: permissions, events, and the manifest that asks for them (pure).

https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
"""

from typing import Any

#: The App asks for what is used, and for nothing else.
PERMISSIONS = {
    "checks": "write",
    "contents": "read",
    "issues": "write",
    "merge_queues": "read",
    "metadata": "read",
    "pull_requests": "write",
}
#: Asked for only with CODE_SCANNING_UPLOAD.
CODE_SCANNING = {"security_events": "write"}
#: Asked for only with CI_LOGS.
JOB_LOGS = {"actions": "read"}
EVENTS = (
    "check_run",
    "check_suite",
    "issue_comment",
    "merge_group",
    "pull_request",
    "pull_request_review",
    "pull_request_review_comment",
)


def permissions(*, code_scanning: bool, job_logs: bool) -> dict[str, str]:
    """What the App has to be allowed, by the settings."""
    optional = (CODE_SCANNING if code_scanning else {}) | (JOB_LOGS if job_logs else {})
    return {**PERMISSIONS, **optional}


def manifest(
    public_url: str,
    name: str,
    callback: str,
    *,
    code_scanning: bool = False,
    job_logs: bool = False,
) -> dict[str, Any]:
    """What GitHub is asked to make."""
    return {
        "name": name,
        "url": public_url,
        "hook_attributes": {"url": f"{public_url}/webhooks/github", "active": True},
        "redirect_url": callback,
        "callback_urls": [f"{public_url}/sign-in/github/callback"],
        "public": False,
        "default_permissions": permissions(code_scanning=code_scanning, job_logs=job_logs),
        "default_events": list(EVENTS),
    }
