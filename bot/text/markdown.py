"""Markdown of others, parsed or made HTML in the one way that all texts but commands share (pure).

CommonMark, and nothing beside it. HTML in it is text, whoever wrote it, but where the simulated
GitHub shows what is posted there.
"""

from collections.abc import Callable, Sequence
from functools import cache
from html import escape

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

#: A piece of parsed Markdown, and what makes HTML of a text.
Node = SyntaxTreeNode
Renderer = MarkdownIt

#: `highlight(code, language, attributes)` gives the HTML of a fenced block.
Highlight = Callable[[str, str, str], str]


def parse(text: str) -> Node:
    """The root of the text's tree, its blocks below."""
    return Node(_parser().parse(text))


def parse_line(text: str) -> list[Node]:
    """What one line is made of: text, code, emphasis and the like."""
    tokens = _parser().parseInline(text)
    return Node(tokens).children[0].children if tokens else []


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark")


def html_renderer(*, links: bool, highlight: Highlight | None = None) -> Renderer:
    """What renders Markdown as HTML. Without `links`, links are their text and their address, and
    images are plain text."""
    made = MarkdownIt("commonmark", {"html": False, "highlight": highlight})
    if links:
        return made
    made.add_render_rule("link_open", _no_tag)
    made.add_render_rule("link_close", _address)
    return made.disable(["image", "autolink", "reference"])


def _no_tag(*_: object) -> str:
    return ""


def _address(
    renderer: object, tokens: Sequence[Token], index: int, options: object, env: object
) -> str:
    """Of the link that ends here: links do not nest."""
    opened = next(token for token in reversed(tokens[:index]) if token.type == "link_open")
    return f" ({escape(str(opened.attrGet('href')))})"


def github_renderer(highlight: Highlight) -> Renderer:
    """What renders Markdown as GitHub shows comments: line ends, tables, and HTML as it is. For
    pages whose policy runs and loads nothing."""
    made = MarkdownIt("commonmark", {"html": True, "breaks": True, "highlight": highlight})
    return made.enable(["table", "strikethrough"])
