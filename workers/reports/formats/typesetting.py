"""Markdown of others as plain data, for a typesetter that must not see it as markup (pure)."""

from typing import Any

from bot.text import markdown
from bot.text.markdown import Node
from workers.reports.sanitize import fence_language, sanitize, sanitize_line

Data = dict[str, Any]

#: Quotes and lists in each other; deeper ones are no longer set apart. Typst gives up on a
#: document with fifteen quotes in each other.
_DEEPEST = 8


def blocks(text: str) -> list[Data]:
    """Blocks as `{"kind": "paragraph" | "code" | "list" | "quote", ...}`."""
    tree = markdown.parse(sanitize(text))
    return _blocks(tree.children, 0)


def line(text: str) -> list[Data]:
    """One line as spans `{"kind": "text" | "code" | "em" | "strong", ...}`."""
    return _spans(markdown.parse_line(sanitize_line(text)))


def _blocks(nodes: list[Node], depth: int) -> list[Data]:
    found: list[Data] = []
    for node in nodes:
        if depth == _DEEPEST and node.type in ("bullet_list", "ordered_list", "blockquote"):
            inner = [node] if node.type == "blockquote" else node.children
            for item in inner:
                found += _blocks(item.children, depth)
        else:
            found.append(_block(node, depth + 1))
    return found


def _block(node: Node, depth: int) -> Data:
    match node.type:
        case "fence" | "code_block":
            code = node.content.removesuffix("\n")
            return {"kind": "code", "text": code, "language": fence_language(node.info)}
        case "bullet_list" | "ordered_list":
            items = [_blocks(item.children, depth) for item in node.children]
            start = int(node.attrs.get("start", 1)) if node.type == "ordered_list" else 0
            return {"kind": "list", "items": items, "start": start}
        case "blockquote":
            return {"kind": "quote", "blocks": _blocks(node.children, depth)}
        case _:
            return {"kind": "paragraph", "spans": _spans(node.children)}


def _spans(nodes: list[Node], depth: int = 0) -> list[Data]:
    spans: list[Data] = []
    for node in nodes:
        match node.type:
            case "inline":
                spans += _spans(node.children)
            case "em" | "strong" if depth == _DEEPEST:
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
