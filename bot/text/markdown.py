"""Markdown of others, parsed or made HTML in the one way that all texts but commands share (pure).

CommonMark, and nothing beside it. HTML in it is text, whoever wrote it, but where the simulated
GitHub shows what is posted there.
"""

from collections.abc import Callable
from functools import cache

from markdown_it import MarkdownIt
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
    """What renders Markdown as HTML. Without `links`, links and images in it are plain text."""
    made = MarkdownIt("commonmark", {"html": False, "highlight": highlight})
    return made if links else made.disable(["image", "link", "autolink", "reference"])


def github_renderer(highlight: Highlight) -> Renderer:
    """What renders Markdown as GitHub shows it: tables, and HTML as it is. For pages whose policy
    runs and loads nothing."""
    made = MarkdownIt("commonmark", {"html": True, "highlight": highlight})
    return made.enable(["table", "strikethrough"])
