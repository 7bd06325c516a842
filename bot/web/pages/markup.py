"""Hostile Markdown and code as HTML (pure). Imported with the first page that is shown: a
process that only takes deliveries starts without it."""

from difflib import SequenceMatcher
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

    def change(self, old: str, new: str, path: str) -> Markup:
        """Lines that are replaced, and those that take their place."""
        started = perf_counter()
        highlighted = change(old, new, path if self._left > 0 else "")
        self._left -= perf_counter() - started
        return highlighted


def code(text: str, path: str, first_line: int | None = None) -> Markup:
    """Highlighted code as a `pre`, its lines numbered from `first_line` if that is given.
    Colours come from the style sheet, by Pygments' class names."""
    lines = _lines(text, path)
    if first_line is not None:
        width = len(str(first_line + len(lines) - 1))
        lines = [
            f'<span class="ln">{number:>{width}}</span>{line}'
            for number, line in enumerate(lines, first_line)
        ]
    return _block("\n".join(lines))


def change(old: str, new: str, path: str) -> Markup:
    """What a suggestion replaces and what it puts there, as the lines of a diff; an empty one
    deletes the lines."""
    before = _lines(old, path)
    after = _lines(new, path) if new.strip("\n") else []
    shown = []
    for kind, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            shown += [f'<span class="row"> {line}</span>' for line in before[a:b]]
            continue
        shown += [f'<span class="row del">-{line}</span>' for line in before[a:b]]
        shown += [f'<span class="row add">+{line}</span>' for line in after[c:d]]
    return _block("".join(shown))


def _lines(text: str, path: str) -> list[str]:
    """Highlighted, each line by itself."""
    displayed = visible(text)
    if len(displayed) > CODE_CHARACTERS:
        displayed = displayed[:CODE_CHARACTERS] + "\n…"
    colored: str = highlight(displayed, lexer_for(displayed, path=path), HtmlFormatter(nowrap=True))
    return colored.rstrip("\n").split("\n")


def _block(body: str) -> Markup:
    # A code block that scrolls has to be reachable by keyboard.
    return Markup(f'<pre class="code" tabindex="0"><code>{body}</code></pre>')  # noqa: S704
