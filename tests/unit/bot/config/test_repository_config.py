import json
import re
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.config import safe_yaml
from bot.config.repository_config import (
    FILE,
    MAX_CHECKS,
    MAX_ERRORS,
    Instruction,
    LabelRule,
    ParsedConfig,
    PathSeverity,
    Profile,
    RepoConfig,
    ReviewOn,
    TeamCheck,
    TeamPreference,
    json_schema,
    merge,
    parse,
    too_large,
)
from bot.config.settings import FailOn, Forks
from bot.domain.model import Category, Effort, Severity, decode, encode
from bot.domain.team_checks import CheckMode
from bot.store import Handoff
from templates.languages import Language
from tests.support.pulls import PULL
from tests.support.tally import Tally

DOCS = Path(__file__).parents[4] / "docs"
SCHEMA = DOCS / "glossator.schema.json"
PAGE = (DOCS / "repository-configuration.md").read_text()
EXAMPLE = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[0]
VALIDATOR = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text()))


def errors(text: str | bytes) -> list[tuple[int, int, str]]:
    return [(one.line, one.column, one.message) for one in parse(text).errors]


def kept(config: RepoConfig) -> RepoConfig:
    """The configuration as it comes back from the store, with a review that was opened."""
    return decode(Handoff, encode(Handoff(pull=PULL, config=config))).config


def test_braces_in_a_path_are_a_choice() -> None:
    parsed = parse("paths:\n  exclude: ['gen/*.{js,css}']\n")
    assert (parsed.config.paths_exclude, parsed.errors) == (("gen/*.js", "gen/*.css"), ())


def test_the_documented_example_sets_every_key() -> None:
    parsed = parse(EXAMPLE)
    assert parsed.errors == ()
    assert parsed.explicit == set(RepoConfig.__dataclass_fields__)
    assert parsed.config == RepoConfig(
        paths_include=("src/", "lib/**/*.py"),
        paths_exclude=("*.min.js", "docs/"),
        instructions=(
            Instruction(("src/api/**",), "Every handler checks the caller's permission."),
        ),
        categories=(Category.SECURITY, Category.CORRECTNESS),
        min_severity=Severity.MEDIUM,
        path_severities=(PathSeverity(("tests/", "scripts/"), Severity.HIGH),),
        profile=Profile.QUIET,
        tone="Friendly and brief, as to a colleague.",
        effort=Effort.DEEP,
        fail_on=FailOn.HIGH,
        fail_incomplete=True,
        author_commands=True,
        language=Language.GERMAN,
        max_comments=10,
        max_files=30,
        request_changes=True,
        review_on=ReviewOn.OPEN,
        pause_after=5,
        drafts=True,
        bots=True,
        bot_authors=("copilot*",),
        dependency_bots=("dependabot",),
        authors=("*",),
        skip_authors=("*-mirror",),
        forks=Forks.ASK,
        base_branches=("main", "release/*"),
        skip_head_branches=("release-please--*",),
        only_labels=("ready",),
        skip_labels=("no-review", "generated"),
        title_skip_markers=("[skip review]", "WIP"),
        skip_above_files=200,
        skip_above_lines=5000,
        settle_seconds=30,
        agent_prompts=False,
        labels=(
            LabelRule(
                name="security-review", paths=("src/auth/",), categories=(Category.SECURITY,)
            ),
            LabelRule(name="serious", severity=Severity.HIGH),
        ),
        effort_estimate=True,
        preferences=(
            TeamPreference(
                ("src/api/**",),
                "Ids are validated by the gateway; do not ask for checks in handlers.",
            ),
        ),
        remember=False,
        description_overview=True,
        diagram=True,
        checks=(
            TeamCheck(
                name="Migrations have a rollback",
                instruction="Every new migration defines how it is taken back, "
                "without loss of data.",
                paths=("migrations/",),
                mode=CheckMode.FAIL,
            ),
            TeamCheck(name="Errors are handled", instruction="No error is swallowed."),
        ),
        analyzers_disabled=("oxlint",),
        dependencies_advisories=False,
        dependencies_min_severity=Severity.HIGH,
        dependencies_licenses_allow=("MIT", "Apache-2.0"),
        dependencies_licenses_deny=("AGPL-3.0-only",),
    )


