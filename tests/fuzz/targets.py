"""What is fuzzed: for each target the inputs and what has to hold for every one of them."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

from hypothesis import strategies as st
from starlette.requests import Request

from bot.config import repository_config
from bot.config.settings import Settings
from bot.domain import commands
from bot.domain.diff import ChangedFile, FileStatus, Hunk, Line, Side
from bot.domain.model import BatchFile
from bot.security import links
from bot.text.secrets import redact
from bot.web.auth.viewer import (
    session_cookie,
    session_id_in,
)
from bot.webhooks import receiver
from bot.webhooks.body_budget import ByteBudget
from tests.security.injections import PAYLOADS
from tests.security.markdown_safety import faults
from tests.support.deliveries import PAYLOADS as RECORDED
from tests.support.deliveries import SECRET, signature
from tests.support.secret_shapes import SHAPES, private_key
from workers.analysis.anchor import anchor
from workers.analysis.answer_schemas import REVIEW_SCHEMA, VERDICTS_SCHEMA
from workers.analysis.llm.json_reader import read_answer
from workers.analysis.model_answer import read_findings, read_summaries, read_verdicts
from workers.analysis.redacted_view import show
from workers.analysis.suggestions import fitting_suggestion
from workers.reports.sanitize import code_span, fence, sanitize, sanitize_line
from workers.scan.repository import diff

from .mutation import documents, octets, texts


@dataclass(frozen=True, slots=True)
class Target:
    """`check` raises AssertionError, or anything else, for an input that breaks it."""

    name: str
    inputs: st.SearchStrategy[Any]
    check: Callable[[Any], None]


class _Queue:
    """Takes every delivery."""

    def __init__(self) -> None:
        self.accepted = 0

    async def accept(self, guid: str, queued: object, *, installation_id: int = 0) -> bool:
        self.accepted += 1
        return True


_SETTINGS = Settings(_env_file=None, github_webhook_secrets=(SECRET,))
_NAMES = {path.stem: json.loads(path.read_text()) for path in sorted(RECORDED.glob("*.json"))}
_EVENTS = sorted({name.split("-")[0].split(".")[0] for name in _NAMES} | {"ping", "", "x"})


def _deliver(headers: list[tuple[bytes, bytes]], body: bytes) -> tuple[int, int]:
    """The status of the answer, and how many deliveries were queued."""
    queue = _Queue()
    counted = SimpleNamespace(count=lambda *_, **__: None)
    state = SimpleNamespace(
        settings=_SETTINGS,
        store=SimpleNamespace(deliveries=queue),
        metrics=counted,
        body_budget=ByteBudget(),
    )
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/webhooks/github",
        "query_string": b"",
        "headers": headers,
        "app": SimpleNamespace(state=state),
    }
    sent = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        return sent.pop() if sent else {"type": "http.disconnect"}

    answer = asyncio.run(receiver.receive(Request(scope, receive)))
    return answer.status_code, queue.accepted


def _check_signed(case: tuple[str, str, Any]) -> None:
    """A delivery of GitHub's own, but with any content."""
    event, guid, document = case
    body = json.dumps(document).encode()
    status, accepted = _deliver(_headers(event, guid, signature(body)), body)
    assert status in (200, 202, 400)
    assert accepted == (status == 202)


def _check_unsigned(case: tuple[str, str, str, bytes]) -> None:
    """Whoever does not know the secret queues nothing."""
    event, guid, signed, body = case
    if signed == signature(body):
        return
    status, accepted = _deliver(_headers(event, guid, signed), body)
    assert (status, accepted) == (401, 0)


def _headers(event: str, guid: str, signed: str) -> list[tuple[bytes, bytes]]:
    pairs = (
        ("x-github-event", event),
        ("x-github-delivery", guid),
        ("x-hub-signature-256", signed),
    )
    return [(name.encode(), value.encode("latin-1", "replace")) for name, value in pairs]


_GUIDS = texts(["72d3162e-cc78-11e3-81ab-4c9367dc0958"])

_COMMENTS = texts(
    [
        "/review", "/review full\n/review security", "> /review\n\n/review cancel",
        "```\n/review\n```", "text\n\n- /review ask why?\n", "/review dismiss not so",
        "    /review", "<!-- /review -->", "[/review](x) `/review`",
    ],
    ["/review", "full", "ask", "dismiss"],
)  # fmt: skip


def _check_commands(body: str) -> None:
    for found in commands.parse(body):
        assert isinstance(found, commands.Command | commands.BadCommand)


_PATCH = b"""\
:100644 100644 1111111 2222222 M\0a.py\0:000000 100644 0000000 3333333 A\0n\tw\n.py\0\
:100644 000000 4444444 0000000 D\0gone\0:100644 100644 5555555 6666666 R090\0old\0new\0\0\
diff --git a/a.py b/a.py
index 1111111..2222222 100644
--- a/a.py
+++ b/a.py
@@ -1,3 +1,4 @@ def f():
 a
-b
+c
+d
 e
\\ No newline at end of file
diff --git a/x b/x
new file mode 100644
Binary files /dev/null and b/x differ
"""
_STAT = b":100644 100644 1 2 M\0a.py\0:100644 100644 3 4 R1\0o\0n\0\x001\t2\ta.py\x00-\t-\t\0o\0n\0"


