"""The Jinja environment of our Markdown, with the filters that make hostile text harmless."""

from functools import cache
from typing import Any

from jinja2 import Environment

from bot.domain.model import CheckResult, Finding, Place, Report, Severity, is_rule_page
from bot.domain.team_checks import CheckMode, CheckStatus
from bot.github.lengths import shorten
from bot.github.urls import CodeLinks
from bot.text.invisible_characters import show_hidden
from templates import environment
from templates.languages import _
from workers.reports.sanitize import code_span, fence, sanitize, sanitize_line

SYMBOLS = {
    Severity.CRITICAL: "🔴",
    Severity.HIGH: "🟠",
    Severity.MEDIUM: "🟡",
    Severity.LOW: "🔵",
    Severity.INFO: "⚪",
}
CHECK_SYMBOLS = {
    CheckStatus.PASSED: "✅",
    CheckStatus.FAILED: "❌",
    CheckStatus.COULD_NOT_TELL: "❔",
    CheckStatus.DID_NOT_APPLY: "➖",
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
            "data": data,
            "fence": fence,
            "line": sanitize_line,
            "prose": sanitize,
            "linked": linked,
            "place": place,
            "rule_page": rule_page,
            "source": source,
            "symbol": SYMBOLS.__getitem__,
            "check_symbol": check_symbol,
            "diagram": lambda text: fence(text, "mermaid"),
            "cost": cost,
        },
    )


def place(at: Finding | Place) -> str:
    """`path:12` or `path:12-15`; the path alone without an anchor."""
    if at.start_line is None or at.end_line is None:
        return at.path
    until = f"-{at.end_line}" if at.end_line != at.start_line else ""
    return f"{at.path}:{at.start_line}{until}"


def data(text: str, limit: int) -> str:
    """The text with `| ` before each of its lines, at most so many characters of it."""
    shortened = shorten(show_hidden(text), limit)
    return "\n".join(f"| {line}".rstrip() for line in shortened.splitlines() or [""])


def linked(text: str, address: str) -> str:
    """The text as code, as a link where there is an address of ours."""
    return f"[{code_span(text)}]({address})" if address else code_span(text)


def rule_page(finding: Finding) -> str:
    """A link to the page of the rule, if the finding has one."""
    address = finding.url
    if not address or not is_rule_page(address):
        return ""
    return f" · [{_('about this rule')}]({address})"


def code_links(report: Report) -> CodeLinks:
    """Addresses of the code under review; a review of a local range has none."""
    repository, _, number = report.pull.url.partition("/pull/")
    return CodeLinks(repository if number else "", report.review.head_sha, report.merge_base)


def check_symbol(check: CheckResult) -> str:
    """What a check came to, at a glance; one that failed and only warns is no red cross."""
    if check.status is CheckStatus.FAILED and check.mode is CheckMode.WARN:
        return "⚠️"
    return CHECK_SYMBOLS[check.status]


def source(finding: Finding) -> str:
    """Who found it, in words."""
    return finding.found_by


def cost(amount: float) -> str:
    """An amount of money with as many digits as it needs to be seen."""
    return f"${amount:.2f}" if amount >= 1 else f"${amount:.4f}"
