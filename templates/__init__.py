"""Every text that people or the LLM read; `templates.DIRECTORY` is where they lie."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

from templates import languages

DIRECTORY = Path(__file__).parent


def environment(
    folder: str = "",
    *,
    autoescape: bool,
    filters: Mapping[str, Callable[..., Any]],
    finalize: Callable[[Any], Any] | None = None,
    keep_trailing_newline: bool = False,
) -> "Environment":
    """The one way in which templates are read: those of a folder, a forgotten value being an
    error. Without `autoescape`, filters have to make harmless what is not ours."""
    # With the first text: taking deliveries needs none of it, and it is a tenth of the start.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(DIRECTORY / folder),
        undefined=StrictUndefined,
        autoescape=autoescape,  # noqa: S701 - off for Markdown and prompts, whose filters escape
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=keep_trailing_newline,
    )
    made.filters.update({"plural": languages.plural, "number": languages.number}, **filters)
    made.globals.update(
        _=_html if autoescape else languages._,
        language=languages.current,
        command=languages.command,
    )
    return made


def _html(message: str, /, **values: object) -> "Markup":
    """The message as HTML: what is not marked as such is escaped, in values and translations."""
    from markupsafe import Markup

    text = Markup.escape(languages._(message))
    return text.format(**values) if values else text
