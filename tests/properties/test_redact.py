"""Redaction: for any text around it nothing of a secret is left, and lines stay lines."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.diff import ChangedFile, FileStatus, Hunk, Line
from bot.text.secret_rules import _MAYBE, RULES, Rule
from bot.text.secrets import redact, redact_file
from tests.support.secret_shapes import SHAPES, private_key

#: So many characters in a row of a secret are a part of it.
PART = 8

#: Lines of any characters, some that look like the beginning of what is looked for.
LINES = st.one_of(
    st.text(st.characters(exclude_characters="\n"), max_size=30),
    st.sampled_from(
        ["", "\r", "password = '", 'token: "', "-----BEGIN", "https://u:", "[redacted:", "ghp_"]
    ),
)
TEXTS = st.lists(LINES, max_size=6).map("\n".join)
#: What stands right before and after a secret where people write one.
AROUND = st.sampled_from(["", " ", '"', "'", "`", "=", ": ", "(", ",", "\n", "\t"])
SECRETS = st.sampled_from(sorted(SHAPES.values()))


def parts(secret: str) -> list[str]:
    return [secret[at : at + PART] for at in range(len(secret) - PART + 1)]


def left_of(secret: str, text: str, beside: str = "") -> list[str]:
    """The parts of the secret that are in the text, but for those that are `beside` it too, such
    as the `https://` of an address."""
    return [part for part in parts(secret) if part in text and part not in beside]


@given(TEXTS, AROUND, SECRETS, AROUND, TEXTS)
def test_nothing_of_a_secret_is_left(
    before: str, left: str, secret: str, right: str, after: str
) -> None:
    text = f"{before}\n{left}{secret}{right}\n{after}"
    shown = redact(text)
    assert left_of(secret, shown, f"{before}\n{after}") == []
    assert "[redacted:" in shown
    assert shown.count("\n") == text.count("\n")


@given(TEXTS, st.sampled_from(["", "RSA ", "EC ", "OPENSSH "]), TEXTS, st.integers(2, 12))
def test_nothing_of_a_key_is_left_even_if_its_end_is_missing(
    before: str, kind: str, after: str, lines: int
) -> None:
    key = "\n".join(private_key(kind).split("\n")[:lines])
    text = f"{before}\n{key}\n{after}"
    shown = redact(text)
    for line in key.split("\n")[1:-1]:
        assert left_of(line, shown) == []
    assert shown.count("\n") == text.count("\n")


@given(TEXTS)
def test_what_was_redacted_stays_as_it_is(text: str) -> None:
    once = redact(text)
    assert once.count("\n") == text.count("\n")
    assert redact(once) == once


@st.composite
def files_with_a_key(draw: st.DrawFn) -> ChangedFile:
    """The lines of a key on one side of a diff, lines of the other side between them."""
    removed = draw(st.booleans())
    old = new = 1
    lines: list[Line] = []
    for text in private_key().split("\n"):
        for other in draw(st.lists(LINES, max_size=2)):
            between = other.replace("\r", "")
            lines.append(Line(None, new, between) if removed else Line(old, None, between))
            old, new = old + (not removed), new + removed
        lines.append(Line(old, None, text) if removed else Line(None, new, text))
        old, new = old + removed, new + (not removed)
    hunk = Hunk(1, 1, "", tuple(lines))
    return ChangedFile(path="key.pem", status=FileStatus.MODIFIED, hunks=(hunk,))


#: Lines in which each kind is known by what stands around it; `{}` is the secret.
IN_CONTEXT = {
    "aws-secret": ("aws_secret_access_key = {}", "wJalrXUtn" + "FEMI/K7MDENG/bPxRfiCY3q9Zt8LwAb"),
    "azure-key": ("AccountName=shop;AccountKey={};", "Qm" * 43 + "=="),
    "url-password": ("postgres://shop:{}@db.shop.io/x", "c0rrect-horse"),
    "password": ("curl -u shop:{} https://shop.io", "c0rrect-horse"),
    "bearer-token": ("headers['Authorization'] = 'Bearer {}'", "Zx81hd02kkq91-Mnbv7"),
    "secret": ("'password' => '{}'", "a81hd02kkq91"),
    "key-material": ("{}", "MIIEpAIBAAKCAQEA" + "q7Wd9sXr2kTzVb4LmNc8YhGf5JpQe3Uo0RiAaSxCvBn1Mw6T"),
}


@pytest.mark.parametrize(
    "line",
    [
        "Authorization: Bearer {}",
        "authorization = token {}",
        '{"Authorization": "Bearer {}"}',
        "{'Authorization' => 'Basic {}'}",
        "headers['Authorization'] = 'Bearer {}'",
        'headers["authorization"] = f"Bearer {}"',
        'req.Header.Set("Authorization", "Bearer {}")',
        "req.setHeader(`Authorization`, `token {}`)",
        'curl -H "Authorization: Bearer {}" https://shop.io',
        r'"{\"Authorization\": \"Bearer {}\"}"',
    ],
)
def test_a_bearer_token_is_masked_however_a_header_is_written(line: str) -> None:
    secret = "Zx81hd02kkq91-Mnbv7"
    shown = redact(line.replace("{}", secret))
    assert secret not in shown
    assert "[redacted:bearer-token]" in shown


@pytest.mark.parametrize(
    "line",
    [
        "headers['Authorization'] = f'Bearer {token}'",
        'req.Header.Set("Authorization", "Bearer "+token)',
        "Authorization: Bearer YOUR_ACCESS_TOKEN_HERE",
        "authorization, bearer tokens_and_other_ways_in",
    ],
)
def test_what_only_names_a_bearer_token_stays(line: str) -> None:
    assert redact(line) == line


def test_each_kind_of_secret_has_a_made_up_one_and_is_called_by_its_name() -> None:
    """A rule that is removed takes none of these with it: they are not made of the rules."""
    lines = [f"x = '{secret}'" for secret in SHAPES.values()]
    lines += [line.format(secret) for line, secret in IN_CONTEXT.values()]
    named = {kind for line in lines for kind in re.findall(r"\[redacted:([\w-]+)", redact(line))}
    named |= set(re.findall(r"\[redacted:([\w-]+)", redact(private_key())))
    assert named == {rule.kind for rule in RULES}


@pytest.mark.parametrize("kind", IN_CONTEXT)
def test_a_secret_is_known_by_what_stands_around_it(kind: str) -> None:
    line, secret = IN_CONTEXT[kind]
    rule = next(rule for rule in RULES if rule.kind == kind)
    assert rule.pattern.search(line.format(secret))
    assert f"[redacted:{kind}]" in redact(line.format(secret))


@pytest.mark.parametrize("rule", RULES[1:], ids=lambda rule: rule.kind)
@settings(max_examples=10)
@given(st.data())
def test_no_text_that_a_rule_matches_is_passed_over(rule: Rule, data: st.DataObject) -> None:
    assert _MAYBE.search(data.draw(st.from_regex(rule.pattern)))


@given(files_with_a_key())
def test_a_key_between_lines_of_the_other_side_is_taken_out_of_a_diff(file: ChangedFile) -> None:
    shown = redact_file(file)
    [before], [after] = file.hunks, shown.hunks
    assert [(line.old, line.new) for line in after.lines] == [
        (line.old, line.new) for line in before.lines
    ]
    text = "\n".join(line.text for line in after.lines)
    for line in private_key().split("\n")[1:-1]:
        assert left_of(line, text) == []
