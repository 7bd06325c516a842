"""Outlines in many languages, relatives by name, snippets and their budget."""

import warnings
from dataclasses import replace

import pytest

from bot.domain.diff import ChangedFile, FileStatus, Hunk, Line
from bot.domain.model import Batch, BatchFile
from bot.text.languages import is_python, language_of, parses, tree_of
from bot.text.tokens import count_tokens
from workers.scan.context.context import text_of, with_context
from workers.scan.context.grammar_nodes import NODES
from workers.scan.context.outline import outline
from workers.scan.context.related import index, related
from workers.scan.context.snippets import snippets
from workers.scan.repository.clone import Entry

#: A definition named `target` on lines 2 to 4, in each language.
TARGETS = {
    "bash": "x=1\ntarget() {\n  echo 1\n}\n",
    "c": "int x;\nint target(int a) {\n  return a;\n}\n",
    "cpp": "int x;\nint target(int a) {\n  return a;\n}\n",
    "csharp": "class A {\n  int target(int a) {\n    return a;\n  }\n}\n",
    "dart": "int x = 1;\nint target(int a) {\n  return a;\n}\n",
    "elixir": "defmodule A do\n  def target(x) do\n    x\n  end\nend\n",
    "fortran": "! m\nsubroutine target(a)\n  a = 1\nend subroutine\n",
    "go": "package a\nfunc target(a int) int {\n\treturn a\n}\n",
    "java": "class A {\n  int target(int a) {\n    return a;\n  }\n}\n",
    "javascript": "let x;\nfunction target(a) {\n  return a;\n}\n",
    "julia": "x = 1\nfunction target(a)\n  a\nend\n",
    "kotlin": "val x = 1\nfun target(a: Int): Int {\n  return a\n}\n",
    "lua": "x = 1\nfunction target(a)\n  return a\nend\n",
    "nix": "{\n  target = a:\n    a\n    ;\n}\n",
    "ocaml": "let x = 1\nlet target a =\n  a +\n  1\n",
    "perl": "my $x;\nsub target {\n  return 1;\n}\n",
    "php": "<?php\nfunction target($a) {\n  return $a;\n}\n",
    "powershell": "$x = 1\nfunction target {\n  1\n}\n",
    "proto": 'syntax = "proto3";\nmessage target {\n  int32 a = 1;\n}\n',
    "python": "x = 1\ndef target(a):\n    b = a\n    return b\n",
    "r": "x <- 1\ntarget <- function(a) {\n  a\n}\n",
    "ruby": "x = 1\ndef target(a)\n  a\nend\n",
    "rust": "use a::b;\nfn target(a: i32) -> i32 {\n    a\n}\n",
    "scala": "object A {\n  def target(a: Int): Int = {\n    a\n  }\n}\n",
    "solidity": "contract A {\n  function target() public {\n    x = 1;\n  }\n}\n",
    "swift": "let x = 1\nfunc target(a: Int) -> Int {\n  return a\n}\n",
    "terraform": 'x = 1\nresource "a" "target" {\n  b = 1\n}\n',
    "tsx": "let x;\nfunction target(a: number) {\n  return <b>{a}</b>;\n}\n",
    "typescript": "let x;\nfunction target(a: number): number {\n  return a;\n}\n",
    "zig": "const x = 1;\nfn target(a: i32) i32 {\n    return a;\n}\n",
}
#: The same, where it is one by its value.
ASSIGNED = [
    ("javascript", "let x;\nexport const target = async () => {\n  return 1;\n};\n"),
    ("javascript", "let x;\nexports.target = function () {\n  return 1;\n};\n"),
    ("javascript", "class A {\n  target = () => {\n    return 1;\n  };\n}\n"),
    ("typescript", "class A {\n  private target = (): number => {\n    return 1;\n  };\n}\n"),
    ("typescript", "let x;\nconst target: F = (a) => {\n  return a;\n};\n"),
    ("tsx", "let x;\nexport const target = memo(() => {\n  return <b />;\n});\n"),
    ("go", "package a\nvar target = func(a int) int {\n\treturn a\n}\n"),
    ("java", "class A {\n  F target = (a) -> {\n    return a;\n  };\n}\n"),
]
NAMELESS = {"r", "terraform", "ocaml"}  # the name stands outside, or is a string


@pytest.mark.parametrize("language", sorted(TARGETS))
def test_finds_what_encloses_a_line(language: str) -> None:
    block = outline(language, TARGETS[language]).enclosing(3, 3)
    assert block is not None
    assert (block.start, block.end) == (2, 4)
    if language not in NAMELESS:
        assert block.name == "target"


@pytest.mark.parametrize(("language", "text"), ASSIGNED)
def test_a_function_that_is_assigned_is_a_definition(language: str, text: str) -> None:
    block = outline(language, text).enclosing(3, 3)
    assert block is not None
    assert (block.name, block.start, block.end) == ("target", 2, 4)


