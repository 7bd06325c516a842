"""What is kept of a job's log."""

import pytest

from tests.support.secret_shapes import aws_key_id
from workers.repository.job_logs import MAX_CHARACTERS, MAX_LINES, log_end


@pytest.mark.parametrize(
    ("log", "shown"),
    [
        (b"", ""),
        (b"2026-01-02T03:04:05.1234567Z one\r\n2026-01-02T03:04:05.1234567Z two\r\n", "one\ntwo"),
        (b"a\n##[error]x\nb\n\x1b[31m##[error]\x1b[0my\nPost job", "a\n##[error]x\nb\n##[error]y"),
        (b"\x1b]8;;https://a.example\x07link\x1b]8;;\x1b\\ \x1b[1;31mred\x1b[m", "link red"),
        (b"\xff\xfe\x1b[", "\ufffd\ufffd\x1b["),
        (b"1 %\r99 %\rdone", "done"),
    ],
)
def test_what_a_terminal_shows_is_kept(log: bytes, shown: str) -> None:
    assert log_end(log) == shown


def test_it_is_bounded_after_secrets_are_masked() -> None:
    assert len(log_end(b"x\n" * 1000).split("\n")) == MAX_LINES
    key = aws_key_id("job")
    text = log_end(f"{key} {'y ' * (MAX_CHARACTERS // 2 - 3)}".encode())
    assert len(text) <= MAX_CHARACTERS
    assert not any(key[cut:] in text for cut in range(len(key) - 4))


def test_a_first_line_that_is_cut_is_left_out() -> None:
    assert log_end(b"x" * (64 << 10) + b"\nlast") == "last"
