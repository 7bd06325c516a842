"""Parts of a file: nothing lost, nothing twice, nothing over the budget."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.diff import ChangedFile, FileStatus, Hunk, Line
from bot.domain.model import BatchFile, Category, Finding, Severity
from tests.support.tally import Tally
from workers.scan.context.outline import Outline, outline
from workers.scan.file_parts import hunk_tokens, split


def file_of(path: str, *hunks: Hunk, evidence: tuple[Finding, ...] = ()) -> BatchFile:
    changed = ChangedFile(path=path, status=FileStatus.MODIFIED, hunks=hunks)
    return BatchFile(file=changed, language="python", content=None, evidence=evidence)


def hunk_at(start: int, *texts: str) -> Hunk:
    return Hunk(
        start, start, "", tuple(Line(None, start + n, text) for n, text in enumerate(texts))
    )


HUNKS = st.lists(
    st.lists(
        st.tuples(st.sampled_from("+- "), st.text("ab ({", max_size=30)), min_size=1, max_size=40
    ),
    min_size=1,
    max_size=4,
)


def numbered(bodies: list[list[tuple[str, str]]]) -> tuple[Hunk, ...]:
    old = new = 1
    hunks = []
    for body in bodies:
        start, lines = (old, new), []
        for marker, text in body:
            lines.append(Line(None if marker == "+" else old, None if marker == "-" else new, text))
            old, new = old + (marker != "+"), new + (marker != "-")
        hunks.append(Hunk(*start, "", tuple(lines)))
        old, new = old + 10, new + 10
    return tuple(hunks)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(bodies=HUNKS, budget=st.integers(20, 200))
def test_parts_hold_every_line_once_and_fit(
    tally: Tally, bodies: list[list[tuple[str, str]]], budget: int
) -> None:
    tally.at_least(whole=0.05, cut=0.1)
    file = file_of("a.py", *numbered(bodies))
    parts, skipped = split(file, budget, Outline())
    kept = [line for part in parts for hunk in part.file.hunks for line in hunk.lines]
    everything = [line for hunk in file.file.hunks for line in hunk.lines]
    tally.add(whole=len(parts) == 1, cut=len(parts) > 1)
    if not skipped:
        assert kept == everything
    assert len(kept) + len(skipped) == len(everything)
    for part in parts:
        assert sum(map(hunk_tokens, part.file.hunks)) <= budget
        for hunk in part.file.hunks:
            olds = [line.old for line in hunk.lines if line.old is not None]
            news = [line.new for line in hunk.lines if line.new is not None]
            assert not olds or hunk.old_start == olds[0]
            assert not news or hunk.new_start == news[0]


def test_a_line_too_long_is_named() -> None:
    file = file_of("a.py", hunk_at(5, "x", "word " * 500, "y"))
    parts, skipped = split(file, 100, Outline())
    assert [item.text for item in skipped] == ["line 6: too long for the LLM"]
    assert [line.text for part in parts for h in part.file.hunks for line in h.lines] == ["x", "y"]


def test_a_large_hunk_is_cut_before_a_function() -> None:
    text = "".join(f"def f{n}():\n    a = 1\n    b = 2\n    return a\n" for n in range(20))
    hunk = hunk_at(1, *text.rstrip("\n").split("\n"))
    parts, _ = split(file_of("a.py", hunk), 300, outline("python", text))
    assert len(parts) > 1
    for part in parts:
        assert part.file.hunks[0].lines[0].text.startswith("def ")


def test_evidence_goes_with_its_lines() -> None:
    item = Finding(
        path="a.py", category=Category.QUALITY, severity=Severity.LOW, title="t", body="",
        confidence=1, source="x", start_line=40, end_line=40,
    )  # fmt: skip
    hunk = hunk_at(1, *(f"line {n}" for n in range(60)))
    parts, _ = split(file_of("a.py", hunk, evidence=(item,)), 200, Outline())
    holding = [part for part in parts if part.evidence]
    assert len(parts) > 1
    assert len(holding) == 1
    assert 40 in [line.new for line in holding[0].file.hunks[0].lines]
