"""Check runs within GitHub's limits."""

from __future__ import annotations

from typing import Any

import pytest

from bot.github.checks import (
    Action,
    Annotation,
    CheckOutput,
    create_check_run,
    find_check_run,
    update_check_run,
)
from bot.github.client import GitHub
from bot.github.lengths import OUTPUT_BYTES
from tests.unit.bot.github.scripted_github import ScriptedGitHub, reply

REPO = "octo/hello"


def run(annotations: int = 0, **changed: Any) -> dict[str, Any]:
    return {
        "id": 5,
        "external_id": "01REVIEW",
        "status": "queued",
        "conclusion": None,
        "html_url": "https://github.com/octo/hello/runs/5",
        "output": {"annotations_count": annotations},
        **changed,
    }


def notes(count: int) -> tuple[Annotation, ...]:
    return tuple(
        Annotation(
            path="a.py", start_line=n, end_line=n, level="notice", title=f"note {n}", message="m"
        )
        for n in range(1, count + 1)
    )


def titles(body: dict[str, Any]) -> list[str]:
    return [note["title"] for note in body["output"].get("annotations", [])]


async def test_a_check_run_is_opened_with_our_id_and_buttons(
    gh: GitHub, github: ScriptedGitHub
) -> None:
    github.play(reply(201, run()))
    made = await create_check_run(
        gh,
        REPO,
        name="Glossator",
        head_sha="a" * 40,
        external_id="01REVIEW",
        details_url="https://bot.example/reviews/01REVIEW",
        output=CheckOutput("Waiting", "In the queue."),
        actions=[Action("Cancel", "cancel", "Stop this review")],
    )
    assert (made.id, made.status, made.conclusion) == (5, "queued", None)
    assert github.calls() == ["POST /repos/octo/hello/check-runs"]
    assert github.body() == {
        "name": "Glossator",
        "head_sha": "a" * 40,
        "external_id": "01REVIEW",
        "status": "queued",
        "details_url": "https://bot.example/reviews/01REVIEW",
        "actions": [{"label": "Cancel", "identifier": "cancel", "description": "Stop this review"}],
        "output": {"title": "Waiting", "summary": "In the queue."},
    }


async def test_annotations_go_out_by_fifties_and_the_conclusion_last(
    gh: GitHub, github: ScriptedGitHub
) -> None:
    github.play(reply(200, run()), *[reply(200, run())] * 3)
    await update_check_run(
        gh, REPO, 5, conclusion="neutral", output=CheckOutput("Done", "s", "t", notes(120))
    )
    assert (
        github.calls()
        == ["GET /repos/octo/hello/check-runs/5"] + ["PATCH /repos/octo/hello/check-runs/5"] * 3
    )
    bodies = [github.body(index) for index in (1, 2, 3)]
    assert [len(titles(body)) for body in bodies] == [50, 50, 20]
    assert sum(map(titles, bodies), []) == [f"note {n}" for n in range(1, 121)]
    assert [body.get("conclusion") for body in bodies] == [None, None, "neutral"]
    assert [body.get("status") for body in bodies] == [None, None, "completed"]
    assert {body["output"]["summary"] for body in bodies} == {"s"}


async def test_annotations_of_a_cut_short_attempt_are_not_sent_twice(
    gh: GitHub, github: ScriptedGitHub
) -> None:
    github.play(reply(200, run(annotations=100)), reply(200, run()))
    await update_check_run(
        gh, REPO, 5, conclusion="success", output=CheckOutput("Done", "s", "", notes(120))
    )
    assert titles(github.body()) == [f"note {n}" for n in range(101, 121)]


async def test_a_new_check_run_may_have_more_than_fifty_annotations(
    gh: GitHub, github: ScriptedGitHub
) -> None:
    github.play(reply(201, run()), reply(200, run(annotations=50)), reply(200, run(60)))
    made = await create_check_run(
        gh,
        REPO,
        name="Glossator",
        head_sha="a" * 40,
        external_id="01REVIEW",
        output=CheckOutput("t", "s", "", notes(60)),
    )
    assert made.annotations == 60
    assert (len(titles(github.body(0))), len(titles(github.body(2)))) == (50, 10)


async def test_progress_is_one_request(gh: GitHub, github: ScriptedGitHub) -> None:
    github.play(reply(200, run(status="in_progress")))
    await update_check_run(gh, REPO, 5, status="in_progress", output=CheckOutput("40 %", "s"))
    assert github.body() == {
        "status": "in_progress",
        "output": {"title": "40 %", "summary": "s"},
    }


async def test_long_texts_are_truncated_and_marked(gh: GitHub, github: ScriptedGitHub) -> None:
    github.play(reply(200, run()))
    long = "line of text\n" * 10_000
    await update_check_run(gh, REPO, 5, output=CheckOutput("t", long, long))
    output = github.body()["output"]
    for text in (output["summary"], output["text"]):
        assert len(text) <= OUTPUT_BYTES
        assert text.endswith("line of text\n\n_Truncated: GitHub accepts at most 65,535 bytes._")


async def test_texts_are_cut_by_bytes(gh: GitHub, github: ScriptedGitHub) -> None:
    github.play(reply(200, run()))
    wide = "一行文字\n" * 12_000
    await update_check_run(gh, REPO, 5, output=CheckOutput("t", wide, "é" * 40_000))
    output = github.body()["output"]
    for text in (output["summary"], output["text"]):
        assert OUTPUT_BYTES - 100 < len(text.encode()) <= OUTPUT_BYTES
        assert text.endswith("bytes._")


def test_columns_are_sent_for_a_single_line_only() -> None:
    columns: dict[str, Any] = {"start_column": 3, "end_column": 9}
    fields: dict[str, Any] = {"path": "a", "level": "notice", "title": "t", "message": "m"}
    one = Annotation(start_line=4, end_line=4, **columns, **fields).request()
    two = Annotation(start_line=4, end_line=5, **columns, **fields).request()
    assert columns.items() <= one.items()
    assert not columns.keys() & two.keys()


async def test_more_than_three_buttons_are_refused_here(gh: GitHub) -> None:
    with pytest.raises(ValueError, match="at most 3"):
        await update_check_run(gh, REPO, 5, actions=[Action("a", "b", "c")] * 4)


def test_a_button_with_a_long_label_is_refused_here() -> None:
    with pytest.raises(ValueError, match="1 to 20"):
        Action("x" * 21, "i", "d")


async def test_a_check_run_is_found_by_our_id_on_any_page(
    gh: GitHub, github: ScriptedGitHub
) -> None:
    link = '<https://api.github.com/next?page=2>; rel="next"'
    page = {"total_count": 3, "check_runs": [run(id=1), run(id=9, external_id="other")]}
    last = {"total_count": 3, "check_runs": [run(id=7)]}
    github.play(reply(200, page, link=link), reply(200, last))
    found = await find_check_run(gh, REPO, "a" * 40, "01REVIEW")
    assert found is not None
    assert found.id == 7
    assert github.requests[0].url.params["filter"] == "all"


async def test_without_a_check_run_of_that_id_there_is_none(
    gh: GitHub, github: ScriptedGitHub
) -> None:
    github.play(reply(200, {"total_count": 1, "check_runs": [run(external_id="other")]}))
    assert await find_check_run(gh, REPO, "a" * 40, "01REVIEW") is None
