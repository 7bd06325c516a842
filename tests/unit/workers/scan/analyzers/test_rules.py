"""Our words on each rule: complete, short, and with the page of the tool that has the rule."""

import json
import re
import subprocess
import sysconfig
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.model import Category, Severity, is_rule_page
from tests.project.texts import Text
from workers.scan.analyzers.analyzer import SYNTAX, Diagnostic
from workers.scan.analyzers.evidence import in_our_words
from workers.scan.analyzers.oxlint import OXLINT
from workers.scan.analyzers.registry import NAMES
from workers.scan.analyzers.ruff import RUFF
from workers.scan.analyzers.rules import Rule, rules

#: Where each analyzer's pages are.
PAGES = {
    "ruff": ("https://docs.astral.sh/ruff/rules/", "https://docs.python.org/3/"),
    "shellcheck": ("https://www.shellcheck.net/wiki/SC",),
    "hadolint": ("https://github.com/hadolint/hadolint/wiki/DL", "https://www.shellcheck.net/wiki/SC"),
    "zizmor": ("https://docs.zizmor.sh/audits/#",),
    "oxlint": ("https://oxc.rs/docs/guide/usage/linter/rules/", "https://tc39.es/ecma262/"),
    "squawk": ("https://squawkhq.com/docs/",),
    "data": ("https://datatracker.ietf.org/", "https://toml.io/", "https://yaml.org/"),
    "hidden-characters": ("https://trojansource.codes/", "https://unicode.org/", "https://www.unicode.org/"),
    "merge": ("https://git-scm.com/docs/",),
}  # fmt: skip
#: Stable rules about security that are left out: workers/scan/analyzers/ruff.py says why.
LEFT_OUT = "S101 S105 S106 S107 S110 S112 S311 S504 S603 S606 S607"
RULES = [(name, code, rule) for name in PAGES for code, rule in rules(name).items()]


def test_every_analyzer_that_does_not_write_its_own_has_words_of_ours() -> None:
    assert {name for name in NAMES if rules(name)} == set(PAGES)
    unwritten = {"secrets", "ast-grep", "leftovers", "dependencies"}
    assert set(NAMES) - set(PAGES) == unwritten
    assert len({(code, rule.url) for _, code, rule in RULES}) > 700


@pytest.mark.parametrize("name", PAGES)
def test_every_rule_has_two_plain_sentences_and_a_page(name: str) -> None:
    for code, rule in rules(name).items():
        for sentence in (rule.why, rule.fix):
            assert re.fullmatch(r"(?:[A-Z]|`).*\.", sentence), (code, sentence)
            assert not re.search(r"[.!?] [A-Z]", re.sub(r"`[^`]*`", "x", sentence)), (
                code,
                sentence,
            )
            assert len(sentence) <= 130, (code, sentence)
            assert not Text("", 0, sentence).quaint, (code, sentence)
            assert sentence.count("`") % 2 == 0, (code, sentence)
        assert rule.url.startswith(PAGES[name]), (code, rule.url)
        assert is_rule_page(rule.url), (code, rule.url)


def test_a_finding_says_what_our_table_says() -> None:
    of_the_tool = Diagnostic(
        file="a.py", rule="F821", line=1, end_line=1, title="Undefined name `x`",
        category=Category.QUALITY, severity=Severity.INFO,
    )  # fmt: skip
    ours = in_our_words("ruff", of_the_tool)
    assert (ours.title, ours.category, ours.severity, ours.body, ours.url) == (
        "Undefined name `x`",
        Category.CORRECTNESS,
        Severity.HIGH,
        "The name is defined nowhere, so this line raises NameError when it runs. "
        "Import or define it, or correct its spelling.",
        "https://docs.astral.sh/ruff/rules/undefined-name",
    )
    unknown = replace(of_the_tool, rule="X999", body="As the tool says.")
    assert in_our_words("ruff", unknown) is unknown
    assert in_our_words("secrets", of_the_tool) is of_the_tool
    capped = replace(of_the_tool, at_most=Severity.LOW)
    assert in_our_words("ruff", capped).severity is Severity.LOW


@pytest.mark.parametrize(
    ("severity", "sources"),
    [
        (Severity.HIGH, "ruff:F821 ruff:S602 ruff:S608 ruff:S501 zizmor:template-injection"),
        (Severity.MEDIUM, "ruff:B006 ruff:S301 zizmor:dangerous-triggers shellcheck:SC2115"),
        (Severity.LOW, "zizmor:unpinned-uses zizmor:artipacked zizmor:excessive-permissions"),
        (Severity.LOW, "ruff:S104 ruff:S108 ruff:S324 hadolint:DL3007 hadolint:DL4006"),
        (Severity.INFO, "ruff:F401 ruff:F841 ruff:E711 oxlint:no-unused-vars shellcheck:SC2034"),
    ],
)
def test_severities_are_those_of_a_maintainer(severity: Severity, sources: str) -> None:
    for source in sources.split():
        name, _, code = source.partition(":")
        assert rules(name)[code].severity is severity, source


def test_what_cannot_run_is_high_and_what_is_untidy_is_not() -> None:
    for name, code, rule in RULES:
        if "SyntaxError" in rule.why or code == SYNTAX:
            assert rule.severity is Severity.HIGH, (name, code)
        if rule.category is Category.MAINTAINABILITY:
            assert rule.severity.rank >= Severity.LOW.rank, (name, code)
        assert rule.severity is not Severity.CRITICAL, (name, code)


def test_ruff_and_oxlint_have_all_rules_that_are_selected() -> None:
    ruff = json.loads(_out("ruff", "rule", "--all", "--output-format=json"))
    known = {each["code"]: each["name"] for each in ruff if not each["preview"]}
    (select,) = (word for word in RUFF.command({}) if word.startswith("--select="))
    assert set(select.removeprefix("--select=").split(",")) == set(rules("ruff")) - {
        SYNTAX,
        "newer-syntax",
    }
    weaknesses = {each["code"] for each in ruff if each["linter"] == "flake8-bandit"}
    stable = {each["code"] for each in ruff if "Stable" in (each["status"] or ())}
    assert set(rules("ruff-security")) == weaknesses & stable - set(LEFT_OUT.split())
    for code, rule in _without_syntax("ruff"):
        if code in known:
            assert rule.url == PAGES["ruff"][0] + known[code], code
    oxlint = json.loads(_out("oxlint", "--rules", "--format=json"))
    pages = {each["value"]: each["docs_url"] for each in oxlint}
    denied = {word.removeprefix("--deny=") for word in OXLINT.command({}) if "--deny" in word}
    assert denied == set(rules("oxlint")) - {SYNTAX}
    for code, rule in _without_syntax("oxlint"):
        assert rule.url == pages[code], code


def _without_syntax(name: str) -> list[tuple[str, Rule]]:
    return [(code, rule) for code, rule in rules(name).items() if code != SYNTAX]


def _out(program: str, *arguments: str) -> bytes:
    command = [str(Path(sysconfig.get_path("scripts")) / program), *arguments]
    return subprocess.run(command, capture_output=True, check=True).stdout
