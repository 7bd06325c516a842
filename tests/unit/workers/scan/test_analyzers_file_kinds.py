"""Each analyzer is given what is its own, and is right about that alone."""

from dataclasses import replace

import pytest

from bot.domain.diff import ChangedFile, FileStatus, Hunk, Line
from bot.domain.model import Severity
from bot.text.file_kinds import language_of_file
from workers.scan.analyzers.analyzer import Target
from workers.scan.analyzers.runner import run_all
from workers.scan.selection.python_project import PythonProject


def added(path: str, text: str) -> Target:
    """A new file."""
    lines = tuple(
        Line(None, n, line.removesuffix("\r")) for n, line in enumerate(text.split("\n"), 1)
    )
    hunks = (Hunk(0, 1, "", lines),)
    file = ChangedFile(path=path, status=FileStatus.ADDED, hunks=hunks, additions=len(lines))
    return Target(file, language_of_file(path, text), text)


#: A migration that is PostgreSQL's, and blocks a table twice.
BLOCKS = "ALTER TABLE a ALTER COLUMN b SET NOT NULL;\nCREATE INDEX i ON a (b);\n"


async def said(*targets: Target) -> list[tuple[str, str, int | None]]:
    results = await run_all(targets, seconds=60)
    assert results.failed_sources == ()
    return [(item.path, item.source, item.start_line) for item in results.evidence]


COMMENTED = '{\n  // why\n  "a": 1, /* a\n  b */ "url": "http://x/*",\n}\n'


@pytest.mark.parametrize(
    "path",
    ["tsconfig.json", ".vscode/settings.json", ".eslintrc.json", "web/nx.json", "renovate.json"],
)
async def test_comments_are_no_fault_where_they_are_allowed(path: str) -> None:
    assert await said(added(path, COMMENTED)) == []
    broken = COMMENTED.replace('"a": 1,', '"a" 1,')
    assert await said(added(path, broken)) == [(path, "data:json-syntax", 3)]


