"""The report as one HTML file: nothing is loaded, it prints, light and dark (pure)."""

from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter

from bot.text.invisible_characters import show_hidden
from bot.text.lexers import lexer_for

if TYPE_CHECKING:
    from jinja2 import Environment

from bot.domain.model import Report
from bot.security.links import Links
from bot.text.markdown import Renderer, html_renderer
from templates import environment
from templates.languages import _
from workers.reports.rank import Shown, shown
from workers.reports.sanitize import fence_language, sanitize, sanitize_line
from workers.reports.templates import check_symbol, code_links, cost, place, source
from workers.reports.verdict import breakdown, counts

#: Where the review on GitHub has a finding, for people.
SHOWN = {
    Shown.INLINE: "inline comment",
    Shown.STILL_OPEN: "still open",
    Shown.BODY: "in the review",
    Shown.FOLDED: "also noticed",
}


def html(report: Report, links: Links) -> bytes:
    """UTF-8 HTML."""
    page = _environment().get_template("report/report.html.j2")
    return page.render(
        report=report,
        links=links,
        code=code_links(report),
        shown={
            finding.fingerprint: _(SHOWN[shown(finding, report)]) for finding in report.findings
        },
        counts=counts(report.findings),
        breakdown=breakdown(report.findings),
        styles=_code_styles(),
    ).encode("utf-8", "backslashreplace")


def prose(text: str) -> Markup:
    """Markdown of others as harmless HTML: sanitised, then rendered without HTML of its own."""
    return Markup(_renderer().render(sanitize(text)))  # noqa: S704 - html is off


def line(text: str) -> Markup:
    """The same for one line."""
    return Markup(_renderer().renderInline(sanitize_line(text)))  # noqa: S704 - html is off


@cache
def _renderer() -> Renderer:
    def highlighted(code: str, language: str, attributes: str) -> str:
        return str(colored(code, language=fence_language(language)))

    return html_renderer(links=True, highlight=highlighted)


@cache
def _environment() -> "Environment":
    filters: dict[str, Any] = {
        "shown": show_hidden,
        "prose": prose,
        "line": line,
        "colored": lambda code, path: colored(code, path=path),
        "place": place,
        "source": source,
        "check_symbol": check_symbol,
        "cost": cost,
        "time": time,
    }
    return environment(autoescape=True, filters=filters)


def time(seconds: float) -> str:
    """Seconds since the epoch as a date and time for people, UTC."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"


@cache
def _code_styles() -> Markup:
    light, dark = (
        HtmlFormatter(style=style).get_style_defs(".code")  # type: ignore[no-untyped-call]
        for style in ("default", "github-dark")
    )
    css = f"{light}\n@media screen and (prefers-color-scheme: dark) {{\n{dark}\n}}"
    return Markup(css)  # noqa: S704 - pygments' own style sheets


def colored(code: str, *, language: str = "", path: str = "") -> Markup:
    """The code as HTML in a `<pre>`, its language by name or by the file's path.

    Hidden characters are shown, everything is escaped.
    """
    shown = show_hidden(code)
    lexer = lexer_for(shown, language=language, path=path)
    words = highlight(shown, lexer, HtmlFormatter(nowrap=True))
    return Markup(f'<pre class="code" tabindex="0">{words}</pre>')  # noqa: S704 - pygments escapes
