"""Hostile Markdown and code as HTML (pure). Imported with the first page that is shown: a
process that only takes deliveries starts without it."""

from collections.abc import Sequence
from difflib import SequenceMatcher
from time import perf_counter

from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter

from bot.domain.model import Finding
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

    def __call__(self, finding: Finding) -> Markup:
        """The code that it is about; with a suggestion, as the diff to it."""
        started = perf_counter()
        path = finding.path if self._left > 0 else ""
        around = {"before": finding.before, "after": finding.after}
        if finding.suggestion is None:
            highlighted = code(finding.quote, path, finding.start_line, **around)
        else:
            highlighted = change(finding.quote, finding.suggestion, path, **around)
        self._left -= perf_counter() - started
        return highlighted


def code(
    text: str,
    path: str,
    first_line: int | None = None,
    *,
    before: Sequence[str] = (),
    after: Sequence[str] = (),
) -> Markup:
    """Highlighted code as a `pre`, its lines numbered from `first_line` if that is given, between
    lines of context. Colours come from the style sheet, by Pygments' class names."""
    lines = _between(before, text, after, path)
    if first_line is not None:
        first = first_line - len(before)
        width = len(str(first + len(lines) - 1))
        lines = [
            f'<span class="ln">{number:>{width}}</span>{line}'
            for number, line in enumerate(lines, first)
        ]
    if before or after:
        last = len(lines) - len(after)
        lines = [
            f'<span class="row{" hit" if len(before) <= index < last else ""}">{line}</span>'
            for index, line in enumerate(lines)
        ]
        return _block("".join(lines))
    return _block("\n".join(lines))


def change(
    old: str, new: str, path: str, *, before: Sequence[str] = (), after: Sequence[str] = ()
) -> Markup:
    """What a suggestion replaces and what it puts there, as the lines of a diff between lines of
    context; an empty one deletes the lines."""
    removed = _between(before, old, after, path)
    added = (
        _between(before, new, after, path)
        if new.strip("\n")
        else _between(before, None, after, path)
    )
    shown = []
    for kind, a, b, c, d in SequenceMatcher(None, removed, added, autojunk=False).get_opcodes():
        if kind == "equal":
            shown += [f'<span class="row"> {line}</span>' for line in removed[a:b]]
            continue
        shown += [f'<span class="row del">-{line}</span>' for line in removed[a:b]]
        shown += [f'<span class="row add">+{line}</span>' for line in added[c:d]]
    return _block("".join(shown))


def _between(before: Sequence[str], text: str | None, after: Sequence[str], path: str) -> list[str]:
    """All of it highlighted together; None is no line at all."""
    middle = [] if text is None else [text]
    whole = [*before, *middle, *after]
    return _lines("\n".join(whole), path) if whole else []


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
