"""zizmor: security of GitHub Actions workflows, offline, in its quietest persona.

https://docs.zizmor.sh/audits/
"""

import json
import re
from collections.abc import Iterable, Mapping

from bot.domain.model import Category, Severity
from workers.scan.analyzers.analyzer import Analyzer, Diagnostic, Target

_WORKFLOW = re.compile(r"\.github/workflows/[^/]+\.ya?ml")
_SEVERITIES = {"High": Severity.HIGH, "Medium": Severity.MEDIUM, "Low": Severity.LOW}
#: Of a whole job or workflow; told where that begins, if the change brings it.
_LACKS = frozenset({"excessive-permissions"})
_CONFIDENCES = {"High": 0.95, "Medium": 0.75, "Low": 0.5}


def _command(names: Mapping[str, Target]) -> list[str]:
    return [
        "zizmor",
        "--offline",
        "--no-config",
        "--no-progress",
        "--quiet",
        "--no-exit-codes",
        "--persona=regular",
        "--format=json-v1",
        "--",
        *names,
    ]


def _read(out: bytes, targets: Mapping[str, Target]) -> Iterable[Diagnostic]:
    for item in json.loads(out):
        graded = item["determinations"]
        primary = next(
            (at for at in item["locations"] if at["symbolic"]["kind"] == "Primary"), None
        )
        if item["ignored"] or primary is None or graded["severity"] not in _SEVERITIES:
            continue
        where = primary["concrete"]["location"]
        note = primary["symbolic"]["annotation"]
        line = where["start_point"]["row"] + 1
        # It lacks something as a whole: no line in it is the wrong one.
        last = line if item["ident"] in _LACKS else where["end_point"]["row"] + 1
        yield Diagnostic(
            file=primary["symbolic"]["key"]["Local"]["verbatim_path"].removeprefix("./"),
            rule=item["ident"],
            line=line,
            end_line=last,
            category=Category.SECURITY,
            severity=Severity.LOW,
            at_most=_SEVERITIES[graded["severity"]],
            title=_sentence(f"{item['desc']}: {note}" if note else item["desc"]),
            confidence=_CONFIDENCES.get(graded["confidence"], 0.5),
        )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


ZIZMOR = Analyzer(
    "zizmor",
    lambda target: bool(_WORKFLOW.fullmatch(target.path)),
    _command,
    _read,
    program="zizmor",
    about="GitHub Actions workflows: security",
)
