"""Runs alone, as a program in the sandbox: do JSON, TOML and YAML files parse?

Prints JSON: file, line, what is wrong; and `only`, which is "comments" or "commas" where these are
all that keeps a file from being JSON. In YAML also keys that are twice in one mapping, of which all
but the last are silently lost.
"""

import json
import re
import sys
import tomllib
from collections.abc import Iterator

import yaml

_TOML_LINE = re.compile(r"\(at line (\d+), column \d+\)")
_MAX_REPORTED = 20
_STRING = r'("(?:[^"\\\n]|\\.)*+")'
_COMMENT = re.compile(_STRING + r"|//[^\n]*|/\*.*?\*/", re.DOTALL)
_TRAILING_COMMA = re.compile(_STRING + r"|,(?=\s*[}\]])")
_JSON = frozenset({"json", "geojson", "webmanifest"})


def main() -> None:
    sys.setrecursionlimit(5000)
    finds = []
    for name in sys.argv[1:]:
        with open(name, encoding="utf-8", newline="\n") as file:
            text = file.read()
        last = text.rstrip("\n").count("\n") + 1  # what is missing at the end is told there
        kind = name.rpartition(".")[2]
        for line, problem in _problems(kind, text):
            # What is wrong apart from comments is worth more than the first comment.
            others, extra = _apart_from_comments(text) if kind in _JSON else ([], "")
            line, problem = others[0] if others else (line, problem)
            line = min(line, last)
            finds.append({"file": name, "line": line, "problem": problem, "only": extra})
    json.dump(finds, sys.stdout)


def _apart_from_comments(text: str) -> tuple[list[tuple[int, str]], str]:
    """What is wrong without comments and trailing commas; and if nothing is, which of them the text
    has. Lines stay where they are."""
    bare = _COMMENT.sub(lambda match: match[1] or re.sub(r"[^\n]", " ", match[0]), text)
    problems = list(_problems("json", _TRAILING_COMMA.sub(lambda match: match[1] or " ", bare)))
    if problems:
        return problems, ""
    return [], "comments" if bare != text else "commas"


def _problems(kind: str, text: str) -> Iterator[tuple[int, str]]:
    try:
        if kind in _JSON:
            json.loads(text.removeprefix("\ufeff"))
        elif kind == "toml":
            tomllib.loads(text)
        else:
            yield from _yaml_problems(text)
    except json.JSONDecodeError as exc:
        yield exc.lineno, exc.msg
    except tomllib.TOMLDecodeError as exc:
        found = _TOML_LINE.search(str(exc))
        yield int(found[1]) if found else text.count("\n") + 1, str(exc).partition(" (at")[0]
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        yield (mark.line + 1 if mark else 1), exc.problem or "not valid"
    except yaml.YAMLError as exc:
        yield 1, str(exc).partition("\n")[0]
    except ValueError:
        return  # a number of more digits than Python reads is one all the same
    except RecursionError:
        yield 1, "nested too deeply"


def _yaml_problems(text: str) -> Iterator[tuple[int, str]]:
    """Nodes are walked once each: aliases that multiply don't cost more."""
    seen: set[int] = set()
    found = 0
    todo = [node for node in yaml.compose_all(text, Loader=yaml.CSafeLoader) if node]
    while todo:
        node = todo.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            todo.extend(node.value)
        elif isinstance(node, yaml.MappingNode):
            todo.extend(value for _, value in node.value)
            for line, problem in _doubles(node):
                found += 1
                if found <= _MAX_REPORTED:
                    yield line, problem


def _doubles(mapping: yaml.MappingNode) -> Iterator[tuple[int, str]]:
    first: dict[str, int] = {}
    for key, _ in mapping.value:
        if isinstance(key, yaml.ScalarNode) and key.value != "<<":
            line = key.start_mark.line + 1
            if key.value in first:
                yield (
                    line,
                    f"the key `{key.value[:60]}` stands here again after line {first[key.value]}",
                )
            first.setdefault(key.value, line)


if __name__ == "__main__":
    main()
