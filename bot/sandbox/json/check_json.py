"""GitHub's JSON for check runs and check suites."""

from __future__ import annotations

from bot.sandbox.json.repository_json import Json, app, node_id, repo_api, timestamp
from bot.sandbox.records import CheckRun, Pull, Repository
from bot.sandbox.state import SandboxState


def check_run(state: SandboxState, repo: Repository, run: CheckRun) -> Json:
    """A check run. `pull_requests` is empty for heads in forks, as GitHub has it."""
    api = f"{repo_api(state, repo)}/check-runs/{run.id}"
    html = f"{state.url}/{repo.full_name}/runs/{run.id}"
    return {
        "id": run.id,
        "name": run.name,
        "node_id": node_id("CR", run.id),
        "head_sha": run.head_sha,
        "external_id": run.external_id,
        "url": api,
        "html_url": html,
        "details_url": run.details_url or html,
        "status": run.status,
        "conclusion": run.conclusion,
        "started_at": run.started_at,
        "completed_at": run.completed_at,
        "output": {
            "title": run.output.get("title"),
            "summary": run.output.get("summary"),
            "text": run.output.get("text"),
            "annotations_count": len(run.annotations),
            "annotations_url": f"{api}/annotations",
        },
        "check_suite": {"id": run.suite_id},
        "app": _app(state, run.app_id),
        "pull_requests": [pull_minimal(state, repo, pull) for pull in repo.pulls_at(run.head_sha)],
    }


def _app(state: SandboxState, app_id: int) -> Json:
    """The App of a check run: ours, or a stranger of which only the id is known."""
    shown = app(state)
    if app_id == state.app.id:
        return shown
    slug = f"app-{app_id}"
    return shown | {
        "id": app_id,
        "slug": slug,
        "name": slug,
        "client_id": f"Iv1.{app_id}",
        "html_url": f"{state.url}/apps/{slug}",
    }


def check_suite(state: SandboxState, repo: Repository, head_sha: str) -> Json:
    """The check suite of our App on a commit, as webhooks have it."""
    suite_id = repo.check_suites.setdefault(head_sha, state.next_id())
    api = f"{repo_api(state, repo)}/check-suites/{suite_id}"
    pulls = repo.pulls_at(head_sha)
    return {
        "id": suite_id,
        "node_id": node_id("CS", suite_id),
        "head_branch": pulls[0].head_ref if pulls else None,
        "head_sha": head_sha,
        "status": "queued",
        "conclusion": None,
        "url": api,
        "before": None,
        "after": head_sha,
        "pull_requests": [pull_minimal(state, repo, pull) for pull in pulls],
        "app": app(state),
        "created_at": timestamp(state.now()),
        "updated_at": timestamp(state.now()),
        "check_runs_url": f"{api}/check-runs",
    }


def pull_minimal(state: SandboxState, repo: Repository, pull: Pull) -> Json:
    """A pull request as check runs mention it."""
    shown = {"id": repo.id, "url": repo_api(state, repo), "name": repo.name}
    return {
        "id": pull.id,
        "number": pull.number,
        "url": f"{repo_api(state, repo)}/pulls/{pull.number}",
        "head": {"ref": pull.head_ref, "sha": pull.head_sha, "repo": shown},
        "base": {"ref": pull.base_ref, "sha": pull.base_sha, "repo": shown},
    }
