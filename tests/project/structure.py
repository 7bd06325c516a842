"""Figures of the code's structure: `make structure` prints them, and a test holds their limits.

An edge is one module that imports another, counted once however many names it takes. A chain is
the longest path along edges. All of it is read from the source: nothing is imported.
"""

import ast
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("bot", "workers", "templates")

#: The limits; `tests/project/test_structure.py` holds them. Lower them as the code gets simpler.
MAX_MODULES = 15
MAX_EDGES_PER_1000_LINES = 35.0
MAX_CHAIN = 23
MAX_FUNCTION_P90 = 30
MAX_FUNCTION = 75


@dataclass(frozen=True, slots=True)
class Module:
    """`functions` holds the number of lines of each function, methods and nested ones too."""

    name: str
    lines: int
    imports: frozenset[str]
    functions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Structure:
    modules: Mapping[str, Module]

    @property
    def lines(self) -> int:
        return sum(module.lines for module in self.modules.values())

    @property
    def edges(self) -> int:
        return sum(len(module.imports) for module in self.modules.values())

    @property
    def edges_per_1000_lines(self) -> float:
        return 1000 * self.edges / self.lines

    @property
    def modules_by_folder(self) -> Counter[str]:
        """How many modules each folder holds, `__init__` not counted."""
        return Counter(
            name.rpartition(".")[0] for name in self.modules if not self._is_package(name)
        )

    @property
    def used_once(self) -> list[str]:
        """Modules that exactly one other module imports."""
        users = Counter(name for module in self.modules.values() for name in module.imports)
        return sorted(name for name, number in users.items() if number == 1)

    @property
    def function_lines(self) -> list[int]:
        return sorted(n for module in self.modules.values() for n in module.functions)

    @property
    def longest_chain(self) -> list[str]:
        """The longest chain of imports, from its top to its bottom. Raises RecursionError if
        modules import each other in a circle."""

        known: dict[str, list[str]] = {}

        def below(name: str) -> list[str]:
            if name not in known:
                chains = [below(other) for other in sorted(self.modules[name].imports)]
                known[name] = [name, *max(chains, key=len, default=[])]
            return known[name]

        return max((below(name) for name in sorted(self.modules)), key=len)

    def _is_package(self, name: str) -> bool:
        return any(other.startswith(f"{name}.") for other in self.modules)


def read_structure(root: Path = ROOT) -> Structure:
    files = {_name(path, root): path for package in PACKAGES for path in _sources(root / package)}
    names = frozenset(files)
    return Structure({name: _module(name, path, names) for name, path in files.items()})


def _sources(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*.py") if "__pycache__" not in path.parts)


def _name(path: Path, root: Path) -> str:
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def _module(name: str, path: Path, names: frozenset[str]) -> Module:
    text = path.read_text()
    nodes = list(ast.walk(ast.parse(text)))
    imports = {found for node in nodes for found in _imported(node, names)} - {name}
    functions = tuple(
        (node.end_lineno or node.lineno) - node.lineno + 1
        for node in nodes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    return Module(name, text.count("\n"), frozenset(imports), functions)


def _imported(node: ast.AST, names: frozenset[str]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name in names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        for alias in node.names:
            full = f"{node.module}.{alias.name}"
            if full in names:
                yield full
            elif node.module in names:
                yield node.module


def main() -> int:
    structure = read_structure()
    chain, lengths = structure.longest_chain, structure.function_lines
    folder, most = structure.modules_by_folder.most_common(1)[0]
    print(f"modules                 {len(structure.modules)} in {structure.lines:,} lines")
    print(f"modules a folder        {most} at most, in {folder} (limit {MAX_MODULES})")
    print(
        f"edges per 1,000 lines   {structure.edges_per_1000_lines:.1f}, {structure.edges} in all "
        f"(limit {MAX_EDGES_PER_1000_LINES})"
    )
    print(f"longest import chain    {len(chain)} (limit {MAX_CHAIN})")
    print("                        " + "\n                        ".join(chain))
    print(f"modules used once       {len(structure.used_once)}")
    print(f"function lines, p90     {lengths[len(lengths) * 9 // 10]} (limit {MAX_FUNCTION_P90})")
    print(f"function lines, max     {lengths[-1]} (limit {MAX_FUNCTION})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
