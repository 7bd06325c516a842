"""Values of a model's answer in our terms (pure): the same thing has many names and spellings.

Nothing here raises for any value. What says nothing that we know is None, or "" for a text.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from bot.domain.look_ups import Operation
from bot.domain.model import Category, CheckOutcome, Severity
from bot.domain.team_checks import CheckStatus

V = TypeVar("V")
Item = Mapping[str, Any]

#: Our name of a property, and what else models call it.
ALIASES: dict[str, tuple[str, ...]] = {
    "path": ("file", "filename", "filepath", "file_path", "relevant_file", "location"),
    "title": ("issue_header", "header", "heading", "headline", "issue", "problem", "name"),
    "body": (
        "description",
        "message",
        "explanation",
        "details",
        "detail",
        "issue_content",
        "comment",
        "content",
        "text",
    ),
    "quote": ("code", "snippet", "code_snippet", "existing_code", "quoted_code", "line_content"),
    "suggestion": (
        "suggested_code",
        "improved_code",
        "suggested_fix",
        "fixed_code",
        "replacement",
        "fix",
    ),
    "severity": ("level", "priority", "impact", "criticality"),
    "category": ("type", "kind", "label"),
    "confidence": ("certainty", "probability", "score", "confidence_score"),
    "line": ("line_number", "line_no", "lineno", "start_line", "line_start", "lines", "line_range"),
    "trace": ("reasoning", "rationale", "analysis", "evidence"),
    "rule": ("rule_id", "confirms"),
}
VERDICT_ALIASES: dict[str, tuple[str, ...]] = {
    "id": ("finding_id", "finding", "number", "index"),
    "verdict": ("decision", "outcome", "status", "result", "judgement", "judgment", "conclusion"),
    "reason": ("explanation", "rationale", "justification"),
    "evidence": ("proof", "line", "quote"),
    "confidence": ALIASES["confidence"],
    "look_ups": ("lookups", "look_up"),
}
CHECK_ALIASES: dict[str, tuple[str, ...]] = {
    "id": ("check_id", "check", "number", "index"),
    "verdict": VERDICT_ALIASES["verdict"],
    "reason": (*VERDICT_ALIASES["reason"], "summary", "message"),
    "evidence": ("proof",),
    "places": ("locations", "violations", "lines"),
}
PLACE_ALIASES: dict[str, tuple[str, ...]] = {
    "path": ALIASES["path"],
    "line": ALIASES["line"],
    "quote": ALIASES["quote"],
    "text": ("sentence", "reason", "message", "description", "problem", "title"),
}
MATCH_ALIASES: dict[str, tuple[str, ...]] = {
    "issue": ("id", "number", "issue_number", "golden"),
    "comments": ("matches", "comment", "comment_numbers", "named_by"),
}
LOOK_UP_ALIASES: dict[str, tuple[str, ...]] = {
    "operation": ("op", "type", "kind", "action", "tool", "name", "function", "command"),
    "path": ("file", "filename", "file_path", "folder", "directory", "dir"),
    "symbol": ("identifier", "name", "function", "class"),
    "pattern": ("query", "regex", "regexp", "text", "search", "string"),
    "glob": ("include", "path_glob", "files"),
    "start": ("start_line", "from", "line"),
    "end": ("end_line", "to"),
}


def named(item: Item, aliases: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """The item under our names; a name of ours is never taken from another's value."""
    plain = {_snake(name): value for name, value in item.items()}
    result = dict(plain)
    for name, others in aliases.items():
        if result.get(name) in (None, ""):
            value = next((plain[o] for o in others if plain.get(o) not in (None, "")), None)
            if value is not None:
                result[name] = value
    return result


def _snake(name: object) -> str:
    """`startLine`, `Start-Line` and `START_LINE` are one."""
    parts = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", str(name)[:100]).replace("-", "_")
    return parts.strip().replace(" ", "_").lower()


