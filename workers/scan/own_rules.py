"""A team's own rules: ast-grep rules in `.github/glossator/rules/`, read from the merge base, so
that a pull request can't choose what it is checked by.

https://ast-grep.github.io/reference/yaml.html. One rule a file. ast-grep gets what we read of a
rule, and never the repository's own ast-grep configuration, which may load libraries.
"""

import asyncio
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

from bot.config import safe_yaml
from bot.config.config_errors import code
from bot.domain.diff import display_path
from bot.domain.model import Category, Severity, is_rule_page
from bot.text.globs import any_matches
from workers.scan.analyzers.analyzer import Analyzer, Diagnostic, Refused, Target
from workers.scan.analyzers.registry import AST_GREP
from workers.scan.analyzers.runner import AnalyzerResults, run_all

#: The name for ANALYZERS_DISABLED, and of what these rules find.
NAME = AST_GREP
FOLDER = ".github/glossator/rules/"
MAX_RULES = 30
#: They are one argument of the program, and Linux takes 128 KiB for one.
_MAX_BYTES = 100_000
#: A rule nests deeper than settings do: `all`, `not`, `inside` in each other.
_MAX_DEPTH = 30
_MAX_PATTERNS = 50
_MAX_MESSAGE = 200
_MAX_NOTE = 2000
_MAX_REASON = 200
#: In what we made of the rule, which nobody sees.
_PLACE = re.compile(r" at line \d+,? column \d+$")
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
    """What the rules of these files, by path, find; notes name those that can't be used.

    `seconds` is the time of all rules together; if all files at once take longer, each file gets a
    part of that time once more.
    """
    rules, notes = await asyncio.to_thread(_read_all, texts)
    end = monotonic() + seconds

    async def run(some: Sequence[OwnRule], seconds: float) -> AnalyzerResults:
        analyzers = (_analyzer(some),)
        return await run_all(
            targets, seconds=seconds, analyzers=analyzers, require_isolation=require_isolation
        )

    async def alone(rule: OwnRule) -> tuple[AnalyzerResults, str]:
        """What one rule finds, or why it can't be used."""
        try:
            async with asyncio.timeout(end - monotonic()):
                found = await run([rule], seconds / 4)
        except Refused as exc:
            return AnalyzerResults(()), f"ast-grep: {code(str(exc), _MAX_REASON)}"
        except TimeoutError:
            return AnalyzerResults(()), f"all took longer than {round(seconds)} seconds together"
        return (AnalyzerResults(()), " ".join(found.notes)) if _failed(found) else (found, "")

    results = AnalyzerResults((), failed_sources=(NAME,))
    with suppress(Refused):
        results = await run(rules, seconds)
    if _failed(results) and monotonic() >= end:
        why = f"took longer than {round(seconds)} seconds and were not used"
        results = replace(results, notes=(f"The rules in `{FOLDER}` {why}",))
    elif _failed(results):
        # One that ast-grep does not accept must not cost the others.
        results, unused = AnalyzerResults(()), defaultdict[str, list[str]](list)
        for rule in rules:
            found, why = await alone(rule)
            results = results.with_others(found)
            if why:
                unused[why].append(rule.path)
        notes += [_not_used(paths, why) for why, paths in unused.items()]
    return replace(
        results,
        notes=(*results.notes, *notes),
        failed_sources=(NAME,) if notes or results.failed_sources else (),
        reviewed=frozenset(),  # they look for single things
    )


def _failed(results: AnalyzerResults) -> bool:
    """Whether it failed on every file."""
    return bool(results.failed_sources) and not results.reviewed


def _not_used(paths: Sequence[str], why: str) -> str:
    what = "rule {} was" if len(paths) == 1 else "rules {} were"
    return f"The {what.format(_named(paths))} not used: {why}"


def _refusal(err: bytes) -> str:
    """The last, most precise of the causes that ast-grep lists for a rule that it can't read."""
    _, listed, cause = err.decode("utf-8", "replace").rpartition("╰▻")
    return display_path(_PLACE.sub("", " ".join(cause.split()))) if listed else ""


def _named(paths: Iterable[str]) -> str:
    return ", ".join(code(display_path(path), _MAX_REASON) for path in paths)


def _read_all(texts: Mapping[str, str]) -> tuple[list[OwnRule], list[str]]:
    """The rules, and a sentence for each file that is none."""
    rules: dict[str, OwnRule] = {}
    notes = []
    for path, text in sorted(texts.items())[:MAX_RULES]:
        try:
            rule = _read(path, text)
            if rule.id in rules:
                raise ValueError(
                    f"its id `{rule.id}` is that of {_named([rules[rule.id].path])} too"
                )
            rules[rule.id] = rule
        except (safe_yaml.InvalidYaml, ValueError) as exc:
            notes.append(_not_used([path], str(exc)))
    if len(texts) > MAX_RULES:
        notes.append(f"`{FOLDER}` holds more than {MAX_RULES} rules: the others were not used")
    while sum(len(rule.program.encode()) for rule in rules.values()) > _MAX_BYTES:
        notes.append(_not_used([rules.popitem()[1].path], "all are too long"))
    return [*rules.values()], notes


def _read(path: str, text: str) -> OwnRule:
    """Raises InvalidYaml, and ValueError with what is wrong."""
    data = safe_yaml.read(text, max_depth=_MAX_DEPTH).data
    if unknown := sorted(data.keys() - _KEYS):
        raise ValueError(f"it has an unknown key {code(display_path(unknown[0]))}")
    name, written = data.get("id"), str(data.get("language", "")).lower()
    language = next((ours for ours, theirs in _LANGUAGES.items() if written in theirs), None)
    if not isinstance(name, str) or not _ID.fullmatch(name):
        raise ValueError("it needs an `id` of at most 60 letters, digits, dots and dashes")
    if language is None:
        raise ValueError(f"its `language` has to be one of {', '.join(sorted(_LANGUAGES))}")
    if not isinstance(data.get("rule"), dict):
        raise ValueError("it needs a `rule`")
    severity = data.get("severity", "hint")
    if not isinstance(severity, str) or severity not in _SEVERITIES:
        raise ValueError(f"its `severity` has to be one of {', '.join(_SEVERITIES)}")
    metadata = data.get("metadata") or {}
    category = metadata.get("category", Category.QUALITY) if isinstance(metadata, dict) else None
    if not isinstance(category, str) or category not in set(Category):
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

    return Analyzer(NAME, wants, command, read, refusal=_refusal)