def test_a_wrong_check_is_told_and_every_other_counts() -> None:
    text = (
        "checks:\n"
        "- {name: One, instruction: Yes., mode: fail}\n"
        "- {name: two}\n"
        "- {name: one, instruction: Again.}\n"
        "- just words\n"
        "- {name: Five, instruction: Yes., mode: block}\n"
    )
    parsed = parse(text)
    assert parsed.config.has_gates
    assert [line for line, _, _ in errors(text)] == [3, 4, 5, 6]
    assert errors(text)[1][2] == (
        "`checks[2]` has the name of a check before it, `one`: the first counts."
    )
    many = parse("checks:\n" + "".join(f"- {{name: n{n}, instruction: x}}\n" for n in range(23)))
    assert [error.line for error in many.errors] == [22]
    assert "has 23 entries: only the first 20 count" in many.errors[0].message
    organization = parse("checks:\n- {name: Ours, instruction: Yes.}\n")
    assert named(merge(organization, parse("checks:\n- {name: half}\n"))) == ["Ours", "half!"]
    assert merge(organization, parse("checks: []\n")).config.checks == ()


def named(parsed: ParsedConfig) -> list[str]:
    """The checks; with `!` those that are gates, and with `?` those that only warn, which are wrong
    in the file."""
    marks = {CheckMode.FAIL: "!", CheckMode.WARN: "?"}
    return [each.name + (marks[each.mode] if each.mistake else "") for each in parsed.config.checks]


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ("[{name: A, instruction: b, mode: fial}]", ["A!"]),
        ("[{name: A, instruction: b, moed: fail}]", ["A!"]),
        ("[{name: A, mode: warn}, {name: B, instruction: b}]", ["A?", "B"]),
        ("[words, {name: B, instruction: b}, {instruction: c}]", ["checks[0]!", "B", "checks[2]!"]),
        ("[{name: A, instruction: b}, {name: a, instruction: b}]", ["A", "checks[1]?"]),
        ("[{name: A, instruction: b}, {name: a, instruction: b, mode: fail}]", ["A", "checks[1]!"]),
        ("[{name: A, instruction: b}, {name: a, mode: fail}]", ["A", "checks[1]!"]),
        ("{name: A, instruction: b}", ["checks!"]),
        ("[{name: A, instruction: b}]\nchecks: [{name: B, instruction: b}]", ["A", "checks!"]),
        ("[" + "{name: '', instruction: b}" + "]", ["checks[0]!"]),
    ],
)
def test_a_wrong_check_is_one_that_cannot_be_judged(entries: str, expected: list[str]) -> None:
    parsed = parse(f"checks: {entries}\n")
    assert named(parsed) == expected
    assert kept(parsed.config) == parsed.config


@pytest.mark.parametrize(("mode", "mark"), [("fail", "!"), ("warn", "?")])
def test_checks_beyond_the_limit_cannot_be_judged(mode: str, mark: str) -> None:
    items = [{"name": f"n{n}", "instruction": "x"} for n in range(MAX_CHECKS + 3)]
    items[-1]["mode"] = mode
    assert named(parse(json.dumps({"checks": items})))[MAX_CHECKS - 1 :] == [
        f"n{MAX_CHECKS - 1}",
        f"checks[{MAX_CHECKS}]{mark}",
    ]


def test_a_wrong_check_says_where_it_is_wrong() -> None:
    [wrong] = parse("checks:\n- name: A\n  instruction: b\n  mode: fial\n").config.checks
    assert wrong.mistake == (
        "line 4 of `.github/glossator.yml` is wrong: `checks[0].mode` cannot be `fial`. "
        "Did you mean `fail`? Give one of `warn`, `fail`"
    )