async def test_comments_elsewhere_are_worth_a_word_and_no_more() -> None:
    results = await run_all([added("data.json", COMMENTED)], seconds=60)
    (item,) = results.evidence
    assert (item.source, item.severity, item.start_line) == (
        "data:json-comments",
        Severity.LOW,
        2,
    )


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("Dockerfile.dockerignore", "**/node_modules\n!src\n.git\n"),
        ("docs/Dockerfile.txt", "how the Dockerfile is made\n"),
        ("Dockerfile.common", "RUN apt-get install x\n"),  # a piece that others include
        ("Dockerfile.j2", "FROM {{ image }}\nCMD a\nCMD b\n"),
        ("a.py.j2", "{% if x %}\nimport a\n{% endif %}\n"),
        ("a.py", "{% if x %}\nimport a\n{% endif %}\nprint(b)\n"),
        ("{{cookiecutter.slug}}/setup.py", "setup(name={{ cookiecutter.slug }})\n"),
        ("deploy.sh.tmpl", '#!/bin/bash\nrm -rf "$1/"*\nif {{ x }}\n'),
        ("a.js", "---\n---\nvar x = {{ y }};\n"),
        ("chart/templates/a.yaml", "{{- if .Values.x }}\na: 1\n{{- end }}\n"),
        ("chart/templates/b.yaml", "a:\n{{ toYaml .Values.x | indent 2 }}\n"),
        ("roles/a/tasks/main.yml", "- debug:\n    msg: {{ x }} y\n"),
        ("config/database.yml", "a:\n<% if x %>\n  b: 1\n<% else %>\n  b: 2\n<% end %>\n"),
        ("vars.yml", "#{% if x %}\na: 1\n#{% else %}\na: 2\n#{% endif %}\n"),
        ("page.json", '{"a": {{ x | jsonify }}}\n'),
        ("Cargo.toml", '[package]\n{% if x %}\nname = "a"\n{% endif %}\n'),
        ("plugins/_wd.sh", "#compdef wd\narr=(${(s,:,)line})\n"),
        ("tools/check.sh", "f() {\n  {\n    x\n  } always {\n    y\n  }\n}\n"),
        ("env.sh", "setopt extended_glob\nfor x (a b) echo $x\n"),
        ("a.zsh", "print -l ${(f)x}\nfor x (a b) echo $x\n"),
        ("bin/run", "#!/usr/bin/env zsh\nfor x (a b) echo $x\n"),
        ("a.js", "// @flow\ntype A = {| x: number |};\nexport const f = (x: A) => x;\n"),
        ("i18n/de.ts", '<?xml version="1.0"?>\n<!DOCTYPE TS>\n<TS version="2.1"/>\n'),
        ("templates/.github/workflows/ci.yml", "on: push\njobs: {a: {runs-on: x, steps: []}}\n"),
        # Not plainly PostgreSQL's, another database's, one that takes it back, no migration.
        ("migrations/1.sql", "ALTER TABLE a ADD COLUMN b int NOT NULL;\n"),
        ("migrations/1.sql", f"{BLOCKS}CREATE TABLE b (id int AUTO_INCREMENT) ENGINE=InnoDB;\n"),
        ("migrations/1.down.sql", BLOCKS),
        ("queries/1.sql", BLOCKS),
        # Of a table that is new, in the tool's own transaction, and what cannot be read whole.
        (
            "migrations/1.sql",
            "CREATE TABLE a (id bigint, c jsonb);\nALTER TABLE a ADD COLUMN b text NOT NULL;\n"
            "CREATE INDEX i ON a (b);\n",
        ),
        ("migrations/1.sql", "CREATE INDEX CONCURRENTLY i ON a (b);\n"),
        ("migrations/1.sql", f"{BLOCKS}SELECT FROM WHERE;\n"),
    ],
)
async def test_nothing_is_said_of_what_only_looks_like_the_language(path: str, text: str) -> None:
    assert await said(added(path, text)) == []


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("Dockerfile.alpine", "FROM a:1\nCMD a\nCMD b\n", ("hadolint:DL4003", 3)),
        ("a.yml", "a: [\n", ("data:yaml-syntax", 1)),
        ("ci.yml", "a: ${{ x }}\nb: 1\na: 2\n", ("data:duplicate-key", 3)),
        ("play.yml", "a: '{{ x }}'\nb: 1\na: 2\n", ("data:duplicate-key", 3)),
        ("a.py", "def f(:\n", ("ruff:syntax", 1)),
        ("a.jsx", "export const A = <p style={{ a: 1 }}>;\n", ("oxlint:syntax", 1)),
        ("run", "#!/bin/ash\nrm -rf $1/*\n", ("shellcheck:SC2115", 2)),
        ("migrations/1.sql", BLOCKS, ("squawk:adding-not-nullable-field", 1)),
        ("db/V1_2__a.sql", BLOCKS, ("squawk:require-concurrent-index-creation", 2)),
        (
            "migrations/1.sql",
            "BEGIN;\nCREATE INDEX CONCURRENTLY i ON a (b);\nCOMMIT;\n",
            ("squawk:ban-concurrent-index-creation-in-transaction", 2),
        ),
    ],
)
async def test_what_is_in_the_language_is_still_read(
    path: str, text: str, expected: tuple[str, int]
) -> None:
    assert expected in [(source, line) for _, source, line in await said(added(path, text))]


def updated(before: str, after: str) -> Target:
    """A workflow in which a line is replaced by another one."""
    head = "on: push\npermissions: {}\njobs:\n  a:\n    runs-on: x\n    steps:\n"
    text = f"{head}      - uses: {after}\n        with: {{persist-credentials: false}}\n"
    lines = (Line(7, None, f"      - uses: {before}"), Line(None, 7, f"      - uses: {after}"))
    file = ChangedFile(
        path=".github/workflows/a.yml",
        status=FileStatus.MODIFIED,
        hunks=(Hunk(7, 7, "", lines if before else lines[1:]),),
    )
    return Target(file, "yaml", text)


@pytest.mark.parametrize(
    ("before", "after", "news"),
    [
        ("actions/checkout@v6", "actions/checkout@v7", False),
        (f"a/b@{'1' * 40} # v1", f"a/b@{'2' * 40} # v2", False),
        ("a/b@v1", f"a/b@{'2' * 40}", False),
        (f"a/b@{'1' * 40} # v1", "a/b@v2", True),
        ("a/b@v1", "c/d@v1", True),
        ("", "a/b@v1", True),
    ],
)
async def test_a_new_version_of_an_action_is_no_new_finding(
    before: str, after: str, news: bool
) -> None:
    found = await said(updated(before, after))
    assert [source for _, source, _ in found] == ["zizmor:unpinned-uses"] * news


