"""A merge queue's commit gets the conclusion that its pull request has: it holds the same change.

https://docs.github.com/en/webhooks/webhook-events-and-payloads#merge_group
"""

from bot.domain.events import MergeGroupRequested
from bot.github import checks, pulls
from bot.github.checks import CheckOutput
from bot.github.client import GitHub
from workers.reports import render
from workers.reports.merge import fails_incomplete
from workers.repository.configuration import read_config
from workers.review import check_run
from workers.services import Services


async def answer_merge_group(services: Services, event: MergeGroupRequested) -> None:
    """Complete a check run on the queue's commit. Safe to repeat; raises what a retry may heal."""
    repository, external_id = event.repository, f"merge-group:{event.head_sha}"
    repo = repository.full_name
    gh = await services.github.installation(
        repository.installation_id, repository.id, check_run.PERMISSIONS
    )
    async with services.exclusive(external_id):
        run = await checks.find_check_run(gh, repo, event.head_sha, external_id)
        if run is not None and run.status == "completed":
            return
        conclusion, output = await _conclusion(services, gh, event)
        if run is None:
            run = await checks.create_check_run(
                gh, repo, name=check_run.NAME, head_sha=event.head_sha, external_id=external_id
            )
        await checks.update_check_run(gh, repo, run.id, conclusion=conclusion, output=output)


async def _conclusion(
    services: Services, gh: GitHub, event: MergeGroupRequested
) -> tuple[str, CheckOutput]:
    repo = event.repository.full_name
    if event.number is not None:
        pull = await pulls.get_pull(gh, repo, event.number)
        app = services.settings.github_app_id
        reviewed = await checks.latest_check_run(gh, repo, pull.head_sha, check_run.NAME, app)
        if reviewed is not None and reviewed.conclusion is not None:
            output = render.merge_group_output(event.number, reviewed.conclusion)
            return reviewed.conclusion, output
    config = (await read_config(services, gh, event.repository, event.base_ref)).config
    conclusion = "failure" if fails_incomplete(services.settings, config) else "neutral"
    return conclusion, render.merge_group_output(event.number, None)
