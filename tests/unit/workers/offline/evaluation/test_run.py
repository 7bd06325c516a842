"""The real pipeline over a case: alone, with a server's answers, and with saved ones."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.config.settings import Settings
from tests.support.llm_server import LLMServer, Request, Text, review, verdicts
from workers.offline.evaluation.answers import NoAnswer
from workers.offline.evaluation.run import as_data, as_table, evaluate

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
    outcomes, summary = await evaluate(cases, settings(), answers=None, replay=False)
    assert [(each.name, each.hits, each.findings) for each in outcomes] == [
        ("clean", 0, 0),
        ("mean", 1, 1),
    ]
    assert (summary.precision, summary.recall, summary.silent_cases) == (1, 1, 1)
    assert summary.usage.calls == 0
    table = as_table(outcomes, summary)
    assert "| quiet if there are no defects | 1 of 1 |" in table
    assert "| mean | 1 | 1 | 1 | 1 |" in table
    assert as_data(outcomes, summary)["cases"]


async def test_saved_answers_repeat_the_figures_without_a_server(
    cases: Path, tmp_path: Path
) -> None:
    answers = tmp_path / "answers"
    async with LLMServer(default=answering) as server:
        llm_settings = settings(openai_base_url=server.url, llm_model="m")
        first = await evaluate(cases, llm_settings, answers=answers, replay=False)
        requests = len(server.requests)
    assert first[1].usage.calls == requests == 3
    assert first[1].suggestion_applies_share == 0  # what changes nothing was dropped, and counted
    elsewhere = settings(openai_base_url="http://127.0.0.1:9/v1", llm_model="m")
    outcomes, summary = await evaluate(cases, elsewhere, answers=answers, replay=True)
    assert summary == first[1]
    assert [replace(each, usage=first[0][0].usage) for each in outcomes] == [
        replace(each, usage=first[0][0].usage) for each in first[0]
    ]


async def test_a_replay_makes_no_calls_and_reports_what_is_missing(
    cases: Path, tmp_path: Path
) -> None:
    async with LLMServer(default=answering) as server:
        llm_settings = settings(openai_base_url=server.url, llm_model="m")
        with pytest.raises(NoAnswer, match="Record them again"):
            await evaluate(cases, llm_settings, answers=tmp_path / "none", replay=True)
        assert server.requests == []