def test_a_result_that_takes_a_function_is_no_definition() -> None:
    text = "function f(a) {\n  const b = a.map((c) => {\n    return c;\n  });\n}\n"
    assert [block.name for block in outline("typescript", text).definitions] == ["f"]


@pytest.mark.parametrize("language", sorted(NODES))
def test_every_node_type_exists_in_its_grammar(language: str) -> None:
    assert outline(language, "\n").definitions == ()  # a wrong one raises QueryError


@pytest.mark.parametrize(
    ("path", "first_line", "language"),
    [
        ("a/B.PY", "", "python"),
        ("Dockerfile.dev", "", "dockerfile"),
        ("x.tsx", "", "tsx"),
        ("run", "#!/usr/bin/env python3", "python"),
        ("run", "#!/bin/sh -e", "bash"),
        ("run", "#!/usr/bin/env -S node --x", "javascript"),
        ("run", "", ""),
        ("a.unknown", "#!", ""),
        ("go.mod", "", "gomod"),
        (".hidden", "", ""),
    ],
)
def test_knows_the_language(path: str, first_line: str, language: str) -> None:
    assert language_of(path, first_line) == language


def test_parses_returns_false_only_when_certain() -> None:
    assert parses("python", "x = 1\n")
    assert not parses("python", "x = = 1\n")
    assert not parses("typescript", "let x: = ;")
    assert parses("", "x = = 1")
    assert parses("sql", "SELEC x")


@pytest.mark.parametrize(
    "text", ["if x:\n", "x := 1\n", "if x:\n    a\n  b\n", "x = 1\0", "\ud800"]
)
def test_python_itself_refuses_what_its_grammar_lets_pass(text: str) -> None:
    assert not is_python(text)


@pytest.mark.parametrize(
    "text",
    [
        'f"{d["a"]}"\n',
        "def f[T](x: T) -> T: ...\n",
        "class C[T]:\n    pass\n",
        "type X = int\n",
        "try:\n    pass\nexcept A, B:\n    pass\n",
    ],
)
def test_what_newer_pythons_take_is_not_refused(text: str) -> None:
    assert is_python(text)


@pytest.mark.parametrize("text", ["(" * 5000 + ")" * 5000, "not " * 90_000 + "x", "x\n" * 150_000])
def test_a_text_that_would_be_too_much_for_pythons_parser_is_not_given_to_it(text: str) -> None:
    assert is_python(text + "x := 1")


def test_code_under_review_warns_of_nothing_in_our_log() -> None:
    with warnings.catch_warnings(record=True) as caught_warnings:
        assert is_python('x = "\\d"\n')
    assert not caught_warnings
    assert tree_of("python", "x" * 3_000_000) is None


def tree(*paths: str) -> list[Entry]:
    return [Entry(path, f"{n:040x}") for n, path in enumerate(paths)]


@pytest.mark.parametrize(
    ("path", "imports", "expected"),
    [
        ("app/web.py", "from app.core.store import Store", "app/core/store.py"),
        ("app/web.py", "from app import core", "app/core/__init__.py"),
        ("web/src/a.ts", 'import {x} from "./lib/b"', "web/src/lib/b.ts"),
        ("web/src/a.ts", 'import {x} from "../other"', "web/other/index.ts"),
        ("J.java", "import com.acme.util.Text;", "src/com/acme/util/Text.java"),
        ("m.rs", "use crate::codec::frame::Frame;", "src/codec/frame.rs"),
        ("m.c", '#include "net/socket.h"', "lib/net/socket.h"),
        ("app/core/store.py", "", "tests/test_store.py"),
    ],
)
def test_finds_relatives(path: str, imports: str, expected: str) -> None:
    known = index(
        tree(
            "app/web.py",
            "app/core/__init__.py",
            "app/core/store.py",
            "tests/test_store.py",
            "web/src/a.ts",
            "web/src/lib/b.ts",
            "web/other/index.ts",
            "src/com/acme/util/Text.java",
            "src/codec/frame.rs",
            "lib/net/socket.h",
            "logo.png",
            "evil\n.py",
        )
    )
    assert expected in related(path, imports, known)


OWN = """\
import helper

class Shop:
    def total(self, cart):
        a = 1
        b = 2
        c = 3
        d = 4
        return helper.price(cart)
"""
HELPER = "def price(cart):\n    return sum(cart)\n\ndef other():\n    pass\n"
TEST = "def test_total():\n    assert Shop().total([1]) == 1\n"


def _changed(line: int) -> ChangedFile:
    text = OWN.split("\n")[line - 1]
    hunk = Hunk(line, line, "", (Line(line, None, "old"), Line(None, line, text)))
    return ChangedFile(path="shop.py", status=FileStatus.MODIFIED, hunks=(hunk,))


def _found() -> dict[str, list[str]]:
    found = snippets(
        _changed(9),
        text_of("shop.py", OWN),
        [text_of("helper.py", HELPER), text_of("tests/test_shop.py", TEST)],
    )
    return {role: [s.text for s in found if s.role == role] for role in {s.role for s in found}}


