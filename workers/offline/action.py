"""`glossator action`: a review of the pull request that a GitHub workflow runs for.

There is no server and no Redis: what was posted before is read from GitHub, by the markers in our
own comments, so that the job may run twice for a commit, or die at any point, and nothing is
posted twice. The code under review is cloned bare and never checked out.
https://docs.github.com/en/actions/reference/workflows-and-actions/variables
"""

import asyncio
import json
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx2

from bot.config.settings import FailOn, Settings
from bot.domain.model import Report, Review, Trigger
from bot.github.app import token_client
from bot.github.client import GitHub
from bot.github.errors import Forbidden, GitHubError, NotFound
from bot.github.reviews import PostedReview, find_review
from bot.github.threads import list_threads
from bot.policy.precedence import effective
from bot.policy.start import Skip, decide, is_from_fork
from bot.runtime.subprocesses import run_git
from bot.security.links import Links
from bot.security.tls import trusted
from workers.offline.local_review import ReviewTarget, review_here
from workers.offline.review_command import (
    BadCommand,
    has_failed,
    progress_bar,
    tell_unknown,
    write_file,
)
from workers.offline.review_target import TargetNotFound, github_pull
from workers.reports.formats import render_as
from workers.reports.github_review import describe, edit_review, find_posted, publish_new
from workers.reports.markers import read_finding_marker, review_marker
from workers.scan.repository.errors import CloneError

#: Who writes by the token of a job. It cannot ask who it is.
JOB_LOGIN = "github-actions[bot]"
#: Bytes of a step's summary that GitHub takes.
MAX_SUMMARY = 1_000_000

#: How the marker of each of our reviews begins, whatever the commit.
_ANY_REVIEW = review_marker("action-").removesuffix(" -->")

