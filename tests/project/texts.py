"""Every sentence that people read in the product: `python -m tests.project.texts` prints them.

Read from the source: strings of the code, command help, templates, documentation, alerts and
dashboards, the Makefile, and the descriptions in JSON Schemas. Left out: docstrings and comments,
prompts (a model reads them), the GitHub simulator (its messages are GitHub's), and Lua.
`--quaint` prints only the sentences with a word of QUAINT.
"""

import ast
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

#: Words and phrases that a native engineer would not write there, and what to write instead.
QUAINT = {
    r"told|tells? (?:of|it|him|them|the author|people|who|what|why)": "reported, shown",
    r"stands? (?!for\b|alone\b|out\b)|stood": "is, appears",
    r"(?:is|was|are|were|goes|went) away": "is unavailable",
    r"mend|mends|mended|mending": "fix",
    r"wish|wishes|wished|wishing": "request",
    r"(?:in|of) (?:your|our|the) house|in-?house": "your infrastructure",
    r"anew": "again",
    r"meanwhile": "since then",
    r"beside": "in addition to, next to",
    r"thrown out|throws? out|throwing out": "dropped",
    r"taken up|takes? up|taking up": "picked up, resumed",
    r"left lying|lies in|lie in": "is in",
    r"looked after|looks after|look after": "maintained",
    r"strangers?|whoever|whomever|somebody|nobody|anybody": "a concrete word",
    r"all the same|at this moment|by itself|by and by|for good": "anyway, now, automatically",
    r"least time|the least and the most|at the most": "minimum, maximum",
    r"asks? nobody|ask nobody|asking nobody|asked for|asks? for": "requested",
    r"heard (?:of|from)|unheard|unsaid|unasked": "received, failed",
    r"held against|hold against|holds against": "compared with",
    r"is (?:no|none|not for now)\b(?! longer| more| valid| such)": "is not a",
    r"knows? no\b|has no word|says? no word|without a word": "is not found, silently",
    r"gone from|is gone|are gone|was gone|were gone": "no longer exists, expired",
    r"not all was|not all of": "some ... were not",
    r"as one (?:likes|wants)|at once as|so long|so many|so much": "as long as, as many as",
    r"of the (?:day|developer|operator)\b": "daily, for developers",
    r"of (?:yours|mine|ours|theirs|its own)\b": "your, my",
    r"9 of 10|95 of 100": "p90, p95",
    r"it takes\b(?! (?:the|about|up|a|\d|less|more|longer))": "it needs",
    r"trouble(?!shoot)|troubles": "problem, error",
    r"speaks? of|speaks? to|spoken": "mentions, connects to",
    r"comes? to an end|came to an end": "ends",
    r"reckon|reckoned|reckons": "calculate",
    r"lets? (?:us|it|them) in|knocks?": "connected",
    r"hole|holes": "vulnerability",
    r"lesson|lessons": "suppression",
    r"meant for|has to mind|mind in": "applies to",
    r"thereof|therein|thereby|whereof|hence|thus|henceforth|lest|upon|whilst|amongst|albeit": (
        "a plain word"
    ),
    r"shall": "must, will",
    r"tries (?:of|again)|try again once|tries\.": "attempts, retries",
    r"analysers?|organi[s]ations?|colours?|behaviours?|licen[c]es?|normalis\w+|sanitis\w+|"
    r"recognis\w+|summaris\w+|serialis\w+|initialis\w+|authoris\w+|favou?r(?:s|ed)\b|"
    r"catalogues?|grey|centre|judgement|artefacts?": "American spelling",
}
_QUAINT = re.compile(r"(?i)(?<![\w`/.-])(?:" + "|".join(QUAINT) + r")(?![\w-])")

#: A model reads these, GitHub would have said it, or it is a protocol's.
_NOT_FOR_PEOPLE = (
    "bot/sandbox/",
    "bot/domain/look_ups.py",
    "workers/analysis/prompt.py",
    "workers/analysis/model_answer.py",
    "workers/analysis/refute.py",
    "templates/prompts/",
)
_TEMPLATES = ("*.j2", "*.html")
_YAML_TEXT = re.compile(r"^\s*(?:- )?(?:summary|description|title|message): *[\"']?(.+?)[\"']?$")


@dataclass(frozen=True, slots=True, order=True)
class Text:
    """A sentence or a fragment; `{}` is where the code puts a value. `line` counts from 1."""

    path: str
    line: int
    text: str

    @property
    def quaint(self) -> tuple[str, ...]:
        """The words of QUAINT in it, not in `code`."""
        return tuple(_QUAINT.findall(re.sub(r"`[^`]*`", "`x`", self.text)))


def texts(root: Path = ROOT) -> list[Text]:
    """All of them, by file and line."""
    found = [*_code(root), *_templates(root), *_pages(root), *_deployment(root), *_schemas(root)]
    return sorted(
        text for text in found if not text.path.startswith(_NOT_FOR_PEOPLE) and " " in text.text
    )


