"""The first line of what we post: by it we find it again, and know later what we said (pure).

A finding's comment carries what the program needs of it as JSON, so that nothing is ever read back
from the text: `<!-- glossator:finding:{"v":1,"id":"00000000000000a1",...} -->`.
"""

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.domain.model import SECRETS_SOURCE, Finding, Severity

_VERSION = 1
_MARKER = re.compile(r"<!-- glossator:finding:(\{.*?\}) -->(?:\n|\Z)")
_PROPOSAL = re.compile(r"<!-- glossator:reply:[0-9:]+ -->\n<!-- glossator:proposal:(\{.*?\}) -->")
_NAME = re.compile(r"[0-9a-f]{4,64}")
#: Characters of JSON that could end the comment, or make somebody's mail program act.
_ESCAPED = str.maketrans({char: f"\\u{ord(char):04x}" for char in "<>&@#`"})
_MAX_TITLE = 200
#: Room for the other places of a defect, in characters; further ones are known as "more" alone.
_MAX_PLACES = 6000


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingMarker:
    """What a comment says of its finding. `places` are the fingerprints of the same defect at
    other places, by path; `more` says that there were too many to keep."""

    fingerprint: str
    severity: Severity
    sources: tuple[str, ...]
    title: str
    places: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    more: bool = False

    @property
    def fingerprints(self) -> frozenset[str]:
        return frozenset((self.fingerprint, *(n for names in self.places.values() for n in names)))

    @property
    def tools(self) -> frozenset[str]:
        """Who found it, without the rules: `llm`, `ruff`, ..."""
        return frozenset(source.partition(":")[0] for source in self.sources)

    @property
    def is_certain_secret(self) -> bool:
        """Whether it is one that is also looked for in files that nobody reads: known by more than
        the name that it is given to."""
        return self.tools == {SECRETS_SOURCE} and f"{SECRETS_SOURCE}:secret" not in self.sources


@dataclass(frozen=True, slots=True)
class Proposal:
    """A preference that we proposed in a thread: a sentence, and globs of the paths that it is
    for."""

    text: str
    paths: tuple[str, ...]


def proposal_marker(proposal: Proposal) -> str:
    """The second line of the reply that proposes it."""
    data = {"v": _VERSION, "text": proposal.text, "paths": proposal.paths}
    text = json.dumps(data, separators=(",", ":")).translate(_ESCAPED)
    return f"<!-- glossator:proposal:{text} -->"


def read_proposal_marker(body: str) -> Proposal | None:
    """What a reply of ours proposes; None if it proposes nothing, or was edited."""
    found = _PROPOSAL.match(body)
    try:
        data = json.loads(found[1]) if found else {}
        if data.get("v") != _VERSION:
            return None
        return Proposal(str(data["text"]), tuple(map(str, data["paths"])))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def review_marker(review_id: str) -> str:
    """The first line of a review's body."""
    return f"<!-- glossator:review:{review_id} -->"


def reply_marker(comment_id: int, question: int | None = None) -> str:
    """The first line of our answer to a comment; to a question in it, counted by the commands of
    the comment, if one is given."""
    part = "" if question is None else f":{question}"
    return f"<!-- glossator:reply:{comment_id}{part} -->"


def finding_marker(finding: Finding) -> str:
    """The first line of a finding's comment."""
    places: defaultdict[str, list[str]] = defaultdict(list)
    room, more = _MAX_PLACES, False
    for place in finding.places:
        if place.fingerprint and place.fingerprint != finding.fingerprint:
            room -= len(place.fingerprint) + 3
            if place.path not in places:
                room -= 6 * len(place.path) + 6
            if room < 0:
                more = True
                break
            places[place.path].append(place.fingerprint)
    data = {
        "v": _VERSION,
        "id": finding.fingerprint,
        "severity": finding.severity,
        "sources": finding.sources,
        "title": finding.title[:_MAX_TITLE],
        **({"places": places} if places else {}),
        **({"more": True} if more else {}),
    }
    text = json.dumps(data, separators=(",", ":")).translate(_ESCAPED)
    return f"<!-- glossator:finding:{text} -->"


def read_finding_marker(body: str) -> FindingMarker | None:
    """What the first line of a comment says of its finding; None if it is no comment of that kind,
    or of another version. Whatever else the comment holds is not looked at."""
    found = _MARKER.match(body)
    if not found:
        return None
    try:
        return _marker(json.loads(found[1]))
    except (ValueError, KeyError, TypeError, AttributeError):  # edited by somebody
        return None


def _marker(data: Mapping[str, Any]) -> FindingMarker:
    names = [data["id"], *(name for names in data.get("places", {}).values() for name in names)]
    if data["v"] != _VERSION or not all(_NAME.fullmatch(name) for name in names):
        raise ValueError
    return FindingMarker(
        fingerprint=data["id"],
        severity=Severity(data["severity"]),
        sources=tuple(str(source) for source in data["sources"]),
        title=str(data["title"]),
        places={path: tuple(names) for path, names in data.get("places", {}).items()},
        more=bool(data.get("more")),
    )
