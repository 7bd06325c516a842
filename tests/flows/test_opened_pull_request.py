"""A pull request is opened, and this is what stands on it afterwards."""

import json

from tests.flows.environment import REPO, World

BEFORE = {"app.py": "import os\n\n\ndef home():\n    return os.environ['HOME']\n"}
AFTER = {
    "app.py": (
        "import os\nimport subprocess\n\n\ndef home():\n    return os.environ['HOME']\n\n\n"
        "def run(command):\n    return subprocess.call(command, shell=True)\n"
    )
}


async def test_it_has_one_review_and_one_completed_check_run(world: World) -> None:
    number = await world.open_pull(BEFORE, AFTER, title="Run commands")
    await world.settle()

    [check_run] = world.check_runs
    assert (check_run.status, check_run.conclusion) == ("completed", "neutral")
    assert check_run.external_id
    [review] = world.reviews
    assert review.state == "COMMENTED"
    assert f"glossator:review:{check_run.external_id}" in review.body
    [comment] = world.inline_comments
    assert (comment.path, comment.line, comment.side) == ("app.py", 10, "RIGHT")
    assert "shell" in comment.body
    assert number == review.number

    # Nothing else was written.
    repo = f"/repos/{REPO}"
    written = [line for line in world.writes() if not line.startswith("POST /app/installations")]
    assert written[0] == f"POST {repo}/check-runs"
    progress = f"PATCH {repo}/check-runs/{check_run.id}"
    review_write = f"POST {repo}/pulls/{number}/reviews"
    assert written.count(review_write) == 1
    assert {*written[1:]} == {progress, review_write}
    assert world.conversation == []


async def test_the_same_delivery_again_changes_nothing(world: World) -> None:
    await world.open_pull(BEFORE, AFTER)
    await world.settle()
    before = world.writes()
    [delivery] = world.sandbox.state.deliveries
    again = await world.sandbox.redeliver(delivery.id)
    await world.settle()
    assert (again.status_code, json.loads(again.response_body)) == (200, {"status": "duplicate"})
    assert world.writes() == before


async def test_without_a_model_files_no_analyzer_supports_are_listed(world: World) -> None:
    await world.open_pull(
        {"a.py": "x = 1\n", "Shop.java": "class Shop {}\n"},
        {"a.py": "x = 2\n", "Shop.java": "class Shop { int x; }\n"},
    )
    await world.settle()
    [check_run] = world.check_runs
    title = "No problems found in the reviewed files"
    assert (check_run.conclusion, check_run.output["title"]) == ("success", title)
    [review] = world.reviews
    assert "**No problems found. 1 file was not reviewed.**" in review.body
    assert "no analyzer for this language, no LLM configured" in review.body
