"""Hostile Markdown and code as HTML (pure). Imported with the first page that is shown: a
process that only takes deliveries starts without it."""

from time import perf_counter

from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter

from bot.text.invisible_characters import visible
from bot.text.lexers import lexer_for
from bot.text.markdown import html_renderer

#: Longer code is cut: nobody reads it on this page.
CODE_CHARACTERS = 8000
#: Colours of one page take no longer: other requests wait meanwhile.
HIGHLIGHT_SECONDS = 0.5

# HTML is shown as text; nothing is loaded from elsewhere and nothing leads elsewhere.
_markdown = html_renderer(links=False)


def markdown(text: str) -> Markup:
    """Markdown of a finding; HTML, images and links in it are plain text."""
    return Markup(_markdown.render(visible(text)))  # noqa: S704


def inline(text: str) -> Markup:
    """One line of Markdown, as titles are: code and emphasis, nothing else."""
    return Markup(_markdown.renderInline(visible(text)))  # noqa: S704


class Highlighter:
    """Code of one page, coloured as long as that is quick."""

    def __init__(self, seconds: float = HIGHLIGHT_SECONDS) -> None:
        self._left = seconds

    def __call__(self, text: str, path: str, first_line: int | None = None) -> Markup:
        started = perf_counter()
        highlighted = code(text, path if self._left > 0 else "", first_line)
        self._left -= perf_counter() - started
        return highlighted


def code(text: str, path: str, first_line: int | None = None) -> Markup:
    """Highlighted code as a `pre`, its lines numbered from `first_line` if that is given.
    Colours come from the style sheet, by Pygments' class names."""
    displayed = visible(text)
    if len(displayed) > CODE_CHARACTERS:
        displayed = displayed[:CODE_CHARACTERS] + "\n…"
    formatter = HtmlFormatter(nowrap=True)
    lines = (
        highlight(displayed, lexer_for(displayed, path=path), formatter).rstrip("\n").split("\n")
    )
    if first_line is not None:
        width = len(str(first_line + len(lines) - 1))
        lines = [
            f'<span class="ln">{number:>{width}}</span>{line}'
            for number, line in enumerate(lines, first_line)
        ]
    # A code block that scrolls has to be reachable by keyboard.
    body = "\n".join(lines)
    return Markup(f'<pre class="code" tabindex="0"><code>{body}</code></pre>')  # noqa: S704
