"""A team's own ast-grep rules: those of the base branch find, and those that can't be used are
named with what is wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from bot.config.settings import Settings
from bot.domain.diff import ChangedFile, FileStatus, Hunk, Line
from bot.domain.model import Category, Severity
from tests.support.repositories import Repository
from tests.support.run_scan import scanned
from workers.scan import own_rules
from workers.scan.analyzers.analyzer import Analyzer, Target
from workers.scan.own_rules import FOLDER, MAX_RULES, OwnRule
from workers.scan.scan import Scanned

NO_PRINT = """\
id: use-the-logger
language: python
severity: warning
message: print goes to no log, not $WHAT
note: Use `log.info`.
url: https://wiki.example.org/logging
files: ["src/**"]
ignores: ["src/cli/"]
metadata: {category: maintainability}
rule:
  pattern: print($WHAT)
  not: {inside: {kind: if_statement, stopBy: end}}
"""
CODE = "def f(x):\n    if x:\n        print(x)\n    print(x + 1)\n"


async def review(folder: Path, rules: Mapping[str, str], **changed: str) -> Scanned:
    """A scan of new files; the rules stand on the base branch."""
    at_base: dict[str | bytes, str | bytes] = {"README.md": "x\n"}
    at_base |= {FOLDER + name: text for name, text in rules.items()}
    new: dict[str | bytes, str | bytes] = {
        path.replace("__", "/") + ".py": text for path, text in changed.items()
    }
    source = Repository(folder / "upstream.git").change(at_base, at_base | new)
    settings = Settings(
        _env_file=None,
        data_dir=folder / "data",
        analyzers_disabled=("ruff", "secrets", "oxlint", "leftovers"),
    )
    return await scanned(source, settings)


async def test_a_rule_of_the_base_branch_finds_what_it_describes(tmp_path: Path) -> None:
    scan = (await review(tmp_path, {"a.yml": NO_PRINT}, src__a=CODE, src__cli__b=CODE, c=CODE)).scan
    assert [
        (item.path, item.start_line, item.source, item.severity, item.category, item.title)
        for item in scan.evidence
    ] == [
        (
            "src/a.py",
            4,
            "ast-grep:use-the-logger",
            Severity.MEDIUM,
            Category.MAINTAINABILITY,
            "print goes to no log, not x + 1",
        )
    ]
    assert (scan.evidence[0].body, scan.evidence[0].url) == (
        "Use `log.info`.",
        "https://wiki.example.org/logging",
    )
    assert scan.notes == ()


async def test_a_pull_request_cannot_change_the_rules_that_it_is_checked_by(tmp_path: Path) -> None:
    at_base: dict[str | bytes, str | bytes] = {FOLDER + "a.yml": NO_PRINT}
    own = NO_PRINT.replace("use-the-logger", "mine").replace("print(", "f(")
    new: dict[str | bytes, str | bytes] = {
        FOLDER + "a.yml": own,
        FOLDER + "b.yml": own,
        "sgconfig.yml": "ruleDirs: [.github/glossator/rules]\n",
        "src/a.py": "print(1)\nf(1)\n",
    }
    source = Repository(tmp_path / "upstream.git").change(at_base, new)
    scan = (await scanned(source, Settings(_env_file=None, data_dir=tmp_path / "data"))).scan
    own_findings = [item for item in scan.evidence if item.source.startswith("ast-grep")]
    assert [(item.source, item.start_line) for item in own_findings] == [
        ("ast-grep:use-the-logger", 1)
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("id: [", "This is not valid YAML: `expected the node content, but found '<stream end>'`."),
        (NO_PRINT.replace("message", "mesage"), "it has an unknown key `mesage`"),
        (NO_PRINT.replace("python", "klingon"), "its `language` has to be one of bash, c, cpp"),
        (NO_PRINT.replace("use-the-logger", "x y"), "it needs an `id` of at most 60 letters"),
        (NO_PRINT.partition("rule:")[0], "it needs a `rule`"),
        (NO_PRINT.replace("warning", "off"), "its `severity` has to be one of error, warning"),
        (NO_PRINT.replace("maintainability", "taste"), "its `metadata.category` has to be one of"),
        (NO_PRINT.replace('["src/**"]', "src"), "its `files` has to be a list of patterns"),
        (NO_PRINT + "---\n" + NO_PRINT, "The file has several YAML documents: keep only one."),
        (NO_PRINT + "fix: &a x\n", "Anchors (`&`) and aliases (`*`) are not allowed"),
    ],
)
async def test_a_file_that_is_no_rule_is_named_and_the_others_are_used(
    tmp_path: Path, text: str, why: str
) -> None:
    rules = {"bad.yml": text, "good.yml": NO_PRINT.replace("id: use", "id: please-use")}
    scan = (await review(tmp_path, rules, src__a=CODE)).scan
    (note,) = scan.notes
    assert note.startswith(f"The rule `{FOLDER}bad.yml` was not used: {why}")
    assert [item.source for item in scan.evidence] == ["ast-grep:please-use-the-logger"]
    assert scan.failed_sources == ("ast-grep",)


async def test_a_rule_that_ast_grep_refuses_costs_no_other(tmp_path: Path) -> None:
    refused = "id: other\nlanguage: python\nrule: {patern: print($A)}\n"
    rules = {"bad.yml": refused, "good.yml": NO_PRINT, "twice.yaml": NO_PRINT}
    scan = (await review(tmp_path, rules, src__a=CODE)).scan
    assert [item.source for item in scan.evidence] == ["ast-grep:use-the-logger"]
    assert list(scan.notes) == [
        f"The rule `{FOLDER}twice.yaml` was not used: "
        f"its id `use-the-logger` is that of `{FOLDER}good.yml` too",
        f"The rule `{FOLDER}bad.yml` was not used: ast-grep: `unknown field 'patern', expected one "
        "of pattern, kind, regex, nthChild, range, inside, has, precedes, follows, all, any, not, "
        "matches`",
    ]


async def test_why_a_rule_was_refused_is_one_short_line_that_stays_code(tmp_path: Path) -> None:
    refused = "id: other\nlanguage: python\nrule: {matches: '`@everyone`\n" + "x " * 300 + "'}\n"
    (note,) = (await review(tmp_path, {"bad.yml": refused}, src__a=CODE)).scan.notes
    before, _, why = note.partition("ast-grep: ")
    assert before == f"The rule `{FOLDER}bad.yml` was not used: "
    assert (why[:6], why[-2:]) == ("`Rule ", "…`")
    assert (len(why), why.count("`"), why.count("\n")) == (202, 2, 0)


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rules each run of ast-grep has had."""
    counts: list[int] = []
    made = own_rules._analyzer

    def analyzer(rules: Sequence[OwnRule]) -> Analyzer:
        counts.append(len(rules))
        return made(rules)

    monkeypatch.setattr(own_rules, "_analyzer", analyzer)
    return counts


