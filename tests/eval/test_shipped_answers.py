"""The answers that ship are to the questions that are asked now: `make eval-answers` saves them."""

from pathlib import Path

import pytest

from bot.config.settings import load
from workers.offline.evaluation.run import Run, evaluate

HERE = Path(__file__).parent


@pytest.mark.slow
async def test_every_shipped_case_is_replayed_without_a_model() -> None:
    settings = load(_env_file=None, llm_model="stand-in")
    run = Run(source=HERE / "cases", answers=HERE / "answers", replay=True)
    summary = (await evaluate(run, settings)).summary
    assert summary.cases >= 40
    assert summary.usage.calls >= summary.cases
    assert summary.usage.cost is not None
