"""Where functions, classes and imports stand in a text (pure; tree-sitter)."""

import re
from dataclasses import dataclass
from functools import cache
from typing import cast

from tree_sitter import Node, Query, QueryCursor
from tree_sitter_language_pack import SupportedLanguage, get_language

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
    definitions = [
        _block(node)
        for node in found.get("definition", [])
        if not head or re.match(head.encode(), node.text or b"")
    ]
    imports = [_block(node) for node in found.get("import", [])]
    return Outline(_ordered(definitions), _ordered(imports))


@cache
def _query(language: str) -> Query | None:
    nodes = NODES.get(language)
    if nodes is None:
        return None
    patterns = [f"({kind}) @definition" for kind in nodes.definitions]
    patterns += [f"({kind}) @import" for kind in nodes.imports]
    return Query(get_language(cast(SupportedLanguage, language)), "\n".join(patterns))


def _ordered(blocks: list[Block]) -> tuple[Block, ...]:
    return tuple(sorted(blocks, key=lambda block: (block.start, -block.end)))


def _block(node: Node) -> Block:
    last = node
    if node.next_named_sibling is not None and node.next_named_sibling.type == "function_body":
        last = node.next_named_sibling  # Dart: the signature is a node of its own
    end_row, end_column = last.end_point
    if end_column == 0 and end_row > node.start_point[0]:
        end_row -= 1  # the line end belongs to the node
    return Block(_name(node), node.start_point[0] + 1, end_row + 1)


def _name(node: Node) -> str:
    """By the grammar's field, else the first word of the text that is no keyword."""
    named = node.child_by_field_name("name")
    if named is None and (inner := node.child_by_field_name("definition")) is not None:
        named = inner.child_by_field_name("name")
    if named is None and (declarator := node.child_by_field_name("declarator")) is not None:
        words = _NAME.findall((declarator.text or b"").partition(b"(")[0])
        return words[-1].decode() if words else ""
    text = (node.text or b"")[:200] if named is None else (named.text or b"")
    words = [word.decode() for word in _NAME.findall(text)]
    return next((word for word in words if word not in _KEYWORDS), "")
