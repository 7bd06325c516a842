"""Each analyser on a small real defect, as the sandbox runs it."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.diff import ChangedFile, FileStatus, Hunk, Line
from bot.domain.model import Category, Finding, Severity
from bot.text.languages import language_of
from tests.support.runtime_growth import growth
from tests.support.secret_shapes import private_key
from workers.scan.analyzers import runner
from workers.scan.analyzers.analyzer import Analyzer, Diagnostic, Target
from workers.scan.analyzers.evidence import ChangedLines, finding
from workers.scan.analyzers.isolation import Isolation, works
from workers.scan.analyzers.registry import ANALYZERS, NAMES
from workers.scan.analyzers.ruff import RUFF
from workers.scan.analyzers.runner import run_all
from workers.scan.analyzers.text_checks import MERGE


def target(path: str, text: str, changed: Iterable[int] | None = None) -> Target:
    """A file in one hunk; all its lines are new, or those in `changed`."""
    expected = None if changed is None else set(changed)
    lines = tuple(
        Line(None if expected is None or n in expected else n, n, line.removesuffix("\r"))
        for n, line in enumerate(text.rstrip("\n").split("\n"), 1)
    )
    file = ChangedFile(
        path=path, status=FileStatus.MODIFIED, hunks=(Hunk(1, 1, "", lines),), additions=len(lines)
    )
    return Target(file, language_of(path), text)


async def found(*targets: Target, disabled: Iterable[str] = ()) -> tuple[Finding, ...]:
    results = await run_all(targets, seconds=60, disabled=disabled)
    assert (results.notes, results.failed_sources) == ((), ())
    return results.evidence


WORKFLOW = """\
on: pull_request
jobs:
  greet:
    runs-on: ubuntu-latest
    steps:
      - run: echo "${{ github.event.pull_request.title }}"
