"""Which files name packages, and what their changed lines say of them (pure)."""

import re
from itertools import islice

from bot.domain.model import DependencyChange
from bot.text.languages import name_and_suffix
from workers.scan.selection.file_filters import LOCK_FILES
from workers.scan.selection.file_selection import FileSelection

_MANIFESTS = """action.yaml action.yml build.gradle build.gradle.kts cargo.toml composer.json
deno.json directory.packages.props environment.yaml environment.yml gemfile go.mod
libs.versions.toml mix.exs package.json package.swift packages.config pipfile pom.xml
pubspec.yaml pyproject.toml setup.cfg setup.py vcpkg.json"""
#: https://docs.github.com/en/code-security/supply-chain-security/understanding-your-software-supply-chain/dependency-graph-supported-package-ecosystems
_MANIFEST_NAMES = LOCK_FILES | frozenset(_MANIFESTS.split())
_MANIFEST_SUFFIXES = frozenset({".csproj", ".fsproj", ".gemspec", ".nuspec", ".vbproj", ".vcxproj"})
_MANIFEST_PATH = re.compile(
    r"(?:^|/)requirements[^/]*\.(?:txt|in)$|(?:^|/)requirements/[^/]+\.(?:txt|in)$"
    r"|^\.github/workflows/[^/]+\.ya?ml$",
    re.IGNORECASE,
)


def is_manifest(path: str) -> bool:
    """Whether a file of this path names packages, as far as GitHub's dependency graph knows."""
    name, suffix = name_and_suffix(path)
    known = name in _MANIFEST_NAMES or suffix in _MANIFEST_SUFFIXES
    return known or _MANIFEST_PATH.search(path) is not None


#: How lines of manifests name a package and its version: requirements, `uses:` of workflows,
#: Gemfile, go.mod, TOML tables, and keys of JSON and TOML.
_DECLARATIONS = (
    re.compile(r"\s*(?P<name>[\w.-]+)(?:\[[^\]]*\])?\s*==\s*(?P<version>[\w.+!-]+)"),
    re.compile(r"\s*-?\s*uses:\s*(?P<name>[\w.-]+/[\w./-]+)@(?P<version>[\w./-]+)"),
    re.compile(r"\s*gem\s+[\"'](?P<name>[\w-]+)[\"'],\s*[\"'][~>=< ]*(?P<version>\d[\w.-]*)"),
    re.compile(r"\s*(?:require\s+)?(?P<name>[\w-]+\.[\w./~-]+)\s+v(?P<version>\d[\w.+-]*)"),
    re.compile(r'\s*(?P<name>[\w.-]+)\s*=\s*\{.*\bversion\s*=\s*"[~^>=< ]*(?P<version>\d[^"]*)'),
    re.compile(r'\s*"?(?P<name>@?[\w./-]+)"?\s*[:=]\s*"[~^>=< v]*(?P<version>\d[\w.+-]*)"'),
)
_NO_PACKAGES = frozenset({"version", "node", "npm", "python", "engine", "edition", "name"})
#: Characters of a line that are looked at, and packages that are taken of a change.
_MAX_LINE, _MAX_DECLARED = 400, 200


def declared(selection: FileSelection) -> tuple[DependencyChange, ...]:
    """What lines of manifests, not of lock files, say that changes."""
    manifests = (target for target in selection.targets if is_manifest(target.path))
    found = (
        DependencyChange(
            manifest=target.path,
            ecosystem="",
            name=said["name"],
            version=said["version"],
            added=line.added,
        )
        for target in manifests
        for hunk in target.file.hunks
        for line in hunk.lines
        if (line.added or line.removed) and (said := _declaration(line.text))
    )
    return tuple(islice(found, _MAX_DECLARED))


def _declaration(line: str) -> re.Match[str] | None:
    matches = (pattern.match(line[:_MAX_LINE]) for pattern in _DECLARATIONS)
    found = next(filter(None, matches), None)
    return found if found and found["name"].lower() not in _NO_PACKAGES else None


def undeclared(selection: FileSelection) -> tuple[str, ...]:
    """The changed manifests, not lock files, that were not read or have a changed line that does
    more than name a package and its version. `setup.py`, the scripts of `package.json` and
    workflows run code: their other lines are a change like any."""
    silent = {file.path for file in selection.lineless}
    read = {target.path: target for target in selection.targets}

    def is_undeclared(path: str) -> bool:
        if path in silent or name_and_suffix(path)[0] in LOCK_FILES or not is_manifest(path):
            return False
        if path not in read:
            return not selection.rules.excludes(path)
        lines = (line for hunk in read[path].file.hunks for line in hunk.lines)
        return any(not _only_declares(each.text) for each in lines if each.added or each.removed)

    return tuple(file.path for file in selection.files if is_undeclared(file.path))


_VERSION = r"[~^>=<!v ]{0,4}\d[\w.+!*-]*"
_VERSIONS = rf"{_VERSION}(?:\s*,\s*{_VERSION})*"
#: Whole lines. None has room for a call, a command or an address, in whatever language it stands.
_ONLY_DECLARES = re.compile(
    "|".join(
        (
            r"[\s\[\]{},]*|\s*#.*",
            # requirements, also in a list of strings
            rf"\s*(?P<q>[\"']?)[\w.-]+(?:\[[\w, -]*\])?\s*(?=[~=<>!]){_VERSIONS}(?P=q),?\s*\\?"
            r"(?:\s+#.*)?",
            r"\s*--hash=sha256:[0-9a-f]+\s*\\?",
            # workflows, environment.yml and pubspec.yaml
            r"\s*(?:-\s+)?uses:\s*[\w.-]+/[\w./-]+@[\w./-]+(?:\s+#.*)?",
            rf"\s*-\s+[\w.-]+=+{_VERSION}",
            rf"\s*[\w.-]+:\s*{_VERSION}(?:\s+#.*)?",
            # Gemfile and gemspec, mix.exs, go.mod
            rf"\s*gem\s+[\"'][\w-]+[\"'](?:,\s*[\"']{_VERSION}[\"'])+\s*(?:#.*)?",
            rf"\s*\{{:\w+,\s*\"{_VERSION}\"\}},?",
            r"\s*(?:require\s+)?[\w-]+\.[\w./~-]+\s+v\d[\w.+-]*(?:\s*//\s*indirect)?",
            # keys of JSON and TOML, and tables in one line
            rf"\s*\"?@?[\w./-]+\"?\s*[:=]\s*\"{_VERSIONS}\"\s*,?(?:\s+#.*)?",
            rf"\s*[\w.-]+\s*=\s*\{{[\w\s.,=\"\[\]-]*\bversion\s*=\s*\"{_VERSIONS}\""
            r"[\w\s.,=\"\[\]-]*\}",
            # Maven and NuGet
            rf"\s*<(?P<tag>[\w.-]*version)>{_VERSION}</(?P=tag)>\s*",
            rf"\s*<(?:PackageReference|PackageVersion|package)(?:\s+\w+=\"[\w.-]+\")*\s+"
            rf"version=\"{_VERSION}\"(?:\s+\w+=\"[\w.-]+\")*\s*/?>",
            # Gradle
            rf"\s*\w+[ (][\"'][\w.-]+:[\w.-]+:{_VERSION}[\"']\)?",
            rf"\s*id[ (][\"'][\w.-]+[\"']\)?\s+version\s+[\"']{_VERSION}[\"']",
        )
    ),
    re.IGNORECASE,
)


def _only_declares(line: str) -> bool:
    bare = line.removesuffix("\r")
    return len(bare) <= _MAX_LINE and _ONLY_DECLARES.fullmatch(bare) is not None
