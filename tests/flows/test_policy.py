"""Every reason to leave a pull request alone, each said on its check run and nowhere else."""

from typing import Any

import httpx2
import pytest

from bot.security.tls import trusted
from tests.flows.conversation import fed, pushed
from tests.flows.environment import REPO, World

BEFORE = {"app.py": "x = 1\n", "docs/a.md": "a\n"}
AFTER = {"app.py": "import subprocess\nsubprocess.call(input(), shell=True)\n"}


async def configured(world: World, text: str) -> dict[str, str]:
    """The files before the change, with a configuration among them."""
    return {**BEFORE, ".github/glossator.yml": text}


async def assert_skipped(world: World, expected_text: str) -> None:
    """One skipped check run tells the reason; nothing else was written."""
    await world.settle()
    [check_run] = world.check_runs
    assert (check_run.status, check_run.conclusion) == ("completed", "skipped")
    assert expected_text in (check_run.output["summary"] or "")
    assert world.reviews == []
    assert world.conversation == []
    assert {line.split(" ")[1].split("/")[4] for line in world.writes()} == {"check-runs"}


@pytest.mark.variations(3)
@pytest.mark.parametrize(
    ("more", "expected_text"),
    [
        ({"draft": True}, "draft"),
        ({"labels": ["No-Review"]}, "`no-review`"),
        ({"title": "[no review] Change things"}, "The title contains"),
        ({"author": "renovate[bot]"}, "bot"),
        ({"labels": ["no-review"]}, "`no-review`"),
        ({"title": "Change things [skip review]"}, "The title contains"),
    ],
)
async def test_pull_request_attributes_decide_whether_to_skip(
    world: World, more: dict[str, Any], expected_text: str
) -> None:
    await world.open_pull(BEFORE, AFTER, **more)
    await assert_skipped(world, expected_text)
    [check_run] = world.check_runs
    summary = check_run.output["summary"] or ""
    assert summary.count("`/review`") == 1, "what to do is said once"
    async with httpx2.AsyncClient(verify=trusted()) as client:
        page = await client.get(check_run.details_url)
        stranger = await client.get(check_run.details_url.partition("?")[0])
    assert (page.status_code, stranger.status_code) == (200, 404)
    assert expected_text.strip("`") in page.text
    connected, last = await fed(check_run.details_url)
    assert (connected["type"], last["type"]) == ("connected", "failed")
    assert expected_text in last["error"]


@pytest.mark.parametrize(
    ("config", "more", "expected_text"),
    [
        ("base_branches: [release/*]\n", {}, "base branch"),
        ("paths:\n  exclude: ['**/*.py']\n", {}, "excluded by configuration"),
        ("paths:\n  include: ['docs/**']\n", {}, "excluded by configuration"),
        ("forks: false\n", {"from_fork": True}, "fork"),
        ("forks: ask\n", {"from_fork": True}, "a person with write access has to start the review"),
        ("skip_labels: [quiet]\n", {"labels": ["quiet"]}, "`quiet`"),
        ("review_on: manual\n", {}, "on request only"),
        ("bot_authors: [copilot*]\n", {"author": "other[bot]"}, "bot"),
        ("skip_authors: [octo*]\n", {}, "this author"),
        ("skip_above_lines: 1\n", {}, "too large"),
    ],
)
async def test_what_the_repository_configures(
    world: World, config: str, more: dict[str, Any], expected_text: str
) -> None:
    await world.open_pull(await configured(world, config), AFTER, **more)
    await assert_skipped(world, expected_text)


@pytest.mark.variations(3)
@pytest.mark.parametrize(
    ("config", "more"),
    [
        ("drafts: true\n", {"draft": True}),
        ("bots: true\n", {"author": "renovate[bot]"}),
        ("bot_authors: [copilot*]\n", {"author": "copilot-swe-agent[bot]"}),
        ("paths:\n  exclude: ['docs/**']\n", {}),
        ("base_branches: ['*']\n", {}),
        ("", {"from_fork": True}),
    ],
)
async def test_what_is_configured_to_be_reviewed_is(
    world: World, config: str, more: dict[str, Any]
) -> None:
    await world.open_pull(await configured(world, config), AFTER, **more)
    await world.settle()
    assert len(world.reviews) == 1


async def test_what_changes_no_file_is_skipped_without_a_configuration_too(world: World) -> None:
    number = await world.open_pull(BEFORE, {})
    await assert_skipped(world, "changes no file")
    await world.sandbox.comment(REPO, number, "/review")
    await world.settle()
    assert world.reviews == []
    assert "changes no file" in world.conversation[-1].body


async def test_a_draft_is_reviewed_once_it_is_ready(world: World) -> None:
    number = await world.open_pull(BEFORE, AFTER, draft=True)
    await world.settle()
    await world.sandbox.ready_for_review(REPO, number)
    await world.settle()
    assert len(world.reviews) == 1