def rules_of(count: int) -> dict[str, str]:
    return {f"{FOLDER}{n}.yml": NO_PRINT.replace("use", f"r{n}-use") for n in range(count)}


def with_program(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """In place of ast-grep; it gets how many rules there are, and the names of files."""
    made = own_rules._analyzer

    def analyzer(rules: Sequence[OwnRule]) -> Analyzer:
        def command(names: Mapping[str, Target]) -> list[str]:
            return ["python", "-c", program, str(len(rules)), *names]

        return replace(made(rules), command=command)

    monkeypatch.setattr(own_rules, "_analyzer", analyzer)


def new_file() -> Target:
    lines = tuple(Line(None, n, text) for n, text in enumerate(CODE.splitlines(), 1))
    hunks = (Hunk(1, 1, "", lines),)
    return Target(
        ChangedFile(path="src/a.py", status=FileStatus.ADDED, hunks=hunks), "python", CODE
    )


@pytest.mark.parametrize("count", [1, 5])
async def test_rules_that_take_too_long_are_not_tried_again(
    monkeypatch: pytest.MonkeyPatch, running: list[int], count: int
) -> None:
    with_program(monkeypatch, "import time; time.sleep(60)")
    results = await own_rules.run_own_rules(rules_of(count), [new_file()], seconds=1)
    assert results.notes == (
        f"The rules in `{FOLDER}` took longer than 1 seconds and were not used",
    )
    assert (results.failed_sources, running) == (("ast-grep",), [count])


async def test_all_rules_that_are_tried_alone_share_one_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slow_alone = "import sys, time; sys.argv[1] == '9' and sys.exit('x'); time.sleep(60)"
    with_program(monkeypatch, slow_alone)
    results = await own_rules.run_own_rules(rules_of(9), [new_file()], seconds=2)
    assert results.failed_sources == ("ast-grep",)
    assert results.notes[-1].endswith("not used: all took longer than 2 seconds together")
    assert sum(note.count(FOLDER) for note in results.notes) == 9


async def test_rules_that_fail_only_together_are_used_one_by_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    together_fails = "import sys; sys.argv[1] != '1' and sys.exit('x'); print('[]')"
    with_program(monkeypatch, together_fails)
    results = await own_rules.run_own_rules(rules_of(2), [new_file()], seconds=60)
    assert (results.notes, results.failed_sources) == ((), ())


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=6), inner, max_size=2)
    ),
    max_leaves=4,
)
KEYS = st.sampled_from(sorted(own_rules._KEYS)) | st.text(max_size=6)
VALID: dict[str, Any] = {"id": "a", "language": "python", "rule": {"pattern": "f()"}}


@given(st.dictionaries(KEYS, VALUES | st.fixed_dictionaries({"category": VALUES}), max_size=4))
@example({"severity": ["error"]})
@example({"metadata": {"category": ["security"]}})
@example({"a`b": 1})
def test_whatever_a_file_says_it_is_a_rule_or_named(changed: dict[str, Any]) -> None:
    text = yaml.safe_dump(VALID | changed, allow_unicode=True)
    rules, notes = own_rules._read_all({FOLDER + "a.yml": text})
    assert len(rules) + len(notes) == 1
    assert all(note.count("`") % 2 == 0 and "\n" not in note for note in notes)


async def test_there_is_an_end_to_the_number_of_rules(tmp_path: Path) -> None:
    rules = {f"{n:02}.yml": NO_PRINT.replace("use", f"r{n}-use") for n in range(MAX_RULES + 1)}
    scan = (await review(tmp_path, rules, src__a=CODE)).scan
    assert len({item.source for item in scan.evidence}) == MAX_RULES
    assert scan.notes == (
        f"`{FOLDER}` holds more than {MAX_RULES} rules: the others were not used",
    )


async def test_rules_that_are_switched_off_are_not_read(tmp_path: Path) -> None:
    source = Repository(tmp_path / "upstream.git").change(
        {FOLDER + "a.yml": "id: ["}, {FOLDER + "a.yml": "id: [", "src/a.py": CODE}
    )
    settings = Settings(
        _env_file=None, data_dir=tmp_path / "data", analyzers_disabled=("ast-grep",)
    )
    scan = (await scanned(source, settings)).scan
    assert (scan.notes, scan.failed_sources) == ((), ())