"""


@pytest.mark.parametrize(
    ("path", "text", "source", "line", "category", "severity"),
    [
        ("a.py", "def f():\n    return nam\n", "ruff:F821", 2, Category.CORRECTNESS, Severity.HIGH),
        ("a.py", "def f(:\n", "ruff:syntax", 1, Category.CORRECTNESS, Severity.HIGH),
        (
            "a.py",
            "def f(x=[]):\n    x.append(1)\n",
            "ruff:B006",
            1,
            Category.CORRECTNESS,
            Severity.MEDIUM,
        ),
        (
            "a.py",
            "import subprocess\nsubprocess.call(input(), shell=True)\n",
            "ruff:S602",
            2,
            Category.SECURITY,
            Severity.HIGH,
        ),
        (
            "a.go",
            'key := "AKIAIOSFODNN7EXAMPLQ"\n',
            "secrets:aws-key-id",
            1,
            Category.SECURITY,
            Severity.CRITICAL,
        ),
        (
            "run.sh",
            '#!/bin/sh\nrm -rf "$1/"*\n',
            "shellcheck:SC2115",
            2,
            Category.CORRECTNESS,
            Severity.MEDIUM,
        ),
        (
            "Dockerfile",
            "FROM a:1\nRUN cd /x\nCMD a\nCMD b\n",
            "hadolint:DL4003",
            4,
            Category.CORRECTNESS,
            Severity.LOW,
        ),
        (
            ".github/workflows/ci.yml",
            WORKFLOW,
            "zizmor:template-injection",
            6,
            Category.SECURITY,
            Severity.HIGH,
        ),
        (
            "a.js",
            "export const f = (x) => x === NaN;\n",
            "oxlint:use-isnan",
            1,
            Category.CORRECTNESS,
            Severity.MEDIUM,
        ),
        ("a.ts", "const x: = 1;\n", "oxlint:syntax", 1, Category.CORRECTNESS, Severity.HIGH),
        (
            "a.json",
            '{\n"a": 1\n"b": 2\n}\n',
            "data:json-syntax",
            3,
            Category.CORRECTNESS,
            Severity.HIGH,
        ),
        ("a.toml", "a = 1\nb = \n", "data:toml-syntax", 2, Category.CORRECTNESS, Severity.HIGH),
        ("a.yaml", "a: 1\nb: [\n", "data:yaml-syntax", 2, Category.CORRECTNESS, Severity.HIGH),
        (
            "b.yaml",
            "a: 1\nb: 2\na: 3\n",
            "data:duplicate-key",
            3,
            Category.CORRECTNESS,
            Severity.MEDIUM,
        ),
        (
            "a.c",
            "int x; // \u202e } else {\n",
            "hidden-characters:bidi",
            1,
            Category.SECURITY,
            Severity.HIGH,
        ),
        (
            "a.md",
            "hi \U000e0041\U000e0042\n",
            "hidden-characters:tag",
            1,
            Category.SECURITY,
            Severity.HIGH,
        ),
        ("a.c", "int a\u200bb;\n", "hidden-characters:zero", 1, Category.SECURITY, Severity.MEDIUM),
        (
            "a.rb",
            "<<<<<<< HEAD\na\n=======\nb\n>>>>>>> x\n",
            "merge:conflict",
            1,
            Category.CORRECTNESS,
            Severity.HIGH,
        ),
    ],
)
async def test_finds(
    path: str, text: str, source: str, line: int, category: Category, severity: Severity
) -> None:
    evidence = await found(target(path, text))
    (item,) = [item for item in evidence if item.source == source]
    assert (item.path, item.start_line, item.category, item.severity) == (
        path,
        line,
        category,
        severity,
    )
    assert item.title
    assert "\n" not in item.title
    assert 0 < item.confidence <= 1
    assert "0001" not in item.title + item.body


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.py", '"""Fine."""\n\nimport os\n\n\ndef f(a: int) -> str:\n    return os.sep * a\n'),
        ("run.sh", '#!/bin/sh\nset -eu\necho "$1"\n'),
        ("a.ts", "export const add = (a: number, b: number): number => a + b;\n"),
        (
            "a.md",
            "A flag: \U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f. "
            "A family: \U0001f468\u200d\U0001f469\u200d\U0001f467. "
            "Persian: \u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645.\n",
        ),
        ("tsconfig.json", '{\n  // comments are allowed here\n  "a": 1,\n}\n'),
        ("chart.yaml", "a: {{ .Values.a }}\n"),
        ("a.py", "try:\n    a = 1\nexcept ValueError:\n    raise KeyError('a')\n"),
        ("a.py", "from os.path import *\n\nprint(join('a', 'b'))\n"),
        (
            "tests/test_a.py",
            "import a\nfrom b import raises\n\nwith raises(Exception):\n    a.b\n",
        ),
        ("README.md", "postgres://USER:PASSWORD@db/x\namqp://guest:gu3st-pw@127.0.0.1:5672\n"),
        ("a.py", '"""Doc.\n\n>>> connect(password="hunter-7Gq2vX9k")\n"""\n'),
    ],
)
async def test_reports_nothing_in_sound_files(path: str, text: str) -> None:
    assert await found(target(path, text)) == ()


@pytest.mark.parametrize(
    ("put_in", "confidence"),
    [
        ("ORDER BY {column}", 0.4),
        ("FROM {self.table}", 0.4),
        ("WHERE name = '{name}'", 0.7),
        ("WHERE id = {id} ORDER BY {column}", 0.7),
        ("ORDER BY {request.args['by']}", 0.7),
    ],
)
async def test_names_put_into_sql_are_doubted_and_values_are_not(
    put_in: str, confidence: float
) -> None:
    query = f'db.execute(f"SELECT a FROM b {put_in}")'
    evidence = await found(
        target("a.py", f"def f(db, self, name, id, column, request):\n    {query}\n")
    )
    (item,) = [item for item in evidence if item.source == "ruff:S608"]
    assert item.confidence == confidence


async def test_an_assignment_in_a_condition_is_reported_once() -> None:
    evidence = await found(
        target("a.js", 'export const f = (a) => {\n  if (a.b = "c") return 1;\n  return 2;\n};\n')
    )
    assert [item.source for item in evidence] == ["oxlint:no-cond-assign"]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("const a = 1;\nfoo(a);\na = 2;\n", "no-const-assign"),
        ("let a = 1;\nfoo(a);\nlet a = 2;\n", "syntax"),
        ("foo({ x: 1,\n  y: 2,\n  x: 3 });\n", "no-dupe-keys"),
        ("if (a) b();\n\nelse if (a) c();\n", "no-dupe-else-if"),
        ("switch (a) { case 1: b();\n\n  case 1: c(); }\n", "no-duplicate-case"),
    ],
)
async def test_of_two_places_in_javascript_the_faulty_or_the_new_one_is_reported(
    text: str, rule: str
) -> None:
    """What was added to lines of before was not told at all, as it was looked for at these."""
    for changed, line in (([3], 3), ([1], 1), (None, 3)):
        evidence = await found(target("a.js", text, changed))
        assert [f.start_line for f in evidence if f.source == f"oxlint:{rule}"] == [line]


async def test_what_a_whole_job_lacks_is_reported_only_for_a_new_job() -> None:
    text = "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - run: echo\n"
    path, rule = ".github/workflows/a.yml", "zizmor:excessive-permissions"
    assert rule in {f.source for f in await found(target(path, text))}
    assert rule not in {f.source for f in await found(target(path, text, [6]))}


async def test_what_ends_with_a_line_does_not_reach_into_the_next() -> None:
    (item,) = await found(target("a.py", "x = 1 +\ny = 2\n"))
    assert (item.start_line, item.end_line, item.quote) == (1, 1, "x = 1 +")
    assert await found(target("a.py", "x = 1 +\ny = 2\n", [2])) == ()


async def test_a_duplicate_key_is_reported_at_the_new_one() -> None:
    text = "a: 1\nb: 2\nc: 3\na: 4\n"
    for changed, line, title in (
        (4, 4, "YAML: the key `a` stands here again after line 1"),
        (1, 1, "YAML: the key `a` is repeated on line 4"),
    ):
        (item,) = await found(target("a.yaml", text, changed=[changed]))
        assert (item.start_line, item.title) == (line, title)


@pytest.mark.variations(8)
@pytest.mark.parametrize("end", ["\r", "\x85", "\u2028", "\u2029"])
@pytest.mark.parametrize(
    ("path", "text", "source", "line"),
    [
        ("a.py", "#1#2\nx = nam\n\n\n", "ruff:F821", 2),
        (
            "a.py",
            "#1#2\nimport subprocess\nsubprocess.call(input(), shell=True)\n\n\n",
            "ruff:S602",
            3,
        ),
        ("a.go", "//1//2\npassword = 'correcthorse'\n\n\n", "secrets:secret", 2),
        ("a.js", "//1//2\nconst a = 1; a = 2;\n\n\n", "oxlint:no-const-assign", 2),
        ("a.yml", "#1#2\na: 1\na: 2\nb: 3\nc: 4\n", "data:duplicate-key", 3),
        ("a.sh", '#!/bin/sh\n#1#2\nrm -rf "$1/"*\n\n\n', "shellcheck:SC2115", 3),
        ("Dockerfile", "#1#2\nFROM debian:12\nRUN sudo ls\n\n\n", "hadolint:DL3004", 3),
    ],
)
async def test_lines_are_those_of_git_whatever_else_ends_one_elsewhere(
    end: str, path: str, text: str, source: str, line: int
) -> None:
    evidence = await found(target(path, text.replace("1", f"1{end}", 1)))
    places = {(item.source, item.start_line) for item in evidence}
    assert (source, line) in places


@pytest.mark.parametrize("path", ["a.JSON", "map.geojson", "site.webmanifest"])
async def test_json_is_read_as_json_whatever_its_file_is_called(path: str) -> None:
    sound = '{\n\t"name": "\\ud83d\\ude00",\n\t"link": "a\\/b"\n}\n'
    assert await found(target(path, sound)) == ()
    (item,) = await found(target(path, '{\n  "a": [1, 2,]\n}\n'))
    assert (item.source, item.start_line) == ("data:json-syntax", 2)


@pytest.mark.parametrize(
    ("path", "text", "source"),
    [
        ("A.JS", "const a = 1; a = 2;\n", "oxlint:no-const-assign"),
        ("A.TS", "const a = 1; a = 2;\n", "oxlint:no-const-assign"),
        ("A.PY", "x = nam\n", "ruff:F821"),
        ("A.SH", '#!/bin/sh\nrm -rf "$1/"*\n', "shellcheck:SC2115"),
        ("A.TOML", "a = = 1\n", "data:toml-syntax"),
    ],
)
async def test_a_name_in_capitals_is_no_other_language(path: str, text: str, source: str) -> None:
    assert source in {item.source for item in await found(target(path, text))}


async def test_a_here_document_in_a_dockerfile_is_no_mistake() -> None:
    text = 'FROM debian:12\nRUN <<EOF\nset -e\nEOF\nCMD ["a"]\n'
    assert await found(target("Dockerfile", text)) == ()
    (item,) = await found(target("Dockerfile", text.replace("<<EOF", "ls")))
    assert (item.source, item.start_line) == ("hadolint:DL1000", 3)


@pytest.mark.parametrize(("path", "sign"), [("a.json", ""), ("a.toml", "a = ")])
async def test_a_long_number_blocks_nobody(path: str, sign: str) -> None:
    broken = target(f"b/{path}", "= {\n")
    (item,) = await found(target(path, f"{sign}{'1' * 4400}\n"), broken)
    assert (item.path, item.source) == (broken.path, f"data:{path[2:]}-syntax")


async def test_a_line_end_within_a_line_is_reported_as_hidden() -> None:
    """Python runs what stands behind it, and on GitHub it is part of the comment."""
    (item,) = await found(target("a.py", "x = 1\r\n# all is well\rx = 2\r\n"))
    assert (item.source, item.start_line) == ("hidden-characters:control", 2)


async def test_reports_only_changed_lines() -> None:
    text = "import os\nx = undefined_a\ny = undefined_b\n"
    evidence = await found(target("a.py", text, changed=[3]))
    assert [(item.source, item.start_line) for item in evidence] == [("ruff:F821", 3)]


async def test_never_shows_a_secret() -> None:
    value = "AKIAIOSFODNN7EXAMPLQ"
    password = "c0rrect-h0rse-battery"
    text = f"aws = '{value}'\npassword = '{password}'\n{private_key()}\n"
    evidence = await found(target("settings.py.txt", text))
    assert {item.source for item in evidence} == {
        "secrets:aws-key-id",
        "secrets:secret",
        "secrets:private-key",
    }
    everything = repr(evidence)
    assert value not in everything
    assert password not in everything
    assert "aws = '[redacted:aws-key-id]'" in everything


async def test_shows_no_secret_in_what_others_quote_nor_a_second_one_on_the_line() -> None:
    first, second = "AKIAIOSFODNN7EXAMPLQ", "AKIAIOSFODNN7EXAMPLR"
    evidence = await found(target("a.py", f"x = missing('{first}', '{second}')\n"))
    assert {item.source for item in evidence} == {"ruff:F821", "secrets:aws-key-id"}
    assert {item.quote for item in evidence} == {
        "x = missing('[redacted:aws-key-id]', '[redacted:aws-key-id]')"
    }


async def test_reads_every_find_back_to_the_right_file() -> None:
    targets = [target(f"d{n}/m.py", f"x{n} = missing_{n}\n") for n in range(12)]
    evidence = await found(*targets)
    assert {(item.path, item.title[-12:]) for item in evidence} == {
        (f"d{n}/m.py", f"ame `missing_{n}`"[-12:]) for n in range(12)
    }


async def test_a_disabled_analyzer_reports_nothing() -> None:
    assert await found(target("a.py", "x = missing\n"), disabled=NAMES) == ()


def test_evidence_off_the_changed_lines_is_none() -> None:
    diagnostic = Diagnostic(
        file="0001.py",
        rule="X",
        line=1,
        end_line=2,
        category=Category.QUALITY,
        severity=Severity.LOW,
        title="t",
    )
    unchanged = target("a.py", "a\nb\nc\n", changed=[3])
    assert finding("ruff", diagnostic, ChangedLines(unchanged)) is None


def test_a_range_is_cut_to_the_changed_lines_of_one_hunk() -> None:
    diagnostic = Diagnostic(
        file="0001.py",
        rule="X",
        line=1,
        end_line=9,
        category=Category.QUALITY,
        severity=Severity.LOW,
        title="a\n  b",
    )
    item = finding(
        "ruff", diagnostic, ChangedLines(target("a.py", "a\nb\nc\nd\ne\n", changed=[2, 3, 5]))
    )
    assert item is not None
    assert (item.start_line, item.end_line, item.quote, item.title) == (2, 3, "b\nc", "a b")


def _analyzer(name: str, *command: str) -> Analyzer:
    def read(out: bytes, targets: Mapping[str, Target]) -> Iterable[Diagnostic]:
        raise ValueError(out)

    return Analyzer(name, lambda target: True, lambda names: list(command), read)


async def test_a_broken_analyzer_loses_only_its_own_evidence() -> None:
    broken = (
        _analyzer("garbled", "python", "-c", "print('?')"),
        _analyzer("absent", "no-such-program"),
        _analyzer("slow", "python", "-c", "import time; time.sleep(60)"),
        _analyzer("loud", "python", "-c", "print('x' * (32 << 20))"),
    )
    results = await run_all(
        [target("a.py", "x = missing\n")], seconds=3, analyzers=(*broken, *ANALYZERS)
    )
    assert [item.source for item in results.evidence] == ["ruff:F821"]
    assert [note.split()[0] for note in results.notes] == ["garbled", "absent", "slow", "loud"]
    assert results.failed_sources == ("garbled", "absent", "slow", "loud")


#: A file and the analyzer that has something to say of it.
DEFECTS = {
    "ruff": ("a.py", "def f():\n    return nam\n"),
    "oxlint": ("a.js", "const a = 1;\na = 2;\n"),
    "shellcheck": ("a.sh", "#!/bin/sh\nrm -rf $1/\n"),
    "hadolint": ("Dockerfile", "FROM alpine:3\nRUN cd /x\n"),
    "zizmor": (".github/workflows/a.yml", WORKFLOW),
    "data": ("a.json", '{"a": 1,\n'),
}


@pytest.mark.skipif(not works(Isolation.LANDLOCK), reason="no Landlock on this machine")
async def test_all_programs_find_under_landlock_what_they_find_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    targets = [target(path, text) for path, text in DEFECTS.values()]
    migration = target(
        "migrations/1.sql", "BEGIN;\nCREATE INDEX CONCURRENTLY i ON a (b);\nCOMMIT;\n"
    )
    targets.append(replace(migration, file=replace(migration.file, status=FileStatus.ADDED)))
    usual = await found(*targets)
    monkeypatch.setattr(runner, "isolation", lambda: Isolation.LANDLOCK)
    assert await found(*targets) == usual
    assert {item.source.partition(":")[0] for item in usual} >= {*DEFECTS, "squawk"}


@pytest.mark.parametrize("kind", [Isolation.NETWORK, Isolation.LIMITS])
async def test_where_isolation_is_required_no_program_runs_without_it(
    kind: Isolation, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*args: object, **options: object) -> None:
        raise AssertionError("a program was run")

    monkeypatch.setattr(runner, "isolation", lambda: kind)
    monkeypatch.setattr(runner, "run_isolated", never)
    targets = [target("a.py", "x = missing\n"), target("b.md", "<<<<<<< a\n=======\n>>>>>>> b\n")]
    results = await run_all(targets, seconds=60, disabled=("oxlint",), require_isolation=True)
    assert "ruff" in results.failed_sources
    assert not {"oxlint", "shellcheck"} & {*results.failed_sources}
    assert "did not run: this server cannot isolate analyzers" in results.notes[0]
    assert [item.source.partition(":")[0] for item in results.evidence] == ["merge"]
    assert not results.reviewed


async def test_an_analyzer_with_too_many_findings_is_cut_off() -> None:
    text = "".join(f"x{n} = missing\n" for n in range(300))
    results = await run_all([target("a.py", text)], seconds=60)
    assert len(results.evidence) == 200
    assert (results.failed_sources, results.truncated_sources) == ((), ("ruff",))
    assert results.notes == ("ruff reported more than 200 findings; the rest is not shown",)


async def test_of_too_many_findings_the_most_severe_are_kept() -> None:
    """Else a file full of trifles would hide a defect, and with it turn a check green."""
    trifles = "".join(f"import os as x{n}\n" for n in range(300))
    results = await run_all([target("a.py", f"{trifles}y = missing\n")], seconds=60)
    assert len(results.evidence) == 200
    assert "ruff:F821" in {item.source for item in results.evidence}


def _crashes_on(text: str, command: str = "sys.exit(f'found {text}')") -> Analyzer:
    """An analyzer that reports line 1 of each file, unless one of its files holds `text`."""
    program = (
        "import pathlib, sys, time\n"
        "for name in sys.argv[1:]:\n"
        f"    if {text!r} in pathlib.Path(name).read_text(): {command}\n"
        "print(chr(10).join(sys.argv[1:]))"
    )

    def read(out: bytes, targets: Mapping[str, Target]) -> Iterable[Diagnostic]:
        if not out:
            raise ValueError
        for name in out.decode().split():
            yield Diagnostic(
                file=name,
                rule="X",
                line=1,
                end_line=1,
                category=Category.CORRECTNESS,
                severity=Severity.HIGH,
                title="t",
            )

    def run(names: Mapping[str, Target]) -> list[str]:
        return ["python", "-c", program, *names]

    return replace(_analyzer("fragile"), command=run, read=read)


@pytest.mark.parametrize(
    ("command", "how"), [("sys.exit('found')", "failed"), ("time.sleep(60)", "took too long")]
)
async def test_a_file_that_crashes_an_analyzer_costs_that_file_alone(
    command: str, how: str
) -> None:
    texts = {"bomb.py": "boom\n", **{f"m{n}.py": "x = 1\n" for n in range(3)}}
    results = await run_all(
        [target(path, text) for path, text in texts.items()],
        seconds=12,
        analyzers=(_crashes_on("boom", command),),
    )
    assert [item.path for item in results.evidence] == ["m0.py", "m1.py", "m2.py"]
    assert results.failed_sources == ("fragile",)
    assert results.notes == (f"fragile {how} on `bomb.py`; skipped there",)
    assert results.reviewed == {"m0.py", "m1.py", "m2.py"}


async def test_a_file_that_overflows_ruff_hides_nothing_in_the_others() -> None:
    bomb = "x = " + "'a' + \\\n" * 20_000 + "'a'\n"
    results = await run_all(
        [target("bad.py", "y = missing\n"), target("z.py", bomb)], seconds=60, analyzers=(RUFF,)
    )
    assert [item.source for item in results.evidence] == ["ruff:F821"]
    assert results.failed_sources == ("ruff",)


async def test_an_analyzer_that_fails_on_every_file_is_named_once() -> None:
    results = await run_all(
        [target(f"m{n}.py", "boom\n") for n in range(3)],
        seconds=20,
        analyzers=(_crashes_on("boom"),),
    )
    assert results.notes == ("fragile failed; skipped",)
    assert (results.evidence, results.reviewed) == ((), frozenset())


async def test_leaves_no_directory(scratch: Path) -> None:
    await found(target("a.py", "x = missing\n"))
    assert os.listdir(scratch) == []


def test_an_analyzer_with_a_finding_on_every_line_takes_linear_time() -> None:
    def collect(size: int) -> None:
        file = target("a.py", "x = missing\n" * size)
        diagnostic = [
            Diagnostic(
                file="0001.py",
                rule="X",
                line=number,
                end_line=number,
                category=Category.QUALITY,
                severity=Severity.LOW,
                title="t",
            )
            for number in range(1, size + 1)
        ]
        changed_lines = ChangedLines(file)
        assert (
            len([item for each in diagnostic if (item := finding("x", each, changed_lines))])
            == size
        )

    assert growth(collect, 8000) < 10


async def test_committed_conflicts_are_reported_no_more_often_than_other_findings() -> None:
    text = "<<<<<<< ours\n=======\n>>>>>>> theirs\n" * 300
    results = await run_all([target("a.txt", text)], seconds=60, analyzers=(MERGE,))
    assert len(results.evidence) == 200
    assert results.truncated_sources == ("merge",)
