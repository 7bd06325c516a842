"""What a Python project says of itself as data: names that are always there, and its oldest Python.

Read at the merge base from pyproject.toml, ruff.toml, setup.cfg, tox.ini and .flake8, of the folder
that is nearest to a file. Nothing of them is run. Sources: https://docs.astral.sh/ruff/settings/,
https://packaging.python.org/en/latest/specifications/pyproject-toml/#requires-python,
https://flake8.pycqa.org/en/latest/user/options.html#cmdoption-flake8-builtins.
"""

import configparser
import re
import tomllib
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

NAMES = ("pyproject.toml", "ruff.toml", ".ruff.toml", "setup.cfg", "tox.ini", ".flake8")
_PYTHON = (".py", ".pyi")
_MAX_FILES = 60
_MAX_CHARACTERS = 200_000
_MAX_BUILTINS = 1000
_TARGET = re.compile(r"py3(\d{1,2})")
#: The lower bound of a version specifier: `>=3.9`, `~=3.9.1`, `^3.9` (Poetry), `==3.11.*`, `>3.8`.
_AT_LEAST = re.compile(r"(?:>=|~=|\^|~|==|>)\s*3\.(\d{1,2})")
#: The versions that ruff knows.
_OLDEST, _NEWEST = 7, 14


@dataclass(frozen=True, slots=True)
class PythonProject:
    """`minor` is that of the oldest Python 3 that has to run the code, None if it is not known."""

    builtins: frozenset[str] = frozenset()
    minor: int | None = None


class PythonProjects:
    """The projects of a repository, by the folder of their files."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        """`texts` are files of NAMES by path."""
        self._by_folder: dict[str, PythonProject] = {}
        for path in sorted(texts, key=lambda path: NAMES.index(path.rpartition("/")[2])):
            folder, _, name = path.rpartition("/")
            found = _read(name, texts[path][:_MAX_CHARACTERS])
            known = self._by_folder.get(folder, PythonProject())
            minor = found.minor if known.minor is None else known.minor
            self._by_folder[folder] = PythonProject(known.builtins | found.builtins, minor)

    def of(self, path: str) -> PythonProject:
        """Of a file: the names of all folders above it, and the version of the nearest."""
        builtins: frozenset[str] = frozenset()
        minor = None
        for folder in folders_above(path):
            known = self._by_folder.get(folder, PythonProject())
            builtins |= known.builtins
            minor = known.minor if minor is None else minor
        return PythonProject(builtins, minor)


def wanted(paths: Container[str], changed: Iterable[str]) -> list[str]:
    """Of a tree's paths, those of NAMES that hold for changed Python files, the highest first."""
    folders = {
        folder for path in changed if path.endswith(_PYTHON) for folder in folders_above(path)
    }
    above = sorted(folders, key=lambda folder: (folder.count("/"), folder))
    found = [f"{folder}/{name}".lstrip("/") for folder in above for name in NAMES]
    return [path for path in found if path in paths][:_MAX_FILES]


def folders_above(path: str) -> list[str]:
    """The folders that hold the file, the nearest first; the last is ""."""
    parts = path.split("/")[:-1]
    return ["/".join(parts[:count]) for count in range(len(parts), -1, -1)]


def _read(name: str, text: str) -> PythonProject:
    try:
        if name.endswith(".toml"):
            return _from_toml(name, tomllib.loads(text))
        parser = configparser.ConfigParser(interpolation=None, strict=False)
        parser.read_string(text)
        requires = parser.get("options", "python_requires", fallback="")
        names = re.split(r"[,\s]+", parser.get("flake8", "builtins", fallback=""))
        return PythonProject(_names(names), _minor(requires))
    except (tomllib.TOMLDecodeError, configparser.Error, RecursionError, ValueError):
        return PythonProject()


def _from_toml(name: str, data: Mapping[str, Any]) -> PythonProject:
    ruff = data if name != "pyproject.toml" else _table(data, "tool", "ruff")
    target = _TARGET.fullmatch(str(ruff.get("target-version", "")))
    requires = str(
        _table(data, "project").get("requires-python")
        or _table(data, "tool", "poetry", "dependencies").get("python")
        or ""
    )
    builtins = ruff.get("builtins")
    names = builtins if isinstance(builtins, list) else ()
    return PythonProject(_names(names), _known(target[1]) if target else _minor(requires))


def _table(data: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    for key in keys:
        inner = data.get(key)
        if not isinstance(inner, dict):
            return {}
        data = inner
    return data


def _names(names: Iterable[object]) -> frozenset[str]:
    found = [name for name in names if isinstance(name, str) and name.isidentifier()]
    return frozenset(found[:_MAX_BUILTINS])


def _minor(requires: str) -> int | None:
    bounds = [int(bound) for bound in _AT_LEAST.findall(requires)]
    return _known(str(min(bounds))) if bounds else None


def _known(minor: str) -> int:
    return min(max(int(minor), _OLDEST), _NEWEST)
