"""Which language a file is in, and whether text parses in it (pure; tree-sitter, offline)."""

import ast
import re
import warnings
from functools import cache

from tree_sitter import Parser, Tree

from bot.text.grammars import grammar

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
_TEMPLATES = """.j2 .jinja .jinja2 .jnj .tmpl .tpl .template .gotmpl .in .erb .epp .ejs .eta
.mustache
.hbs .handlebars .liquid .njk .nunjucks .twig .mako .ftl .vm .cookiecutter .dockerignore .gitignore
.orig .rej .bak .backup .old .diff .patch"""
#: Endings of templates, copies and lists of patterns: what is before them, and what the first line
#: says, is the language of something else.
_NO_LANGUAGE = frozenset(_TEMPLATES.split())
#: Endings of files that are about a Dockerfile of that name.
_BESIDE_DOCKERFILE = frozenset({".md", ".txt", ".rst", ".adoc", ".sh", ".json", ".yaml", ".yml"})
_SHEBANG = re.compile(r"#!\s*\S*/(?:env\s+(?:-S\s+)?)?([A-Za-z]+)")
_BY_INTERPRETER = {
    "sh": "bash", "bash": "bash", "dash": "bash", "ash": "bash", "zsh": "bash", "ksh": "bash",
    "python": "python", "node": "javascript", "deno": "typescript", "ruby": "ruby",
    "perl": "perl", "php": "php", "lua": "lua", "Rscript": "r", "pwsh": "powershell",
}  # fmt: skip
#: Every grammar that a file may be parsed with; the image carries no others.
GRAMMARS = frozenset({*_BY_NAME.values(), *_BY_SUFFIX.values(), *_BY_INTERPRETER.values()})

#: Languages whose grammar takes templates, dialects and fragments for errors: no verdict.
_NO_VERDICT = frozenset({"", "csv", "html", "sql", "vue", "svelte", "markdown", "rst", "org", "ini",
                         "properties", "latex", "typst", "po", "perl"})  # fmt: skip
_MAX_PARSED = 2_000_000
#: What Python's parser is given: it is of recursive functions, and runs inside this process.
_MAX_PYTHON = 200_000
_MAX_DEPTH = 100
_REVIEWED = "<reviewed>"
#: What our Python says of what newer ones take: generics, f-strings within f-strings, types of
#: exceptions without parentheses; and `type X = ...`, of which it says nothing in particular.
_NEWER = re.compile(r"expected '\('|f-string|multiple exception types")
_NEWER_STATEMENT = re.compile(r"^[ \t]*(?:type[ \t]+\w|class[ \t]+\w+\[)", re.MULTILINE)

# Code under review may warn of itself, as of `"\d"`: that is no line of our log.
warnings.filterwarnings("ignore", module=_REVIEWED)


def name_and_suffix(path: str) -> tuple[str, str]:
    """The last part of a path and how it ends, `.py`, both in lower case. pathlib says the same ten
    times slower, which counts for all paths of a repository."""
    name = path.rpartition("/")[2].lower()
    dot = name.rfind(".")
    return name, name[dot:] if 0 < dot < len(name) - 1 else ""


def language_of(path: str, first_line: str = "") -> str:
    """The tree-sitter grammar for a file of that path, or "" where none is known.

    `first_line` tells by its `#!` what the path does not.
    """
    name, suffix = name_and_suffix(path)
    if name in _BY_NAME:
        return _BY_NAME[name]
    if suffix in _NO_LANGUAGE:
        return ""
    if name.startswith(("dockerfile.", "containerfile.")) and suffix not in _BESIDE_DOCKERFILE:
        return "dockerfile"
    found = _BY_SUFFIX.get(suffix, "")
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
    return tree is None or not tree.root_node.has_error


def has_verdict(language: str, text: str) -> bool:
    """Whether `parses` can tell right from wrong in such a text."""
    return language not in _NO_VERDICT and len(text) <= _MAX_PARSED // 4


def is_notebook(path: str) -> bool:
    """Whether a file is a Jupyter notebook by its name."""
    return path.lower().endswith(".ipynb")


def is_python(text: str) -> bool:
    """Whether Python's own parser takes `text`, as it minds what the grammar lets pass: empty
    blocks, indentation, what can be assigned to. True where the text is too large, or nested
    too deeply, to be given to it, or of a newer Python than ours."""
    if len(text) > _MAX_PYTHON or _is_deeper(text, _MAX_DEPTH):
        return True
    try:
        # A mark of the byte order is taken at the start of bytes, and refused in a text.
        compile(text.removeprefix("\ufeff"), _REVIEWED, "exec", ast.PyCF_ONLY_AST)
    except SyntaxError as exc:
        return bool(_NEWER.search(exc.msg) or _NEWER_STATEMENT.search(text))
    except ValueError:
        return False
    except (RecursionError, MemoryError):
        return True
    return True


def _is_deeper(text: str, most: int) -> bool:
    tree = tree_of("python", text)
    assert tree is not None
    cursor = tree.walk()
    while True:
        if cursor.depth > most:
            return True
        if cursor.goto_first_child():
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return False


@cache
def _parser(language: str) -> Parser:
    return Parser(grammar(language))
