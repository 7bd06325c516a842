"""ruff: real defects in Python; what is style is not asked for.

Left out is also what is right more often than not, as `raise` without `from` (B904).
Rules: https://docs.astral.sh/ruff/rules/. `# noqa` is honoured: it stands in the diff
for people to see. Security is bandit's part.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import PurePath

from bot.domain.model import Category, Severity
from workers.scan.analyzers.analyzer import Analyzer, Diagnostic, Target
from workers.scan.selection.risk import is_test

_Rating = tuple[Category, Severity]
_CRASH: _Rating = (Category.CORRECTNESS, Severity.HIGH)
_WRONG: _Rating = (Category.CORRECTNESS, Severity.MEDIUM)
_DOUBTFUL: _Rating = (Category.CORRECTNESS, Severity.LOW)
_SLOW: _Rating = (Category.PERFORMANCE, Severity.MEDIUM)
_UNTIDY: _Rating = (Category.MAINTAINABILITY, Severity.INFO)

#: Rule or prefix -> rating; the longest one that fits counts, and all of them are selected.
_RATINGS: dict[str, _Rating] = {
    "E9": _CRASH,
    "F4": _WRONG,
    "F401": _UNTIDY,
    "F5": _WRONG,
    "F541": _UNTIDY,
    "F6": _WRONG,
    "F7": _CRASH,
    "F8": _WRONG,
    "F821": _CRASH,
    "F822": _WRONG,  # a module may make the name when it is asked for
    "F823": _CRASH,
    "F841": _UNTIDY,
    "ASYNC": _SLOW,
    "B002": _CRASH,
    "B003": _WRONG,
    "B005": _WRONG,
    "B006": _WRONG,
    "B012": _WRONG,
    "B015": _WRONG,
    "B016": _WRONG,
    "B017": _DOUBTFUL,
    "B018": _DOUBTFUL,
    "B019": (Category.PERFORMANCE, Severity.LOW),
    "B020": _WRONG,
    "B021": _WRONG,
    "B022": _WRONG,
    "B023": _WRONG,
    "B025": _WRONG,
    "B026": _DOUBTFUL,
    "B029": _WRONG,
    "B030": _CRASH,
    "B031": _WRONG,
    "B032": _WRONG,
    "B033": _DOUBTFUL,
    "B035": _WRONG,
    "B039": _WRONG,
    "E711": _DOUBTFUL,
    "E722": (Category.MAINTAINABILITY, Severity.LOW),
    "LOG": _DOUBTFUL,
    "PIE794": _WRONG,
    "PIE796": _WRONG,
    "PLE": _CRASH,
    "PLW0127": _DOUBTFUL,
    "PLW0128": _WRONG,
    "PLW0129": _WRONG,
    "PLW0131": _DOUBTFUL,
    "PLW0133": _WRONG,
    "PLW0177": _WRONG,
    "PLW0211": _WRONG,
    "PLW0245": _CRASH,
    "PLW0711": _WRONG,
    "PLW1501": _CRASH,
    "PLW1507": _WRONG,
    "PLW1509": _DOUBTFUL,
    "PLW2101": _WRONG,
    "RUF006": _WRONG,
    "RUF008": _WRONG,
    "RUF009": _WRONG,
    "RUF016": _CRASH,
    "RUF034": _WRONG,
    "YTT": _WRONG,
}


#: Selected by their prefix, but not worth a comment: star imports and what they hide from
#: ruff, time-outs as parameters, polling, and `os.path` in coroutines.
_IGNORED = ("F403", "F405", "ASYNC109", "ASYNC110", "ASYNC240")
#: What tests do on purpose: expect any error, evaluate something to see it raise.
_NOT_IN_TESTS = frozenset({"B017", "B018"})


def _command(names: list[str]) -> list[str]:
    return [
        "ruff",
        "check",
        "--isolated",
        "--no-cache",
        "--no-fix",
        "--exit-zero",
        "--quiet",
        "--output-format=json",
        f"--select={','.join(_RATINGS)}",
        f"--ignore={','.join(_IGNORED)}",
        "--target-version=py314",
        "--",
        *names,
    ]


def _read(out: bytes, targets: Mapping[str, Target]) -> Iterable[Diagnostic]:
    for item in json.loads(out):
        rule = item["code"] if item["code"] and item["code"] != "invalid-syntax" else "syntax"
        file = PurePath(item["filename"]).name
        if rule in _NOT_IN_TESTS and is_test(targets[file].path):
            continue
        category, severity = _CRASH if rule == "syntax" else _rating(rule)
        start, end = item["location"]["row"], item["end_location"]
        message = item["message"].removeprefix("SyntaxError: ")
        yield Diagnostic(
            file=file,
            rule=rule,
            line=start,
            # Up to the beginning of a line is no part of that line.
            end_line=max(start, end["row"] - (end["column"] == 1)),
            category=category,
            severity=severity,
            title=f"Syntax error: {message}" if rule == "syntax" else message,
            body=f"Rule `{rule}` ({item['name']})." if item.get("name") else "",
        )


def _rating(rule: str) -> _Rating:
    prefixes = (rule[:length] for length in range(len(rule), 0, -1))
    return next((_RATINGS[prefix] for prefix in prefixes if prefix in _RATINGS), _DOUBTFUL)


RUFF = Analyzer(
    "ruff",
    lambda target: target.language == "python",
    _command,
    _read,
    program="ruff",
    about="Python: syntax errors, undefined names and likely bugs; no style rules",
)
