"""Check runs and their JSON, within the limits of GitHub's docs, "Create a check run"."""

from typing import Any

from starlette.responses import Response

from bot.sandbox.api.call import (
    Call,
    Endpoint,
    GitHubError,
    answer,
    forbidden,
    invalid,
    not_found,
    page_of,
)
from bot.sandbox.git import git
from bot.sandbox.repository_json import Json, app, node_id, repo_api, timestamp
from bot.sandbox.state import CheckRun, Pull, Repository, SandboxState

#: "The Checks API limits the number of annotations to a maximum of 50 per API request."
MAX_ANNOTATIONS = 50
#: "The summary of the check run. This parameter supports Markdown. Maximum length: 65535
#: characters." The same holds for `text`. Bytes are counted as well: a longer `summary` is
#: refused, a longer `text` is cut, which nobody is told.
MAX_TEXT = 65_535
#: "A maximum of three actions are accepted", with the lengths of each field.
MAX_ACTIONS = 3
ACTION_LENGTHS = {"label": 20, "description": 40, "identifier": 20}

STATUSES = ("queued", "in_progress", "completed")
CONCLUSIONS = (
    "action_required",
    "cancelled",
    "failure",
    "neutral",
    "success",
    "skipped",
    "timed_out",
)
LEVELS = ("notice", "warning", "failure")
#: The id of GitHub's own App of GitHub Actions.
ACTIONS_APP = 15368


async def create(call: Call) -> Response:
    """POST /repos/{owner}/{repo}/check-runs"""
    name = call.required("CheckRun", "name", str)
    head = call.required("CheckRun", "head_sha", str)
    _check(call.body)
    if await git.resolve(call.repo.git_dir, head) != head:
        raise GitHubError(422, f"No commit found for SHA: {head}")
    suites = call.repo.check_suites
    run = CheckRun(
        id=call.state.next_id(),
        name=name,
        head_sha=head,
        suite_id=suites.setdefault(head, call.state.next_id()),
        app_id=call.state.app.id,
    )
    _apply(call, run)
    call.repo.check_runs[run.id] = run
    call.wrote = True
    return answer(check_run(call.state, call.repo, run), 201)


async def update(call: Call) -> Response:
    """PATCH /repos/{owner}/{repo}/check-runs/{id}: only the App that made it may"""
    run = _run(call)
    if run.app_id != call.state.app.id:
        raise forbidden()
    _check(call.body)
    _apply(call, run)
    call.wrote = True
    return answer(check_run(call.state, call.repo, run))


async def get(call: Call) -> Response:
    """GET /repos/{owner}/{repo}/check-runs/{id}"""
    return answer(check_run(call.state, call.repo, _run(call)))


async def list_annotations(call: Call) -> Response:
    """GET /repos/{owner}/{repo}/check-runs/{id}/annotations"""
    run = _run(call)
    items, headers = page_of(call, run.annotations)
    api = repo_api(call.state, call.repo)
    optional = dict.fromkeys(("start_column", "end_column", "title", "raw_details"))
    body = [
        optional | item | {"blob_href": f"{api}/contents/{item['path']}?ref={run.head_sha}"}
        for item in items
    ]
    return answer(body, headers=headers)


async def list_for_ref(call: Call) -> Response:
    """GET /repos/{owner}/{repo}/commits/{ref}/check-runs

    Filters check_name, status, app_id; `filter=latest` (the default) keeps the newest run of
    each name and App.
    """
    sha = await git.resolve(call.repo.git_dir, call.request.path_params["ref"])
    if sha is None:
        raise GitHubError(422, f"No commit found for SHA: {call.request.path_params['ref']}")
    newest = sorted(call.repo.check_runs.values(), key=lambda run: run.id, reverse=True)
    runs = [
        run
        for run in newest
        if run.head_sha == sha
        and call.query("check_name", run.name) == run.name
        and call.query("status", run.status) == run.status
        and call.query("app_id", str(run.app_id)) == str(run.app_id)
    ]
    if call.query("filter", "latest") == "latest":
        runs = list({(run.name, run.app_id): run for run in reversed(runs)}.values())[::-1]
    items, headers = page_of(call, runs)
    body = {
        "total_count": len(runs),
        "check_runs": [check_run(call.state, call.repo, run) for run in items],
    }
    return answer(body, headers=headers)


def _run(call: Call) -> CheckRun:
    run = call.repo.check_runs.get(call.number("check_run_id"))
    if run is None:
        raise not_found()
    return run