async def test_a_manual_request_overrides_a_draft(world: World) -> None:
    number = await world.open_pull(BEFORE, AFTER, draft=True)
    await world.settle()
    await world.sandbox.comment(REPO, number, "/review")
    await world.settle()
    assert len(world.reviews) == 1


async def test_a_closed_pull_request_is_reported(world: World) -> None:
    number = await world.open_pull(BEFORE, AFTER, draft=True)
    await world.settle()
    await world.sandbox.close(REPO, number)
    await world.sandbox.comment(REPO, number, "/review")
    await world.settle()
    assert world.reviews == []
    [answer] = [c for c in world.conversation if c.user == "glossator[bot]"]
    assert "closed" in answer.body


async def test_configuration_errors_are_reported_and_the_rest_applies(world: World) -> None:
    text = "max_coments: 3\nfail_on: sometimes\nmin_severity: low\nmax_comments: 0\n"
    await world.open_pull(await configured(world, text), AFTER)
    await world.settle()
    [check_run] = world.check_runs
    summary = check_run.output["summary"] or ""
    assert "`.github/glossator.yml`, line 1: `max_coments` is not a known key." in summary
    assert "Did you mean `max_comments`?" in summary
    assert (
        "`.github/glossator.yml`, line 2: `fail_on` cannot be `sometimes`. "
        "Give one of `never`, `critical`, `high`, `medium`, `low`." in summary
    )
    assert summary.count("glossator.yml`, line") == 2, "each is told once"
    assert world.inline_comments == [], "max_comments: 0 counts"


async def test_a_configuration_in_the_head_changes_nothing(world: World) -> None:
    broken = {**AFTER, ".github/glossator.yml": "paths: [[[\nexclude: '**'\n"}
    await world.open_pull(BEFORE, broken)
    await world.settle()
    assert "app.py" in [c.path for c in world.inline_comments]
    assert "glossator.yml:" not in (world.check_runs[0].output["summary"] or "")


async def test_an_oversized_configuration_is_reported_and_defaults_apply(
    world: World,
) -> None:
    endless = "#" * (16 << 20) + "\nmax_comments: 0\n"
    await world.open_pull(await configured(world, endless), AFTER)
    await world.settle()
    assert "app.py" in [c.path for c in world.inline_comments]
    mistake = "`.github/glossator.yml`, line 1: The file is larger than 32 KB: shorten it."
    assert mistake in (world.check_runs[0].output["summary"] or "")
    assert world.check_runs[0].conclusion == "failure", "it may have had gates"


async def test_an_organizations_defaults_apply_where_the_repository_sets_nothing(
    world: World,
) -> None:
    await world.sandbox.add_repository("octo/.github")
    shared = await world.sandbox.commit(
        "octo/.github", {".github/glossator.yml": "drafts: true\nmax_comments: 0\n"}
    )
    await world.sandbox.set_branch("octo/.github", "main", shared)
    await world.open_pull(await configured(world, "max_comments: 5\n"), AFTER, draft=True)
    await world.settle()
    assert len(world.reviews) == 1
    assert len(world.inline_comments) == 1


async def test_an_organizations_defaults_apply_during_a_github_outage(
    world: World,
) -> None:
    await world.sandbox.add_repository("octo/.github")
    shared = await world.sandbox.commit(
        "octo/.github", {".github/glossator.yml": "paths: {exclude: ['*.py']}\n"}
    )
    await world.sandbox.set_branch("octo/.github", "main", shared)
    config_route = "GET /api/v3/repos/octo/.github/contents/*"
    fault = world.sandbox.faults.add(config_route, "500", times=6)
    await world.open_pull(BEFORE, AFTER)
    await assert_skipped(world, "excluded by configuration")
    assert fault.triggered == 6


async def test_a_skipped_check_run_reports_configuration_errors(
    world: World,
) -> None:
    await world.open_pull(await configured(world, "draft: yes\n"), AFTER, draft=True)
    await assert_skipped(world, "`.github/glossator.yml`, line 1: `draft` is not a known key.")
    assert "Did you mean `drafts`?" in (world.check_runs[0].output["summary"] or "")


async def test_a_change_of_the_organizations_own_repository_reports_its_errors_once(
    world: World,
) -> None:
    repo = "octo/.github"
    await world.sandbox.add_repository(repo)
    base = await world.sandbox.commit(repo, {".github/glossator.yml": "bad: 1\n", "a.py": "x\n"})
    head = await world.sandbox.commit(repo, {"a.py": "import os\n"}, parent=base)
    await world.sandbox.open_pull(repo, base, head)
    await world.settle()
    [check_run] = world.sandbox.repository(repo).check_runs.values()
    assert (check_run.output["summary"] or "").count("`bad` is not a known key") == 1


