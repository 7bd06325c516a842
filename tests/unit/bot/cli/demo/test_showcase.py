"""The built-in pull request is what its description says, and its recorded answers fit it."""

import json
import tomllib
from glob import glob
from pathlib import Path

import pytest

from bot.cli.demo import recorded_reader, showcase
from bot.sandbox.git import git
from workers.analysis.model_answer import RawFinding, read_findings, read_look_ups

ROOT = Path(__file__).parents[5]
DEMO = showcase.FOLDER.parent


async def test_it_is_a_small_repository_of_several_languages(tmp_path: Path) -> None:
    made = await showcase.build(tmp_path / "shop.git")
    listed = (await git.run(made.repository, "ls-tree", "-r", "--name-only", made.head)).decode()
    paths = listed.split()
    assert 6 <= len(paths) <= 9
    assert {Path(path).suffix for path in paths} >= {".py", ".go", ".ts", ".yml"}
    assert made.title == "Coupon codes at the checkout"
    assert "\n\n" in made.body


async def test_it_is_the_same_on_every_machine(tmp_path: Path) -> None:
    one = await showcase.build(tmp_path / "one.git")
    other = await showcase.build(tmp_path / "other.git")
    assert (one.base, one.head) == (other.base, other.head)


def recorded() -> tuple[RawFinding, ...]:
    items = [item["finding"] for item in showcase.answers()["findings"]]
    good, refused = read_findings({"findings": items})
    assert not refused
    return good


@pytest.mark.parametrize("finding", recorded(), ids=lambda finding: finding.title)
def test_each_recorded_finding_quotes_the_change(finding: RawFinding) -> None:
    lines = (showcase.FOLDER / "head" / f"{finding.path}.txt").read_text().split("\n")
    quote = finding.quote.split("\n")
    assert finding.line
    assert lines[finding.line - 1 : finding.line - 1 + len(quote)] == quote


def test_each_recorded_verdict_rests_on_a_line_that_is_there() -> None:
    for item in showcase.answers()["findings"]:
        place, _, quoted = item["check"]["evidence"].partition(" ")
        path, _, line = place.partition(":")
        changed, unchanged = (showcase.FOLDER / side / f"{path}.txt" for side in ("head", "base"))
        text = (changed if changed.exists() else unchanged).read_text().split("\n")[int(line) - 1]
        assert quoted.strip("`").strip() in text


def test_look_ups_are_asked_for_once() -> None:
    def asked(prompt: str) -> dict[str, object]:
        schema = {"json_schema": {"name": "review"}}
        messages = [{"content": ""}, {"content": prompt}]
        return {"messages": messages, "response_format": schema}

    answers = showcase.answers()
    first = recorded_reader.answer(answers, asked("|path: shop/coupons.py"))
    later = recorded_reader.answer(answers, asked("shop/coupons.py === BEGIN looked up 1 ==="))
    assert len(read_look_ups(json.loads(first))) == 3
    assert not read_look_ups(json.loads(later))
    assert [each["path"] for each in json.loads(later)["findings"]] == ["shop/coupons.py"]


def test_a_wheel_holds_all_of_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    patterns = project["tool"]["setuptools"]["package-data"]["bot.cli.demo"]
    # As setuptools does, which leaves out of `**` what begins with a dot.
    packed = {name for each in patterns for name in glob(each, root_dir=DEMO, recursive=True)}
    files = {str(path.relative_to(DEMO)) for path in showcase.FOLDER.rglob("*") if path.is_file()}
    assert files <= packed
