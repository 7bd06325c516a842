"""`glossator outcomes`: the same figures as text, as JSON and a line for each finding."""

import csv
import io
import json

from markdown_it import MarkdownIt

from bot.cli.outcomes import read, report
from bot.config.settings import Settings
from bot.domain.report_format import OutcomeFormat
from bot.store import Store
from tests.support.outcomes import three_months
from tests.support.web_server import make_settings


async def told(settings: Settings, form: OutcomeFormat, repository: str = "") -> str:
    out = io.StringIO()
    await report(settings, 0, repository, form, out)
    return out.getvalue()


async def test_all_formats_have_the_same_findings(redis_url: str, store: Store) -> None:
    made, settings = await three_months(store), make_settings(redis_url)
    markdown = await told(settings, OutcomeFormat.MARKDOWN)
    as_json = json.loads(await told(settings, OutcomeFormat.JSON))
    rows = list(csv.DictReader(io.StringIO(await told(settings, OutcomeFormat.CSV))))
    total = as_json["total"]
    assert total["posted"] == len(rows) == len(made)
    assert f"| {total['posted']} | {total['settled']} | {total['acceptance']:.0%} |" in markdown
    assert {row["outcome"] for row in rows} == set(total["outcomes"])
    assert [row["posted_at"] for row in rows] == sorted(row["posted_at"] for row in rows)
    assert not [cell for row in rows for cell in row.values() if cell.startswith("=")]
    tokens = MarkdownIt("commonmark").enable("table").parse(markdown)
    assert sum(token.type == "table_open" for token in tokens) == 9
    assert not [token for token in tokens if token.type == "html_block"]


async def test_one_repository_is_told_of_alone(redis_url: str, store: Store) -> None:
    await three_months(store)
    settings = make_settings(redis_url)
    found = json.loads(await told(settings, OutcomeFormat.JSON, "octo/shop"))
    assert [one["name"] for one in found["by"]["repository"]] == ["octo/shop"]
    again = await read(settings, 0, "octo/shop")
    assert again is not None
    assert again.total.posted == found["total"]["posted"]
