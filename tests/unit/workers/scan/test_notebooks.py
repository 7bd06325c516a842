"""Notebooks are read by their cells, and comments are placed in the file as it is."""

import json
from pathlib import Path
from typing import Any

import pytest

from bot.config.settings import load
from bot.domain.diff import Side
from bot.policy.finding_filter import FindingFilter
from tests.support.repositories import Repository
from tests.support.run_scan import scanned
from tests.support.secret_shapes import SHAPES
from workers.analysis.model_answer import RawFinding, read_finding
from workers.analysis.redacted_view import show
from workers.analysis.validate import validate_finding
from workers.scan.notebooks import sources

LOAD = ["import pandas as pd\n", "%matplotlib inline\n", "df = pd.read_csv('a.csv')"]


def notebook(*cells: list[str], image: str = "", count: int = 1) -> str:
    """A notebook with an output of each cell, as Jupyter writes it."""
    output = {
        "data": {"image/png": image, "text/plain": ["x = 1\n"]},
        "output_type": "display_data",
    }
    written = [
        {
            "cell_type": "code",
            "execution_count": count,
            "metadata": {},
            "outputs": [output],
            "source": source,
        }
        for source in cells
    ]
    metadata = {"language_info": {"name": "python"}}
    whole = {"cells": written, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, indent=1) + "\n"


async def batch_files(tmp_path: Path, before: str, after: str) -> Any:
    source = Repository(tmp_path / "upstream.git").change({"n.ipynb": before}, {"n.ipynb": after})
    settings = load(_env_file=None, llm_model="m", analyzers_disabled=("secrets",))
    result = await scanned(source, settings)
    return [part for batch in result.batches for part in batch.files], result.scan


async def test_a_changed_cell_is_shown_without_json_and_outputs(tmp_path: Path) -> None:
    before = notebook(LOAD, ["df.head()"], image="a" * 9000)
    mean = ["df.head()\n", "mean = df.sum() / len(df)"]
    after = notebook(LOAD, mean, image="b" * 9000, count=7)
    [part], scan = await batch_files(tmp_path, before, after)
    [hunk] = part.file.hunks
    lines = after.split("\n")
    at = next(n for n, line in enumerate(lines, 1) if "mean =" in line)
    assert hunk.section == "cell 2 (code)"
    assert [(line.new, line.text) for line in hunk.lines] == [
        (at - 1, "df.head()"),
        (at, "mean = df.sum() / len(df)"),
    ]
    assert [line.added for line in hunk.lines] == [False, True], "a comma is no change"
    assert part.language == "python"
    assert "image" not in repr(part.context)
    assert scan.skipped == ()

    finding = {
        "path": "n.ipynb", "quote": "mean = df.sum() / len(df)", "side": "new", "line": at,
        "category": "correctness", "severity": "high", "title": "Divides by zero rows",
        "body": "An empty table.", "confidence": 0.9, "suggestion": "mean = df.mean()",
    }  # fmt: skip
    raw = read_finding(finding)
    assert isinstance(raw, RawFinding)
    found = validate_finding(
        raw, {"n.ipynb": show(part)}, FindingFilter((raw.category,), raw.severity, 0)
    )
    assert (found.side, found.start_line, found.end_line) == (Side.RIGHT, at, at)  # type: ignore[union-attr]
    assert found.suggestion is None, "it would break the JSON"  # type: ignore[union-attr]


async def test_new_outputs_alone_are_nothing_to_read(tmp_path: Path) -> None:
    [part], scan = await batch_files(tmp_path, notebook(LOAD), notebook(LOAD, count=2))
    assert part.file.hunks == ()
    assert scan.skipped == ()


async def test_removed_and_new_cells_and_whole_notebooks(tmp_path: Path) -> None:
    [part], _ = await batch_files(
        tmp_path, notebook(LOAD, ["old()"], ["z = 3"]), notebook(LOAD, ["z = 3"], ["new()"])
    )
    shown = [(hunk.section, line.text) for hunk in part.file.hunks for line in hunk.lines]
    assert ("cell 3 (code)", "new()") in shown or ("cell 2 (code)", "z = 3") in shown
    assert any(text == "old()" for _, text in shown)

    source = Repository(tmp_path / "other.git").change(
        {"a": ""}, {"a": "", "n.ipynb": notebook(LOAD)}
    )
    result = await scanned(source, load(_env_file=None, llm_model="m"))
    [hunk] = next(f for b in result.batches for f in b.files if f.file.path == "n.ipynb").file.hunks
    assert [line.text for line in hunk.lines] == [line.removesuffix("\n") for line in LOAD]


async def test_a_secret_in_a_cell_is_masked_and_one_in_an_output_not_shown(tmp_path: Path) -> None:
    secret = SHAPES["github personal"]
    before = notebook(LOAD)
    after = notebook([*LOAD[:2], f"token = '{secret}'\n", "x = 2"], image=secret)
    [part], _ = await batch_files(tmp_path, before, after)
    assert secret not in repr(part)
    [masked] = [line.text for h in part.file.hunks for line in h.lines if "token" in line.text]
    assert masked.startswith("token = '[redacted:")


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        "[]",
        '{"cells": 1}',
        '{"cells": [{"cell_type": "code", "source": ["x = 1\\n", "y"]}]}',
        '{"cells": [\n{"cell_type": "code", "source": "x = 1\\ny = 2"\n}]}',
        '{"cells": [\n{"cell_type": "code",\n"source": [\n1\n]\n}]}',
        '{"cells": [\n{"cell_type": "code",\n"source": [\n"a"\n],\n"source": [\n"b"\n]}]}',
        "[" * 100_000,
    ],
)
def test_what_is_not_written_line_by_line_is_left_as_it_is(text: str) -> None:
    assert sources(text) is None


async def test_such_a_notebook_is_shown_as_json(tmp_path: Path) -> None:
    before, after = ('{"cells": 1,\n"nbformat": ' + version + "}\n" for version in "34")
    [part], _ = await batch_files(tmp_path, before, after)
    assert any('"nbformat": 4' in line.text for h in part.file.hunks for line in h.lines)
