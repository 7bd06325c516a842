"""`glossator eval` as a person runs it: figures, a file of results, and two of them compared."""

from pathlib import Path

import pytest

from bot.config.settings import Settings
from workers.offline.command import compare_command, eval_command
from workers.offline.evaluation.run import Run
from workers.offline.review_command import BadCommand

CASES = Path(__file__).parents[3] / "eval" / "cases"


def settings() -> Settings:
    return Settings(_env_file=None)


async def test_results_are_printed_kept_and_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = tmp_path / "made" / "results.json"
    await eval_command(settings(), Run(source=CASES / "python-unsafe-yaml"), results)
    out, err = capsys.readouterr()
    assert "| recall, inline | 100.0 % |" in out
    assert err == "glossator: 1 of 1: python-unsafe-yaml\n"

    compare_command(results, results)
    out = capsys.readouterr().out
    assert "| recall, inline | 100.0 % | 100.0 % |" in out
    assert "| python-unsafe-yaml | 1 | 0 | 0 | 0 | 0 | 0 |" in out


@pytest.mark.parametrize(
    ("run", "why"),
    [
        (Run(source=CASES, replay=True), "--replay needs --answers"),
        (Run(source=CASES, replay=True, answers=CASES), "--replay needs LLM_MODEL"),
        (Run(source=CASES / "nowhere"), "nowhere does not exist"),
    ],
)
async def test_what_cannot_be_run_is_one_sentence(run: Run, why: str) -> None:
    with pytest.raises(BadCommand, match=why):
        await eval_command(settings(), run, None)


def test_a_file_without_results_is_named(tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text("[]")
    with pytest.raises(BadCommand, match="other.json does not contain results"):
        compare_command(other, other)
    with pytest.raises(BadCommand, match="gone.json can't be read"):
        compare_command(tmp_path / "gone.json", other)