def _check_diff(data: bytes) -> None:
    for parse in (diff.parse_raw, diff.parse_numstat, diff.parse_patch):
        try:
            files = parse(data)
        except diff.DiffError:
            continue
        for file in files:
            assert file.path
            for hunk in file.hunks:
                for side in Side:
                    numbers = [line.number(side) or 0 for line in hunk.on(side)]
                    assert all(b == a + 1 for a, b in pairwise(numbers))


_FILE = ChangedFile(
    path="a.py",
    status=FileStatus.MODIFIED,
    hunks=(
        Hunk(1, 1, "", (Line(1, 1, "a = 1"), Line(2, None, "b = 2"), Line(None, 2, "b = [3, 4]"))),
        Hunk(9, 9, "def f():", (Line(9, 9, ""), Line(None, 10, "    return '\u202ex'"))),
    ),
)
SHOWN = show(
    BatchFile(
        file=_FILE,
        language="python",
        content="a = 1\nb = [3, 4]\n" + "\n" * 7 + "    return '\u202ex'\n",
    )
)
_FINDING = {
    "path": "a.py", "quote": "- 2 +|b = [3, 4]", "side": "new", "line": 2,
    "category": "security", "severity": "high", "title": "t", "body": "b", "confidence": 0.9,
    "suggestion": "```python\nb = 3\n```", "rule": None,
}  # fmt: skip
_ANSWER = {"summaries": [{"path": "a.py", "summary": "s"}], "findings": [_FINDING]}
_VERDICTS = {
    "verdicts": [
        {"id": 1, "evidence": "e", "verdict": "confirmed", "confidence": 0.5, "reason": "r"}
    ]
}
_SPOKEN = [
    json.dumps(_ANSWER),
    f"Here:\n```json\n{json.dumps(_ANSWER, indent=1)}\n```\nDone.",
    f"<think>{{}}</think>{json.dumps(_VERDICTS)}",
    json.dumps(_ANSWER).replace("]}", ",]}"),
]


def _check_answer(answer: str | Any) -> None:
    text = answer if isinstance(answer, str) else json.dumps(answer)
    for schema in (REVIEW_SCHEMA, VERDICTS_SCHEMA):
        read = read_answer(text, schema.wanted)
        if read is None:
            continue
        data = read.data
        assert isinstance(REVIEW_SCHEMA.problem(data), str)
        assert isinstance(VERDICTS_SCHEMA.problem(data), str)
        read_summaries(data)
        read_verdicts(data)
        for raw in read_findings(data)[0]:
            at = anchor(SHOWN.file, raw.quote, raw.line, raw.side, SHOWN.content)
            if at and raw.suggestion is not None:
                fitting_suggestion(raw.suggestion, SHOWN, at)


_CONFIGS = [
    "version: 1\npaths:\n  include: ['src/**']\n  exclude: [docs]\ninstructions:\n"
    "  - paths: ['*.py']\n    text: Be kind\nseverity: {min: low}\n",
    "categories: [security]\nmax_comments: 3\nanalyzers: {disabled: [ruff]}\n",
    "a: &a [*a]\n<<: *a\n? [1]\n: 2\n--- b\n",
]


def _check_config(text: str) -> None:
    parsed = repository_config.parse(text)
    assert isinstance(parsed.config, repository_config.RepoConfig)
    assert all(str(error) for error in parsed.errors)


def _check_markdown(text: str) -> None:
    for made in (sanitize(text), sanitize_line(text), code_span(text), fence(text)):
        found = faults(made, our_url="http://x", limit=1_000_000, suggestion=True)
        assert not found, (made, found)


def _check_redaction(text: str) -> None:
    shown = redact(text)
    assert shown.count("\n") == text.count("\n")
    assert redact(shown) == shown


def _check_keys(value: str) -> None:
    """No key, cookie or token that was not signed is taken for one."""
    key = b"k" * 32
    good = links.sign(key, links.Purpose.PAGE, "01", 10**10)
    if value != good:
        assert links.verify([key], links.Purpose.PAGE, "01", value, 0) is None
    if value != session_cookie(key, "s"):
        assert session_id_in([key], value) is None


TARGETS = (
    Target(
        "receiver, signed",
        st.tuples(st.sampled_from(_EVENTS), _GUIDS, documents(list(_NAMES.values()))),
        _check_signed,
    ),
    Target(
        "receiver, unsigned",
        st.tuples(
            st.sampled_from(_EVENTS),
            _GUIDS,
            texts(["sha256=" + "0" * 64, signature(b"{}"), "sha1=" + "0" * 40, "sha256="]),
            octets([b"{}", json.dumps(_NAMES["ping"]).encode() if "ping" in _NAMES else b"[]"]),
        ),
        _check_unsigned,
    ),
    Target("command grammar", _COMMENTS, _check_commands),
    Target("diff parser", octets([_PATCH, _STAT]), _check_diff),
    Target(
        "LLM answer reader",
        st.one_of(texts(_SPOKEN, ["```", "\t" * 300]), documents([_ANSWER, _VERDICTS])),
        _check_answer,
    ),
    Target("configuration reader", texts(_CONFIGS), _check_config),
    Target("Markdown", texts(list(PAYLOADS.values()), list(PAYLOADS.values())), _check_markdown),
    Target("redaction", texts([*SHAPES.values(), private_key()]), _check_redaction),
    Target(
        "links and sessions",
        texts(
            [
                links.sign(b"k" * 32, links.Purpose.PAGE, "01", 10**10),
                links.sign(b"k" * 32, links.Purpose.REPORT, "01", 10**10),
                session_cookie(b"k" * 32, "s"),
            ]
        ),
        _check_keys,
    ),
)