_SEVERITIES: dict[Severity, tuple[str, ...]] = {
    Severity.CRITICAL: ("critical", "blocker", "blocking", "fatal", "severe", "p0", "sev1", "🔴"),
    Severity.HIGH: ("high", "major", "serious", "important", "error", "p1", "sev2", "🟠"),
    Severity.MEDIUM: ("medium", "moderate", "warning", "warn", "normal", "p2", "sev3", "🟡"),
    Severity.LOW: ("low", "minor", "trivial", "p3", "sev4", "🟢", "🔵"),
    Severity.INFO: ("info", "informational", "information", "note", "notice", "nit", "nitpick")
    + ("hint", "optional", "suggestion", "p4"),
}
_CATEGORIES: dict[Category, tuple[str, ...]] = {
    Category.SECURITY: ("security", "vulnerability", "vuln", "injection", "auth", "authorization")
    + ("authentication", "privacy", "secret", "secrets", "xss", "csrf", "ssrf"),
    Category.CORRECTNESS: ("correctness", "bug", "bugs", "logic", "logical", "functional", "error")
    + ("defect", "concurrency", "race", "reliability", "robustness", "runtime", "data", "edge")
    + ("exception", "crash", "regression", "compatibility", "breaking", "behavior", "api", "type"),
    Category.PERFORMANCE: ("performance", "perf", "efficiency", "speed", "memory", "scalability")
    + ("optimization", "latency", "resource"),
    Category.MAINTAINABILITY: ("maintainability", "maintenance", "readability", "design", "naming")
    + ("architecture", "complexity", "duplication", "refactor", "refactoring", "debt", "dead"),
    Category.QUALITY: ("quality", "style", "lint", "formatting", "test", "tests", "testing", "docs")
    + ("documentation", "typo", "convention", "practice", "practices", "smell"),
}
_OUTCOMES: dict[CheckOutcome | None, tuple[str, ...]] = {
    None: ("refuted", "refute", "rejected", "reject", "invalid", "false", "incorrect", "wrong")
    + ("drop", "dismissed", "disproved", "no"),
    CheckOutcome.UNDECIDED: ("undecided", "unsure", "uncertain", "unknown", "inconclusive")
    + ("unclear", "unproven", "unverified", "plausible", "possible", "cannot", "needs"),
    CheckOutcome.CONFIRMED: ("confirmed", "confirm", "valid", "true", "correct", "real", "keep")
    + ("kept", "accepted", "verified", "yes"),
}
_CHECK_STATUSES: dict[CheckStatus, tuple[str, ...]] = {
    CheckStatus.PASSED: ("passed", "pass", "passes", "ok", "success", "satisfied", "compliant")
    + ("met", "holds", "yes", "true"),
    CheckStatus.FAILED: ("failed", "fail", "fails", "violated", "violation", "violations")
    + ("failure", "broken"),
    CheckStatus.COULD_NOT_TELL: ("tell", "unknown", "undecided", "inconclusive", "unclear")
    + ("uncertain", "unsure", "cannot", "skipped", "applicable"),
}
#: May stand beside a status without changing it.
_CHECK_FILLERS = frozenset(("the", "this", "check", "it", "is", "was", "has", "verdict", "status"))
_CHECK_CHARACTERS = re.compile(r"[a-z\s.,:!*_`\"'\u2705-]*")
_OPERATIONS: dict[Operation, tuple[str, ...]] = {
    Operation.READ: ("read", "open", "view", "cat", "show", "get"),
    Operation.SEARCH: ("search", "grep", "rg"),
    Operation.DEFINITION: ("definition", "definitions", "define", "goto", "declaration"),
    Operation.USES: ("uses", "use", "usages", "usage", "references", "callers", "refs"),
    Operation.LIST: ("list", "ls", "tree", "dir"),
}


def severity(value: object) -> Severity | None:
    return _meant(value, _SEVERITIES)


def category(value: object) -> Category | None:
    return _meant(value, _CATEGORIES)


def operation(value: object) -> Operation | None:
    # `find_references` and `list_callers` say more by what is found than by finding it.
    return _meant(value, _OPERATIONS, last=True)


def outcome(value: object) -> tuple[CheckOutcome | None] | None:
    """The outcome in a tuple, since refuted is None; None where no verdict was given."""
    found = _meant(value, {(each,): words for each, words in _OUTCOMES.items()})
    words = set(_words(value))
    negated = words & {"not", "isn't", "un"}
    if found == (CheckOutcome.CONFIRMED,) and negated:
        return None
    return found


