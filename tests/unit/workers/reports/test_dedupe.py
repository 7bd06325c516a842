"""One finding for one defect, and nothing lost."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.model import Category, Finding, Place, Report, Severity, SkippedFile
from bot.domain.reasons import FileSkipReason
from bot.security.links import Links
from tests.support.runtime_growth import growth
from tests.support.tally import Tally, tallied
from workers.reports.dedupe import SEPARATE, deduplicate, group
from workers.reports.render import comment_body, review_body

Build = Callable[..., Report]

NAMES = [f"{path}:{name}" for path in ("a.py", "b.py") for name in "abcde"]
FINDINGS = st.builds(
    Finding,
    path=st.sampled_from(["a.py", "b.py"]),
    category=st.sampled_from(Category),
    severity=st.sampled_from(Severity),
    title=st.sampled_from(["A title", "Another"]),
    body=st.text(max_size=5),
    confidence=st.floats(0, 1),
    source=st.sampled_from(["llm", "ruff:F401", "ruff:S608"]),
    quote=st.sampled_from(["", "x = 1", "x  =  1", "y = 2"]),
    start_line=st.integers(1, 5),
    end_line=st.integers(5, 9),
    fingerprint=st.sampled_from("abcde"),
).map(lambda f: replace(f, fingerprint=f"{f.path}:{f.fingerprint}"))  # it names the path too


#: Many of one kind on lines of their own, as those above hardly ever are.
ALIKE = st.builds(
    lambda finding, line: replace(
        finding,
        category=Category.QUALITY,
        severity=Severity.LOW,
        start_line=line,
        end_line=line,
        fingerprint=f"{finding.path}:{line}",
    ),
    FINDINGS,
    st.integers(1, 9),
)


def test_findings_of_two_llm_answers_on_one_line_are_two(one: Finding) -> None:
    other = replace(one, title="Another", fingerprint="b")
    assert len(deduplicate([one, other])) == 2


def test_a_suggestion_is_kept_where_the_analyzer_finds_more(one: Finding) -> None:
    brief = replace(one, source="llm", body="b", suggestion="x = 1", fingerprint="a")
    rich = replace(one, source="ruff:F1", body="b" * 99, suggestion=None, fingerprint="b")
    (merged,) = deduplicate([rich, brief])
    assert (merged.body[:99], merged.suggestion) == (rich.body, "x = 1")
    assert brief.end_line is not None
    longer = replace(rich, end_line=brief.end_line + 1)
    (merged,) = deduplicate([longer, brief])
    assert merged.suggestion is None  # it would replace other lines


def test_of_two_that_are_joined_the_richer_words_stay(one: Finding) -> None:
    brief = replace(one, source="ruff:F1", title="Bad", body="b", fingerprint="a")
    rich = replace(one, source="llm", title="The page is negative", body="r" * 99, fingerprint="b")
    for findings in ([brief, rich], [rich, brief]):
        (merged,) = deduplicate(findings)
        assert (merged.title, merged.body) == (rich.title, f"{rich.body}\n\nAlso: Bad")
        assert (merged.fingerprint, merged.agreement) == ("a", 2), "the analyzer's name"


def test_what_an_analyzer_and_a_model_say_of_other_lines_stays_two(one: Finding) -> None:
    lint = replace(one, source="ruff:F1", start_line=40, end_line=41, fingerprint="a")
    for line, together in ((39, 2), (40, 1), (41, 1), (42, 2)):
        model = replace(one, source="llm", start_line=line, end_line=line, fingerprint="b")
        assert len(deduplicate([lint, model])) == together
    other = replace(model, category=Category.SECURITY, start_line=40, end_line=40, quote="y = 2")
    assert other.category is not lint.category
    assert len(deduplicate([lint, other])) == 2
    assert len(deduplicate([lint, replace(other, quote=f"  {lint.quote}")])) == 1


def test_equal_code_in_one_file_is_one_finding_with_places(one: Finding) -> None:
    """They share a fingerprint, and with it a comment: who fixes that one alone sees no other."""
    first = replace(one, source="ruff:E722", start_line=3, end_line=3)
    again = [replace(first, start_line=line, end_line=line) for line in (40, 9, 40)]
    (merged,) = deduplicate([*again, first])
    assert (merged.start_line, merged.fingerprint) == (3, first.fingerprint)
    assert [(place.start_line, place.fingerprint) for place in merged.places] == [
        (9, first.fingerprint),
        (40, first.fingerprint),
    ]
    assert merged.body == first.body
    assert merged.occurrences == 3
    confirmed = replace(first, source="llm", body="b" * 500, start_line=39, end_line=41)
    (merged,) = deduplicate([first, *again, confirmed])
    assert merged.source == "llm+ruff:E722"
    assert [place.start_line for place in merged.places] == [3, 9]
    assert deduplicate([first] * 3) == [first]


def test_two_defects_on_one_line_are_two(one: Finding) -> None:
    """They share path, category and quote, and with these the fingerprint."""
    other = replace(one, title="Nobody closes the file", severity=Severity.LOW)
    first, second = deduplicate([other, one])
    assert (first.title, first.fingerprint) == (one.title, one.fingerprint)
    assert second.title == "Nobody closes the file"
    assert second.fingerprint != first.fingerprint
    assert deduplicate([one, other]) == [first, second], "whatever their order"
    loose = [replace(f, start_line=None, end_line=None, quote="") for f in (one, other)]
    assert len(deduplicate(loose)) == 2


def test_one_defect_in_other_words_is_one(one: Finding) -> None:
    again = replace(one, title="The page number is not checked", confidence=0.5)
    (merged,) = deduplicate([again, one])
    assert merged.title == one.title
    assert merged.body == f"{one.body}\n\nAlso: The page number is not checked"


def test_of_one_defect_the_finding_with_a_line_comes_first(one: Finding) -> None:
    loose = replace(one, start_line=None, end_line=None, severity=Severity.CRITICAL, confidence=1.0)
    for findings in ([loose, one], [one, loose]):
        (merged,) = deduplicate(findings)
        assert (merged.start_line, merged.severity) == (one.start_line, Severity.CRITICAL)
        assert merged.places == ()


def test_a_finding_without_a_line_says_nothing_of_anothers_lines(one: Finding) -> None:
    lint = replace(one, source="ruff:F1", fingerprint="a")
    model = replace(one, source="llm", fingerprint="b")
    for other in (replace(model, start_line=None), replace(model, end_line=None)):
        assert len(deduplicate([lint, other])) == 2
    for other in (replace(lint, start_line=None), replace(lint, end_line=None)):
        assert len(deduplicate([other, model])) == 2


def test_of_two_that_are_joined_nothing_is_lost_whose_words_are_shorter(one: Finding) -> None:
    seen = Place(path="b.py", start_line=1, end_line=2)
    model = replace(
        one, source="llm", body="short", trace="a -> b", looked_at=(seen,), fingerprint="a"
    )
    lint = replace(one, source="ruff:F1", title="Bad", body="longer words", fingerprint="b")
    (merged,) = deduplicate([model, lint])
    assert (merged.title, merged.trace, merged.looked_at) == ("Bad", "a -> b", (seen,))
    (merged,) = deduplicate([model, replace(lint, body="equal")])
    assert merged.title == one.title, "of equal length those of the model"


def test_two_analyzers_say_the_same_on_one_line_of_one_category(one: Finding) -> None:
    first = replace(one, source="oxlint:no-eval", title="No eval", fingerprint="a")
    second = replace(one, source="secrets:x", title="A secret", quote="y = 2", fingerprint="b")
    (merged,) = deduplicate([first, second])
    assert (merged.source, merged.agreement) == ("oxlint:no-eval+secrets:x", 2)
    assert len(deduplicate([first, replace(second, category=Category.QUALITY)])) == 2
    assert one.start_line is not None
    below = one.start_line + 1
    assert len(deduplicate([first, replace(second, start_line=below, end_line=below)])) == 2


def test_a_joined_finding_keeps_the_name_that_people_know_first(one: Finding) -> None:
    lint = replace(one, source="ruff:F1", title="Bad", fingerprint="a")
    model = replace(one, source="llm", fingerprint="b")
    posted_as: list[tuple[list[set[str]], str]] = [
        ([], "a"),
        ([{"b"}], "b"),
        ([{"a", "b"}], "b"),
        ([{"x"}, {"b"}], "b"),
        ([{"a"}, {"b"}], "a"),
    ]
    for known, name in posted_as:
        (merged,) = deduplicate([lint, model], *known)
        assert merged.fingerprint == name, known


def test_what_has_no_line_or_was_confirmed_stays_alone(one: Finding) -> None:
    loose = [replace(one, start_line=None, end_line=None, fingerprint=name) for name in "ab"]
    joined = [replace(one, source="llm+ruff:F1", fingerprint=name) for name in "ab"]
    assert group(loose) == loose
    assert group(joined) == joined


def test_a_place_keeps_its_own_words_where_its_finding_becomes_a_place(one: Finding) -> None:
    def named(name: str, line: int) -> Finding:
        title = f"`{name}` is not defined"
        return replace(
            one, source="ruff:F821", title=title, fingerprint=name, start_line=line, end_line=line
        )

    last = Place(path="a.py", start_line=9, end_line=9, description="`c` is not defined")
    same = replace(last, start_line=11, end_line=11, description="")
    (folded,) = group([named("a", 1), replace(named("b", 5), places=(last, same))])
    assert [(place.start_line, place.description) for place in folded.places] == [
        (5, "`b` is not defined"),
        (9, "`c` is not defined"),
        (11, "`b` is not defined"),
    ]


def test_two_names_that_one_rule_does_not_know_are_two_places(one: Finding) -> None:
    names = [replace(one, source="ruff:F821", title=f"`{name}` is not defined") for name in "ab"]
    (merged,) = deduplicate(names)
    assert (merged.title, merged.occurrences) == ("`a` is not defined", 2)
    assert merged.places[0].description == "`b` is not defined"


@tallied
@given(
    findings=st.lists(FINDINGS, max_size=12),
    posted=st.frozensets(st.sampled_from(NAMES), max_size=4),
)
def test_joining_loses_no_file_and_no_severity_and_names_each_finding_once(
    tally: Tally, findings: list[Finding], posted: frozenset[str]
) -> None:
    tally.at_least(joined=0.3, folded=0.1, several=0.2)
    merged = group(deduplicate(findings, posted), posted)
    names = [f.fingerprint for f in merged]
    assert len(names) == len(set(names))
    tally.add(
        joined=len(merged) < len(findings),
        folded=any(f.places for f in merged),
        several=len(merged) > 2,
    )
    for path in {f.path for f in findings}:
        assert _worst(merged, path) == _worst(findings, path)
    for finding in findings:
        said = [f for f in merged if _covers(f, finding)]
        assert said, "nothing is reported at its lines"
        assert any(_names(f, finding) for f in said), "nobody reads what it says"
        assert min(f.severity.rank for f in said) <= finding.severity.rank


def _covers(reported: Finding, finding: Finding) -> bool:
    """Whether one of its places, or one that was joined with it, is on lines of the finding."""
    assert finding.start_line is not None
    assert finding.end_line is not None
    return any(
        at.path == finding.path
        and at.start_line <= finding.end_line
        and finding.start_line <= at.end_line
        for at in reported.located
    )


def _names(reported: Finding, finding: Finding) -> bool:
    texts = (reported.title, reported.body, *(at.description for at in reported.places))
    return any(finding.title in text for text in texts)


def _worst(findings: list[Finding], path: str) -> int:
    return min(
        f.severity.rank
        for f in findings
        if f.path == path or path in {place.path for place in f.places}
    )


@tallied
@given(
    findings=st.lists(ALIKE, max_size=12),
    posted=st.frozensets(st.sampled_from([f"a.py:{line}" for line in range(1, 10)]), max_size=4),
)
def test_grouping_changes_no_count_and_loses_no_fingerprint(
    tally: Tally, findings: list[Finding], posted: frozenset[str]
) -> None:
    tally.at_least(grouped=0.15)
    before = deduplicate(findings, posted)
    after = group(before, posted)
    tally.add(grouped=len(after) < len(before))
    assert _by_severity(after) == _by_severity(before)
    assert frozenset().union(*(f.fingerprints for f in after)) == frozenset().union(
        *(f.fingerprints for f in before)
    )
    for finding in after:
        assert finding.fingerprints <= posted or not finding.fingerprints & posted


def _by_severity(findings: list[Finding]) -> Counter[Severity]:
    totals: Counter[Severity] = Counter()
    for finding in findings:
        totals[finding.severity] += finding.occurrences
    return totals


@pytest.fixture
def many(one: Finding) -> list[Finding]:
    return [
        replace(one, source="ruff:S608", path=f"m{n}.py", start_line=n, end_line=n,
                title=f"`x{n}` goes into the SQL", fingerprint=f"f{n}")
        for n in range(1, 31)
    ]  # fmt: skip


def test_few_of_a_rule_stay_as_they_are(many: list[Finding]) -> None:
    few = many[:SEPARATE]
    assert group(few) == few


def test_a_rule_is_one_comment_in_a_file_and_a_file_of_its_own_keeps_its_comment(
    many: list[Finding],
) -> None:
    here = [replace(f, path="a.py") for f in many[:2]]
    there = [replace(f, path="b.py") for f in many[2:4]]
    folded = group([*here, *there])
    assert [(f.path, f.fingerprint) for f in folded] == [("a.py", "f1"), ("b.py", "f3")]
    assert [[(p.path, p.description) for p in f.places] for f in folded] == [
        [("a.py", "`x2` goes into the SQL")],
        [("b.py", "`x4` goes into the SQL")],
    ]
    (folded_files,) = group([*here, *there, *many[4:6]])  # in more files than SEPARATE
    assert folded_files.occurrences == 6


def test_the_page_of_a_rule_is_that_of_the_first_analyzer(one: Finding) -> None:
    page = "https://docs.astral.sh/ruff/rules/undefined-name"
    by_llm = replace(one, source="llm", body="b" * 99, fingerprint="a")
    by_rule = replace(one, source="ruff:F821", url=page, fingerprint="b")
    (merged,) = deduplicate([by_llm, by_rule])
    assert (merged.source, merged.url) == ("llm+ruff:F821", page)


def test_the_same_words_at_two_places_are_one(many: list[Finding]) -> None:
    for source in ("ruff:S608", "llm"):
        two = [replace(f, title="The SQL is built from text", source=source) for f in many[:2]]
        (finding,) = group(two)
        assert [place.path for place in finding.places] == ["m2.py"]
        assert finding.places[0].description == ""


def test_many_become_one_that_names_the_other_places(many: list[Finding]) -> None:
    (folded,) = group(many)
    assert folded.fingerprint == "f1"
    assert folded.occurrences == 30
    assert folded.fingerprints == {f"f{n}" for n in range(1, 31)}
    body = comment_body(folded)
    assert "The same in 29 other places:" in body
    assert "- `m2.py:2`: `x2` goes into the SQL" in body
    assert "- …and 9 more" in body
    assert "m1.py" not in body


def test_what_people_have_heard_of_stays_apart_from_what_is_new(many: list[Finding]) -> None:
    """A new occurrence gets a comment, and an old one no second one."""
    old, new = group(many, frozenset({"f7", "f8", "f9"}))[::-1]
    assert (old.fingerprint, old.occurrences) == ("f7", 3)
    assert (new.fingerprint, new.occurrences) == ("f1", 27)
    posted, reported, fresh = frozenset({"f7", "f8", "f9"}), frozenset({"f1", "f2", "f3"}), "f4"
    assert {f.fingerprint for f in group(many, posted, reported)} == {"f7", "f1", fresh}


def test_a_single_other_place_is_counted_in_the_singular(one: Finding) -> None:
    place = Place(path="b.py", start_line=3, end_line=4)
    assert "The same in 1 other place:\n\n- `b.py:3-4`" in comment_body(
        replace(one, places=(place,))
    )


def test_a_finding_on_each_of_many_lines_is_soon_folded(many: list[Finding]) -> None:
    # 30,000 changed lines are read; each compared with each would take minutes, during which
    # the worker does nothing else.
    def fold(size: int) -> None:
        lines = [
            replace(many[0], start_line=n, end_line=n, fingerprint=f"{n:016x}") for n in range(size)
        ]
        known = frozenset({"x"})
        (folded,) = group(deduplicate(lines, known), known)
        assert folded.occurrences == size
        assert f"{size - 1:,} other places" in comment_body(folded)

    assert growth(fold, 30_000) < 9


def test_other_rules_severities_and_llm_findings_are_kept_apart(many: list[Finding]) -> None:
    graver = [replace(f, severity=Severity.CRITICAL, fingerprint=f"g{f.fingerprint}") for f in many]
    llm_findings = [replace(f, source="llm", fingerprint=f"l{f.fingerprint}") for f in many]
    by_rule = [replace(f, source="ruff:S609", fingerprint=f"r{f.fingerprint}") for f in many]
    by_tool = [replace(f, source="semgrep:B608", fingerprint=f"t{f.fingerprint}") for f in many]
    folded = group([*graver, *many, *llm_findings, *by_rule, *by_tool])
    assert [f.fingerprint for f in folded] == [
        *("gf1", "f1"),
        *(f.fingerprint for f in llm_findings),
        *("rf1", "tf1"),
    ]
    assert {f.occurrences for f in folded if f.source != "llm"} == {len(many)}


def test_skipped_files_are_grouped_by_reason(build: Build, scan: object) -> None:
    skipped = tuple(SkippedFile(f"gen/{n}.py", FileSkipReason.GENERATED) for n in range(12))
    skipped = (*skipped, SkippedFile("a.png", FileSkipReason.BINARY))
    report = build(scan=replace(scan, skipped=skipped))  # type: ignore[type-var]
    body = review_body(report, Links())
    assert "Skipped: 13 files" in body
    assert "- 12 files, e.g. `gen/0.py`, `gen/1.py`" in body
    assert "`gen/4.py` (generated)" in body
    assert "gen/5.py" not in body
    assert "- `a.png` (binary file)" in body


def test_low_confidence_evidence_is_dropped_and_counted(build: Build, scan: object) -> None:
    (first, *rest) = scan.evidence  # type: ignore[attr-defined]
    low_confidence = replace(first, confidence=0.1, path="alone.py", fingerprint="d")
    report = build(scan=replace(scan, evidence=(low_confidence, *rest)))  # type: ignore[type-var]
    assert "d" not in {f.fingerprint for f in report.findings}
    assert ("alone.py", "low confidence (0.1 of 0.2)") in {
        (item.path, item.text) for item in report.rejected
    }