def _code(root: Path) -> Iterator[Text]:
    for folder in ("bot", "workers"):
        for path in sorted((root / folder).rglob("*.py")):
            name = path.relative_to(root).as_posix()
            tree = ast.parse(path.read_text())
            yield from _strings(name, tree)
            yield from _command_help(name, tree)


def _strings(name: str, tree: ast.Module) -> Iterator[Text]:
    """Strings of two words or more that are no docstring, query or program."""
    bare = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    inside = {
        part for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values
    }
    for node in ast.walk(tree):
        if node in bare or node in inside:
            continue
        if isinstance(node, ast.JoinedStr):
            text = "".join(
                str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        else:
            continue
        if re.search(r"[A-Za-z]{2,} \S*[A-Za-z{]", text) and not _is_program(text):
            yield Text(name, node.lineno, " ".join(text.split()))


def _is_program(text: str) -> bool:
    return bool(
        re.match(r"\s*(?:query|mutation|fragment|local|return|from|import|default-src)\b", text)
        or re.search(r"\(\?[:P=!<]|\\[bsdw]|=> |;\s*$", text)
    )


def _command_help(name: str, tree: ast.Module) -> Iterator[Text]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and any(
            "command" in ast.unparse(decorator) for decorator in node.decorator_list
        ):
            help_text = ast.get_docstring(node) or ""
            yield Text(name, node.lineno, " ".join(help_text.split()))


def _templates(root: Path) -> Iterator[Text]:
    for pattern in _TEMPLATES:
        for path in sorted((root / "templates").rglob(pattern)):
            name = path.relative_to(root).as_posix()
            for number, line in enumerate(path.read_text().splitlines(), 1):
                if "<style" not in line:
                    yield from _visible(name, number, line)


def _visible(name: str, number: int, line: str) -> Iterator[Text]:
    """What of a template's line is shown: text between tags, and labels."""
    labels = re.findall(r'(?:aria-label|placeholder|alt)="([^"]+)"', line)
    quoted = re.findall(r'"([^"]*[a-z] [^"]*)"', " ".join(re.findall(r"\{\{.*?\}\}", line)))
    line = re.sub(r"\{\{.*?\}\}", "{}", re.sub(r"\{[%#].*?[%#]\}", "", line))
    for part in [*re.split(r"<[^>]*>", line), *labels, *quoted]:
        if re.search(r"[A-Za-z]{2,}", part):
            yield Text(name, number, part.strip())


def _pages(root: Path) -> Iterator[Text]:
    """Markdown without code blocks, a paragraph at a time, and the Makefile's help."""
    for path in sorted([*root.glob("*.md"), *(root / "docs").glob("*.md")]):
        name, start, fenced = path.relative_to(root).as_posix(), 1, False
        lines: list[str] = []
        for number, line in enumerate([*path.read_text().splitlines(), ""], 1):
            if line.lstrip().startswith("```"):
                fenced, line = not fenced, ""
            elif fenced:
                line = re.sub(r"^[^#]*", "", line)  # comments of commands are read
            if not line.strip() or re.match(r"\s*(?:[-*|#]|\d+\.) ?", line):
                if lines:
                    yield Text(name, start, " ".join(lines))
                start, lines = number, []
            if line.strip():
                lines.append(line.strip())
    for number, line in enumerate((root / "Makefile").read_text().splitlines(), 1):
        if help_text := re.search(r"^[a-z-]+:.*## (.+)", line):
            yield Text("Makefile", number, help_text[1])


def _deployment(root: Path) -> Iterator[Text]:
    for path in sorted((root / "deploy").rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.suffix in (".yaml", ".yml"):
            for number, line in enumerate(path.read_text().splitlines(), 1):
                if found := _YAML_TEXT.match(line):
                    yield Text(name, number, found[1])
        elif path.suffix == ".json":
            yield from _described(name, json.loads(path.read_text()))


def _schemas(root: Path) -> Iterator[Text]:
    for path in sorted((root / "docs").glob("*.json")):
        yield from _described(path.relative_to(root).as_posix(), json.loads(path.read_text()))


def _described(name: str, value: Any) -> Iterator[Text]:
    """Titles and descriptions in JSON; the line is 0, for it says little there."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key in ("title", "description", "legendFormat", "summary") and isinstance(item, str):
                yield Text(name, 0, " ".join(item.split()))
            else:
                yield from _described(name, item)
    elif isinstance(value, list):
        for item in value:
            yield from _described(name, item)


def main() -> None:
    only_quaint = "--quaint" in sys.argv[1:]
    for text in texts():
        if not only_quaint or text.quaint:
            words = f" [{', '.join(text.quaint)}]" if only_quaint else ""
            print(f"{text.path}:{text.line}: {text.text}{words}")


if __name__ == "__main__":
    main()
