"""Findings as alerts of GitHub code scanning, where CODE_SCANNING_UPLOAD asks for it.

An alert that an upload for the same pull request lacks is closed by GitHub. So only reviews of
all categories that read everything are uploaded: silence of others would close alerts that hold.
https://docs.github.com/en/rest/code-scanning/code-scanning#upload-an-analysis-as-sarif-data
"""

import asyncio
import base64
import gzip

from bot.domain.model import LLM_SOURCE, Report
from bot.github.client import repo_url
from bot.github.errors import GitHubError
from bot.github.manifest import CODE_SCANNING
from bot.telemetry import log
from workers.reports.formats.sarif import sarif
from workers.review import check_run
from workers.services import Services

_log = log.get(__name__)


async def upload_alerts(services: Services, report: Report) -> None:
    """Safe to repeat: GitHub replaces what it has for the commit. The review is posted already, so
    a failure is a line in the log."""
    review = report.review
    if not services.settings.code_scanning_upload or not _is_whole(report):
        return
    try:
        gh = await check_run.client(services, review, CODE_SCANNING)
        await gh.post(
            repo_url(review.repository.full_name, "code-scanning", "sarifs"),
            data={
                "commit_sha": review.head_sha,
                "ref": f"refs/pull/{review.number}/head",
                "sarif": await asyncio.to_thread(_packed, report),
                "tool_name": "Glossator",
            },
        )
    except GitHubError as exc:
        _log.warning("alerts_not_uploaded", review=review.id, why=str(exc))


def _is_whole(report: Report) -> bool:
    failed = {*report.failed_sources} - (set() if report.models else {LLM_SOURCE})
    return report.review.focus is None and not failed and not report.unread


def _packed(report: Report) -> str:
    """Always the same bytes for the same report."""
    return base64.b64encode(gzip.compress(sarif(report), mtime=0)).decode("ascii")