_FROM_FORK = (
    "Pull requests from forks get no secrets, so there was no model: this review comes from "
    "static analyzers only."
)
_READ_ONLY = (
    "The job's token has no write access, as is usual for pull requests from forks, so nothing "
    "was posted. The report is here and in the artifact."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """The job that we are a step of."""

    repository: str  # owner/name
    number: int
    head_sha: str
    event: str
    token: str
    workspace: Path | None
    summary: Path | None

    @classmethod
    def of(cls, environment: Mapping[str, str], token: str) -> "Job":
        """Raises BadCommand outside of a job for a pull request."""
        name, path = environment.get("GITHUB_EVENT_NAME", ""), environment.get("GITHUB_EVENT_PATH")
        if not path:
            raise BadCommand("GITHUB_EVENT_PATH is not set: run this command in GitHub Actions.")
        if not name.startswith("pull_request"):
            raise BadCommand(f"The event is {name!r}; use `on: pull_request` in the workflow.")
        try:
            pull = json.loads(Path(path).read_bytes())["pull_request"]
            return cls(
                repository=str(pull["base"]["repo"]["full_name"]),
                number=int(pull["number"]),
                head_sha=str(pull["head"]["sha"]),
                event=name,
                token=token,
                workspace=_path(environment, "GITHUB_WORKSPACE"),
                summary=_path(environment, "GITHUB_STEP_SUMMARY"),
            )
        except (OSError, ValueError, KeyError, TypeError) as exc:
            raise BadCommand(f"{path} does not describe a pull request.") from exc

    async def summarize(self, words: str) -> None:
        """Add to the job's summary, or print where there is none."""
        if self.summary is None:
            print(words)
            return
        data = f"{words}\n".encode("utf-8", "backslashreplace")[:MAX_SUMMARY]
        await asyncio.to_thread(_append, self.summary, data)


async def action_command(
    settings: Settings, job: Job, *, post: bool, fail_on: FailOn, output: Path
) -> bool:
    """Review, post if asked to, write the reports into the folder `output`. True if a finding is
    as severe as `fail_on`. Raises BadCommand."""
    if not job.token:
        raise BadCommand("GITHUB_TOKEN is not set; pass `${{ github.token }}` to the step.")
    await _refuse_checkout(job)
    tell_unknown(settings)
    try:
        target = await github_pull(f"{job.repository}#{job.number}", job.token, settings)
        if skip := _skipped(target, settings):
            await job.summarize(f"Glossator did not review this pull request. {skip.message}")
            return False
        return await _review(settings, job, target, post=post, fail_on=fail_on, output=output)
    except (TargetNotFound, CloneError, GitHubError) as exc:
        raise BadCommand(str(exc)) from exc


async def _review(
    settings: Settings, job: Job, target: ReviewTarget, *, post: bool, fail_on: FailOn, output: Path
) -> bool:
    remarks = []
    if not settings.openai_api_key.get_secret_value() and is_from_fork(target.pull, job.repository):
        settings = settings.model_copy(update={"llm_model": ""})
        remarks.append(_FROM_FORK)
    async with httpx2.AsyncClient(verify=trusted()) as http:
        gh = token_client(settings.github_api_url, job.token, http, settings.github_timeout)
        author = await _login(gh)
        known = await _posted_before(gh, job, author)
        with progress_bar() as show:
            report = await review_here(
                target,
                settings,
                focus=None,
                on_progress=show,
                review=_review_of(target),
                posted_before=known,
            )
        await _write_reports(report, output)
        if post:
            try:
                posted = await _post(gh, report, author, settings, target)
                remarks.append(f"[The review]({posted.url}) is on the pull request.")
                if target.config.description_overview:
                    with suppress(GitHubError):
                        await describe(gh, report)
            except Forbidden:
                remarks.append(_READ_ONLY)
    sys.stdout.buffer.write(render_as(report, "text"))  # lines for the problem matcher
    full = render_as(report, "markdown").decode()
    await job.summarize("\n\n".join((*remarks, full)))
    return has_failed(report, fail_on, analyzers_alone=not settings.has_llm)


async def _post(
    gh: GitHub, report: Report, author: str, settings: Settings, target: ReviewTarget
) -> PostedReview:
    """Post the review unless an earlier run of the job did. A later commit that brings nothing
    for the lines updates the review of an earlier one. Raises GitHubError."""
    links = Links()
    if found := await find_posted(gh, report, links, author):
        return found
    repo, number = report.review.repository.full_name, report.review.number
    if not report.inline and (earlier := await find_review(gh, repo, number, _ANY_REVIEW, author)):
        return await edit_review(gh, report, links, earlier.id)
    request_changes = effective(settings, target.config).request_changes
    return await publish_new(gh, report, links, request_changes=request_changes)


def _review_of(target: ReviewTarget) -> Review:
    """One for each commit, whose name a second run of the job knows."""
    head = target.source.head_sha
    return Review(
        id=f"action-{head}",
        repository=target.repository,
        number=target.pull.number,
        head_sha=head,
        trigger=Trigger.PUSHED,
        created_at=time.time(),
    )


async def _posted_before(gh: GitHub, job: Job, author: str) -> frozenset[str]:
    """The findings that our comments on the pull request are about, resolved ones too."""
    found: set[str] = set()
    for thread in await list_threads(gh, job.repository, job.number):
        marker = read_finding_marker(thread.body) if thread.author == author else None
        if marker:
            found |= marker.fingerprints
    return frozenset(found)


async def _login(gh: GitHub) -> str:
    """Who writes by this token. Only people's tokens may ask."""
    with suppress(Forbidden, NotFound):
        return str((await gh.getitem("/user"))["login"])
    return JOB_LOGIN


def _skipped(target: ReviewTarget, settings: Settings) -> Skip | None:
    rules = effective(settings, target.config)
    decision = decide(
        target.pull,
        target.config,
        Trigger.PUSHED,
        repository=target.repository.full_name,
        max_files=rules.max_files,
        forks=rules.forks,
        paused=False,
        changed_paths=None,
    )
    return decision if isinstance(decision, Skip) else None


async def _refuse_checkout(job: Job) -> None:
    """With `pull_request_target` a job has secrets and a token that writes. Code of the head in its
    workspace is one `npm install` away from both. Raises BadCommand."""
    if job.event != "pull_request_target" or job.workspace is None:
        return
    options = "log", "-1", "--format=%H %P"
    try:
        code, out, _ = await run_git("-C", str(job.workspace), *options)
    except FileNotFoundError:
        return
    if code == 0 and job.head_sha in out.decode(errors="replace").split():
        raise BadCommand(
            "This workflow checks out the pull request's head under `pull_request_target`, which "
            "gives its code your secrets. Remove the checkout, or use `on: pull_request`."
        )


async def _write_reports(report: Report, output: Path) -> None:
    for name, ending in (
        ("sarif", "sarif"),
        ("html", "html"),
        ("json", "json"),
        ("markdown", "md"),
    ):
        data = await asyncio.to_thread(render_as, report, name)
        await write_file(output / f"glossator.{ending}", data)


def _path(environment: Mapping[str, str], name: str) -> Path | None:
    return Path(environment[name]) if environment.get(name) else None


def _append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)
