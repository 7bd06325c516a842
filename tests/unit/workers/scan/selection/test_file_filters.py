"""What is left out, by which reason, and what is read first."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config.repository_config import RepoConfig
from bot.domain.diff import ChangedFile, FileKind, FileStatus
from bot.domain.reasons import FileSkipReason
from bot.text.globs import matches
from tests.support.tally import Tally, tallied
from workers.scan.selection.file_filters import by_content, by_counts, by_name, filter_files
from workers.scan.selection.gitattributes import Attributes, parse
from workers.scan.selection.path_rules import PathRules
from workers.scan.selection.risk import is_test, risk, riskiest_first


def changed(path: str, **more: object) -> ChangedFile:
    fields: dict[str, object] = {"status": FileStatus.MODIFIED, "additions": 5, **more}
    return ChangedFile(path=path, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("src/app.py", None),
        ("poetry.lock", FileSkipReason.LOCK_FILE),
        ("web/package-lock.json", FileSkipReason.LOCK_FILE),
        ("logo.PNG", FileSkipReason.BINARY),
        ("static/app.min.js", FileSkipReason.MINIFIED),
        ("static/app.cjs.map", FileSkipReason.MINIFIED),
        ("static/admin.py", None),
        ("dist/index.js", FileSkipReason.GENERATED),
        ("packages/a/dist/a.d.ts", FileSkipReason.GENERATED),
        ("dist/setup.py", None),
        ("src/dist.js", None),
        ("api/user_pb2.py", FileSkipReason.GENERATED),
        ("web/__snapshots__/a.js", FileSkipReason.GENERATED),
        ("vendor/lib/a.go", FileSkipReason.VENDORED),
        ("vendor.py", None),
        ("a\nb.py", FileSkipReason.UNPRINTABLE_PATH),
        ("a\u202eyp.exe.py", FileSkipReason.UNPRINTABLE_PATH),
        ("\udcff.py", FileSkipReason.PATH_NOT_UTF8),
        ("a\u00a0b.py", None),
        ("\u8cc7\u6599\u3000\u65b0.py", None),
        ("d/" * 600 + "a.py", FileSkipReason.LONG_PATH),
        ("-rf.py", None),
    ],
)
def test_by_name(path: str, reason: FileSkipReason | None) -> None:
    assert by_name(changed(path), PathRules(RepoConfig(), Attributes())) == reason


def test_links_and_submodules_are_never_read() -> None:
    for kind, reason in (
        (FileKind.SYMLINK, FileSkipReason.SYMBOLIC_LINK),
        (FileKind.SUBMODULE, FileSkipReason.SUBMODULE),
    ):
        assert by_name(changed("a.py", kind=kind), PathRules(RepoConfig(), Attributes())) == reason


def test_the_repository_chooses_its_paths() -> None:
    config = RepoConfig(paths_include=("src/**",), paths_exclude=("**/old/**",))
    rules = PathRules(config, Attributes())
    assert by_name(changed("src/a.py"), rules) is None
    assert by_name(changed("docs/a.py"), rules) == FileSkipReason.NOT_INCLUDED
    assert by_name(changed("src/old/a.py"), rules) == FileSkipReason.EXCLUDED


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("gen/a.go", FileSkipReason.MARKED_GENERATED),
        ("gen/keep.go", None),
        ("lib/x/a.js", FileSkipReason.MARKED_VENDORED),
        ("sub/a.pb", FileSkipReason.MARKED_GENERATED),
        ("a.pb", None),
        ("sub/own/a.pb", None),
        ("with space.txt", FileSkipReason.MARKED_GENERATED),
    ],
)
def test_gitattributes(path: str, reason: FileSkipReason | None) -> None:
    rules = parse(
        {
            "sub/own/.gitattributes": "*.pb -linguist-generated",
            ".gitattributes": "# comment\ngen/** linguist-generated text\n"
            "gen/keep.go linguist-generated=false\nlib/** linguist-vendored=true\n"
            '[attr]m linguist-generated\n"with space.txt" linguist-generated\n',
            "sub/.gitattributes": "*.pb linguist-generated=true",
        }
    )
    assert rules.reason(path) == reason


def test_a_hostile_pattern_costs_no_time() -> None:
    rules = parse(
        {".gitattributes": "*a" * 400 + "b linguist-generated\n" + "**/" * 300 + "x -text"}
    )
    assert rules.reason("a" * 4000) is None


def test_what_takes_too_long_to_match_is_left_out_and_said_so() -> None:
    config = RepoConfig(paths_exclude=("**/*/" * 38 + "z",) * 155)
    rules = PathRules(config, Attributes(), seconds=0.05)
    files = [changed("a/" * 500 + f"{number}.py") for number in range(1000)]
    began = time.perf_counter()
    kept, skipped = filter_files(files, lambda file: by_name(file, rules))
    assert time.perf_counter() - began < 5
    assert skipped[-1].reason == FileSkipReason.UNDECIDED
    assert len(kept) + len(skipped) == 1000


@tallied
@given(
    folders=st.lists(st.sampled_from(["", "a/", "a/b/"]), min_size=1, max_size=4), data=st.data()
)
def test_the_last_rule_wins_whatever_folder_it_stands_in(
    tally: Tally, folders: list[str], data: st.DataObject
) -> None:
    """As rule by rule: the deeper file later, within a file the later line."""
    tally.at_least(generated=0.1)
    lines = {
        folder: data.draw(
            st.lists(
                st.tuples(st.sampled_from(["*", "*.py", "b/*", "/b/x.py"]), st.booleans()),
                min_size=1,
                max_size=4,
            )
        )
        for folder in folders
    }
    texts = {
        f"{folder}.gitattributes": "\n".join(
            f"{pattern} {'' if is_set else '-'}linguist-generated" for pattern, is_set in rules
        )
        for folder, rules in lines.items()
    }
    expected = False
    for folder in sorted(lines, key=lambda folder: folder.count("/")):
        for pattern, is_set in lines[folder]:
            if matches(pattern, "a/b/x.py".removeprefix(folder)):
                expected = is_set
    assert (parse(texts).reason("a/b/x.py") is not None) == expected
    tally.add(generated=expected)


@pytest.mark.parametrize(
    "head",
    [
        "# Please do not edit the order of these lines.\nNAMES = []",
        "# DO NOT EDIT the order below\nNAMES = []",
        "// Don't modify these defaults; override them in local.js",
        '"""Parses code generated by protoc and finds files with @generated in them."""',
        '"""This module is for generated code."""',
        "# Tests for auto-generated clients",
        "# DO NOT EDIT BELOW THIS LINE",
        "/* The tokens that are generated by the lexer, see lexer.c */",
        "# Generated by Django 4.2 on 2023-05-01 12:00",  # people review migrations
        "# The report is automatically generated at night.",
        "def do_not_edit(): ...",
        "# Never touch a running system.",
    ],
)
def test_what_people_wrote_is_read_whatever_it_says_of_editing(head: str) -> None:
    assert by_content(f"{head}\nx = 1\n") is None


@pytest.mark.parametrize(
    "head",
    [
        "// Code generated by protoc-gen-go. DO NOT EDIT.",
        "# Generated by the protocol buffer compiler.  DO NOT EDIT!",
        "/* @generated */",
        "/**\n * @generated SignedSource<<1>>\n */",
        "# @generated by autocargo",
        "# This file is automatically @generated by Poetry 1.8.",
        "# This file is auto-generated. Do not edit.",
        "//------\n// <auto-generated>\n//     This code was generated by a tool.",
        "/* eslint-disable */\n// This file was automatically generated by json2ts.",
        "# AUTOGENERATED FILE",
        "# -*- coding: utf-8 -*-\n# Autogenerated by Thrift Compiler",
        "-- DO NOT EDIT THIS FILE --",
        "# generated from setup.in; do not edit by hand",
        "/* DO NOT MODIFY */",
        "<!-- Automatically generated by docgen -->",
    ],
)
def test_what_a_program_wrote_is_left_out(head: str) -> None:
    assert by_content(f"{head}\nx = 1\n") is FileSkipReason.SAYS_GENERATED


@pytest.mark.parametrize(
    ("path", "length", "reason"),
    [
        ("CHANGELOG.md", 6000, None),
        ("docs/a.rst", 6000, None),
        ("LICENSE.txt", 6000, None),
        ("a.md", 30_000, FileSkipReason.LONG_LINES),  # as an image in it
        ("a.py", 6000, FileSkipReason.LONG_LINES),
    ],
)
def test_a_paragraph_may_be_one_line(path: str, length: int, reason: FileSkipReason | None) -> None:
    assert by_content("word " * (length // 5), path) is reason


def test_a_pointer_to_large_storage_is_no_code() -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
    assert by_content(pointer) is FileSkipReason.LFS_POINTER
    assert by_content(f"see {pointer}") is None


@pytest.mark.parametrize(
    ("text", "stopped"),
    [
        ("x = 1\n", False),
        ("// Code generated by protoc. DO NOT EDIT.\nx\n", True),
        ("/* @generated */\n", True),
        ("x\n" * 20 + "DO NOT EDIT\n", False),
        ("var a=1;" * 1000, True),
        ("short\n" * 50 + "x" * 600 + "\n", False),
        ("", False),
    ],
)
def test_by_content(text: str, stopped: bool) -> None:
    assert (by_content(text) is not None) is stopped


def test_by_counts() -> None:
    assert by_counts(changed("a")) is None
    assert by_counts(changed("a", binary=True)) == FileSkipReason.BINARY
    assert by_counts(changed("a", status=FileStatus.DELETED)) == FileSkipReason.DELETED
    assert by_counts(changed("a", status=FileStatus.RENAMED, additions=0)) == FileSkipReason.RENAMED
    assert by_counts(changed("a", additions=0)) == FileSkipReason.UNCHANGED


def test_code_comes_before_tests_before_prose() -> None:
    names = ["README.md", "tests/test_login.py", "src/login.py", "src/colors.py", "Dockerfile"]
    ranked = [file.path for file in riskiest_first([changed(name) for name in names])]
    assert ranked == [
        "src/login.py",
        "src/colors.py",
        "Dockerfile",
        "tests/test_login.py",
        "README.md",
    ]


def test_risk_grows_with_the_change_and_with_new_files() -> None:
    small, large = changed("a.py", additions=2), changed("a.py", additions=200)
    new = changed("a.py", additions=2, status=FileStatus.ADDED)
    assert risk(small) < risk(new) < risk(large)


@pytest.mark.parametrize(
    ("path", "test"),
    [("tests/a.py", True), ("src/test_a.py", True), ("a.test.ts", True), ("a_test.go", True),
     ("src/latest.py", False), ("contest/a.py", False), ("conftest.py", True)],
)  # fmt: skip
def test_knows_a_test_by_its_path(path: str, test: bool) -> None:
    assert is_test(path) is test
