"""What a change takes away, and whether another file still uses it (pure).

Only what is certain counts: a name that the module no longer holds as a word, and an import or a
use that leads to just that module. Where names come about at run time, nothing is said.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from posixpath import dirname, join, normpath

from tree_sitter import Node, Query, QueryCursor

from bot.domain.diff import ChangedFile
from bot.text.grammars import grammar
from bot.text.languages import language_of, tree_of
from workers.scan.context.outline import outline

#: Languages by the rules that their modules follow.
_FAMILIES = {
    "python": "python",
    "javascript": "script",
    "typescript": "script",
    "tsx": "script",
    "go": "go",
}
_REMOVED = {
    "python": re.compile(r"(?:(?:async\s+)?def|class)\s+(\w+)|([A-Za-z_]\w*)\s*(?::[^=]*)?=(?!=)"),
    "script": re.compile(
        r"export\s+(?:declare\s+)?(?:abstract\s+)?(?:async\s+)?"
        r"(?:function\*?|class|const|let|var|interface|type|enum)\s+(\w+)"
        r"|(?:module\.)?exports\.(\w+)\s*="
    ),
    "go": re.compile(r"func\s+(\w+)\s*[(\[]"),
}
#: A module with these may have names that no word of it shows.
_DYNAMIC = {
    "python": re.compile(r"__getattr__|globals\(\)|import\s*\*|setattr\(|sys\.modules|exec\("),
    "script": re.compile(
        r"export\s*\*|exports\s*=\s*(?!\{)|exports\[|Object\.(?:assign|define)|__exportStar"
    ),
    "go": re.compile(r"(?!)"),
}
#: A module's own instance of a class, and a class that has no base but pydantic's.
_INSTANCE = re.compile(r"(?m)^(\w+)\s*(?::[^=\n]*)?=\s*(\w+)\(\)")
_PLAIN = r"(?m)^class\s+{}\s*(?:\(\s*(?:[\w.]*\bBaseSettings|object)?\s*\))?\s*:"
_FIELD = re.compile(r"\s+(?!model_)([A-Za-z_]\w*)\s*(?::[^=]+)?(?:=[^=].*)?$")
_MAKES_FIELDS = re.compile(
    r"__getattr|__slots__|setattr\(|__dict__|\bextra\b|\.update\(|import\s*\*|exec\(|vars\("
)
#: Whoever says this is ready for a name that is missing.
_GUARDED = re.compile(r"hasattr\(|getattr\(|AttributeError|ImportError|ModuleNotFoundError|typeof ")

_SCRIPT_ENDS = ("", ".js", ".jsx", ".ts", ".tsx", ".mjs", ".cjs", ".d.ts", ".json", ".vue")
_SHORTEST = 3
_SOURCE_ROOTS: tuple[list[str], ...] = ([], ["src"], ["lib"])

_FROM = re.compile(r"from\s+(\.*)([\w.]*)\s+import\s+\(?([^)]*)\)?\s*$")
_IMPORT = re.compile(r"import\s+([\w.]+)(?:\s+as\s+(\w+))?\s*$")
_BRACES = re.compile(
    r"""^(?:import\s+(?:type\s+)?(?:\w+\s*,\s*)?\{(?P<a>[^}]*)\}\s*from"""
    r"""|export\s+(?:type\s+)?\{(?P<b>[^}]*)\}\s*from"""
    r"""|(?:const|let|var)\s+\{(?P<c>[^}]*)\}\s*=\s*require\()\s*["'](?P<spec>\.[^"']*)["']""",
    re.MULTILINE,
)
_WHOLE = re.compile(
    r"""^(?:(?:const|let|var)\s+(?P<a>\w+)\s*=\s*require\(|import\s+\*\s+as\s+(?P<b>\w+)\s+from)"""
    r"""\s*["'](?P<spec>\.[^"']*)["']""",
    re.MULTILINE,
)
_ANY_SCRIPT_IMPORT = re.compile(
    r"""^(?:import\b[^;"'`]*|export\b[^;"'`=]*\bfrom\s*|(?:const|let|var)\b[^;"'`]*=\s*require\()"""
    r"""\s*["'](?P<spec>\.[^"']*)["']""",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Removed:
    """What is no longer there: a name of the module at `module`, or with no `name` the module; with
    `of`, an attribute of that name of the module's object `of`. `path`, `line` (of the old side)
    and `text` are where the change says so."""

    module: str
    name: str
    path: str
    line: int | None
    text: str
    of: str = ""

    @property
    def word(self) -> str:
        """What a file that uses it holds as a word."""
        return self.name or _module_words(self.module)[-1]


def family(path: str) -> str:
    """By whose rules the file's modules are found; "" where none are known."""
    return _FAMILIES.get(language_of(path), "")


def removed_names(file: ChangedFile, text: str) -> Iterator[Removed]:
    """Top-level names that the change takes out of a file whose text is now `text`."""
    kind = family(file.path)
    if not kind or _DYNAMIC[kind].search(text):
        return
    words = set(re.findall(r"\w+", text))
    for hunk in file.hunks:
        for line in hunk.lines:
            match = _REMOVED[kind].match(line.text) if line.removed else None
            name = next(filter(None, match.groups()), "") if match else ""
            if len(name) >= _SHORTEST and name not in words and not name.startswith("__"):
                yield Removed(file.path, name, file.path, line.old, line.text)


def removed_fields(file: ChangedFile, text: str) -> Iterator[Removed]:
    """Settings that the change takes out of a class whose only known instance is made in the same
    module, whose text is now `text`: nothing else can give the instance an attribute."""
    if family(file.path) != "python" or _MAKES_FIELDS.search(text):
        return
    instances = [
        match[1] for match in _INSTANCE.finditer(text) if re.search(_PLAIN.format(match[2]), text)
    ]
    words = set(re.findall(r"\w+", text))
    for hunk in file.hunks if instances else ():
        for line in hunk.lines:
            match = _FIELD.match(line.text) if line.removed else None
            if match and len(match[1]) >= _SHORTEST and match[1] not in words:
                for name in instances:
                    yield Removed(file.path, match[1], file.path, line.old, line.text, of=name)


def packages_of(removed: Removed) -> Iterator[str]:
    """Where the packages around a module of Python may be written."""
    words = _module_words(removed.module) if family(removed.module) == "python" else []
    for length in range(1, len(words)):
        folder = "/".join(words[:length])
        yield from (f"{folder}.py", f"{folder}/__init__.py")


def makes_modules(text: str) -> bool:
    """Whether a package may have modules that are no files."""
    return bool(re.search(r"sys\.modules|__path__|meta_path|__getattr__", text))


@dataclass(frozen=True, slots=True)
class Tree:
    """The paths of the head, and what is asked about them."""

    paths: Collection[str]
    folders: Collection[str]
    stems: Collection[str]

    @classmethod
    def of(cls, paths: Collection[str]) -> "Tree":
        folders = set[str]()
        for path in paths:
            while (path := dirname(path)) and path not in folders:
                folders.add(path)
        stems = frozenset("/".join(_module_words(path)) for path in paths if family(path))
        return cls(frozenset(paths), frozenset(folders), stems)

    def has_another(self, module: str) -> bool:
        """Whether a module of the same name is there in another form, as a folder or a stub."""
        stem = "/".join(_module_words(module))
        if stem in self.folders and not re.search(r"/(?:__init__|index)\.\w+$", f"/{module}"):
            return True
        return any(
            path != module and path.startswith((f"{stem}.", f"{stem}/__init__.", f"{stem}/index."))
            for path in self.paths
        )


def uses(removed: Removed, path: str, text: str, tree: Tree) -> list[int]:
    """The lines, from 1, on which the file at `path` uses what was removed."""
    if path == removed.module or family(path) != family(removed.module) or _GUARDED.search(text):
        return []
    match family(path):
        case "python":
            return sorted(set(_python_uses(removed, path, text, tree)))
        case "script":
            return sorted(set(_script_uses(removed, path, text, tree)))
        case "go":
            return sorted(set(_go_uses(removed, path, text)))
        case _:
            return []


def is_defined(removed: Removed, path: str, text: str) -> bool:
    """Whether another file of the package defines the name: Go's packages are folders."""
    if family(path) != "go" or dirname(path) != dirname(removed.module):
        return False
    name = re.escape(removed.name)
    return bool(re.search(rf"(?m)^(?:func|var|const|type)\s+{name}\b|^\s+{name}\b[^(]*=", text))


def _go_uses(removed: Removed, path: str, text: str) -> Iterator[int]:
    """Calls of a package's function in its other files, where nothing else has the name."""
    name = re.escape(removed.name)
    other = rf"\b{name}\s*(?::=|=[^=]|,|func\b)|[(,]\s*{name}\s+[\w*\[]|\bvar\s+{name}\b"
    package = re.search(r"(?m)^package\s+(\w+)", text)
    if dirname(path) != dirname(removed.module) or package is None or re.search(other, text):
        return
    if package[1].endswith("_test") or (
        path.endswith("_test.go") < removed.module.endswith("_test.go")
    ):
        return
    tree = tree_of("go", text)
    for _, found in QueryCursor(_query("go")).matches(tree.root_node) if tree else ():
        if found["of"][0].text == removed.name.encode():
            yield found["of"][0].start_point[0] + 1


def called_names(module: str, name: str, path: str, text: str, tree: Tree) -> Iterator[str]:
    """What the Python file at `path` calls a name of another module: `name`, `module.name`, or
    what it is imported as."""
    words = _module_words(module)
    for _, statement in _statements(text):
        if match := _FROM.match(statement):
            source, relative = _python_module(match[1], match[2], path), bool(match[1])
            names = [each.split() for each in match[3].split(",") if each.strip()]
            if _leads_to(source, relative, words, tree):
                yield from (each[-1] for each in names if each[0] == name)
            else:
                for each in names:
                    if _leads_to([*source, each[0]], relative, words, tree):
                        yield f"{each[-1]}.{name}"
        elif (match := _IMPORT.match(statement)) and _leads_to(
            match[1].split("."), False, words, tree
        ):
            yield f"{match[2] or match[1]}.{name}"


def _python_uses(removed: Removed, path: str, text: str, tree: Tree) -> Iterator[int]:
    if removed.of:
        for alias in called_names(removed.module, removed.of, path, text, tree):
            if "." not in alias:
                yield from _members("python", text, alias, removed.name)
        return
    for line, statement in _statements(text):
        if match := _FROM.match(statement):
            yield from _from_uses(removed, match, line, path, text, tree)
        elif match := _IMPORT.match(statement):
            words = _module_words(removed.module)
            if not _leads_to(match[1].split("."), False, words, tree):
                continue
            if not removed.name:
                yield line
            elif match[2]:
                yield from _members("python", text, match[2], removed.name)


@lru_cache(maxsize=4)  # several names are looked for in one file after the other
def _statements(text: str) -> tuple[tuple[int, str], ...]:
    """Imports of the module itself, each as one line with its number; those within functions, or
    after `try:`, are indented."""
    lines = text.split("\n")
    blocks = (
        (each.start, lines[each.start - 1 : each.end]) for each in outline("python", text).imports
    )
    return tuple(
        (start, " ".join(part.partition("#")[0].strip(" \t\r\\") for part in parts))
        for start, parts in blocks
        if not parts[0][:1].isspace()
    )


def _from_uses(
    removed: Removed, match: re.Match[str], line: int, path: str, text: str, tree: Tree
) -> Iterator[int]:
    words, relative = _module_words(removed.module), bool(match[1])
    source = _python_module(match[1], match[2], path)
    names = [each.split() for each in match[3].split(",") if each.strip()]
    if _leads_to(source, relative, words, tree):
        if not removed.name or removed.name in [each[0] for each in names]:
            yield line
    elif removed.name:
        for each in names:
            if _leads_to([*source, each[0]], relative, words, tree):
                yield from _members("python", text, each[-1], removed.name)


def _python_module(dots: str, dotted: str, path: str) -> list[str]:
    words = dotted.split(".") if dotted else []
    if not dots:
        return words
    folder = dirname(path).split("/") if dirname(path) else []
    return [*folder[: len(folder) - len(dots) + 1], *words]


def _leads_to(source: Sequence[str], relative: bool, words: Sequence[str], tree: Tree) -> bool:
    """Whether an import of the module `source` can mean nothing but the one of these words."""
    if relative:
        return list(source) == list(words)
    if not source or list(words[-len(source) :]) != list(source):
        return False
    root = list(words[: -len(source)])
    if len(source) == 1 and root not in _SOURCE_ROOTS:
        return False
    if root and f"{'/'.join(root)}/__init__.py" in tree.paths:
        return False
    ends = tuple(f"/{'/'.join(source)}{end}" for end in (".py", ".pyi", "/__init__.py"))
    return sum(f"/{path}".endswith(ends) for path in tree.paths) <= ("/".join(words) in tree.stems)


def _script_uses(removed: Removed, path: str, text: str, tree: Tree) -> Iterator[int]:
    if not removed.name:
        for match in _ANY_SCRIPT_IMPORT.finditer(text):
            if _is_missing(match["spec"], path, removed.module, tree):
                yield _line(text, match.start("spec"))
        return
    for match in _BRACES.finditer(text):
        names = [re.split(r"\s+as\s+|\s*[:=]\s*", each.strip()) for each in _braces(match)]
        named = removed.name in [each[0].removeprefix("type ") for each in names]
        if named and _script_module(match["spec"], path, tree) == removed.module:
            yield _line(text, match.start("spec"))
    for match in _WHOLE.finditer(text):
        if _script_module(match["spec"], path, tree) == removed.module:
            yield from _members(language_of(path), text, match["a"] or match["b"], removed.name)


def _braces(match: re.Match[str]) -> list[str]:
    return (match["a"] or match["b"] or match["c"] or "").split(",")


def _script_module(spec: str, path: str, tree: Tree) -> str:
    """The file that a relative import leads to; "" if to none."""
    return next((each for each in _script_candidates(spec, path) if each in tree.paths), "")


def _script_candidates(spec: str, path: str) -> list[str]:
    base = normpath(join(dirname(path), spec))
    bases = [base, re.sub(r"\.([cm]?)js(x?)$", r".\1ts\2", base)]
    return [
        each
        for start in dict.fromkeys(bases)
        for each in (
            *(f"{start}{end}" for end in _SCRIPT_ENDS),
            *(f"{start}/index{end}" for end in _SCRIPT_ENDS[1:]),
        )
    ]


def _is_missing(spec: str, path: str, module: str, tree: Tree) -> bool:
    """Whether an import led to the module, and now leads nowhere."""
    base = normpath(join(dirname(path), spec))
    if module not in _script_candidates(spec, path) or base in tree.folders:
        return False
    stem = re.sub(r"\.[cm]?[jt]sx?$", "", base)
    return not any(each == base or each.startswith(f"{stem}.") for each in tree.paths)


_MEMBER = {
    "python": "(attribute object: (identifier) @of attribute: (identifier) @name)",
    "script": "(member_expression object: (identifier) @of property: (property_identifier) @name)",
    "go": "(call_expression function: (identifier) @of)",
}


@cache
def _query(language: str) -> Query:
    return Query(grammar(language), _MEMBER[_FAMILIES[language]])


def _members(language: str, text: str, alias: str, name: str) -> Iterator[int]:
    """Lines on which `alias.name` is read; none where the alias may be something else."""
    if re.search(
        rf"(?m)^\s*(?:{re.escape(alias)}\s*=[^=]|(?:def|class)\s+{re.escape(alias)}\b)", text
    ):
        return
    tree = tree_of(language, text)
    if tree is None:
        return
    for _, found in QueryCursor(_query(language)).matches(tree.root_node):
        of, member = found["of"][0], found["name"][0]
        if of.text == alias.encode() and member.text == name.encode() and not _is_set(member):
            yield of.start_point[0] + 1


def _is_set(member: Node) -> bool:
    """Whether it is given a value here."""
    outer = member.parent
    around = outer.parent if outer is not None else None
    return around is not None and around.child_by_field_name("left") == outer


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _module_words(path: str) -> list[str]:
    """`a/b.py` is the module a, b; `a/__init__.py` is a, and so is `a/index.ts`."""
    *folders, name = path.split("/")
    stem = name.partition(".")[0]
    return folders if stem in ("__init__", "index") and folders else [*folders, stem]
