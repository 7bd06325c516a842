"""A team's own rules: ast-grep rules in `.github/glossator/rules/`, read from the merge base, so
that a pull request can't choose what it is checked by.

https://ast-grep.github.io/reference/yaml.html. One rule a file. ast-grep gets what we read of a
rule, and never the repository's own ast-grep configuration, which may load libraries.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.config import safe_yaml
from bot.domain.diff import display_path
from bot.domain.model import Category, Severity, is_rule_page
from bot.text.globs import any_matches
from workers.scan.analyzers.analyzer import Analyzer, Diagnostic, Target
from workers.scan.analyzers.runner import AnalyzerResults, run_all

#: The name for ANALYZERS_DISABLED, and of what these rules find.
NAME = "ast-grep"
FOLDER = ".github/glossator/rules/"
MAX_RULES = 30
#: They are one argument of the program, and Linux takes 128 KiB for one.
_MAX_BYTES = 100_000
#: A rule nests deeper than settings do: `all`, `not`, `inside` in each other.
_MAX_DEPTH = 30
_MAX_PATTERNS = 50
_MAX_MESSAGE = 200
_MAX_NOTE = 2000
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")

#: ast-grep's names of languages, in small letters, by ours.
_LANGUAGES: Mapping[str, tuple[str, ...]] = {
    "bash": ("bash",),
    "c": ("c",),
    "cpp": ("cpp", "c++", "cc", "cxx"),
    "csharp": ("csharp", "cs"),
    "css": ("css",),
    "elixir": ("elixir", "ex"),
    "go": ("go", "golang"),
    "haskell": ("haskell", "hs"),
    "html": ("html",),
    "java": ("java",),
    "javascript": ("javascript", "js", "jsx"),
    "json": ("json",),
    "kotlin": ("kotlin", "kt"),
    "lua": ("lua",),
    "nix": ("nix",),
    "php": ("php",),
    "python": ("python", "py"),
    "ruby": ("ruby", "rb"),
    "rust": ("rust", "rs"),
    "scala": ("scala",),
    "solidity": ("solidity", "sol"),
    "swift": ("swift",),
    "terraform": ("hcl",),
    "tsx": ("tsx",),
    "typescript": ("typescript", "ts"),
    "yaml": ("yaml", "yml"),
}
_SEVERITIES = {
    "error": Severity.HIGH,
    "warning": Severity.MEDIUM,
    "info": Severity.LOW,
    "hint": Severity.INFO,
}
#: Handed to ast-grep as they are.
_PASSED_ON = ("rule", "constraints", "utils", "transform")
_KEYS = {
    *_PASSED_ON,
    *("id", "language", "severity", "message", "note", "url", "files", "ignores", "metadata"),
    *("fix", "labels", "rewriters"),  # of ast-grep, and without use here
}


@dataclass(frozen=True, slots=True)
class OwnRule:
    """A rule of the file `path`; `program` is what ast-grep gets of it, as JSON."""

    path: str
    id: str
    language: str
    severity: Severity
    category: Category
    note: str
    url: str
    files: tuple[str, ...]
    ignores: tuple[str, ...]
    program: str

    def wants(self, target: Target) -> bool:
        """Whether the file is in its language and among its files."""
        return (
            target.language == self.language
            and (not self.files or any_matches(self.files, target.path))
            and not any_matches(self.ignores, target.path)
        )


def wanted(paths: Iterable[str]) -> list[str]:
    """Those of a tree's paths that are rules."""
    return sorted(
        path
        for path in paths
        if path.startswith(FOLDER)
        and path.endswith((".yml", ".yaml"))
        and "/" not in path.removeprefix(FOLDER)
    )


async def run_own_rules(
    texts: Mapping[str, str],
    targets: Sequence[Target],
    *,
    seconds: float,
    require_isolation: bool = False,
) -> AnalyzerResults:
    """What the rules of these files, by path, find; notes name those that can't be used."""
    rules, notes = _read_all(texts)

    async def run(some: Sequence[OwnRule]) -> AnalyzerResults:
        analyzers = (_analyzer(some),)
        return await run_all(
            targets, seconds=seconds, analyzers=analyzers, require_isolation=require_isolation
        )

    results = await run(rules)
    if results.failed_sources:
        # One that ast-grep does not accept must not cost the others.
        alone = [(rule, results if len(rules) == 1 else await run([rule])) for rule in rules]
        unusable = [(rule.path, found.notes) for rule, found in alone if found.failed_sources]
        results = AnalyzerResults(tuple(item for _, found in alone for item in found.evidence))
        notes += [f"{' '.join(unusable[0][1])}: {_named(path for path, _ in unusable)}"]
    if not notes:
        return results
    return replace(results, notes=(*results.notes, *notes), failed_sources=(NAME,))