def test_cuts_what_explains_a_hunk() -> None:
    found = _found()
    assert found["enclosing"] == ["class Shop:", "\n".join(OWN.split("\n")[3:9])]
    assert found["imports"] == ["import helper"]
    assert found["definition"] == ["def price(cart):\n    return sum(cart)"]
    assert found["test"] == [TEST.rstrip("\n")]


SUM = "class Cart\n  def total\n    @sum\n  end\n\n  def empty?\n    total == 0\n  end\nend\n"
BILL = (
    "# the total of it\n\n\n\n\n\n\n\ndef bill cart\n  x = 1\n  puts cart.total\nend\n\n"
    "def subtotal cart\n  cart.sum\nend\n"
)


def test_a_call_without_parentheses_is_one_where_the_language_has_them() -> None:
    lines = (Line(3, None, "    0"), Line(None, 3, "    @sum"))
    file = ChangedFile(path="cart.rb", status=FileStatus.MODIFIED, hunks=(Hunk(3, 3, "", lines),))
    found = snippets(file, text_of("cart.rb", SUM), [text_of("bill.rb", BILL)])
    callers = [snippet.text for snippet in found if snippet.role == "caller"]
    assert callers == [
        "  def empty?\n    total == 0\n  end",
        "def bill cart\n  x = 1\n  puts cart.total\nend",
    ]
    lines = (Line(11, None, "  puts 0"), Line(None, 11, "  puts cart.total"))
    file = ChangedFile(path="bill.rb", status=FileStatus.MODIFIED, hunks=(Hunk(11, 11, "", lines),))
    found = snippets(file, text_of("bill.rb", BILL), [text_of("cart.rb", SUM)])
    definitions = [snippet.text for snippet in found if snippet.role == "definition"]
    assert definitions == ["  def total\n    @sum\n  end"]


def test_shows_nothing_twice_when_the_file_is_all_in_the_hunk() -> None:
    lines = tuple(Line(None, n, text) for n, text in enumerate(OWN.rstrip("\n").split("\n"), 1))
    file = ChangedFile(path="shop.py", status=FileStatus.ADDED, hunks=(Hunk(0, 1, "", lines),))
    assert snippets(file, text_of("shop.py", OWN), []) == ()


@pytest.mark.parametrize("budget", [0, 30, 60, 1000])
def test_context_stays_under_its_budget_and_the_nearest_comes_first(budget: int) -> None:
    batch = Batch(0, (BatchFile(file=_changed(9), language="python", content=OWN),))
    others = {"shop.py": (text_of("helper.py", HELPER), text_of("tests/test_shop.py", TEST))}
    (file,) = with_context(batch, {"shop.py": text_of("shop.py", OWN)}, others, budget).files
    assert sum(count_tokens(snippet.text) for snippet in file.context) <= budget
    if budget >= 30:
        assert file.context[0].role == "enclosing"


def _hunk_at(line: int, text: str) -> Hunk:
    return Hunk(line, line, "", (Line(line, None, "old"), Line(None, line, text)))


@pytest.mark.parametrize("length", [30, 200])
def test_what_surrounds_several_hunks_of_one_function_is_shown_once(length: int) -> None:
    lines = ["class Shop:", "    def total(self):", *(f"        a{n} = {n}" for n in range(length))]
    text = "\n".join(lines) + "\n"
    hunks = tuple(_hunk_at(line, lines[line - 1]) for line in (10, 20, 30))
    file = ChangedFile(path="shop.py", status=FileStatus.MODIFIED, hunks=hunks)
    own = text_of("shop.py", text)
    parts = (
        BatchFile(file=file, language="python", content=text),
        BatchFile(file=replace(file, hunks=hunks[:1]), language="python", content=text),
    )
    shown = [
        number
        for part in with_context(Batch(0, parts), {"shop.py": own}, {}, 100_000).files
        for snippet in part.context
        for number in range(snippet.start_line, snippet.start_line + len(snippet.text.split("\n")))
    ]
    assert len(shown) == len(set(shown))
    assert {2, 9, 11, 19, 21, 29, 31} <= set(shown)


def test_what_a_hunk_shows_is_not_shown_again_around_it() -> None:
    lines = ["import a", "import b", "", "def total():", *(f"    a{n} = {n}" for n in range(20))]
    text = "\n".join(lines) + "\n"
    near = tuple(Line(n, n, lines[n - 1]) for n in range(8, 12))
    file = ChangedFile(
        path="shop.py",
        status=FileStatus.MODIFIED,
        hunks=(
            Hunk(1, 1, "", (Line(None, 1, "import a"),)),
            Hunk(8, 8, "", (*near, Line(None, 12, lines[11]))),
        ),
    )
    batch = Batch(0, (BatchFile(file=file, language="python", content=text),))
    (part,) = with_context(batch, {"shop.py": text_of("shop.py", text)}, {}, 1000).files
    assert [(each.role, each.start_line, each.text) for each in part.context] == [
        ("enclosing", 4, "\n".join(lines[3:7])),
        ("enclosing", 13, "\n".join(lines[12:])),
        ("imports", 2, "import b"),
    ]