@pytest.mark.parametrize("press", ["button", "rerun", "suite"])
async def test_a_skipped_pull_request_is_reviewed_on_request_by_its_check_run(
    world: World, press: str
) -> None:
    await world.open_pull(BEFORE, AFTER, draft=True)
    await world.settle()
    [skipped] = world.check_runs
    world.sandbox.set_permission(REPO, "eve", "read")
    for author in ("eve", "octocat"):
        if press == "button":
            await world.sandbox.request_action(skipped.id, "rerun", author=author)
        elif press == "suite":
            await world.sandbox.rerun_suite(REPO, skipped.head_sha, author=author)
        else:
            await world.sandbox.rerun(skipped.id, author=author)
    await world.settle()
    assert len(world.reviews) == 1
    assert [run.conclusion for run in world.check_runs][1:] == ["neutral"]


async def test_the_riskiest_files_of_a_large_pull_request_are_reviewed_with_a_note(
    world: World,
) -> None:
    after = {**AFTER, **{f"more_{number}.py": "x = 1\n" for number in range(4)}}
    await world.open_pull(await configured(world, "max_files: 2\n"), after)
    await world.settle()
    [review] = world.reviews
    assert "changes 5 files. The 2 riskiest were" in review.body
    assert [c.path for c in world.inline_comments] == ["app.py"]


async def test_a_push_to_what_was_skipped_is_skipped_on_its_own_commit(world: World) -> None:
    number = await world.open_pull(BEFORE, AFTER, draft=True)
    await world.settle()
    head = await pushed(world, number, {"app.py": "x = 2\n"})
    await world.settle()
    assert [run.conclusion for run in world.check_runs] == ["skipped", "skipped"]
    assert world.check_runs[-1].head_sha == head
    assert world.reviews == []


async def test_a_marker_that_forbids_reviews_is_taken_out_of_the_title(world: World) -> None:
    number = await world.open_pull(BEFORE, AFTER, title="[skip review] Change things")
    await world.settle()
    await world.sandbox.edit_title(REPO, number, "[Skip Review] Change all things")
    await world.settle()
    assert len(world.check_runs) == 1
    await world.sandbox.edit_title(REPO, number, "Change all things")
    await world.settle()
    assert len(world.reviews) == 1
    await world.sandbox.edit_title(REPO, number, "Change everything")
    await world.settle()
    assert len(world.reviews) == 1


async def test_a_label_that_forbids_reviews_is_taken_off(world: World) -> None:
    number = await world.open_pull(BEFORE, AFTER, labels=["no-review"])
    await world.settle()
    await world.sandbox.unlabel(REPO, number, "no-review")
    await world.settle()
    assert len(world.reviews) == 1
    await world.sandbox.label(REPO, number, "nice")
    await world.sandbox.unlabel(REPO, number, "nice")
    await world.settle()
    assert len(world.reviews) == 1


async def test_with_review_on_open_pushes_wait_for_a_request(world: World) -> None:
    text = "review_on: open\nbase_branches: [main, release]\n"
    number = await world.open_pull(await configured(world, text), AFTER)
    await world.settle()
    assert len(world.reviews) == 1
    await pushed(world, number, {"app.py": "import os\nos.system(input())\n"})
    await world.settle()
    assert len(world.reviews) == 1
    assert "New commits are not reviewed" in (world.check_runs[-1].output["summary"] or "")
    await world.sandbox.comment(REPO, number, "/review")
    await world.settle()
    assert len(world.reviews) == 2
    await world.sandbox.set_branch(REPO, "release", world.repository.pulls[number].base_sha)
    await world.sandbox.retarget(REPO, number, "release")
    await world.settle()
    assert world.check_runs[-1].conclusion != "skipped"


async def test_reviews_pause_by_themselves_until_they_are_resumed(world: World) -> None:
    files = await configured(world, "pause_after: 2\n")
    number = await world.open_pull(files, AFTER)
    await world.settle()
    for value in range(3):
        await pushed(world, number, {"app.py": f"{AFTER['app.py']}# {value}\n"})
        await world.settle()
    assert [run.conclusion for run in world.check_runs] == ["neutral", "neutral"] + ["skipped"] * 2
    assert "`/review resume`" in (world.check_runs[-1].output["summary"] or "")
    await world.sandbox.comment(REPO, number, "/review resume")
    await world.settle()
    assert world.check_runs[-1].conclusion == "neutral"
    await pushed(world, number, {"app.py": f"{AFTER['app.py']}# more\n"})
    await world.settle()
    assert world.check_runs[-1].conclusion == "neutral"
    await pushed(world, number, {"app.py": f"{AFTER['app.py']}# and more\n"})
    await world.settle()
    assert world.check_runs[-1].conclusion == "skipped"


async def test_a_label_that_is_needed_starts_the_review_once_it_comes(world: World) -> None:
    files = await configured(world, "only_labels: [ready]\n")
    number = await world.open_pull(files, AFTER)
    await assert_skipped(world, "none of the required labels")
    await world.sandbox.label(REPO, number, "nice")
    await world.settle()
    assert len(world.check_runs) == 1
    await world.sandbox.label(REPO, number, "Ready")
    await world.settle()
    assert len(world.reviews) == 1
