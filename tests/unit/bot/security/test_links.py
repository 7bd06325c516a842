"""Signed links open one review, for one purpose, for a time."""

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from bot.config.settings import Settings, SettingsError
from bot.domain.report_format import ReportFormat
from bot.security.links import Purpose, review_links, sign, verify
from bot.security.signing import from_text, is_signed, signature, signing_keys, to_text
from bot.telemetry.log import redact

NOW = 1_800_000_000
KEY, OTHER = b"k" * 32, b"o" * 32


def settings(secret: str = "first-secret-of-ours", **more: object) -> Settings:
    values = {"secret_key": SecretStr(secret), "public_url": "https://r.example/", **more}
    return Settings.model_validate(values)


def test_a_link_opens_its_review_until_it_expires() -> None:
    value = sign(KEY, Purpose.PAGE, "R1", NOW + 60)
    assert verify([KEY], Purpose.PAGE, "R1", value, NOW) == NOW + 60
    assert verify([KEY], Purpose.PAGE, "R1", value, NOW + 60) is None


def test_a_link_opens_no_other_review_and_serves_no_other_purpose() -> None:
    value = sign(KEY, Purpose.PAGE, "R1", NOW + 60)
    assert verify([KEY], Purpose.PAGE, "R2", value, NOW) is None
    assert verify([KEY], Purpose.REPORT, "R1", value, NOW) is None


def test_a_later_expiry_does_not_fit_the_signature() -> None:
    _, signed = sign(KEY, Purpose.PAGE, "R1", NOW + 60).split(".")
    assert verify([KEY], Purpose.PAGE, "R1", f"{NOW + 600}.{signed}", NOW) is None


def test_a_key_that_was_rotated_still_verifies() -> None:
    value = sign(OTHER, Purpose.PAGE, "R1", NOW + 60)
    assert verify([KEY, OTHER], Purpose.PAGE, "R1", value, NOW) == NOW + 60
    assert verify([KEY], Purpose.PAGE, "R1", value, NOW) is None


@given(st.text())
def test_nothing_but_our_signature_is_accepted(text: str) -> None:
    assert verify([KEY], Purpose.PAGE, "R1", text, NOW) is None


@given(st.lists(st.text(), max_size=4), st.lists(st.text(), max_size=4))
def test_a_signature_fits_exactly_the_parts_it_was_made_of(one: list[str], two: list[str]) -> None:
    assert is_signed([KEY], signature(KEY, *one), *two) == (one == two)


@given(st.binary(max_size=40))
def test_bytes_survive_the_way_through_text(data: bytes) -> None:
    assert from_text(to_text(data)) == data


def test_the_first_of_several_secrets_signs() -> None:
    both = settings("a-second-secret-now,first-secret-of-ours")
    assert signing_keys(both)[1] == signing_keys(settings())[0]
    page = review_links(both, "R1", NOW).page
    value = parse_qs(urlsplit(page).query)["key"][0]
    assert verify(signing_keys(both)[:1], Purpose.PAGE, "R1", value, NOW) is not None


def test_without_a_secret_the_apps_key_is_the_source() -> None:
    escaped = Settings.model_validate({"github_private_key": "-----BEGIN\\nabc\\n"})
    plain = Settings.model_validate({"github_private_key": "-----BEGIN\nabc\n"})
    assert signing_keys(escaped) == signing_keys(plain)
    assert signing_keys(plain)[0] != b"-----BEGIN\nabc\n"


def test_a_short_secret_is_refused_with_the_remedy() -> None:
    with pytest.raises(SettingsError, match="SECRET_KEY.*openssl rand"):
        signing_keys(settings("short"))


def test_the_links_of_a_review_name_page_and_every_format() -> None:
    links = review_links(settings(), "R1", NOW)
    assert links.page.startswith("https://r.example/reviews/R1?key=")
    assert set(links.reports) == {each.label for each in ReportFormat}
    assert "/api/reviews/R1/report.pdf?key=" in links.reports["PDF"]


def test_no_log_shows_the_key_of_a_link() -> None:
    links = review_links(settings(), "R1", NOW)
    value = parse_qs(urlsplit(links.page).query)["key"][0]
    for text in (links.page, f'1.2.3.4 - "WebSocket /ws/tasks/R1?after=1-0&key={value}" 404'):
        assert value not in str(redact(text))


def test_links_of_one_day_are_the_same_and_outlive_the_report() -> None:
    day = NOW // 86_400 * 86_400
    assert review_links(settings(), "R1", day) == review_links(settings(), "R1", day + 86_399)
    value = parse_qs(urlsplit(review_links(settings(keep_days=3), "R1", NOW).page).query)["key"][0]
    assert verify(signing_keys(settings()), Purpose.PAGE, "R1", value, NOW + 3 * 86_400)


def test_links_end_after_their_days_though_the_report_is_kept() -> None:
    """They stand in mails, also of those who have left."""
    keys = signing_keys(settings())
    value = parse_qs(urlsplit(review_links(settings(), "R1", NOW).page).query)["key"][0]
    assert verify(keys, Purpose.PAGE, "R1", value, NOW + 14 * 86_400)
    assert not verify(keys, Purpose.PAGE, "R1", value, NOW + 15 * 86_400)
