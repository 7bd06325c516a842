"""Which language a file is in, and whether text parses in it (pure; tree-sitter, offline).

The grammars are carried by the wheel of tree-sitter-language-pack 0.x.
"""

import re
from functools import cache
from pathlib import PurePosixPath
from typing import cast

from tree_sitter import Node, Parser, Query, QueryCursor, Tree
from tree_sitter_language_pack import SupportedLanguage, get_language, get_parser

_BY_NAME = {
    "dockerfile": "dockerfile",
    "containerfile": "dockerfile",
    "makefile": "make",
    "gnumakefile": "make",
    "cmakelists.txt": "cmake",
    "rakefile": "ruby",
    "gemfile": "ruby",
    "vagrantfile": "ruby",
    "jenkinsfile": "groovy",
    "build.bazel": "starlark",
    "go.mod": "gomod",
    ".bashrc": "bash",
    ".profile": "bash",
}
_BY_SUFFIX = {
    suffix: language
    for language, suffixes in {
        "bash": ".sh .bash .zsh .ksh .bats",
        "c": ".c .h",
        "clojure": ".clj .cljs .cljc",
        "cmake": ".cmake",
        "cpp": ".cc .cpp .cxx .hh .hpp .hxx .inl",
        "csharp": ".cs",
        "css": ".css",
        "csv": ".csv",
        "cuda": ".cu .cuh",
        "dart": ".dart",
        "dockerfile": ".dockerfile",
        "elixir": ".ex .exs",
        "elm": ".elm",
        "erlang": ".erl .hrl",
        "fortran": ".f90 .f95 .f03",
        "fsharp": ".fs .fsx",
        "glsl": ".glsl .vert .frag",
        "go": ".go",
        "graphql": ".graphql .gql",
        "groovy": ".groovy .gradle",
        "haskell": ".hs",
        "hcl": ".hcl",
        "html": ".html .htm .xhtml",
        "ini": ".ini .cfg",
        "java": ".java",
        "javascript": ".js .cjs .mjs .jsx",
        "json": ".json .geojson .webmanifest",
        "julia": ".jl",
        "kotlin": ".kt .kts",
        "latex": ".tex",
        "lua": ".lua",
        "make": ".mk",
        "markdown": ".md .markdown",
        "nim": ".nim",
        "nix": ".nix",
        "objc": ".m .mm",
        "ocaml": ".ml",
        "org": ".org",
        "pascal": ".pas",
        "perl": ".pl .pm",
        "php": ".php",
        "po": ".po",
        "powershell": ".ps1 .psm1",
        "prisma": ".prisma",
        "properties": ".properties",
        "proto": ".proto",
        "python": ".py .pyi .pyw",
        "r": ".r",
        "rst": ".rst",
        "ruby": ".rb .rake .gemspec",
        "rust": ".rs",
        "scala": ".scala .sc",
        "scss": ".scss",
        "solidity": ".sol",
        "sql": ".sql",
        "starlark": ".bzl .star",
        "svelte": ".svelte",
        "swift": ".swift",
        "terraform": ".tf .tfvars",
        "toml": ".toml",
        "tsx": ".tsx",
        "typescript": ".ts .mts .cts",
        "typst": ".typ",
        "verilog": ".v .sv",
        "vhdl": ".vhd .vhdl",
        "vue": ".vue",
        "xml": ".xml .xsd .xsl .svg .csproj",
        "yaml": ".yaml .yml",
        "zig": ".zig",
    }.items()
    for suffix in suffixes.split()
}
_SHEBANG = re.compile(r"#!\s*\S*/(?:env\s+(?:-S\s+)?)?([A-Za-z]+)")
_BY_INTERPRETER = {
    "sh": "bash", "bash": "bash", "dash": "bash", "zsh": "bash", "ksh": "bash",
    "python": "python", "node": "javascript", "deno": "typescript", "ruby": "ruby",
    "perl": "perl", "php": "php", "lua": "lua", "Rscript": "r", "pwsh": "powershell",
}  # fmt: skip
#: Languages whose grammar takes templates, dialects and fragments for errors: no verdict.
_NO_VERDICT = frozenset({"", "csv", "html", "sql", "vue", "svelte", "markdown", "rst", "org", "ini",
                         "properties", "latex", "typst", "po", "perl"})  # fmt: skip
_MAX_PARSED = 2_000_000


def language_of(path: str, first_line: str = "") -> str:
    """The tree-sitter grammar for a file of that path, or "" where none is known.

    `first_line` tells by its `#!` what the path does not.
    """
    name = PurePosixPath(path).name.lower()
    if name in _BY_NAME:
        return _BY_NAME[name]
    if name.startswith(("dockerfile.", "containerfile.")):
        return "dockerfile"
    found = _BY_SUFFIX.get(PurePosixPath(name).suffix, "")
    if not found and (match := _SHEBANG.match(first_line[:200])):
        return _BY_INTERPRETER.get(match[1], "")
    return found


def tree_of(language: str, text: str) -> Tree | None:
    """The syntax tree (positions count UTF-8 bytes), or None without a grammar or if too large."""
    data = text.encode("utf-8", "replace")
    if not language or len(data) > _MAX_PARSED:
        return None
    return _parser(language).parse(data)


def parses(language: str, text: str) -> bool:
    """Whether `text` has no syntax error. True where nobody can tell."""
    if language in _NO_VERDICT:
        return True
    tree = tree_of(language, text)
    if tree is None:
        return True
    return not tree.root_node.has_error and (language != "python" or _indented(tree))


def _indented(tree: Tree) -> bool:
    """Whether each block of Python has a statement and all of its statements one indentation:
    the grammar lets pass `if x:` with nothing in it, and any indentation."""
    blocks = QueryCursor(_python_blocks()).captures(tree.root_node).get("block", [])
    return _level(tree.root_node, 0) and all(_level(block, None) for block in blocks)


def _level(block: Node, column: int | None) -> bool:
    """`column` is where its lines have to begin; None: where the first one does."""
    last_row = -1
    for statement in block.named_children:
        if statement.type == "comment":
            continue
        row, at = statement.start_point
        if row != last_row:  # else it stands behind a `;`
            column = at if column is None else column
            if at != column:
                return False
        last_row = statement.end_point[0]
    return column is not None


@cache
def _python_blocks() -> Query:
    return Query(get_language("python"), "(block) @block")


@cache
def _parser(language: str) -> Parser:
    return get_parser(cast(SupportedLanguage, language))