def _named(paths: Iterable[str]) -> str:
    return ", ".join(f"`{display_path(path)}`" for path in paths)


def _read_all(texts: Mapping[str, str]) -> tuple[list[OwnRule], list[str]]:
    """The rules, and a sentence for each file that is none."""
    rules: dict[str, OwnRule] = {}
    notes = []
    for path, text in sorted(texts.items())[:MAX_RULES]:
        try:
            rule = _read(path, text)
            if rule.id in rules:
                raise ValueError(f"its id `{rule.id}` is that of `{rules[rule.id].path}` too")
            rules[rule.id] = rule
        except (safe_yaml.InvalidYaml, ValueError) as exc:
            notes.append(f"The rule {_named([path])} was not used: {exc}")
    if len(texts) > MAX_RULES:
        notes.append(f"`{FOLDER}` holds more than {MAX_RULES} rules: the others were not used")
    while sum(len(rule.program.encode()) for rule in rules.values()) > _MAX_BYTES:
        notes.append(f"The rule {_named([rules.popitem()[1].path])} was not used: all are too long")
    return [*rules.values()], notes


def _read(path: str, text: str) -> OwnRule:
    """Raises InvalidYaml, and ValueError with what is wrong."""
    data = safe_yaml.read(text, max_depth=_MAX_DEPTH).data
    if unknown := sorted(data.keys() - _KEYS):
        raise ValueError(f"it has an unknown key `{unknown[0]}`")
    name, written = data.get("id"), str(data.get("language", "")).lower()
    language = next((ours for ours, theirs in _LANGUAGES.items() if written in theirs), None)
    if not isinstance(name, str) or not _ID.fullmatch(name):
        raise ValueError("it needs an `id` of at most 60 letters, digits, dots and dashes")
    if language is None:
        raise ValueError(f"its `language` has to be one of {', '.join(sorted(_LANGUAGES))}")
    if not isinstance(data.get("rule"), dict):
        raise ValueError("it needs a `rule`")
    if (severity := data.get("severity", "hint")) not in _SEVERITIES:
        raise ValueError(f"its `severity` has to be one of {', '.join(_SEVERITIES)}")
    metadata = data.get("metadata") or {}
    category = metadata.get("category", Category.QUALITY) if isinstance(metadata, dict) else None
    if category not in set(Category):
        raise ValueError(f"its `metadata.category` has to be one of {', '.join(Category)}")
    url = str(data.get("url") or "")
    program = {key: data[key] for key in _PASSED_ON if key in data}
    message = " ".join(str(data.get("message") or name).split())[:_MAX_MESSAGE]
    return OwnRule(
        path=path,
        id=name,
        language=language,
        severity=_SEVERITIES[severity],
        category=Category(category),
        note=str(data.get("note") or "")[:_MAX_NOTE],
        url=url if is_rule_page(url) else "",
        files=_patterns(data, "files"),
        ignores=_patterns(data, "ignores"),
        program=json.dumps(
            program | {"id": name, "language": written, "message": message, "severity": "warning"}
        ),
    )


def _patterns(data: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """Globs as in `paths` of the configuration, or ast-grep's form with `glob` for each."""
    found = data.get(key) or []
    if not isinstance(found, list):
        raise ValueError(f"its `{key}` has to be a list of patterns")
    listed = [item.get("glob") if isinstance(item, dict) else item for item in found]
    patterns = [item.removeprefix("./") for item in listed if isinstance(item, str)]
    if len(patterns) < len(found) or len(patterns) > _MAX_PATTERNS:
        raise ValueError(f"its `{key}` has to be a list of at most {_MAX_PATTERNS} patterns")
    return tuple(patterns)


def _analyzer(rules: Sequence[OwnRule]) -> Analyzer:
    by_id = {rule.id: rule for rule in rules}

    def command(names: Mapping[str, Target]) -> list[str]:
        inline = "\n---\n".join(rule.program for rule in rules)
        return ["ast-grep", "scan", "--inline-rules", inline, "--json=compact", "--", *names]

    def read(out: bytes, targets: Mapping[str, Target]) -> Iterable[Diagnostic]:
        for item in json.loads(out):
            rule, file, where = by_id[item["ruleId"]], item["file"], item["range"]
            if rule.wants(targets[file]):
                yield Diagnostic(
                    file=file,
                    rule=rule.id,
                    line=where["start"]["line"] + 1,
                    end_line=where["end"]["line"] + 1,
                    category=rule.category,
                    severity=rule.severity,
                    title=item["message"].partition("\n")[0],
                    body=rule.note,
                    url=rule.url,
                )

    def wants(target: Target) -> bool:
        return any(rule.wants(target) for rule in rules)

    return Analyzer(NAME, wants, command, read, reviews=False)
