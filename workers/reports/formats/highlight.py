"""Code with its words coloured, by pygments (pure)."""

from functools import lru_cache

from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name, get_lexer_for_filename
from pygments.lexers.special import TextLexer
from pygments.util import ClassNotFound

from bot.characters import show_hidden

#: Longer code is shown without colours: some lexers are slow on hostile text.
_LONGEST = 20_000


def coloured(code: str, *, language: str = "", path: str = "") -> Markup:
    """The code as HTML in a `<pre>`, its language by name or by the file's path.

    Hidden characters are shown, everything is escaped.
    """
    shown = show_hidden(code)
    lexer = _lexer("", "") if len(shown) > _LONGEST else _lexer(language, path)
    words = highlight(shown, lexer, HtmlFormatter(nowrap=True))
    return Markup(f'<pre class="code" tabindex="0">{words}</pre>')  # noqa: S704 - pygments escapes


@lru_cache(maxsize=256)
def _lexer(language: str, path: str) -> Lexer:
    try:
        named: Lexer = (
            get_lexer_by_name(language, stripnl=False)
            if language
            else get_lexer_for_filename(path, stripnl=False)
        )
    except ClassNotFound:  # shown without colours
        return TextLexer(stripnl=False)
    return named
