"""The end of failed GitHub Actions jobs' logs, for the model, where CI_LOGS asks for it."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from urllib.parse import urlsplit

from bot.config.settings import Settings
from bot.domain.model import FailedCheck, PullRequestContext
from bot.github.checks import log_address
from bot.github.client import GitHub
from bot.github.errors import GitHubError
from bot.security.outgoing import AddressRefused, NotReached, get_end
from bot.telemetry import log
from bot.text.secrets import redact

_log = log.get(__name__)

#: Jobs whose logs are read, and lines and characters of each that are given.
MAX_JOBS, MAX_LINES, MAX_CHARACTERS = 3, 60, 4000
#: Of a log so many last bytes are looked at, out of so many where the host gives no range.
_END_BYTES, _MOST_BYTES = 64 << 10, 8 << 20
#: Colors and the like: https://en.wikipedia.org/wiki/ANSI_escape_code
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\)|[@-Z\\^_])")
#: GitHub puts it in front of each line.
_TIMESTAMP = re.compile(r"^\ufeff?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z ?", re.ASCII)
#: How the last line of a step that failed begins; what comes after it are other steps' clean-ups.
_ERROR = "##[error]"


async def with_job_logs(
    connect: Callable[[], Awaitable[GitHub]],
    settings: Settings,
    repo: str,
    pr_context: PullRequestContext,
) -> PullRequestContext:
    """The context with the logs of the first jobs that failed; without those that cannot be read,
    for which no review waits or fails. The client that `connect` makes may read Actions; an App
    that is not allowed this has no such client."""
    jobs = [check for check in pr_context.failed_checks if check.job_id is not None][:MAX_JOBS]
    if not jobs:
        return pr_context
    try:
        gh = await connect()
    except GitHubError as exc:
        _log.warning("job_logs_not_read", repository=repo, why=str(exc))
        return pr_context
    logs = await asyncio.gather(*(_log_of(gh, settings, repo, check) for check in jobs))
    read = {check.job_id: text for check, text in zip(jobs, logs, strict=True)}
    checks = (replace(each, log=read.get(each.job_id, "")) for each in pr_context.failed_checks)
    return replace(pr_context, failed_checks=tuple(checks))


async def _log_of(gh: GitHub, settings: Settings, repo: str, check: FailedCheck) -> str:
    # A GitHub of one's own keeps its logs where only one's own network leads.
    own = urlsplit(settings.github_api_url).hostname != "api.github.com"
    try:
        address = await log_address(gh, repo, check.job_id or 0)
        end = await get_end(address, allow_private=own, size=_END_BYTES, limit=_MOST_BYTES)
    except (GitHubError, AddressRefused, NotReached, ValueError) as exc:
        _log.warning("job_log_not_read", repository=repo, job=check.job_id, why=str(exc))
        return ""
    return log_end(end)


def log_end(end: bytes) -> str:
    """The last lines that tell of the failure, redacted, out of the end of a log."""
    lines = end.decode("utf-8", "replace").split("\n")
    if len(end) >= _END_BYTES:
        lines = lines[1:] or lines  # the first is cut, and a secret in it may be as well
    shown = [_shown(line) for line in lines]
    errors = [number for number, line in enumerate(shown, 1) if line.startswith(_ERROR)]
    text = redact("\n".join(shown[: errors[-1] if errors else None])).strip("\n")
    return "\n".join(text.split("\n")[-MAX_LINES:])[-MAX_CHARACTERS:]


def _shown(line: str) -> str:
    """What a terminal shows of it in the end, without the time."""
    text = _TIMESTAMP.sub("", _ANSI.sub("", line))
    return text.rstrip().rpartition("\r")[2]
