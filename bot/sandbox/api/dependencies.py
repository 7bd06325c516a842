"""Dependency review, and the advisories that it names.

https://docs.github.com/en/rest/dependency-graph/dependency-review
https://docs.github.com/en/rest/security-advisories/global-advisories
"""

from collections.abc import Iterable
from typing import Any

from starlette.responses import Response

from bot.sandbox.api.call import Call, Endpoint, GitHubError, answer, not_found, page_of
from bot.sandbox.git import git
from bot.sandbox.state import Advisory, Dependency


async def compare(call: Call) -> Response:
    """GET /repos/{owner}/{repo}/dependency-graph/compare/{base}...{head}"""
    known = call.repo.dependencies
    if known is None:
        raise GitHubError(403, "Dependency review is not supported on this repository.")
    base_ref, dots, head_ref = call.request.path_params["basehead"].partition("...")
    git_dir = call.repo.git_dir
    base, head = await git.resolve(git_dir, base_ref), await git.resolve(git_dir, head_ref)
    start = await git.merge_base(git_dir, base, head) if dots and base and head else None
    if start is None or head is None:
        raise not_found()
    before, after = known.get(start, ()), known.get(head, ())
    changes = [
        *_changes(call, "removed", [each for each in before if each not in after]),
        *_changes(call, "added", [each for each in after if each not in before]),
    ]
    shown, headers = page_of(call, changes)
    return answer(shown, headers=headers)


def _changes(call: Call, kind: str, found: Iterable[Dependency]) -> Iterable[dict[str, Any]]:
    advisories = call.state.advisories.values()
    for each in found:
        yield {
            "change_type": kind,
            "manifest": each.manifest,
            "ecosystem": each.ecosystem,
            "name": each.name,
            "version": each.version,
            "package_url": f"pkg:{each.ecosystem}/{each.name}@{each.version}",
            "license": each.license,
            "source_repository_url": None,
            "scope": "runtime",
            "vulnerabilities": [
                {
                    "severity": {"medium": "moderate"}.get(one.severity, one.severity),
                    "advisory_ghsa_id": one.id,
                    "advisory_summary": one.summary,
                    "advisory_url": f"https://github.com/advisories/{one.id}",
                }
                for one in advisories
                if one.package == each.name and each.version in one.versions
            ],
        }


async def get_advisory(call: Call) -> Response:
    """GET /advisories/{ghsa_id}"""
    found = call.state.advisories.get(call.request.path_params["ghsa_id"])
    if found is None:
        raise not_found()
    return answer(_advisory(call, found))


def _advisory(call: Call, advisory: Advisory) -> dict[str, Any]:
    at = call.state.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    nothing = (
        *("cve_id", "repository_advisory_url", "source_code_location", "withdrawn_at", "cvss"),
        *("references", "github_reviewed_at", "nvd_published_at", "cwes", "credits", "description"),
    )
    return {
        **dict.fromkeys(nothing),
        "ghsa_id": advisory.id,
        "url": f"{call.state.url}/api/v3/advisories/{advisory.id}",
        "html_url": f"https://github.com/advisories/{advisory.id}",
        "summary": advisory.summary,
        "type": "reviewed",
        "severity": advisory.severity,
        "identifiers": [{"type": "GHSA", "value": advisory.id}],
        "published_at": at,
        "updated_at": at,
        "vulnerabilities": [
            {
                "package": {"ecosystem": advisory.ecosystem, "name": advisory.package},
                "vulnerable_version_range": f"< {advisory.fixed}" if advisory.fixed else None,
                "first_patched_version": advisory.fixed,
                "vulnerable_functions": [],
            }
        ],
    }


ENDPOINTS = (
    Endpoint(
        "GET",
        "/repos/{owner}/{repo}/dependency-graph/compare/{basehead:path}",
        compare,
        "contents:read",
    ),
    Endpoint("GET", "/advisories/{ghsa_id}", get_advisory, ""),
)
