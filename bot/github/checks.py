"""Check runs: the live state of a review on its commit.

https://docs.github.com/en/rest/checks/runs
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.domain.model import CheckAnnotation, FailedCheck
from bot.github.client import GitHub, repo_url
from bot.github.errors import Elsewhere, GitHubError
from bot.github.lengths import OUTPUT_BYTES, cut, utf8_bytes

#: "The Checks API limits the number of annotations to a maximum of 50 per API request."
ANNOTATIONS_PER_REQUEST = 50
#: "The maximum size is 64 KB" for `message`, "255 characters" for `title` of an annotation.
ANNOTATION_MESSAGE_CHARACTERS = 16_000
ANNOTATION_TITLE_CHARACTERS = 255
#: "A maximum of three actions are accepted", with these lengths.
MAX_ACTIONS = 3
ACTION_LABEL_CHARACTERS = 20
ACTION_IDENTIFIER_CHARACTERS = 20
ACTION_DESCRIPTION_CHARACTERS = 40
#: Of checks of others that failed so many are read, so many annotations of each, and so many
#: characters of each text.
MAX_FAILED_CHECKS, MAX_FAILED_NOTES, MAX_FAILED_CHARACTERS = 10, 30, 600

#: The end of an Actions job's `details_url`.
_JOB = re.compile(r"/actions/runs/[0-9]{1,20}/job/([0-9]{1,20})$")
_FAILURES = frozenset({"failure", "timed_out", "startup_failure"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """A note on lines of the head commit. `level` is notice, warning or failure."""

    path: str
    start_line: int
    end_line: int
    level: str
    title: str
    message: str
    start_column: int | None = None
    end_column: int | None = None

    def request(self) -> dict[str, Any]:
        """GitHub's object; columns only where GitHub allows them, on a single line."""
        body: dict[str, Any] = {
            "path": self.path,
            "start_line": self.start_line,
            "end_line": self.end_line,
            "annotation_level": self.level,
            "title": self.title[:ANNOTATION_TITLE_CHARACTERS],
            "message": cut(self.message, ANNOTATION_MESSAGE_CHARACTERS),
        }
        if self.start_line == self.end_line:
            columns = {"start_column": self.start_column, "end_column": self.end_column}
            body.update({key: value for key, value in columns.items() if value is not None})
        return body


@dataclass(frozen=True, slots=True)
class Action:
    """A button on the check run. Raises ValueError when a text is longer than GitHub takes."""

    label: str
    identifier: str
    description: str

    def __post_init__(self) -> None:
        limits = (
            (self.label, ACTION_LABEL_CHARACTERS),
            (self.identifier, ACTION_IDENTIFIER_CHARACTERS),
            (self.description, ACTION_DESCRIPTION_CHARACTERS),
        )
        for text, limit in limits:
            if not 0 < len(text) <= limit:
                raise ValueError(f"A check run's action takes 1 to {limit} characters: {text!r}.")

    def request(self) -> dict[str, str]:
        """GitHub's object."""
        return {
            "label": self.label,
            "identifier": self.identifier,
            "description": self.description,
        }


@dataclass(frozen=True, slots=True)
class CheckOutput:
    """What a check run shows; `summary` and `text` are Markdown."""

    title: str
    summary: str
    text: str = ""
    annotations: tuple[Annotation, ...] = ()

    def request(self, annotations: Sequence[Annotation]) -> dict[str, Any]:
        """GitHub's object with some of the annotations."""
        body: dict[str, Any] = {
            "title": self.title,
            "summary": cut(self.summary, OUTPUT_BYTES, utf8_bytes),
        }
        if self.text:
            body["text"] = cut(self.text, OUTPUT_BYTES, utf8_bytes)
        if annotations:
            body["annotations"] = [annotation.request() for annotation in annotations]
        return body


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRun:
    """A check run of ours; `conclusion` is None until it is completed."""

    id: int
    external_id: str
    status: str
    conclusion: str | None
    url: str
    annotations: int


async def create_check_run(
    gh: GitHub,
    repo: str,
    *,
    name: str,
    head_sha: str,
    external_id: str,
    status: str = "queued",
    details_url: str = "",
    output: CheckOutput | None = None,
    actions: Sequence[Action] = (),
) -> CheckRun:
    """Open a check run that is `queued` or `in_progress`.

    Not repeated when GitHub may have got it: look for it by `find_check_run` first.
    """
    body: dict[str, Any] = {
        "name": name,
        "head_sha": head_sha,
        "external_id": external_id,
        **_fields(status, details_url, actions),
    }
    if output is not None:
        body["output"] = output.request(output.annotations[:ANNOTATIONS_PER_REQUEST])
    run = _run_of(await gh.post(repo_url(repo, "check-runs"), data=body))
    if output is None or len(output.annotations) <= ANNOTATIONS_PER_REQUEST:
        return run
    return await update_check_run(gh, repo, run.id, output=output)