def _check(body: dict[str, Any]) -> None:
    """Raise 422 for what GitHub would not take."""
    if body.get("status", "queued") not in STATUSES:
        raise invalid("CheckRun", "status")
    if "conclusion" in body and body["conclusion"] not in CONCLUSIONS:
        raise invalid("CheckRun", "conclusion")
    if body.get("status") == "completed" and not body.get("conclusion"):
        raise invalid("CheckRun", "conclusion", "missing_field")
    if len(body.get("external_id") or "") > 255:
        raise invalid("CheckRun", "external_id")
    _check_output(body.get("output"))
    _check_actions(body.get("actions", []))


def _check_output(output: Any) -> None:
    if output is None:
        return
    if not output.get("summary"):
        raise invalid("CheckRun", "output.summary", "missing_field")
    for name in ("summary", "text"):
        if len(output.get(name) or "") > MAX_TEXT:
            raise invalid(
                "CheckRun",
                f"output.{name}",
                "custom",
                f"Only {MAX_TEXT} characters are allowed; {len(output[name])} were supplied.",
            )
    if len(output["summary"].encode()) > MAX_TEXT:
        detail = f"summary exceeds a maximum bytesize of {MAX_TEXT}"
        raise invalid("CheckRun", "summary", "custom", detail)
    annotations = output.get("annotations", [])
    if len(annotations) > MAX_ANNOTATIONS:
        raise GitHubError(
            422,
            f"Invalid request.\n\nNo more than {MAX_ANNOTATIONS} items are allowed; "
            f"{len(annotations)} were supplied.",
        )
    for annotation in annotations:
        _check_annotation(annotation)


def _check_annotation(annotation: dict[str, Any]) -> None:
    for name in ("path", "start_line", "end_line", "annotation_level", "message"):
        if not annotation.get(name):
            raise invalid("CheckAnnotation", name, "missing_field")
    if annotation["annotation_level"] not in LEVELS:
        raise invalid("CheckAnnotation", "annotation_level")
    if annotation["end_line"] < annotation["start_line"]:
        raise invalid("CheckAnnotation", "end_line")
    several = annotation["start_line"] != annotation["end_line"]
    if several and ("start_column" in annotation or "end_column" in annotation):
        raise invalid("CheckAnnotation", "start_column")


def _check_actions(actions: list[dict[str, str]]) -> None:
    if len(actions) > MAX_ACTIONS:
        raise GitHubError(
            422,
            f"Invalid request.\n\nNo more than {MAX_ACTIONS} items are allowed; {len(actions)} "
            "were supplied.",
        )
    for action in actions:
        for name, longest in ACTION_LENGTHS.items():
            if not action.get(name):
                raise invalid("CheckRun", f"actions.{name}", "missing_field")
            if len(action[name]) > longest:
                raise invalid("CheckRun", f"actions.{name}", "custom", f"longer than {longest}")


def _apply(call: Call, run: CheckRun) -> None:
    """Take over what the body says. Annotations are added to, the rest is replaced."""
    body = call.body
    for name in ("name", "external_id", "details_url", "started_at", "actions"):
        if name in body:
            setattr(run, name, body[name])
    if "status" in body:
        run.status = body["status"]
        if run.status != "completed":
            run.conclusion = run.completed_at = None
    if "conclusion" in body:
        run.status, run.conclusion = "completed", body["conclusion"]
        run.completed_at = body.get("completed_at") or timestamp(call.state.now())
    if run.started_at is None:
        run.started_at = timestamp(call.state.now())
    if output := body.get("output"):
        run.output |= {k: output[k] for k in ("title", "summary", "text") if k in output}
        if text := run.output.get("text"):
            run.output["text"] = text.encode()[:MAX_TEXT].decode(errors="ignore")
        run.annotations.extend(output.get("annotations", []))


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
    slug = "github-actions" if app_id == ACTIONS_APP else f"app-{app_id}"
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


_RUN = "/repos/{owner}/{repo}/check-runs/{check_run_id:int}"

ENDPOINTS = (
    Endpoint("POST", "/repos/{owner}/{repo}/check-runs", create, "checks:write"),
    Endpoint("PATCH", _RUN, update, "checks:write"),
    Endpoint("GET", _RUN, get, "checks:read"),
    Endpoint("GET", f"{_RUN}/annotations", list_annotations, "checks:read"),
    Endpoint(
        "GET", "/repos/{owner}/{repo}/commits/{ref:path}/check-runs", list_for_ref, "checks:read"
    ),
)
