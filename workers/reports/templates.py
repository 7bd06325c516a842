"""The Jinja environments of our templates, with the filters that make hostile text harmless."""

from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bot.domain.model import Finding, Severity
from templates import DIRECTORY
from workers.reports.sanitize import code_span, fence, sanitize, sanitize_line
from workers.reports.sources import LLM, sources_of
from workers.reports.verdict import plural

SYMBOLS = {
    Severity.CRITICAL: "🔴",
    Severity.HIGH: "🟠",
    Severity.MEDIUM: "🟡",
    Severity.LOW: "🔵",
    Severity.INFO: "⚪",
}


def render(template: str, **values: Any) -> str:
    """The Markdown of a template, without blank ends. Raises UndefinedError for a lacking value."""
    return _markdown().get_template(template).render(values).strip()


@cache
def _markdown() -> Environment:
    """Markdown is not escaped as HTML is: each template says by filter what a value is."""
    return environment(
        autoescape=False,
        filters={
            "code": code_span,
            "fence": fence,
            "line": sanitize_line,
            "prose": sanitize,
            "place": place,
            "plural": plural,
            "source": source,
            "symbol": SYMBOLS.__getitem__,
            "number": "{:,}".format,
            "cost": cost,
        },
    )


def environment(*, autoescape: bool, filters: dict[str, Any]) -> Environment:
    """An environment over the folder `templates` in which a forgotten value is an error."""
    made = Environment(
        loader=FileSystemLoader(DIRECTORY),
        undefined=StrictUndefined,
        autoescape=autoescape,  # noqa: S701 - off for Markdown alone, whose filters escape
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(filters)
    return made


def place(finding: Finding) -> str:
    """`path:12` or `path:12-15`; the path alone without an anchor."""
    if finding.start_line is None or finding.end_line is None:
        return finding.path
    until = f"-{finding.end_line}" if finding.end_line != finding.start_line else ""
    return f"{finding.path}:{finding.start_line}{until}"


def source(finding: Finding) -> str:
    """Who found it, in words: `LLM`, `ruff F821`, `LLM and ruff F821`."""
    names = ["LLM" if name == LLM else " ".join(name.split(":", 1)) for name in sources_of(finding)]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def cost(amount: float) -> str:
    """An amount of money with as many digits as it needs to be seen."""
    return f"${amount:.2f}" if amount >= 1 else f"${amount:.4f}"