async def update_check_run(
    gh: GitHub,
    repo: str,
    check_run_id: int,
    *,
    status: str | None = None,
    conclusion: str | None = None,
    details_url: str = "",
    output: CheckOutput | None = None,
    actions: Sequence[Action] = (),
    already_sent: int | None = None,
) -> CheckRun:
    """Change a check run: `status` queued or in_progress, or a `conclusion`, which completes it.

    GitHub appends annotations and takes 50 at a time, so they go out in several requests, the
    conclusion with the last. Those it holds already, of an attempt that was cut short, are not
    sent again: each call has to name all annotations in the same order. `already_sent` is how many
    it holds; None asks GitHub.
    """
    url = repo_url(repo, "check-runs", check_run_id)
    fields = _fields(status, details_url, actions)
    pending = output.annotations if output is not None else ()
    if pending and already_sent is None:
        already_sent = (await get_check_run(gh, repo, check_run_id)).annotations
    pending = pending[already_sent or 0 :]
    while output is not None and len(pending) > ANNOTATIONS_PER_REQUEST:
        first, pending = pending[:ANNOTATIONS_PER_REQUEST], pending[ANNOTATIONS_PER_REQUEST:]
        await gh.patch(url, data={**fields, "output": output.request(first)})
    if output is not None:
        fields["output"] = output.request(pending)
    if conclusion is not None:
        fields |= {"status": "completed", "conclusion": conclusion}
    return _run_of(await gh.patch(url, data=fields))


async def get_check_run(gh: GitHub, repo: str, check_run_id: int) -> CheckRun:
    """The check run as it is now."""
    return _run_of(await gh.getitem(repo_url(repo, "check-runs", check_run_id)))


async def find_check_run(gh: GitHub, repo: str, ref: str, external_id: str) -> CheckRun | None:
    """The newest check run on a commit that carries our `external_id`; None when there is none."""
    url = repo_url(repo, "commits", ref, "check-runs", filter="all", per_page=100)
    found: CheckRun | None = None
    async for data in gh.getiter(url, iterable_key="check_runs"):
        if data.get("external_id") == external_id and (found is None or data["id"] > found.id):
            found = _run_of(data)
    return found


async def latest_check_run(
    gh: GitHub, repo: str, ref: str, name: str, app_id: str
) -> CheckRun | None:
    """The newest check run of that name that the App has on a commit; None when there is none."""
    url = repo_url(
        repo, "commits", ref, "check-runs", check_name=name, app_id=app_id, filter="latest"
    )
    found = [_run_of(data) async for data in gh.getiter(url, iterable_key="check_runs")]
    return max(found, key=lambda run: run.id, default=None)


async def failed_checks(gh: GitHub, repo: str, sha: str, own_app: str) -> tuple[FailedCheck, ...]:
    """The newest check runs of others that failed on a commit, with what they say of lines, bounded
    in number and length; `own_app` is the id of our App."""
    url = repo_url(
        repo, "commits", sha, "check-runs", filter="latest", status="completed", per_page=100
    )
    body = await gh.getitem(url)  # the first hundred are enough
    failed = [
        run
        for run in body["check_runs"]
        if run["conclusion"] in _FAILURES and str((run.get("app") or {}).get("id")) != own_app
    ]
    return tuple([await _failed(gh, repo, run) for run in failed[:MAX_FAILED_CHECKS]])


async def _failed(gh: GitHub, repo: str, run: dict[str, Any]) -> FailedCheck:
    output = run.get("output") or {}
    notes: list[dict[str, Any]] = []
    if output.get("annotations_count"):
        url = repo_url(repo, "check-runs", run["id"], "annotations", per_page=MAX_FAILED_NOTES)
        notes = await gh.getitem(url)
    return FailedCheck(
        name=run["name"][:200],
        summary=_joined(output.get("title"), output.get("summary")),
        annotations=tuple(
            CheckAnnotation(
                path=note["path"],
                start_line=note["start_line"],
                end_line=note["end_line"],
                text=_joined(note.get("title"), note.get("message")),
            )
            for note in notes
            if note["annotation_level"] != "notice"
        ),
        job_id=_job_of(run),
    )


def _job_of(run: dict[str, Any]) -> int | None:
    if (run.get("app") or {}).get("slug") != "github-actions":
        return None
    found = _JOB.search(run.get("details_url") or "")
    return int(found[1]) if found else None


async def log_address(gh: GitHub, repo: str, job_id: int) -> str:
    """Where the log of an Actions job is stored, an address that holds its own credentials for a
    minute. Raises GitHubError.

    https://docs.github.com/en/rest/actions/workflow-jobs#download-job-logs-for-a-workflow-run
    """
    try:
        await gh.getitem(repo_url(repo, "actions", "jobs", job_id, "logs"))
    except Elsewhere as exc:
        return exc.address
    raise GitHubError("GitHub did not say where the log is.")


def _joined(title: str | None, text: str | None) -> str:
    return ": ".join(filter(None, (title, text)))[:MAX_FAILED_CHARACTERS]


def _fields(status: str | None, details_url: str, actions: Sequence[Action]) -> dict[str, Any]:
    if len(actions) > MAX_ACTIONS:
        raise ValueError(f"A check run takes at most {MAX_ACTIONS} actions, not {len(actions)}.")
    body: dict[str, Any] = {}
    if status is not None:
        body["status"] = status
    if details_url:
        body["details_url"] = details_url
    if actions:
        body["actions"] = [action.request() for action in actions]
    return body


def _run_of(data: dict[str, Any]) -> CheckRun:
    return CheckRun(
        id=data["id"],
        external_id=data.get("external_id") or "",
        status=data["status"],
        conclusion=data.get("conclusion"),
        url=data.get("html_url") or "",
        annotations=(data.get("output") or {}).get("annotations_count") or 0,
    )
