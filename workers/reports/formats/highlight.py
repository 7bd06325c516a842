"""Code with its words colored, by pygments (pure)."""

from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter

from bot.text.invisible_characters import show_hidden
from bot.text.lexers import lexer_for


def colored(code: str, *, language: str = "", path: str = "") -> Markup:
    """The code as HTML in a `<pre>`, its language by name or by the file's path.

    Hidden characters are shown, everything is escaped.
    """
    shown = show_hidden(code)
    lexer = lexer_for(shown, language=language, path=path)
    words = highlight(shown, lexer, HtmlFormatter(nowrap=True))
    return Markup(f'<pre class="code" tabindex="0">{words}</pre>')  # noqa: S704 - pygments escapes
