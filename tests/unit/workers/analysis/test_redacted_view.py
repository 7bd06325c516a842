"""A file as the model sees it: secrets gone, every line where it was."""

from dataclasses import replace

import pytest

from bot.domain.diff import ChangedFile, FileStatus, Hunk, Line
from bot.domain.model import BatchFile
from bot.text.secrets import redact, redact_file
from tests.support.secret_shapes import SHAPES, private_key
from workers.analysis.redacted_view import clean, one_line, show


def added(text: str, path: str = "a.py") -> BatchFile:
    lines = tuple(Line(None, n, line) for n, line in enumerate(text.split("\n"), start=1))
    file = ChangedFile(path=path, status=FileStatus.ADDED, hunks=(Hunk(0, 1, "", lines),))
    return BatchFile(file=file, language="python", content=text)


def texts(file: ChangedFile) -> list[str]:
    return [line.text for hunk in file.hunks for line in hunk.lines]


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_diff_and_file_are_shown_alike(name: str) -> None:
    shown = show(added(f"before\nvalue = '{SHAPES[name]}'\nafter"))
    assert shown.content is not None
    assert texts(shown.file) == shown.content.split("\n")
    assert SHAPES[name] not in shown.content
    assert shown.content.startswith("before\nvalue = '[redacted:")
    assert shown.content.endswith("]'\nafter")


def test_a_key_becomes_as_many_marks_as_it_had_lines() -> None:
    shown = show(added(f"x\n{private_key()}\ny"))
    assert texts(shown.file) == ["x", *["[redacted:private-key]"] * 12, "y"]


def test_a_key_is_known_by_the_file_where_a_hunk_shows_its_middle() -> None:
    text = "\n".join(["key = '''", *private_key().split("\n"), "'''"])
    every = tuple(Line(n, n, line) for n, line in enumerate(text.split("\n"), start=1))
    file = replace(added("").file, hunks=(Hunk(8, 8, "", every[7:12]),))
    assert texts(redact_file(file, text)) == ["[redacted:private-key]"] * 5


@pytest.mark.parametrize(
    "text",
    [
        'password = os.environ["PASSWORD"]',
        'password = "changeme"',
        'API_KEY = "your-api-key-here"',
        'url = "postgres://user:${DB_PASSWORD}@host/db"',
        "if token == expected_token: pass",
        '"-----BEGIN PRIVATE KEY-----"',
        "sha256 = hashlib.sha256(b'').hexdigest()",
        "def get_secret_from_vault(name: str) -> str:",
        "secret = settings.secret_key",
        "https://localhost:8080/users/@me",
        "curl -u $USER:$PASSWORD_2 https://host",
        "curl -u user:$(cat password) https://host",
        "curl --user-agent=foo:barbaz https://host",
        "curl -s https://host | docker run --user 1000:1000 image",
        "http://[::1]:5173/@vite/client",
        "http://localhost:$PORT/@vite/client",
    ],
)
def test_code_that_only_mentions_secrets_is_kept(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgres://bob:hunter2x@host/db", "postgres://bob:[redacted:url-password]@host/db"),
        ("amqp://bob:hunt/er2x@host/v", "amqp://bob:[redacted:url-password]@host/v"),
        ("curl -s -u bob:hunter2x https://h", "curl -s -u bob:[redacted:password] https://h"),
        ("password = 'Tr0ub4dor&3'", "password = '[redacted:secret]'"),
        ('{"client_secret": "q8Zr-77bTx"}', '{"client_secret": "[redacted:secret]"}'),
    ],
)
def test_only_the_secret_itself_is_taken_out(text: str, expected: str) -> None:
    assert redact(text) == expected


def test_line_ends_of_windows_are_shown_as_line_ends() -> None:
    shown = show(added("a\r\nb\rc\r\n"))
    assert shown.content == "a\nb\\u{000D}c\n"
    assert texts(shown.file) == ["a", "b\\u{000D}c", ""]


def test_a_heading_has_one_line() -> None:
    assert one_line("a\nb\tc\u2028d") == "a\\nb c\\u{2028}d"
    assert clean("a\nb\tc") == "a\nb\tc"


def test_without_context_the_rest_stays() -> None:
    shown = show(added("x"))
    assert shown.without_context() == shown