def test_a_file_that_cannot_be_read_is_a_gate_whoever_has_it() -> None:
    good = parse("checks: [{name: A, instruction: b}]\nfail_on: high\n")
    bad = parse("checks:\n\t- name\n", file="octo/.github")
    assert named(merge(bad, good)) == ["A", "octo/.github!"]
    assert named(merge(good, bad)) == ["A", "octo/.github!"]
    assert named(merge(bad, parse(""))) == ["octo/.github!"]
    assert bad.config.has_gates
    assert named(too_large()) == [f"{FILE}!"]


def test_every_recipe_is_right_and_changes_something() -> None:
    recipes = re.findall(r"```yaml\n(.*?)```", (DOCS / "make-it-yours.md").read_text(), re.DOTALL)
    assert len(recipes) > 10
    for recipe in recipes:
        parsed = parse(recipe)
        assert parsed.errors == (), recipe
        assert parsed.explicit, recipe


def test_every_key_is_documented() -> None:
    schema = json_schema()
    for key, value in schema["properties"].items():
        section = schema["$defs"].get(value.get("$ref", "").rpartition("/")[2], {})
        for inner in section.get("properties", {}):
            assert f"| `{key}.{inner}` |" in PAGE
        assert section.get("properties") or f"| `{key}` |" in PAGE


def test_the_published_schema_is_current() -> None:
    assert json.loads(SCHEMA.read_text()) == json_schema()


def test_editors_accept_the_documented_example_and_refuse_a_wrong_one() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())
    VALIDATOR.validate(yaml.safe_load(EXAMPLE))
    assert not VALIDATOR.is_valid({"drafs": True})
    assert not VALIDATOR.is_valid({"fail_on": "sometimes"})


def test_a_configuration_survives_the_store() -> None:
    config = parse(EXAMPLE).config
    assert kept(config) == config


WIDE = "src/{a,b,c,d,e}/**/*.{ts,tsx,js,jsx,mjs}"


@pytest.mark.parametrize("pattern", [WIDE, "{,docs}", "{a,b}{c,d,e,f,g}{h,i,j,k}", "{,}"])
def test_braces_survive_the_store_wherever_they_are_written(pattern: str) -> None:
    many = json.dumps([pattern] * 20)
    text = (
        f"paths: {{include: {many}, exclude: {many}}}\n"
        f"instructions: [{{paths: {many}, text: a}}]\n"
        f"preferences: [{{paths: {many}, text: a}}]\n"
        f"path_severities: [{{paths: {many}, min_severity: low}}]\n"
        f"labels: [{{name: a, paths: {many}, categories: [security], severity: low}}]\n"
        f"checks: [{{name: a, instruction: b, paths: {many}, mode: fail}}]\n"
        f"authors: {many}\n"
    )
    config = parse(text).config
    assert kept(config) == config


def test_a_choice_of_nothing_is_no_pattern() -> None:
    assert parse("labels: [{name: a, paths: ['{,docs}']}]").config.labels == (
        LabelRule(name="a", paths=("docs",)),
    )
    assert errors("paths: {include: ['{,}']}") == [
        (
            1,
            19,
            "`paths.include[0]` cannot be `{,}`. Give text of 1 to 200 characters,"
            " in quotes if it is a number.",
        )
    ]


@pytest.mark.parametrize("text", ["", b"", "# nothing\n", "---\n", "categories:\n", "\ufeff", "{}"])
def test_an_empty_file_gives_the_defaults(text: str | bytes) -> None:
    assert parse(text) == ParsedConfig(RepoConfig(), (), frozenset())


