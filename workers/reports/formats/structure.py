"""Markdown of others as plain data, for a typesetter that must not see it as markup (pure)."""

from typing import Any

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from workers.reports.sanitize import fence_language, sanitize, sanitize_line

_PARSER = MarkdownIt("commonmark")

Node = dict[str, Any]

#: What is nested deeper is set as plain paragraphs: nobody could tell the levels apart, and Typst
#: refuses what nests too deeply.
_DEEPEST = 6


def blocks(markdown: str) -> list[Node]:
    """Blocks as `{"kind": "paragraph" | "code" | "list" | "quote", ...}`."""
    tree = SyntaxTreeNode(_PARSER.parse(sanitize(markdown)))
    return [_block(node) for node in tree.children]


def line(markdown: str) -> list[Node]:
    """One line as spans `{"kind": "text" | "code" | "em" | "strong", ...}`."""
    tree = SyntaxTreeNode(_PARSER.parseInline(sanitize_line(markdown)))
    return _spans(tree.children)


def _block(node: SyntaxTreeNode, depth: int = 0) -> Node:
    within = depth + 1
    match node.type:
        case "fence" | "code_block":
            code = node.content.removesuffix("\n")
            return {"kind": "code", "text": code, "language": fence_language(node.info)}
        case "bullet_list" | "ordered_list" | "blockquote" if depth >= _DEEPEST:
            return {"kind": "paragraph", "spans": _flat(node)}
        case "bullet_list" | "ordered_list":
            items = [[_block(child, within) for child in item.children] for item in node.children]
            start = int(node.attrs.get("start", 1)) if node.type == "ordered_list" else 0
            return {"kind": "list", "items": items, "start": start}
        case "blockquote":
            return {"kind": "quote", "blocks": [_block(child, within) for child in node.children]}
        case _:
            return {"kind": "paragraph", "spans": _spans(node.children)}


def _flat(node: SyntaxTreeNode) -> list[Node]:
    """All that is said within, one after the other."""
    spans: list[Node] = []
    for child in node.walk():
        if child.type in ("fence", "code_block"):
            spans.append({"kind": "code", "text": child.content})
        elif child.type == "inline":
            spans += [*_spans(child.children), {"kind": "text", "text": " "}]
    return spans


def _spans(nodes: list[SyntaxTreeNode], depth: int = 0) -> list[Node]:
    spans: list[Node] = []
    for node in nodes:
        match node.type:
            case "inline":
                spans += _spans(node.children)
            case "em" | "strong" if depth >= _DEEPEST:
                spans += _spans(node.children, depth)
            case "em" | "strong":
                spans.append({"kind": node.type, "spans": _spans(node.children, depth + 1)})
            case "code_inline":
                spans.append({"kind": "code", "text": node.content})
            case "softbreak" | "hardbreak":
                spans.append({"kind": "text", "text": " "})
            case _:
                spans.append({"kind": "text", "text": node.content})
    return spans
