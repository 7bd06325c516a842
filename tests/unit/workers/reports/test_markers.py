"""What we posted is found again by its first line, whatever it says."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.model import Finding, Place, Severity
from workers.reports.markers import finding_marker, read_finding_marker
from workers.reports.render import comment_body


@given(st.text(max_size=300), st.text(min_size=1, max_size=30))
def test_a_marker_says_what_it_was_given_and_is_one_comment(title: str, path: str) -> None:
    finding = Finding(
        path="a.py",
        category="security",  # type: ignore[arg-type]
        severity=Severity.HIGH,
        title=title,
        body="",
        confidence=1.0,
        source="llm+ruff:S602",
        fingerprint="00000000000000a1",
        places=(Place(path=path, start_line=1, end_line=1, fingerprint="00000000000000b1"),),
    )
    text = finding_marker(finding)
    assert text.count("<!--") == text.count("-->") == 1
    assert text.isprintable()
    assert not set("@#&`") & set(text)
    marker = read_finding_marker(f"{text}\nWhatever --> @mona")
    assert marker is not None
    assert (marker.fingerprint, marker.severity) == ("00000000000000a1", Severity.HIGH)
    assert marker.sources == ("llm", "ruff:S602")
    assert marker.title == title[:200]
    assert marker.places == {path: ("00000000000000b1",)}
    assert marker.fingerprints == {"00000000000000a1", "00000000000000b1"}
    assert not marker.more


@pytest.mark.parametrize(
    "body",
    [
        "",
        "Hello",
        "x <!-- glossator:finding:{} -->",
        "<!-- glossator:finding:{} -->",
        "<!-- glossator:finding:[] -->",
        '<!-- glossator:finding:{"v":2,"id":"00000000000000a1","severity":"high","sources":[],'
        '"title":""} -->',
        '<!-- glossator:finding:{"v":1,"id":"no name","severity":"high","sources":[],'
        '"title":""} -->',
        '<!-- glossator:finding:{"v":1,"id":"00000000000000a1","severity":"grave","sources":[],'
        '"title":""} -->',
        '<!-- glossator:finding:{"v":1,"id":"00000000000000a1","severity":"high","sources":[],'
        '"title":"","places":[]} -->',
    ],
)
def test_what_is_no_marker_of_ours_says_nothing(body: str) -> None:
    assert read_finding_marker(body) is None


def test_many_places_are_kept_as_far_as_there_is_room(one: Finding) -> None:
    places = tuple(
        Place(path=f"folder/{n}.py", start_line=1, end_line=1, fingerprint=f"{n:016x}")
        for n in range(5000)
    )
    body = comment_body(replace(one, places=places))
    marker = read_finding_marker(body)
    assert marker is not None
    assert marker.more
    assert 40 < len(marker.fingerprints) < 5000
    assert len(body) < 12_000
