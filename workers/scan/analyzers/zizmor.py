"""zizmor: security of GitHub Actions workflows, offline, in its quietest persona.

https://docs.zizmor.sh/audits/
"""

import json
import re
from collections.abc import Iterable, Mapping

from bot.model import Category, Severity
from workers.scan.analyzers.model import Analyzer, Said, Target

_WORKFLOW = re.compile(r"(?:^|/)\.github/workflows/[^/]+\.ya?ml$")
_SEVERITIES = {"High": Severity.HIGH, "Medium": Severity.MEDIUM, "Low": Severity.LOW}
_CONFIDENCES = {"High": 0.95, "Medium": 0.75, "Low": 0.5}


def _command(names: list[str]) -> list[str]:
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


def _read(out: bytes, targets: Mapping[str, Target]) -> Iterable[Said]:
    for item in json.loads(out):
        graded = item["determinations"]
        primary = next(
            (at for at in item["locations"] if at["symbolic"]["kind"] == "Primary"), None
        )
        if item["ignored"] or primary is None or graded["severity"] not in _SEVERITIES:
            continue
        where = primary["concrete"]["location"]
        note = primary["symbolic"]["annotation"]
        yield Said(
            file=primary["symbolic"]["key"]["Local"]["verbatim_path"].removeprefix("./"),
            rule=item["ident"],
            line=where["start_point"]["row"] + 1,
            end_line=where["end_point"]["row"] + 1,
            category=Category.SECURITY,
            severity=_SEVERITIES[graded["severity"]],
            title=f"{item['desc']}: {note}" if note else item["desc"],
            body=f"[{item['ident']}]({item['url']})",
            confidence=_CONFIDENCES.get(graded["confidence"], 0.5),
        )


ZIZMOR = Analyzer("zizmor", lambda target: bool(_WORKFLOW.search(target.path)), _command, _read)