def test_an_error_names_its_file_and_the_organizations_where_it_is_theirs() -> None:
    assert parse("a: 1").errors[0].file == FILE
    assert parse("a: 1", file="octo-org/.github").errors[0].file == "octo-org/.github"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (
            "paths:\n  inclde: [a]",
            (
                2,
                3,
                "`paths.inclde` is not a known key. Did you mean `include`?",
            ),
        ),
        (
            "\nmin_severity: hgih",
            (
                2,
                1,
                "`min_severity` cannot be `hgih`. Did you mean `high`?"
                " Give one of `critical`, `high`, `medium`, `low`, `info`.",
            ),
        ),
        (
            "categories:\n  - security\n  - speed",
            (
                3,
                5,
                "`categories[1]` cannot be `speed`. Give one of `security`, `correctness`,"
                " `performance`, `maintainability`, `quality`.",
            ),
        ),
        (
            "max_comments: 99",
            (1, 1, "`max_comments` cannot be `99`. Give a whole number from 0 to 50."),
        ),
        (
            "max_comments: '5'",
            (1, 1, "`max_comments` cannot be `5`. Give a whole number from 0 to 50."),
        ),
        (
            "max_files: true",
            (1, 1, "`max_files` cannot be `true`. Give a whole number from 1 to 1000."),
        ),
        ("drafts: 1", (1, 1, "`drafts` cannot be `1`. Give `true` or `false`.")),
        (
            "base_branches:\n  - main\n  - 1.0",
            (
                3,
                5,
                "`base_branches[1]` cannot be `1.0`. Give text of 1 to 200 characters,"
                " in quotes if it is a number.",
            ),
        ),
        (
            "preferences:\n  - {paths: [a], text: b}\n  - {paths: src/**, text: b}",
            (
                3,
                6,
                '`preferences[1].paths` cannot be `src/**`. Give a list, such as `["src/**"]`.',
            ),
        ),
        (
            "categories: security",
            (1, 1, '`categories` cannot be `security`. Give a list, such as `["security"]`.'),
        ),
        ("paths: src", (1, 1, "`paths` cannot be `src`. Give the keys `include`, `exclude`.")),
        (
            "instructions:\n  - paths: ['*.py']",
            (
                2,
                5,
                "`instructions[0].text` is missing: give text of 1 to 4000 characters,"
                " in quotes if it is a number.",
            ),
        ),
        (
            "instructions:\n  - paths: ['*.py']\n    text: a\n    txt: b",
            (
                4,
                5,
                "`instructions[0].txt` is not a known key. Did you mean `text`?",
            ),
        ),
        (
            "labels:\n  - {name: a, severity: hgih}",
            (
                2,
                15,
                "`labels[0].severity` cannot be `hgih`. Did you mean `high`?"
                " Give one of `critical`, `high`, `medium`, `low`, `info`.",
            ),
        ),
        ("drafts: false\ndrafts: false", (2, 1, "`drafts` is given twice: the first counts.")),
    ],
)
def test_a_wrong_key_keeps_its_default_and_is_reported_with_the_allowed_values(
    text: str, error: tuple[int, int, str]
) -> None:
    assert errors(text) == [error]
    assert parse(text).config == RepoConfig()


def test_an_unknown_key_is_reported_with_the_known_ones() -> None:
    assert errors("drafs: true") == [(1, 1, "`drafs` is not a known key. Did you mean `drafts`?")]
    [(_, _, message)] = errors("xyzzy: true")
    assert message.startswith("`xyzzy` is not a known key. Allowed: ")
    for key in json_schema()["properties"]:
        assert f"`{key}`" in message


def test_everything_else_still_counts() -> None:
    parsed = parse("bots: yes\npaths:\n  include: 3\n  exclude: ['*.md']\nfail_on: ever\n")
    assert parsed.config == RepoConfig(bots=True, paths_exclude=("*.md",))
    assert parsed.explicit == {"bots", "paths_exclude"}
    assert [(one.line, one.message.split(" ", 1)[0]) for one in parsed.errors] == [
        (3, "`paths.include`"),
        (5, "`fail_on`"),
    ]


def test_many_errors_are_cut_off() -> None:
    listed = errors("\n".join(f"key{number}: 1" for number in range(100)))
    assert len(listed) == MAX_ERRORS + 1
    assert listed[-1] == (MAX_ERRORS + 1, 1, "… and 80 more problems.")
    assert errors("\n".join(f"key{number}: 1" for number in range(21)))[-1][2] == (
        "… and 1 more problem."
    )