async def test_a_step_of_which_the_version_alone_is_new_is_no_new_finding() -> None:
    text = "on: push\npermissions: {}\njobs:\n  a:\n    runs-on: x\n    steps:\n"
    text += "      - name: b\n        uses: actions/checkout@v7\n"
    lines = (
        Line(7, 7, "      - name: b"),
        Line(8, None, "        uses: actions/checkout@v6"),
        Line(None, 8, "        uses: actions/checkout@v7"),
    )
    path = ".github/workflows/a.yml"
    file = ChangedFile(path=path, status=FileStatus.MODIFIED, hunks=(Hunk(7, 7, "", lines),))
    assert await said(Target(file, "yaml", text)) == []
    whole = {source for _, source, _ in await said(added(path, text))}
    assert whole == {"zizmor:artipacked", "zizmor:unpinned-uses"}


INJECTION = """\
on: {trigger}
permissions: {{}}
jobs:
  a:
    runs-on: x
    steps:
      - run: echo "${{{{ {value} }}}}"
"""


@pytest.mark.parametrize(
    ("path", "text", "source", "severity"),
    [
        (
            ".github/workflows/a.yml",
            INJECTION.format(trigger="issues", value="github.event.issue.title"),
            "zizmor:template-injection",
            Severity.HIGH,
        ),
        (
            ".github/workflows/a.yml",
            INJECTION.format(trigger="workflow_dispatch", value="github.event.inputs.tag"),
            "zizmor:template-injection",
            Severity.MEDIUM,
        ),
        (
            ".github/workflows/a.yml",
            INJECTION.format(trigger="pull_request_target", value="github.sha"),
            "zizmor:dangerous-triggers",
            Severity.LOW,
        ),
        (
            ".github/workflows/a.yml",
            INJECTION.format(trigger="pull_request_target", value="github.head_ref"),
            "zizmor:dangerous-triggers",
            Severity.MEDIUM,
        ),
        ("docs_src/a.py", "x = Session()\n", "ruff:F821", Severity.MEDIUM),
        ("src/a.py", "x = Session()\n", "ruff:F821", Severity.HIGH),
        ("a.py", "def f(x):\n    x.content\n", "ruff:B018", None),
        ("a.py", "def f(x):\n    x.close\n", "ruff:B018", Severity.LOW),
        ("a.py", "def f(x):\n    x == 1\n", "ruff:B015", Severity.MEDIUM),
        ("a.js", "export const f = (m, p, t) => { while (m = p.exec(t)) t(m); };\n",
         "oxlint:no-cond-assign", Severity.LOW),
        ("a.js", "export const f = (m, p) => { if (m = p) p(); };\n",
         "oxlint:no-cond-assign", Severity.MEDIUM),
        ("a.js", "export const f = (g) => { g && g(); };\n",
         "oxlint:no-unused-expressions", Severity.INFO),
        ("a.js", "export const f = (g) => { g; };\n",
         "oxlint:no-unused-expressions", Severity.LOW),
        ("test/a.js", "expect(1).to.be.ok;\n", "oxlint:no-unused-expressions", Severity.INFO),
        ("a.js", "export function make() { this.x = 1; return null; }\n",
         "oxlint:no-this-in-sfc", None),
        ("a.sh", '#!/bin/bash\ncd "$BASH_SOURCE" || exit\n', "shellcheck:SC2128", None),
        ("a.jsx", "export const A = (p) => <b>{p.icon && p.icon}</b>;\n",
         "oxlint:const-comparisons", Severity.LOW),
        ("a.js", "export const f = (a) => a < 1 && a > 2;\n",
         "oxlint:const-comparisons", Severity.MEDIUM),
        ("test/a.js", "f({ a: false && 'b' });\n",
         "oxlint:no-constant-binary-expression", Severity.LOW),
        ("tests/urls.json", '{"a": "http://x/\u202e"}\n',
         "hidden-characters:bidi", Severity.MEDIUM),
        ("urls.json", '{"a": "http://x/\u202e"}\n', "hidden-characters:bidi", Severity.HIGH),
        ("tests/data/bad.py", "def f(:\n", "ruff:syntax", Severity.MEDIUM),
        ("tests/test_a.py", "def f(:\n", "ruff:syntax", Severity.HIGH),
        ("test/linters/bad.sh", "#!/bin/sh\nif [ 1 -ne 0]; then\n", "shellcheck:SC1073",
         Severity.MEDIUM),
        ("bad.sh", "#!/bin/sh\nif [ 1 -ne 0]; then\n", "shellcheck:SC1073", Severity.HIGH),
        ("old.py", "def f(x):\n    print x\n", "ruff:syntax", Severity.MEDIUM),
        ("a.py", "def f(x):\n    print(x\n", "ruff:syntax", Severity.HIGH),
        ("a.py", "x = y  # pylint: disable=undefined-variable\n", "ruff:F821", None),
        ("a.py", "x = y  # type: ignore[name-defined]\n", "ruff:F821", None),
        ("index.d.ts", "export class A { f(): void; }\n", "oxlint:TS2391", None),
        ("index.ts", "export class A { f(): void; }\n", "oxlint:TS2391", Severity.MEDIUM),
        ("a/__init__.py", "from a.b import c\n", "ruff:F401", None),
        ("a/b.py", "from a.c import d\n", "ruff:F401", Severity.INFO),
        ("a.sh", '#!/bin/bash\na=(1 2)\necho "$a"\n', "shellcheck:SC2128", Severity.LOW),
    ],
)  # fmt: skip
async def test_habits_and_what_outsiders_cannot_reach_are_worth_less(
    path: str, text: str, source: str, severity: Severity | None
) -> None:
    results = await run_all([added(path, text)], seconds=60)
    found = {item.source: item.severity for item in results.evidence}
    assert found.get(source) is severity


