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
EVENTS = (
    "check_run",
    "check_suite",
    "issue_comment",
    "merge_group",
    "pull_request",
    "pull_request_review",
    "pull_request_review_comment",
)


def manifest(public_url: str, name: str, callback: str) -> dict[str, Any]:
    """What GitHub is asked to make."""
    return {
        "name": name,
        "url": public_url,
        "hook_attributes": {"url": f"{public_url}/webhooks/github", "active": True},
        "redirect_url": callback,
        "callback_urls": [f"{public_url}/sign-in/github/callback"],
        "public": False,
        "default_permissions": PERMISSIONS,
        "default_events": list(EVENTS),
    }
