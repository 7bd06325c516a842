"""zizmor: security of GitHub Actions workflows, offline, in its quietest persona.

https://docs.zizmor.sh/audits/
"""

import json
import re
from collections.abc import Iterable, Mapping

from bot.domain.model import Category, Severity
from workers.scan.analyzers.analyzer import Analyzer, Diagnostic, Target

_WORKFLOW = re.compile(r"\.github/workflows/[^/]+\.ya?ml")
_USES = re.compile(r"(\s*(?:-\s+)?uses:\s*[\"']?[^@\s]+)@([^\s\"'#]+).*")
#: Of its own configuration, which people here do not have.
_POLICY = re.compile(r" \(required by [^)]*\)")
#: Of an event, what whoever opens an issue or pull request writes.
#: https://docs.github.com/en/actions/reference/security/secure-use#understanding-the-risk-of-script-injections
_OUTSIDERS_CHOOSE = re.compile(
    r"github\.head_ref"
    r"|github\.event\.(?:issue|pull_request|comment|review|review_comment|discussion|pages|commits"
    r"|head_commit|workflow_run)\b[^}]*"
    r"\.(?:title|body|ref|label|message|name|email|page_name|default_branch|head_branch)\b"
)
_OUTSIDERS_CODE = re.compile(
    r"actions/checkout|github\.head_ref|(?:pull_request|workflow_run)\.head"
    r"|git (?:fetch|pull|checkout)"
)
_COMMIT = re.compile(r"[0-9a-f]{40,64}")
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
        file = primary["symbolic"]["key"]["Local"]["verbatim_path"].removeprefix("./")
        # It lacks something as a whole: no line in it is the wrong one.
        last = line if item["ident"] in _LACKS else where["end_point"]["row"] + 1
        if _only_updated(targets[file], line, last):
            continue
        yield Diagnostic(
            file=file,
            rule=item["ident"],
            line=line,
            end_line=last,
            category=Category.SECURITY,
            severity=Severity.LOW,
            at_most=max(
                _SEVERITIES[graded["severity"]],
                _at_most(item["ident"], targets[file].text, line, where["end_point"]["row"] + 1),
                key=lambda severity: severity.rank,
            ),
            title=_sentence(f"{item['desc']}: {_POLICY.sub('', note)}" if note else item["desc"]),
            confidence=_CONFIDENCES.get(graded["confidence"], 0.5),
        )


def _at_most(rule: str, text: str, first: int, last: int) -> Severity:
    """What an outsider cannot choose, as the inputs of a dispatch, is no high risk; and a trigger
    that outsiders have is low where the workflow neither checks out nor names their code."""
    if rule == "template-injection":
        lines = "\n".join(text.split("\n")[first - 1 : last])
        return Severity.CRITICAL if _OUTSIDERS_CHOOSE.search(lines) else Severity.MEDIUM
    if rule == "dangerous-triggers" and not _OUTSIDERS_CODE.search(text):
        return Severity.LOW
    return Severity.CRITICAL


def _only_updated(target: Target, first: int, last: int) -> bool:
    """Whether all that changed in these lines are versions of actions, which are pinned no less
    than before: what is said of the lines is no news."""
    changed = [line for hunk in target.file.hunks for line in hunk.lines]
    within = [line for line in changed if line.added and first <= (line.new or 0) <= last]
    removed = {_unversioned(line.text) for line in changed if line.removed}
    added = [_unversioned(line.text) for line in within]
    return bool(added) and all(
        (bare, pinned) in removed or (pinned and (bare, False) in removed) for bare, pinned in added
    )


def _unversioned(line: str) -> tuple[str, bool]:
    """The line without the version of an action, and whether that is a commit."""
    found = _USES.match(line)
    if found is None:
        return line.rstrip("\r"), False
    return found[1], _COMMIT.fullmatch(found[2]) is not None


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
