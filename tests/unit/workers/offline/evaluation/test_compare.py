"""Two runs side by side: what both find, what one of them finds, and what is wrong anew."""

from typing import Any

from bot.domain.model import Severity, Usage
from workers.offline.evaluation.compare import as_comparison
from workers.offline.evaluation.score import Comment, Defect, Outcome, Results, Standing
from workers.reports.rank import Shown


def defect(text: str, *, inline: bool = False, found: bool = False) -> Defect:
    return Defect(text=text, severity=Severity.HIGH, found=found or inline, inline=inline)


def wrong(path: str, line: int | None, title: str = "t", **changes: Any) -> Comment:
    values: dict[str, Any] = {"shown": Shown.INLINE, "severity": Severity.LOW, "fingerprint": ""}
    return Comment(
        path=path,
        line=line,
        title=title,
        names=(),
        standing=Standing.WRONG,
        **{**values, **changes},
    )


A = Results(
    model="small",
    usage=Usage(calls=4),
    cases=(
        Outcome(
            name="pull-1",
            defects=(defect("x", inline=True), defect("y", found=True), defect("z")),
            comments=(wrong("a.py", 10), wrong("b.py", 5, fingerprint="f"), wrong("c.py", None)),
        ),
        Outcome(name="pull-2"),
        Outcome(name="pull-3", defects=(defect("s"),)),
    ),
)
B = Results(
    model="large",
    cases=(
        Outcome(
            name="pull-1",
            defects=(defect("x", found=True), defect("y"), defect("z", inline=True)),
            comments=(
                wrong("a.py", 12, "the same in other words"),
                wrong("d.py", 90, fingerprint="f"),
                wrong("c.py", None, "another"),
                wrong("e.py", 1, "a `new` one\x1b[31m"),
                wrong("g.py", 1, shown=Shown.FOLDED),
            ),
        ),
        Outcome(name="pull-3", defects=(defect("other"),)),
        Outcome(name="pull-4"),
    ),
)


def test_each_case_tells_what_differs() -> None:
    text = as_comparison(A, B)
    assert "| model | small | large |" in text
    assert "| LLM calls | 4; 1.33 per review | 0; 0.00 per review |" in text
    assert "| inline comments per review | 1.00 | 1.33 |" in text
    assert "| pull-1 | 1 | 1 | 1 | 3 | 4 | 2 |" in text
    section = text.partition("## pull-1\n\n")[2].partition("\n\n")[0]
    assert section.split("\n") == [
        "- inline only in A: (high) x",
        "- only A finds (high) y",
        "- only B finds (high) z",
        "- new wrong comment in B: `c.py` (low) another",
        "- new wrong comment in B: `e.py:1` (low) a 'new' one\\u{001B}[31m",
        "- wrong comment only in A: `c.py` (low) t",
    ]
    assert "## pull-3\n\n- The expected defects differ; only the common ones are compared." in text
    assert "Only in A: pull-2." in text
    assert "Only in B: pull-4." in text


def test_a_run_compared_with_itself_has_no_differences() -> None:
    text = as_comparison(A, A)
    assert "## " not in text
    assert "| pull-1 | 2 | 0 | 0 | 3 | 3 | 0 |" in text
