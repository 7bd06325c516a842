"""What a finding of an analyzer says, by rule: our words, our severity, and the rule's page.

One TOML file for each analyzer, `<name>.rules.toml`. `pages` is the address that all its pages
begin with, `category` and `confidence` those of rules that name none (1 by default), and `includes`
names other tables whose rules it reports as well. A rule's `page` is its own id where it is not
given; one that begins with https:// is a whole address. Rules that are not listed keep the tool's
message.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from bot.domain.model import Category, Severity

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Rule:
    """`why` says what goes wrong and `fix` what to do, one sentence each; `url` is its page. No
    finding of it is more confident than `confidence` (0..1)."""

    category: Category
    severity: Severity
    confidence: float
    why: str
    fix: str
    url: str


@cache
def rules(analyzer: str) -> Mapping[str, Rule]:
    """The rules of an analyzer by their ids; none if it has no table."""
    path = _FOLDER / f"{analyzer}.rules.toml"
    if not path.is_file():
        return {}
    table = tomllib.loads(path.read_text("utf-8"))
    known = {code: _rule(code, values, table) for code, values in table["rules"].items()}
    for other in table.get("includes", ()):
        known |= rules(other)
    return known


def _rule(code: str, values: Mapping[str, Any], table: Mapping[str, Any]) -> Rule:
    page = values.get("page", code)
    return Rule(
        category=Category(values.get("category", table["category"])),
        severity=Severity(values["severity"]),
        confidence=values.get("confidence", table.get("confidence", 1.0)),
        why=values["why"],
        fix=values["fix"],
        url=page if page.startswith("https://") else table["pages"] + page,
    )