async def test_a_large_script_is_read_in_time() -> None:
    """With the flow of data followed it takes half a minute of processor time."""
    functions = "".join(
        f'f{n}() {{\n  local a; a="$1"\n  if [ -n "$a" ]; then\n    f{n // 2} "$a" || return 1\n'
        f'  fi\n  case "$a" in\n    x*) rm -rf "$a/"* ;;\n  esac\n}}\n'
        for n in range(700)
    )
    results = await run_all([added("a.sh", f"#!/bin/sh\n{functions}")], seconds=60)
    assert results.notes == ("shellcheck reported more than 200 findings; the rest is not shown",)
    assert {item.source for item in results.evidence} == {"shellcheck:SC2115"}


def in_project(path: str, text: str, project: PythonProject) -> Target:
    return replace(added(path, text), project=project)


async def test_names_that_a_project_declares_are_defined() -> None:
    text = "print(_('a'), ours, theirs)\n"
    declared = PythonProject(builtins=frozenset({"_", "ours"}))
    results = await run_all([in_project("a.py", text, declared)], seconds=60)
    assert [item.title for item in results.evidence] == ["Undefined name `theirs`"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("app.py", "import gettext\ngettext.install('app')\nprint(_('a'))\n"),
        ("docs/conf.py", "if tags.has('x'):\n    pass\n"),
        ("jupyter_notebook_config.py", "c = get_config()\n"),
    ],
)
async def test_names_that_a_file_of_this_kind_is_given_are_defined(path: str, text: str) -> None:
    assert await said(added(path, text)) == []


async def test_gettexts_name_may_be_installed_elsewhere() -> None:
    results = await run_all([added("a.py", "print(_('a'))\n")], seconds=60)
    assert [item.severity for item in results.evidence] == [Severity.MEDIUM]


async def test_each_file_is_held_to_the_oldest_python_of_its_project() -> None:
    text = "match 1:\n    case 1:\n        raise ExceptionGroup('a', [])\n"
    results = await run_all(
        [
            in_project("old/a.py", text, PythonProject(minor=9)),
            in_project("new/a.py", text, PythonProject(minor=11)),
            added("unknown/a.py", text),
        ],
        seconds=60,
    )
    assert [(item.path, item.source, item.severity, item.title) for item in results.evidence] == [
        (
            "old/a.py",
            "ruff:newer-syntax",
            Severity.MEDIUM,
            "Syntax error: Cannot use `match` statement on Python 3.9 "
            "(syntax was added in Python 3.10)",
        ),
        ("old/a.py", "ruff:F821", Severity.MEDIUM, "Undefined name `ExceptionGroup`"),
    ]


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("a.py", "x = 1\ry = 2\rprint(x, y)\n", []),
        ("a.py", "a = 1\nx = 1\ry = nam\r\nz = 1\nq = other\n", [2, 4]),
        ("a.js", "const a = 1;\rexport const b = a === NaN;\nexport const c = b;\n", [1]),
        ("a.json", '{"a": 1,\r"b": 2}\n', []),
        ("a.yaml", "a: 1\rb: 2\na: 3\n", [2]),
    ],
)
async def test_a_carriage_return_ends_a_line_where_the_language_says_so(
    path: str, text: str, expected: list[int]
) -> None:
    found = await said(added(path, text))
    hidden = ("hidden-characters:control", "ruff:S101")
    assert [line for _, source, line in found if source not in hidden] == expected
