"""Markdown and code as the simulated GitHub shows them (pure).

HTML in Markdown is kept, as GitHub keeps some: the pages' policy lets nothing of it run or load.
"""

import html
from collections.abc import Sequence
from datetime import datetime

from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter

from bot.text.lexers import lexer_for
from bot.text.markdown import github_renderer


def markdown(text: str, replaced: Sequence[str] = ()) -> Markup:
    """A comment or a description. `replaced` are the lines that a suggestion in it replaces."""

    def fence(code: str, language: str, _: str) -> str:
        if language == "suggestion":
            return _suggestion(replaced, code)
        lines = "\n".join(code_lines(code.rstrip("\n"), language=language))
        return f'<pre class="code"><code>{lines}</code></pre>'

    return Markup(github_renderer(fence).render(text))  # noqa: S704


def _suggestion(replaced: Sequence[str], code: str) -> str:
    lines = [f'<span class="del">-{html.escape(line)}</span>' for line in replaced]
    added = code.rstrip("\n").split("\n") if code.strip("\n") else []
    lines += [f'<span class="add">+{html.escape(line)}</span>' for line in added]
    body = "".join(lines)
    return f'<pre class="suggestion"><span class="label">Suggested change</span>{body}</pre>'


def code_lines(text: str, *, path: str = "", language: str = "") -> list[Markup]:
    """The lines of a piece of code, colored; spans end with each line."""
    lexer = lexer_for(text, path=path, language=language)
    colored = highlight(text, lexer, HtmlFormatter(nowrap=True)).removesuffix("\n")
    return [Markup(line) for line in colored.split("\n")]  # noqa: S704


def ago(when: datetime, now: datetime) -> str:
    """`now`, `2 minutes ago`, `on 24 Nov 2026`."""
    seconds = (now - when).total_seconds()
    if seconds < 60:
        return "now"
    for unit, size, least in (
        ("minute", 60, 3600),
        ("hour", 3600, 86_400),
        ("day", 86_400, 2_592_000),
    ):
        if seconds < least:
            number = int(seconds // size)
            return f"{number} {unit}{'' if number == 1 else 's'} ago"
    return f"on {when.day} {when:%b %Y}"
