"""The real pipeline over a case: alone, with a server's answers, and with saved ones."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.config.settings import Settings
from bot.domain.model import Usage
from tests.support.llm_server import LLMServer, Request, Text, review, verdicts
from tests.support.repositories import Repository
from workers.offline.evaluation.answers import NoAnswer
from workers.offline.evaluation.cases import BadCase
from workers.offline.evaluation.figures import BadResults, as_json, as_table, read_results
from workers.offline.evaluation.run import Run, evaluate

Write = Callable[..., Path]

BASE = {"a.py": "def mean(values):\n    return sum(values)\n"}
HEAD = {"a.py": "def mean(values):\n    return sum(values) / len(value)\n"}
SPEC = {
    "title": "Divide",
    "expected": [{"path": "a.py", "lines": 2, "category": "correctness", "why": "No `value`."}],
}
LLM_FINDING = {
    "path": "a.py",
    "quote": "    return sum(values) / len(value)",
    "side": "new",
    "line": 2,
    "category": "correctness",
    "severity": "high",
    "title": "`value` is not defined",
    "body": "The parameter is called `values`.",
    "confidence": 0.9,
    "suggestion": "    return sum(values) / len(value)",  # changes nothing
    "rule": "ruff:F821",
}


@pytest.fixture
def cases(write_case: Write) -> Path:
    write_case("clean", {"title": "Nothing"}, base=BASE, head={**BASE, "b.py": "B = 1\n"})
    return write_case("mean", SPEC, base=BASE, head=HEAD).parent


def settings(**changes: Any) -> Settings:
    return Settings(_env_file=None, **changes)


def answering(request: Request) -> Text:
    if request.asks_for_verdicts:
        return verdicts(0.9)
    return (
        review(LLM_FINDING) if "a.py" in request.user and "len(value)" in request.user else review()
    )


async def test_analyzers_alone_are_measured(cases: Path) -> None:
    done: list[tuple[str, int, int]] = []
    results = await evaluate(Run(source=cases), settings(), lambda *each: done.append(each))
    assert [each[1:] for each in done] == [(1, 2), (2, 2)]
    assert {each[0] for each in done} == {"clean", "mean"}
    assert [
        (each.name, each.everything.found, each.everything.comments) for each in results.cases
    ] == [("clean", 0, 0), ("mean", 1, 1)]
    summary = results.summary
    assert (summary.inline.precision, summary.inline.recall, summary.silent_cases) == (1, 1, 1)
    assert summary.usage.calls == 0
    table = as_table(results)
    assert "| silent if there are no defects | 1 of 1 |" in table
    assert "| judged by | place |" in table
    assert "| mean | 1 | 1 | 1 | 1 | 1 | 1 | 0 |" in table


async def test_a_file_of_results_is_read_again(cases: Path) -> None:
    results = await evaluate(Run(source=cases), settings())
    data = as_json(results)
    assert json.loads(data)["summary"]["inline"]["f1"] == 1
    assert read_results(data, "results.json") == results


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b'{"summary": {}}', b'{"summary": 1, "cases": 3}']
)
def test_another_file_is_no_file_of_results(data: bytes) -> None:
    with pytest.raises(BadResults, match=r"results.json does not contain results"):
        read_results(data, "results.json")


async def test_saved_answers_repeat_the_figures_without_a_server(
    cases: Path, tmp_path: Path
) -> None:
    answers = tmp_path / "answers"
    async with LLMServer(default=answering) as server:
        llm_settings = settings(openai_base_url=server.url, llm_model="m")
        first = await evaluate(Run(source=cases, answers=answers), llm_settings)
        requests = len(server.requests)
    assert first.usage.calls == requests == 3
    # What changes nothing was dropped, and counted.
    assert first.summary.suggestion_applies_share == 0
    elsewhere = settings(openai_base_url="http://127.0.0.1:9/v1", llm_model="m")
    again = await evaluate(Run(source=cases, answers=answers, replay=True), elsewhere)
    assert again.summary == first.summary
    assert [replace(each, usage=Usage()) for each in again.cases] == [
        replace(each, usage=Usage()) for each in first.cases
    ]


async def test_a_replay_makes_no_calls_and_reports_what_is_missing(
    cases: Path, tmp_path: Path
) -> None:
    async with LLMServer(default=answering) as server:
        llm_settings = settings(openai_base_url=server.url, llm_model="m")
        run = Run(source=cases, answers=tmp_path / "none", replay=True)
        with pytest.raises(NoAnswer, match="Record them again"):
            await evaluate(run, llm_settings)
        assert server.requests == []


GOLDENS = [
    {"issue": "`value` does not exist; the parameter is `values`.", "severity": "High"},
    {"issue": "An empty list divides by zero.", "severity": "critical"},
]


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    """A file that lists one change of a repository, beside the repository."""
    upstream = Repository(tmp_path / "upstream.git")
    change = upstream.change(_files(BASE), _files(HEAD))
    case = {"base": change.merge_base, "head": change.head_sha, "goldens": GOLDENS}
    for name, repository in (("pulls", "upstream.git"), ("fetched", f"file://{upstream.path}")):
        text = json.dumps({"repository": repository, "cases": {"mean": case}})
        (tmp_path / f"{name}.json").write_text(text)
    return tmp_path / "pulls.json"


def _files(files: dict[str, str]) -> dict[str | bytes, str | bytes]:
    return dict(files.items())


def judging(request: Request) -> Text:
    """The first comment names the first issue."""
    if not request.system.startswith("You compare"):
        return answering(request)
    return matches({1: [1], 2: []})


def matches(named: dict[int, list[int]]) -> Text:
    rows = [{"issue": issue, "reason": "r", "comments": each} for issue, each in named.items()]
    return Text(json.dumps({"matches": rows}))


async def test_goldens_without_a_place_are_judged_by_meaning_and_paid_once(
    listed: Path, tmp_path: Path
) -> None:
    run = Run(source=listed, answers=tmp_path / "answers", judge_model="judge")
    async with LLMServer(default=judging) as server:
        llm_settings = settings(openai_base_url=server.url, llm_model="m")
        results = await evaluate(run, llm_settings)
        asked = [request for request in server.requests if request.system.startswith("You compare")]
        requests = len(server.requests)
        again = await evaluate(run, llm_settings)
        assert len(server.requests) == requests
    [question] = asked
    assert question.body["model"] == "judge"
    assert "does not exist" in question.user
    assert "`value` is not defined" in question.user
    [case] = results.cases
    assert [(each.found, each.inline) for each in case.defects] == [(True, True), (False, False)]
    summary = results.summary
    assert (summary.inline.precision, summary.inline.recall) == (1, 0.5)
    assert (summary.severe, summary.severe_inline) == (2, 1)
    assert (summary.usage.calls, summary.judging.calls) == (requests - 1, 1)
    assert again.summary == summary
    assert "| judge: LLM calls | 1; 1.00 per review |" in as_table(results)


async def test_what_only_a_model_can_judge_is_refused_before_anything_is_asked(
    listed: Path,
) -> None:
    async with LLMServer(default=judging) as server:
        llm_settings = settings(openai_base_url=server.url, llm_model="m")
        with pytest.raises(BadCase, match="name one with --judge-model"):
            await evaluate(Run(source=listed), llm_settings)
        assert server.requests == []
        verifying = llm_settings.model_copy(update={"llm_verify_model": "other"})
        assert (await evaluate(Run(source=listed), verifying)).judge == "other"


async def test_an_address_is_fetched_once(listed: Path, tmp_path: Path) -> None:
    run = Run(source=listed.with_name("fetched.json"), judge_model="judge")
    async with LLMServer(default=judging) as server:
        there = settings(data_dir=tmp_path / "data", openai_base_url=server.url)
        first = await evaluate(run, there)
        os.rename(tmp_path / "upstream.git", tmp_path / "gone.git")
        assert (await evaluate(run, there)).cases == first.cases
        assert first.cases[0].everything.found == 1