def test_what_is_quoted_from_the_file_stays_code() -> None:
    [(_, _, message)] = errors('"a`<!-- @org/team\\n\\n# Hi": 1')
    assert message.startswith("`a'<!-- @org/team # Hi` is not a known key.")


LAUGHS = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (LAUGHS, (1, 4, "Anchors (`&`) and aliases (`*`) are not allowed: write it out.")),
        ("a: *b", (1, 4, "Anchors (`&`) and aliases (`*`) are not allowed: write it out.")),
        (
            "a: !!python/object/apply:os.system ['true']",
            (1, 4, "Tags (`!`) are not allowed: write the plain value."),
        ),
        ("[" * 30_000, (1, 9, "The file is nested more than 8 levels deep.")),
        ("x" * 40_000, (1, 1, "The file is larger than 32 KB: shorten it.")),
        (
            "a: [" + "1," * 6_000 + "]",
            (1, 9999, "The file has more than 5000 values: shorten it."),
        ),
        (b"drafts: \xff", (1, 1, "The file is not UTF-8 text: save it as UTF-8.")),
        ("drafts: \ud800", (1, 1, "The file is not UTF-8 text: save it as UTF-8.")),
        ("drafts: true\n\x01", (2, 1, "The file contains control characters: remove them.")),
        (
            "drafts: true\n---\nbots: true",
            (2, 1, "The file has several YAML documents: keep only one."),
        ),
        ("- a", (1, 1, "The file must be a mapping of keys to values, such as `drafts: true`.")),
        ("? [a]\n: b", (1, 3, "Keys must be plain strings.")),
        (
            "drafts: true\nbots: [",
            (
                2,
                8,
                "This is not valid YAML: `expected the node content, but found '<stream end>'`.",
            ),
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_one_sentence(
    text: str | bytes, error: tuple[int, int, str]
) -> None:
    assert errors(text) == [error]
    assert named(parse(text)) == [f"{FILE}!"]
    assert replace(parse(text).config, checks=()) == RepoConfig()
    assert parse(text).explicit == frozenset()


@given(st.binary(max_size=300) | st.text(max_size=300))
def test_no_file_raises(content: str | bytes) -> None:
    assert isinstance(parse(content), ParsedConfig)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(st.sampled_from(["a/**", WIDE, "{,docs}"]), max_size=25)
        | st.dictionaries(st.sampled_from(["include", "paths", "text", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(
    data=st.dictionaries(
        st.sampled_from([*json_schema()["properties"], "other"]), VALUES, max_size=3
    )
)
def test_accepted_answers_match_the_schema(tally: Tally, data: dict[str, object]) -> None:
    tally.at_least(accepted=0.01, refused=0.3)
    text = json.dumps(data)  # JSON is YAML
    parsed = parse(text)
    tally.add(accepted=bool(data) and not parsed.errors, refused=bool(parsed.errors))
    if not parsed.errors:
        VALIDATOR.validate(safe_yaml.read(text).data)
    assert kept(parsed.config) == parsed.config
    for name in set(RepoConfig.__dataclass_fields__) - parsed.explicit - {"checks"}:
        assert getattr(parsed.config, name) == getattr(RepoConfig(), name)


def test_the_repository_wins_over_its_organization_key_by_key() -> None:
    organization = parse(
        "drafts: true\nfail_on: high\nskip_labels: [wip]\npaths: {exclude: ['*.md']}",
        file="octo-org/.github",
    )
    repository = parse("drafts: false\nfail_on: nonsense\npaths: {include: ['src/']}")
    merged = merge(organization, repository)
    assert merged.config == RepoConfig(
        drafts=False,  # though that is the default: it was said
        fail_on=FailOn.HIGH,  # the last good one
        skip_labels=("wip",),
        paths_include=("src/",),
        paths_exclude=("*.md",),
    )
    assert [one.file for one in merged.errors] == [FILE]
    assert merged.explicit == {
        "drafts",
        "fail_on",
        "skip_labels",
        "paths_include",
        "paths_exclude",
    }
