"""Every reason to leave a pull request alone, each said on its check run and nowhere else."""

from typing import Any

import pytest

from tests.flows.world import REPO, World

BEFORE = {"app.py": "x = 1\n", "docs/a.md": "a\n"}
AFTER = {"app.py": "import subprocess\nsubprocess.call(input(), shell=True)\n"}


async def configured(world: World, text: str) -> dict[str, str]:
    """The files before the change, with a configuration among them."""
    return {**BEFORE, ".github/glossator.yml": text}


async def assert_skipped(world: World, says: str) -> None:
    """One skipped check run tells the reason; nothing else was written."""
    await world.settle()
    [check_run] = world.check_runs
    assert (check_run.status, check_run.conclusion) == ("completed", "skipped")
    assert says in (check_run.output["summary"] or "")
    assert world.reviews == []
    assert world.conversation == []
    assert {line.split(" ")[1].split("/")[4] for line in world.writes()} == {"check-runs"}


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"draft": True}, "draft"),
        ({"author": "renovate[bot]"}, "bot"),
        ({"labels": ["no-review"]}, "`no-review`"),
        ({"title": "[no review] Change things"}, "marker"),
        ({"title": "Change things [skip review]"}, "marker"),
    ],
)
async def test_what_the_pull_request_says(world: World, more: dict[str, Any], says: str) -> None:
    await world.open_pull(BEFORE, AFTER, **more)
    await assert_skipped(world, says)


@pytest.mark.parametrize(
    ("config", "more", "says"),
    [
        ("base_branches: [release/*]\n", {}, "base branch"),
        ("paths:\n  exclude: ['**/*.py']\n", {}, "leaves out"),
        ("paths:\n  include: ['docs/**']\n", {}, "leaves out"),
        ("forks: false\n", {"from_fork": True}, "fork"),
        ("skip_labels: [quiet]\n", {"labels": ["quiet"]}, "`quiet`"),
    ],
)
async def test_what_the_repository_configures(
    world: World, config: str, more: dict[str, Any], says: str
) -> None:
    await world.open_pull(await configured(world, config), AFTER, **more)
    await assert_skipped(world, says)


@pytest.mark.parametrize(
    ("config", "more"),
    [
        ("drafts: true\n", {"draft": True}),
        ("bots: true\n", {"author": "renovate[bot]"}),
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


async def test_a_draft_is_reviewed_once_it_is_ready(world: World) -> None:
    number = await world.open_pull(BEFORE, AFTER, draft=True)
    await world.settle()
    await world.sandbox.ready_for_review(REPO, number)
    await world.settle()
    assert len(world.reviews) == 1


async def test_a_wish_overrules_a_draft(world: World) -> None:
    number = await world.open_pull(BEFORE, AFTER, draft=True)
    await world.settle()
    await world.sandbox.comment(REPO, number, "/review")
    await world.settle()
    assert len(world.reviews) == 1


async def test_a_closed_pull_request_is_told_so(world: World) -> None:
    number = await world.open_pull(BEFORE, AFTER, draft=True)
    await world.settle()
    await world.sandbox.close(REPO, number)
    await world.sandbox.comment(REPO, number, "/review")
    await world.settle()
    assert world.reviews == []
    [answer] = [c for c in world.conversation if c.user == "glossator[bot]"]
    assert "closed" in answer.body


async def test_mistakes_of_the_configuration_are_told_and_the_rest_counts(world: World) -> None:
    text = "max_coments: 3\nfail_on: sometimes\nmin_severity: low\nmax_comments: 0\n"
    await world.open_pull(await configured(world, text), AFTER)
    await world.settle()
    [check_run] = world.check_runs
    summary = check_run.output["summary"] or ""
    assert ".github/glossator.yml" in summary
    assert "max_comments" in summary
    assert "critical" in summary, "the allowed values are named"
    assert world.inline_comments == [], "max_comments: 0 counts"


async def test_a_configuration_in_the_head_changes_nothing(world: World) -> None:
    broken = {**AFTER, ".github/glossator.yml": "paths: [[[\nexclude: '**'\n"}
    await world.open_pull(BEFORE, broken)
    await world.settle()
    assert "app.py" in [c.path for c in world.inline_comments]
    assert "glossator.yml:" not in (world.check_runs[0].output["summary"] or "")


async def test_an_organisations_defaults_hold_where_the_repository_is_silent(world: World) -> None:
    await world.sandbox.add_repository("octo/.github")
    shared = await world.sandbox.commit(
        "octo/.github", {".github/glossator.yml": "drafts: true\nmax_comments: 0\n"}
    )
    await world.sandbox.set_branch("octo/.github", "main", shared)
    await world.open_pull(await configured(world, "max_comments: 5\n"), AFTER, draft=True)
    await world.settle()
    assert len(world.reviews) == 1
    assert len(world.inline_comments) == 1


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
