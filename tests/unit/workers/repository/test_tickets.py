"""What is taken of a tracker's answer, and which keys are looked for."""

import json
from dataclasses import replace

import pytest
from pydantic import ValidationError

from bot.config.settings import Settings, SettingsError, load
from tests.support.pulls import PULL
from workers.repository.tickets import MAX_TICKETS, ticket_keys, ticket_text

URL = "https://acme.example/issue/{key}"


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ({"fields": {"summary": "A", "description": "B"}}, "A\n\nB"),
        ({"data": {"issue": {"title": "A", "body": "B"}}}, "A\n\nB"),
        ({"name": "A", "description": None}, "A"),
        ({"fields": {"summary": 3}}, ""),
        ([1], ""),
        ("said", ""),
        ({"title": ["x"] * 3}, "x x x"),
    ],
)
def test_title_and_description_are_taken_from_where_trackers_put_them(
    answer: object, text: str
) -> None:
    assert ticket_text(json.dumps(answer).encode()).strip() == text


def test_what_is_no_json_or_too_deep_does_no_harm() -> None:
    assert ticket_text(b"Plain \xff text") == "Plain \ufffd text"
    ticket_text(b'{"title":' * 5000)
    deep: object = "x"
    for _ in range(200):
        deep = {"content": [deep]}
    assert ticket_text(json.dumps({"title": "A", "description": deep}).encode()) == "A"


def test_keys_are_looked_for_in_what_the_author_wrote() -> None:
    pull = replace(PULL, title="AB-1 x", head_ref="feature/CD-2", body="EF-3 AB-1 GH-4 ef-5")
    assert ticket_keys(load(_env_file=None, ticket_url=URL), pull) == ["AB-1", "CD-2", "EF-3"]
    assert len(ticket_keys(load(_env_file=None, ticket_url=URL), pull)) == MAX_TICKETS
    assert ticket_keys(load(_env_file=None), pull) == []
    other = load(_env_file=None, ticket_url=URL, ticket_pattern=r"\bef-\d\b")
    assert ticket_keys(other, pull) == ["ef-5"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"ticket_url": "https://acme.example/issue"},
        {"ticket_url": "https://{key}.example/"},
        {"ticket_pattern": "("},
        {"ticket_header": "Bearer x"},
        {"ticket_header": "A: b\r\nC: d"},
    ],
)
def test_a_setting_that_cannot_work_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises((SettingsError, ValidationError)):
        Settings(_env_file=None, **wrong)  # type: ignore[arg-type]
