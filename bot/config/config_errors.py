"""Why a key of `.github/glossator.yml` is wrong and what is allowed there (pure).

What is allowed is read from the file's JSON Schema, so that there is one truth of it.
"""

import json
from difflib import get_close_matches
from typing import Any

from pydantic_core import ErrorDetails

from bot.config.safe_yaml import Path

_MAX_SHOWN = 40  # characters of somebody's key or value

Schema = dict[str, Any]


def explain(error: ErrorDetails, schema: Schema) -> str:
    """One or two sentences of Markdown on a validation error of the file."""
    path = error["loc"]
    if error["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        keys = list(_at(path[:-1], schema)["properties"])
        hint = _did_you_mean(str(path[-1]), keys) or f" Allowed: {_join(keys)}."
        return f"{code(dotted(path))} is not a known key.{hint}"
    expected = _allowed(_at(path, schema), schema)
    if error["type"] in ("missing", "missing_argument"):
        return f"{code(dotted(path))} is missing: give {expected}."
    value = error["input"]
    if _is_one_of(value, _at(path, schema), schema):
        expected = f"a list, such as {code(json.dumps([value], ensure_ascii=False))}"
    displayed = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    suggestion = _did_you_mean(displayed, _at(path, schema).get("enum", []))
    return f"{code(dotted(path))} cannot be {code(displayed)}.{suggestion} Give {expected}."


def code(text: str, limit: int = _MAX_SHOWN) -> str:
    """Somebody's text as inline code on one line, cut, and harmless in Markdown."""
    flat = " ".join(text.replace("`", "'").split()) or " "
    return f"`{flat if len(flat) <= limit else flat[: limit - 1] + '…'}`"


def dotted(path: Path) -> str:
    """`("paths", "include", 0)` as `paths.include[0]`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def _at(path: Path, schema: Schema) -> Schema:
    node = schema
    for part in path:
        node = _resolved(
            node["items"] if isinstance(part, int) else node["properties"][part], schema
        )
    return node


def _resolved(node: Schema, schema: Schema) -> Schema:
    if "$ref" not in node:
        return node
    target: Schema = schema["$defs"][node["$ref"].rpartition("/")[2]]
    return target


def _allowed(node: Schema, schema: Schema) -> str:
    if "enum" in node:
        return f"one of {_join(node['enum'])}"
    match node["type"]:
        case "boolean":
            return "`true` or `false`"
        case "integer":
            return f"a whole number from {node['minimum']} to {node['maximum']}"
        case "string":
            return f"text of 1 to {node['maxLength']} characters, in quotes if it is a number"
        case "array":
            items = _resolved(node["items"], schema)
            what = f"; each item {_allowed(items, schema)}"
            limit = f" of at most {node['maxItems']} items" if "maxItems" in node else ""
            return f"a list{limit}{what}"
        case _:
            return f"the keys {_join(node['properties'])}"


def _is_one_of(value: Any, node: Schema, schema: Schema) -> bool:
    """Whether the list that is meant there could have this text as an item."""
    if not isinstance(value, str) or node.get("type") != "array":
        return False
    item = _resolved(node["items"], schema)
    return item["type"] == "string" and value in item.get("enum", [value])


def _join(words: Any) -> str:
    return ", ".join(f"`{word if isinstance(word, str) else json.dumps(word)}`" for word in words)


def _did_you_mean(word: str, known: list[Any]) -> str:
    names = [name for name in known if isinstance(name, str)]
    matches = get_close_matches(word[:_MAX_SHOWN].lower(), names, n=1)
    return f" Did you mean `{matches[0]}`?" if matches else ""