def check_status(value: object) -> CheckStatus | None:
    """What a check came to; None where no verdict was given.

    It passed or failed only if nothing else is said: there are more ways to take a word back
    ("non-compliant", "never passes", "partially met") than a list can hold."""
    known = {word: status for status, words in _CHECK_STATUSES.items() for word in words}
    words = list(_words(value))
    said = {known[word] for word in words if word in known}
    others = {*words} - known.keys() - _CHECK_FILLERS
    if not said:
        return None
    plain = not others and _CHECK_CHARACTERS.fullmatch(str(value).lower())
    return said.pop() if len(said) == 1 and plain else CheckStatus.COULD_NOT_TELL


def _meant(value: object, words: Mapping[V, tuple[str, ...]], *, last: bool = False) -> V | None:
    known = {word: meaning for meaning, each in words.items() for word in each}
    found = [known[word] for word in _words(value) if word in known]
    return (found[-1] if last else found[0]) if found else None


def _words(value: object) -> Iterator[str]:
    if isinstance(value, str) and len(value) <= 200:
        yield from re.findall(r"[^\W\d_]+\d?|[🔴🟠🟡🟢🔵]", value.lower())


_SHARES = {"certain": 0.95, "high": 0.9, "medium": 0.6, "moderate": 0.6, "low": 0.3}


def share(value: object) -> float | None:
    """0..1, also from "80%", 85 of a hundred, 8 of ten, and "high"."""
    if isinstance(value, str):
        text = value.strip()
        if text.lower() in _SHARES:
            return _SHARES[text.lower()]
        found = re.fullmatch(r"(\d{1,3}(?:[.,]\d{1,10})?)\s*(%|/\s*10{1,2})?", text)
        if found is None:
            return None
        number = float(found[1].replace(",", "."))
        value = number / (100 if found[2][-2:] in ("%", "00") else 10) if found[2] else number
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if 1 < value <= 10:
        value = value / 10
    elif 10 < value <= 100:
        value = value / 100
    return float(value) if 0 <= value <= 1 else None


def number(value: object) -> int | None:
    """The first whole number in it: of "L12", "12-15", [12, 15] it is 12."""
    if isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, str):
        found = re.match(r"\D{0,12}(\d{1,7})(?!\d)", value)
        value = int(found[1]) if found and "-" not in value[: found.start(1)] else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value < 10_000_000 else None


def text(value: object) -> str:
    """The string, or a list of lines joined; characters that no text has are replaced."""
    if isinstance(value, list) and value and all(isinstance(line, str) for line in value):
        value = "\n".join(line.removesuffix("\n") for line in value)
    if not isinstance(value, str):
        return ""
    return value.encode("utf-8", "replace").decode("utf-8").replace("\0", "")


_FENCED = re.compile(r"\s*(`{3,}|~{3,})[\w.+#-]*[ \t]*\n(.*?)\n?[ \t]*\1\s*", re.DOTALL)


def unfenced(value: str) -> str:
    """Code without the fence or the backticks around it."""
    if (found := _FENCED.fullmatch(value)) and found[1] not in found[2]:
        return found[2]
    bare = value.strip()
    if len(bare) > 2 and bare[0] == bare[-1] == "`" and "`" not in bare[1:-1]:
        return bare[1:-1]
    return value


def same_path(said: str, paths: Mapping[str, V]) -> str | None:
    """The one of `paths` that a model means by `said`; None if it is none or could be two.

    It may bear a diff's `a/` or `b/`, a leading `./` or `/`, a line number, backticks, another
    system's separators, or lack the folders."""
    if said in paths:
        return said
    bare = said.strip().strip("`'\"").removeprefix("File:").strip().replace("\\", "/")
    bare = re.sub(
        r"(?::\d+(?:[-:]\d+)?|#L\d+(?:-L?\d+)?| \((?:new|old|modified|added)\))$", "", bare
    )
    forms = [bare, bare.lstrip("/"), re.sub(r"^(?:\./)+", "", bare), re.sub(r"^[ab]/", "", bare)]
    for form in forms:
        if form in paths:
            return form
    tail = f"/{forms[2].lstrip('/')}"
    ends = [path for path in paths if len(tail) > 1 and f"/{path}".endswith(tail)]
    return ends[0] if len(ends) == 1 else None
