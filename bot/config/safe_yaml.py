"""YAML that may be hostile, read into plain values with the line of every key (pure).

Refused, each with one sentence: large files, other encodings than UTF-8, anchors and
aliases (they can blow up), tags (they can name types), deep nesting, several documents.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

MAX_BYTES = 32 * 1024
TOO_LARGE = f"The file is larger than {MAX_BYTES // 1024} KB: shorten it."
MAX_DEPTH = 8
#: Values and keys together; a file within MAX_BYTES can hold some ten thousand.
MAX_NODES = 5000
_LONG_NUMBER = 30

Path = tuple[str | int, ...]
Position = tuple[int, int]  # line and column, counted from 1


class InvalidYaml(Exception):
    """Raised when a file cannot be read at all; one sentence, and the place."""

    def __init__(self, message: str, position: Position = (1, 1)) -> None:
        super().__init__(message)
        self.message = message
        self.position = position


@dataclass(frozen=True, slots=True)
class Document:
    """`data` as JSON could hold it; keys without a value are left out. `positions` has each
    key and list item by its path, `duplicates` the keys that stand there a second time."""

    data: dict[str, Any]
    positions: dict[Path, Position]
    duplicates: list[tuple[Path, Position]] = field(default_factory=list)


def read(content: str | bytes, *, max_depth: int = MAX_DEPTH) -> Document:
    """The document of a YAML file whose top is a mapping, or empty. Raises InvalidYaml."""
    text = _decoded(content)
    try:
        for _ in _safe_events(text, max_depth):
            pass
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        # The problem may quote the file: it must stay code, whatever it holds.
        problem = " ".join(str(exc.problem or exc.context).replace("`", "'").split())[:100]
        raise InvalidYaml(f"This is not valid YAML: `{problem}`.", _position(mark)) from exc
    except yaml.reader.ReaderError as exc:
        line = text.count("\n", 0, exc.position) + 1
        raise InvalidYaml("The file contains control characters: remove them.", (line, 1)) from exc
    document = Document({}, {})
    if isinstance(root, yaml.MappingNode):
        document.data.update(_mapping(root, (), document))
    elif root is not None and root.tag != "tag:yaml.org,2002:null":
        raise InvalidYaml("The file must be a mapping of keys to values, such as `drafts: true`.")
    return document


def _decoded(content: str | bytes) -> str:
    try:
        raw = content.encode() if isinstance(content, str) else content
        text = raw.decode("utf-8-sig")
    except UnicodeError as exc:
        raise InvalidYaml("The file is not UTF-8 text: save it as UTF-8.") from exc
    if len(raw) > MAX_BYTES:
        raise InvalidYaml(TOO_LARGE)
    return text


def _safe_events(text: str, max_depth: int) -> Iterator[yaml.Event]:
    """The parser's events, as far as they are harmless. They come without recursion."""
    depth = nodes = documents = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        position = _position(event.start_mark)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        documents += isinstance(event, yaml.DocumentStartEvent)
        nodes += isinstance(event, yaml.NodeEvent)
        if getattr(event, "anchor", None) is not None:
            raise InvalidYaml(
                "Anchors (`&`) and aliases (`*`) are not allowed: write it out.", position
            )
        if getattr(event, "tag", None) is not None:
            raise InvalidYaml("Tags (`!`) are not allowed: write the plain value.", position)
        if depth > max_depth:
            raise InvalidYaml(f"The file is nested more than {max_depth} levels deep.", position)
        if nodes > MAX_NODES:
            raise InvalidYaml(f"The file has more than {MAX_NODES} values: shorten it.", position)
        if documents > 1:
            raise InvalidYaml("The file has several YAML documents: keep only one.", position)
        yield event


def _position(mark: Any) -> Position:
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def _mapping(node: yaml.MappingNode, path: Path, document: Document) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise InvalidYaml("Keys must be plain strings.", _position(key.start_mark))
        name = _text(key.value)
        key_path, position = (*path, name), _position(key.start_mark)
        if key_path in document.positions:
            document.duplicates.append((key_path, position))
            continue
        document.positions[key_path] = position
        if (plain := _plain(value, key_path, document)) is not None:
            values[name] = plain
    return values


def _plain(node: yaml.Node, path: Path, document: Document) -> Any:
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, document)
    if isinstance(node, yaml.SequenceNode):
        items = []
        for number, item in enumerate(node.value):
            document.positions[(*path, number)] = _position(item.start_mark)
            items.append(_plain(item, (*path, number), document))
        return items
    return _scalar(node) if isinstance(node, yaml.ScalarNode) else None


def _scalar(node: yaml.ScalarNode) -> str | int | float | bool | None:
    kind = node.tag.removeprefix("tag:yaml.org,2002:")
    constructor = yaml.constructor.SafeConstructor()
    if kind == "null":
        return None
    if kind == "bool":
        return bool(constructor.bool_values[node.value.lower()])
    if kind in ("int", "float") and len(node.value) <= _LONG_NUMBER:
        try:
            if kind == "int":
                return int(constructor.construct_yaml_int(node))
            return float(constructor.construct_yaml_float(node))
        except ValueError:  # as in 0b_
            return _text(node.value)
    return _text(node.value)


def _text(value: str) -> str:
    # "\ud800" in quotes is half a character, which no JSON and no GitHub request can hold.
    return value.encode("utf-8", "replace").decode()
