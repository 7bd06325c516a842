"""Trim GitHub's OpenAPI description to the paths that Glossator calls.

    npm pack @octokit/openapi && tar xzf octokit-openapi-*.tgz
    python trim.py package

Writes `api.github.com.json` and `VERSION` beside this script. Examples and descriptions go;
everything that says what a request or an answer may be stays, with all components it refers to.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent

PATHS = (
    "/advisories/{ghsa_id}",
    "/app",
    "/app/hook/config",
    "/app/hook/deliveries",
    "/app/hook/deliveries/{delivery_id}",
    "/app/hook/deliveries/{delivery_id}/attempts",
    "/app/installations",
    "/app/installations/{installation_id}",
    "/app/installations/{installation_id}/access_tokens",
    "/app-manifests/{code}/conversions",
    "/installation/repositories",
    "/rate_limit",
    "/repos/{owner}/{repo}",
    "/repos/{owner}/{repo}/actions/jobs/{job_id}/logs",
    "/repos/{owner}/{repo}/check-runs",
    "/repos/{owner}/{repo}/check-runs/{check_run_id}",
    "/repos/{owner}/{repo}/check-runs/{check_run_id}/annotations",
    "/repos/{owner}/{repo}/code-scanning/sarifs",
    "/repos/{owner}/{repo}/collaborators/{username}/permission",
    "/repos/{owner}/{repo}/commits/{ref}/check-runs",
    "/repos/{owner}/{repo}/compare/{basehead}",
    "/repos/{owner}/{repo}/contents/{path}",
    "/repos/{owner}/{repo}/dependency-graph/compare/{basehead}",
    "/repos/{owner}/{repo}/installation",
    "/repos/{owner}/{repo}/issues/comments/{comment_id}",
    "/repos/{owner}/{repo}/issues/comments/{comment_id}/reactions",
    "/repos/{owner}/{repo}/issues/comments/{comment_id}/reactions/{reaction_id}",
    "/repos/{owner}/{repo}/issues/{issue_number}",
    "/repos/{owner}/{repo}/issues/{issue_number}/comments",
    "/repos/{owner}/{repo}/issues/{issue_number}/labels",
    "/repos/{owner}/{repo}/issues/{issue_number}/labels/{name}",
    "/repos/{owner}/{repo}/issues/{issue_number}/reactions",
    "/repos/{owner}/{repo}/issues/{issue_number}/reactions/{reaction_id}",
    "/repos/{owner}/{repo}/pulls",
    "/repos/{owner}/{repo}/pulls/comments/{comment_id}",
    "/repos/{owner}/{repo}/pulls/comments/{comment_id}/reactions",
    "/repos/{owner}/{repo}/pulls/comments/{comment_id}/reactions/{reaction_id}",
    "/repos/{owner}/{repo}/pulls/{pull_number}",
    "/repos/{owner}/{repo}/pulls/{pull_number}/comments",
    "/repos/{owner}/{repo}/pulls/{pull_number}/comments/{comment_id}/replies",
    "/repos/{owner}/{repo}/pulls/{pull_number}/commits",
    "/repos/{owner}/{repo}/pulls/{pull_number}/files",
    "/repos/{owner}/{repo}/pulls/{pull_number}/reviews",
    "/repos/{owner}/{repo}/pulls/{pull_number}/reviews/{review_id}",
    "/repos/{owner}/{repo}/pulls/{pull_number}/reviews/{review_id}/comments",
    "/repos/{owner}/{repo}/pulls/{pull_number}/reviews/{review_id}/dismissals",
    "/repos/{owner}/{repo}/pulls/{pull_number}/reviews/{review_id}/events",
)

#: Prose and samples: most of the description's size, and nothing that can be checked.
PROSE = {"description", "summary", "example", "examples", "externalDocs", "tags", "x-github"}


def without_prose(node: Any, *, named: bool = False) -> Any:
    """A copy without prose. `named` says that the keys are somebody's names, not keywords."""
    if isinstance(node, list):
        return [without_prose(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: without_prose(value, named=key in ("properties", "schemas") and not named)
        for key, value in node.items()
        if named or key not in PROSE
    }


def references(node: Any) -> set[str]:
    """All `$ref` values below a node."""
    if isinstance(node, list):
        return set().union(*map(references, node)) if node else set()
    if not isinstance(node, dict):
        return set()
    found = set().union(*map(references, node.values())) if node else set()
    if isinstance(node.get("$ref"), str):
        found.add(node["$ref"])
    return found


def trim(whole: dict[str, Any]) -> dict[str, Any]:
    """The description of PATHS with the components that they reach."""
    paths = {path: without_prose(whole["paths"][path]) for path in PATHS}
    components: dict[str, dict[str, Any]] = {}
    waiting, seen = references(paths), set[str]()
    while waiting:
        reference = waiting.pop()
        if reference in seen:
            continue
        seen.add(reference)
        _, _, kind, name = reference.split("/", 3)
        if kind == "examples":
            continue
        part = without_prose(whole["components"][kind][name])
        components.setdefault(kind, {})[name] = part
        waiting |= references(part)
    return {
        "openapi": whole["openapi"],
        "info": without_prose(whole["info"]),
        "paths": paths,
        "components": components,
    }


def main(package: Path) -> None:
    """Read the unpacked npm package and write the trimmed copy."""
    whole = json.loads((package / "generated/api.github.com.json").read_text())
    version = json.loads((package / "package.json").read_text())["version"]
    text = json.dumps(trim(whole), sort_keys=True, separators=(",", ":"))
    (HERE / "api.github.com.json").write_text(text + "\n")
    (HERE / "VERSION").write_text(f"@octokit/openapi {version}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
