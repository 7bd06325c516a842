"""A model's Mermaid diagram, written again from what we know of it (pure).

GitHub draws such text, and Mermaid can do much more than draw: links, clicks, HTML in labels,
directives. So every line has to be one of a few statements, whose labels are written anew in
plain characters; a diagram with any other line is none.
https://mermaid.js.org/intro/syntax-reference.html
"""

import re
from collections.abc import Callable

MAX_LINES = 60
MAX_CHARACTERS = 4000
_MAX_LABEL = 60

#: Words of Mermaid that name no node.
_RESERVED = frozenset(
    ("end", "click", "style", "class", "classdef", "linkstyle", "subgraph", "graph", "flowchart")
    + ("direction", "default", "href", "call", "link", "links", "state", "note")
    + ("participant", "actor")
)
#: What a label is made of; all else becomes a space.
_NOT_PLAIN = re.compile(r"[^\w .,:/()'+=?!-]")

_ID = r"([A-Za-z]\w{0,40})"
_LABEL = r"(?:\[([^\[\]{}|]*)\]|\(([^\[\](){}|]*)\)|\{([^\[\]{}|]*)\})?"
_NODE = re.compile(_ID + _LABEL, re.ASCII)
_EDGE = re.compile(r"\s*(-->|---|-\.->|==>)\s*(?:\|\"?([^|\"]*)\"?\|)?\s*")
_FLOWCHART = re.compile(r"(?:flowchart|graph)\s+(TD|TB|BT|LR|RL)")
_SUBGRAPH = re.compile(rf"subgraph\s+{_ID}(?:\s*\[\"?([^\[\]\"]*)\"?\])?", re.ASCII)
_PARTICIPANT = re.compile(rf"(participant|actor)\s+{_ID}(?:\s+as\s+(.+))?", re.ASCII)
_MESSAGE = re.compile(rf"{_ID}\s*(-->>|->>|--x|-x|-->|->)\s*{_ID}\s*:\s*(.+)", re.ASCII)
_BLOCK = re.compile(r"(alt|else|opt|loop|par|and|critical|option|break)(?:\s+(.+))?")
_NOTE = re.compile(
    rf"(?:Note|note)\s+(over|left of|right of)\s+{_ID}(?:\s*,\s*{_ID})?\s*:\s*(.+)", re.ASCII
)
_TRANSITION = re.compile(
    r"(\[\*\]|[A-Za-z]\w{0,40})\s*-->\s*(\[\*\]|[A-Za-z]\w{0,40})(?:\s*:\s*(.+))?", re.ASCII
)


class _Refused(Exception):
    """Raised for a line that is none of those that are known."""


def safe_diagram(text: str) -> str:
    """The diagram, "" where it is not one of the known kinds in known statements alone."""
    lines = [line.strip().removesuffix(";") for line in text.strip().splitlines()]
    lines = [line for line in lines if line and not re.fullmatch(r"(?:```|~~~)(?:mermaid)?", line)]
    if not 2 <= len(lines) <= MAX_LINES or len(text) > MAX_CHARACTERS:
        return ""
    try:
        head, statement = _kind(lines[0])
        written = [head, *(f"  {statement(line)}" for line in lines[1:])]
    except _Refused:
        return ""
    opened = sum(bool(re.match(r"\s*(?:subgraph|alt|opt|loop|par|critical|break)\b", line))
                 for line in written)  # fmt: skip
    closed = sum(line.strip() == "end" for line in written)
    return "\n".join(written) if opened == closed else ""


def _kind(line: str) -> tuple[str, Callable[[str], str]]:
    if found := _FLOWCHART.fullmatch(line):
        return f"flowchart {found[1]}", _flow
    if line == "sequenceDiagram":
        return line, _sequence
    if line in ("stateDiagram", "stateDiagram-v2"):
        return "stateDiagram-v2", _state
    raise _Refused


def _flow(line: str) -> str:
    """A chain of nodes and edges, or the beginning or end of a group."""
    if line == "end":
        return line
    if found := _SUBGRAPH.fullmatch(line):
        return f"subgraph {_name(found[1])}" + (f'["{_plain(found[2])}"]' if found[2] else "")
    parts: list[str] = []
    at = 0
    while node := _NODE.match(line, at):
        label = next((each for each in node.groups()[1:] if each), "")
        parts.append(_name(node[1]) + (f'["{_plain(label)}"]' if label else ""))
        at = node.end()
        if at == len(line):
            return " ".join(parts)
        edge = _EDGE.match(line, at)
        if edge is None:
            break
        parts.append(edge[1] + (f'|"{_plain(edge[2])}"|' if edge[2] else ""))
        at = edge.end()
    raise _Refused


def _sequence(line: str) -> str:
    if line in ("end", "autonumber"):
        return line
    if found := _PARTICIPANT.fullmatch(line):
        return f"{found[1]} {_name(found[2])}" + (f" as {_plain(found[3])}" if found[3] else "")
    if found := _MESSAGE.fullmatch(line):
        return f"{_name(found[1])}{found[2]}{_name(found[3])}: {_plain(found[4])}"
    if found := _NOTE.fullmatch(line):
        other = f",{_name(found[3])}" if found[3] else ""
        return f"Note {found[1]} {_name(found[2])}{other}: {_plain(found[4])}"
    if found := _BLOCK.fullmatch(line):
        return f"{found[1]} {_plain(found[2])}" if found[2] else found[1]
    raise _Refused


def _state(line: str) -> str:
    if found := _TRANSITION.fullmatch(line):
        ends = (each if each == "[*]" else _name(each) for each in found.groups()[:2])
        return " --> ".join(ends) + (f": {_plain(found[3])}" if found[3] else "")
    raise _Refused


def _name(name: str) -> str:
    if name.lower() in _RESERVED:
        raise _Refused
    return name


def _plain(label: str) -> str:
    """The words of a label: no quote, bracket, hash, semicolon, at sign or address is left."""
    words = " ".join(_NOT_PLAIN.sub(" ", re.sub(r"\w+:/+", " ", label)).split())
    words = words.replace("--", "-").replace("://", " ")[:_MAX_LABEL].strip()
    if not words or words.lower() in _RESERVED:
        raise _Refused
    return words
