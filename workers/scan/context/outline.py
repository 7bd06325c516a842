"""Where functions, classes and imports stand in a text (pure; tree-sitter)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from tree_sitter import Node, Query, QueryCursor

from bot.text.grammars import grammar
from bot.text.languages import tree_of
from workers.scan.context.grammar_nodes import NODES

_NAME = re.compile(rb"[A-Za-z_$][\w$]*[?!]?")
_WORDS = """abstract async class const def defimpl defmacro defmodule defn defp defprotocol enum
export extern final fn fun func function impl inline interface internal message module
override private protected pub public rpc
service static struct sub subroutine trait type unsafe virtual void"""
_KEYWORDS = frozenset(_WORDS.split())


@dataclass(frozen=True, slots=True)
class Block:
    """Lines `start` to `end` (from 1, both within)."""

    name: str
    start: int
    end: int

    def holds(self, start: int, end: int) -> bool:
        return self.start <= start and end <= self.end


@dataclass(frozen=True, slots=True)
class Outline:
    """Both in the order of the text; definitions may nest."""

    definitions: tuple[Block, ...] = ()
    imports: tuple[Block, ...] = ()

    def enclosing(self, start: int, end: int) -> Block | None:
        """The smallest definition that holds these lines."""
        holding = [block for block in self.definitions if block.holds(start, end)]
        return min(holding, key=lambda block: block.end - block.start, default=None)


def outline(language: str, text: str) -> Outline:
    """The outline; empty where the language is not among NODES or the text is too large."""
    query = _query(language)
    tree = tree_of(language, text) if query else None
    if query is None or tree is None:
        return Outline()
    found = QueryCursor(query).captures(tree.root_node)
    head = NODES[language].head
    definitions = {
        _block(node)
        for node in found.get("definition", [])
        if not head or re.match(head.encode(), node.text or b"")
    }
    imports = [_block(node) for node in found.get("import", [])]
    return Outline(_ordered(definitions), _ordered(imports))


def end_of_statement(language: str, text: str, start: int) -> int | None:
    """The last line of what begins on line `start`, by the grammar; None without one, or where
    nothing begins there."""
    tree = tree_of(language, text)
    node = tree.root_node if tree is not None else None
    while node is not None:
        if node.start_point[0] == start - 1 and node.parent is not None and not _is_list(node):
            return _last_row(node) + 1
        node = next((child for child in node.named_children if _last_row(child) >= start - 1), None)
    return None


def _is_list(node: Node) -> bool:
    """Whether it is one thing below another, as the statements of a block."""
    first, *others = node.named_children or [node]
    row, column = first.start_point
    same_start = (row, column) == tuple(node.start_point)
    return same_start and any(
        other.start_point[0] > row and other.start_point[1] == column for other in others
    )


def _last_row(node: Node) -> int:
    """The row of its last character: the end of a line belongs to that line."""
    row, column = node.end_point
    return row - 1 if column == 0 and row > node.start_point[0] else row


@cache
def _query(language: str) -> Query | None:
    nodes = NODES.get(language)
    if nodes is None:
        return None
    patterns = [f"({kind}) @definition" for kind in nodes.definitions]
    patterns += [f"({kind}) @import" for kind in nodes.imports]
    patterns += [
        each if "@definition" in each else f"{each} @definition" for each in nodes.assigned
    ]
    return Query(grammar(language), "\n".join(patterns))


def _ordered(blocks: Iterable[Block]) -> tuple[Block, ...]:
    return tuple(sorted(blocks, key=lambda block: (block.start, -block.end)))


def _block(node: Node) -> Block:
    last = node
    if node.next_named_sibling is not None and node.next_named_sibling.type == "function_body":
        last = node.next_named_sibling  # Dart: the signature is a node of its own
    return Block(_name(node), node.start_point[0] + 1, _last_row(last) + 1)


def _name(node: Node) -> str:
    """By the grammar's field, else the first word of the text that is no keyword."""
    named = node.child_by_field_name("name") or node.child_by_field_name("property")
    if named is None and (left := node.child_by_field_name("left")) is not None:
        named = left.child_by_field_name("property")  # of `exports.name = ...`
    if named is None and (inner := node.child_by_field_name("definition")) is not None:
        named = inner.child_by_field_name("name")
    if named is None and (declarator := node.child_by_field_name("declarator")) is not None:
        words = _NAME.findall((declarator.text or b"").partition(b"(")[0])
        return words[-1].decode() if words else ""
    text = (node.text or b"")[:200] if named is None else (named.text or b"")
    words = [word.decode() for word in _NAME.findall(text)]
    return next((word for word in words if word not in _KEYWORDS), "")
