"""What a repository may say about its own reviews: `.github/glossator.yml` (pure, no I/O).

`parse` never fails: a key that is unknown or wrong gives an error with its line and what is
allowed, and keeps its default; every other key counts. `docs/repository-configuration.md`
tells people the same, `docs/glossator.schema.json` tells their editors.
"""

import json
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import chain
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import ErrorDetails

from bot.config import safe_yaml
from bot.config.config_errors import code, dotted, explain
from bot.config.safe_yaml import Document, Path, Position
from bot.config.settings import FailOn, Forks
from bot.domain.model import Category, Effort, Severity
from bot.domain.team_checks import CheckMode
from bot.text.globs import expand_braces
from templates.languages import Language

FILE = ".github/glossator.yml"


class Profile(StrEnum):
    """How much a review says, where the repository does not set it more exactly."""

    QUIET = "quiet"  # what matters, and of that what is rather sure
    BALANCED = "balanced"  # the server's settings
    THOROUGH = "thorough"  # small things too


class ReviewOn(StrEnum):
    """What starts a review automatically."""

    PUSH = "push"  # opening, and each push
    OPEN = "open"  # opening, the end of a draft, and another base branch
    MANUAL = "manual"  # nothing


#: More errors than anybody reads at once; of the others, the number is told.
MAX_ERRORS = 20
#: Each takes room in the prompt that judges them, and a line in the review.
MAX_CHECKS = 20
MAX_CHECK_NAME = 80

# What is kept of a file with each review. These classes read back whatever was stored: what a file
# may say is limited once, as it is parsed.


@dataclass(frozen=True, slots=True)
class Instruction:
    """Instructions for files that match any of `paths`."""

    paths: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class TeamPreference:
    """What the team does not want reported in files that match any of `paths`."""

    paths: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class PathSeverity:
    """The least severity that is reported in files that match any of `paths`."""

    paths: tuple[str, ...]
    min_severity: Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelRule:
    """A label that pull requests get which change a file that matches any of `paths`, or in which
    there is a finding of one of `categories`, or one of `severity` or above."""

    name: str
    paths: tuple[str, ...] = ()
    categories: tuple[Category, ...] = ()
    severity: Severity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamCheck:
    """Something that has to hold of each change of a file that matches any of `paths`, in plain
    words; without paths, of each change."""

    name: str
    instruction: str
    paths: tuple[str, ...] = ()
    mode: CheckMode = CheckMode.WARN
    mistake: str = ""  # Markdown: why nobody can judge it, where the file is wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class RepoConfig:
    """A repository's wishes; None means the server's setting. Patterns: see `bot.text.globs`."""

    paths_include: tuple[str, ...] = ()  # empty: all paths
    paths_exclude: tuple[str, ...] = ()
    instructions: tuple[Instruction, ...] = ()
    categories: tuple[Category, ...] | None = None
    min_severity: Severity | None = None
    path_severities: tuple[PathSeverity, ...] = ()
    profile: Profile = Profile.BALANCED
    tone: str = ""
    effort: Effort | None = None
    fail_on: FailOn | None = None
    fail_incomplete: bool | None = None
    max_comments: int | None = None
    max_files: int | None = None
    request_changes: bool | None = None
    review_on: ReviewOn = ReviewOn.PUSH
    pause_after: int = 0  # reviews of a pull request; 0: never
    drafts: bool = False
    bots: bool = False
    bot_authors: tuple[str, ...] = ()  # patterns of logins: reviewed though `bots` is false
    dependency_bots: tuple[str, ...] = ("dependabot", "renovate*")  # as well: what they update
    authors: tuple[str, ...] = ()  # patterns of logins; empty: everybody
    skip_authors: tuple[str, ...] = ()
    forks: Forks | None = None
    base_branches: tuple[str, ...] = ()  # patterns; empty: all branches
    skip_head_branches: tuple[str, ...] = ()
    only_labels: tuple[str, ...] = ()  # empty: whatever labels it has
    skip_labels: tuple[str, ...] = ("no-review",)
    title_skip_markers: tuple[str, ...] = ("[skip review]", "[no review]")
    skip_above_files: int = 0  # changed files; 0: no limit
    skip_above_lines: int = 0  # added and deleted lines; 0: no limit
    settle_seconds: int | None = None
    analyzers_disabled: tuple[str, ...] = ()
    dependencies_advisories: bool = True
    dependencies_min_severity: Severity = Severity.INFO
    dependencies_licenses_allow: tuple[str, ...] = ()  # empty: all but the denied
    dependencies_licenses_deny: tuple[str, ...] = ()
    author_commands: bool = False
    language: Language | None = None
    agent_prompts: bool = True
    labels: tuple[LabelRule, ...] = ()
    effort_estimate: bool = False
    preferences: tuple[TeamPreference, ...] = ()
    remember: bool = True  # offer to remember what people say of findings
    checks: tuple[TeamCheck, ...] = ()
    description_overview: bool = False
    diagram: bool = False

    @property
    def has_gates(self) -> bool:
        """Whether a check of the team fails the check run."""
        return any(check.mode is CheckMode.FAIL for check in self.checks)


@dataclass(frozen=True, slots=True)
class ConfigError:
    """One thing wrong with a file; line and column count from 1, `message` is Markdown."""

    file: str
    line: int
    column: int
    message: str


@dataclass(frozen=True, slots=True)
class ParsedConfig:
    """`explicit` names the fields of `config` that the file itself sets, rightly."""

    config: RepoConfig = RepoConfig()
    errors: tuple[ConfigError, ...] = ()
    explicit: frozenset[str] = frozenset()

    @property
    def warnings(self) -> tuple[str, ...]:
        """A sentence of Markdown for each error, with its file and line."""
        return tuple(f"{code(e.file)}, line {e.line}: {e.message}" for e in self.errors)


def parse(text: str | bytes, *, file: str = FILE) -> ParsedConfig:
    """The configuration that a file's content gives, and what is wrong with it."""
    try:
        document = safe_yaml.read(text)
    except safe_yaml.InvalidYaml as exc:
        return _unreadable(ConfigError(file, *exc.position, exc.message))
    entries = document.data.get("checks")
    surplus = dict(_surplus_checks(document.data))
    wanted, wrong = _validated(document, {*surplus})
    found = [(error["loc"], explain(error, _SCHEMA)) for error in wrong]
    found += [(("checks", number), message) for number, message in surplus.items()]
    told = [(_position(path, document), message, path[:2]) for path, message in found]
    for path, position in document.duplicates:
        message = f"{code(dotted(path))} is given twice: the first counts."
        told.append((position, message, path if path == ("checks",) else ()))
    errors: list[ConfigError] = []
    mistakes: dict[Path, str] = {}
    for position, message, path in sorted(told, key=lambda each: each[:2]):
        errors.append(ConfigError(file, *position, message))
        mistakes.setdefault(path, _mistake(errors[-1]))
    values = _flat(wanted)
    explicit = frozenset(values)
    checks = _with_mistakes(entries, values.pop("checks", ()), mistakes, surplus)
    return ParsedConfig(RepoConfig(**values, checks=checks), _first(errors), explicit)


def _first(errors: list[ConfigError]) -> tuple[ConfigError, ...]:
    if not (left := errors[MAX_ERRORS:]):
        return tuple(errors)
    more = f"… and {len(left)} more problem{'s' if left[1:] else ''}."
    return (*errors[:MAX_ERRORS], replace(left[0], message=more))


def too_large(file: str = FILE) -> ParsedConfig:
    """What a file says that is longer than anybody reads: nothing but that."""
    return _unreadable(ConfigError(file, 1, 1, safe_yaml.TOO_LARGE))


def _unreadable(error: ConfigError) -> ParsedConfig:
    """Of a file that says nothing: what it has for gates nobody knows, so it is one itself."""
    why = f"line {error.line}: {error.message.removesuffix('.')}"
    gate = TeamCheck(
        name=error.file,
        instruction="",
        mode=CheckMode.FAIL,
        mistake=f"the file could not be read, so its gates are unknown; {why}",
    )
    return ParsedConfig(RepoConfig(checks=(gate,)), (error,))


def merge(organization: ParsedConfig, repository: ParsedConfig) -> ParsedConfig:
    """The organisation's defaults, overridden by each key that the repository sets rightly.
    Checks that stand for a mistake stay, unless their file has right ones that are overridden."""
    own = {name: getattr(repository.config, name) for name in repository.explicit}
    checks = repository.config.checks
    if "checks" not in repository.explicit:
        own["checks"] = (*organization.config.checks, *checks)
    elif "checks" not in organization.explicit:
        own["checks"] = (*checks, *organization.config.checks)
    return ParsedConfig(
        replace(organization.config, **own),
        organization.errors + repository.errors,
        organization.explicit | repository.explicit,
    )


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the file, as published in docs/."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return schema | _File.model_json_schema()


# The file's own shape. Its defaults are for the schema only: what counts is which keys are set.

_DEFAULT = RepoConfig()
_SERVERS: Any = None  # the server's setting; a file cannot say so but by leaving the key out


_FORKS: list[Any] = [*(str(each) for each in Forks), True, False]


def _forks(value: Any) -> Any:
    """Earlier files say true or false."""
    if isinstance(value, bool):
        return Forks.REVIEW if value else Forks.SKIP
    return value


def _without_null_defaults(schema: dict[str, Any]) -> None:
    for value in schema["properties"].values():
        if value.get("default", ...) is None:
            del value["default"]


class _Section(BaseModel):
    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, json_schema_extra=_without_null_defaults
    )


def _expanded(patterns: tuple[str, ...]) -> tuple[str, ...]:
    """A pattern for each choice of braces, but no empty ones, which `{,docs}` has."""
    return tuple(filter(None, chain.from_iterable(map(expand_braces, patterns))))


def _not_empty(pattern: str) -> str:
    if not _expanded((pattern,)):  # no patterns at all would be all paths
        raise ValueError("No pattern is left.")
    return pattern


_Pattern = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_not_empty)]
_EXPANDED = AfterValidator(_expanded)
_Patterns = Annotated[tuple[_Pattern, ...], Field(max_length=200), _EXPANDED]
_Name = Annotated[str, Field(min_length=1, max_length=100)]
_Names = Annotated[tuple[_Name, ...], Field(max_length=50)]


class _Entry(_Section):
    """An item of a list, as a file may write it."""

    kept_as: ClassVar[type[Any]]

    def kept(self) -> Any:
        """The same as it is kept, without the limits of the file."""
        return self.kept_as(**{name: getattr(self, name) for name in self.model_fields_set})


class InstructionEntry(_Entry):
    """Instructions for files that match any of `paths`."""

    kept_as = Instruction
    paths: _Patterns
    text: Annotated[str, Field(min_length=1, max_length=4000)]


class PreferenceEntry(_Entry):
    """What the team does not want reported in files that match any of `paths`."""

    kept_as = TeamPreference
    paths: Annotated[tuple[_Pattern, ...], Field(max_length=20), _EXPANDED]
    text: Annotated[str, Field(min_length=1, max_length=200)]


class PathSeverityEntry(_Entry):
    """The least severity that is reported in files that match any of `paths`."""

    kept_as = PathSeverity
    paths: _Patterns
    min_severity: Severity


class LabelEntry(_Entry):
    """A label for pull requests that change a file that matches any of `paths`, or have a finding
    of one of `categories`, or one of `severity` or above."""

    kept_as = LabelRule
    name: Annotated[str, Field(min_length=1, max_length=50)]
    paths: _Patterns = ()
    categories: Annotated[tuple[Category, ...], Field(max_length=10)] = ()
    severity: Severity = Field(_SERVERS)


class CheckEntry(_Entry):
    """Something that has to hold of each change of a file that matches any of `paths`, in plain
    words; without paths, of each change."""

    kept_as = TeamCheck
    name: Annotated[str, Field(min_length=1, max_length=MAX_CHECK_NAME)]
    instruction: Annotated[str, Field(min_length=1, max_length=1000)]
    paths: _Patterns = ()
    mode: Annotated[CheckMode, Field(strict=False)] = CheckMode.WARN


class Paths(_Section):
    """Which changed files to review."""

    include: _Patterns = Field(default=(), description="Review only these paths; empty: all.")
    exclude: _Patterns = Field(default=(), description="Do not review these paths.")


class Analyzers(_Section):
    """Static analyzers."""

    disabled: _Names = Field(default=(), description="Names of static analyzers to turn off.")


class Licenses(_Section):
    """Licenses of packages that a change adds, by SPDX identifier."""

    allow: _Names = Field(default=(), description="Report all other licenses; empty: none.")
    deny: _Names = Field(default=(), description="Report these licenses.")


class Dependencies(_Section):
    """Packages that a change adds, by GitHub's dependency review."""

    advisories: bool = Field(
        _DEFAULT.dependencies_advisories, description="Report packages with known vulnerabilities."
    )
    min_severity: Annotated[Severity, Field(strict=False)] = Field(
        _DEFAULT.dependencies_min_severity,
        description="Minimum severity of vulnerabilities to report.",
    )
    licenses: Licenses = Field(Licenses(), description="Which licenses to report.")


class _File(_Section):
    """How Glossator reviews the pull requests of this repository."""

    model_config = ConfigDict(title="Glossator repository configuration")

    paths: Paths = Field(Paths(), description="Which changed files to review.")
    instructions: Annotated[tuple[InstructionEntry, ...], Field(max_length=50)] = Field(
        (), description="Instructions for the reviewer, for files matching the paths."
    )
    categories: Annotated[tuple[Category, ...], Field(min_length=1)] = Field(
        _SERVERS, description="Categories to review. Default: the server's."
    )
    min_severity: Severity = Field(
        _SERVERS, description="Minimum severity to report. Default: the server's."
    )
    path_severities: Annotated[tuple[PathSeverityEntry, ...], Field(max_length=50)] = Field(
        (), description="Minimum severity for files matching the paths; the first match counts."
    )
    profile: Annotated[Profile, Field(strict=False)] = Field(
        _DEFAULT.profile,
        description="How much a review says: quiet (medium severity and above, at most 5 inline "
        "comments), balanced (the server's settings) or thorough (everything, up to 30 comments).",
    )
    tone: Annotated[str, Field(min_length=1, max_length=200)] = Field(
        _DEFAULT.tone, description="How findings are worded, in one sentence."
    )
    effort: Effort = Field(
        _SERVERS,
        description="How thorough (and costly) a review is: quick, standard or deep. "
        "Default: the server's.",
    )
    fail_on: FailOn = Field(
        _SERVERS,
        description="Minimum severity that fails the check. Default: the server's.",
    )
    fail_incomplete: bool = Field(
        _SERVERS,
        description="Fail the check if the review could not be completed. Default: the server's.",
    )
    max_comments: Annotated[int, Field(ge=0, le=50)] = Field(
        _SERVERS,
        description="Maximum inline comments per review, besides critical findings; 0: none. "
        "Default: the server's.",
    )
    max_files: Annotated[int, Field(ge=1, le=1000)] = Field(
        _SERVERS,
        description="Maximum files to review, up to the server's limit (the default).",
    )
    request_changes: bool = Field(
        _SERVERS,
        description="Request changes for critical and high findings. Default: the server's.",
    )
    author_commands: bool = Field(
        _DEFAULT.author_commands,
        description="Let authors without write access ask questions and dismiss findings in "
        "their own pull requests.",
    )
    language: Language = Field(
        _SERVERS,
        description="Language of reviews and answers: en, de, es, fr, ja, pt-BR or zh-CN. "
        "Default: the server's.",
    )
    review_on: Annotated[ReviewOn, Field(strict=False)] = Field(
        _DEFAULT.review_on,
        description="What starts a review: push (opening and each push), open (opening, "
        "reopening, leaving draft, a new base branch), or manual (only commands and buttons).",
    )
    pause_after: Annotated[int, Field(ge=0, le=100)] = Field(
        _DEFAULT.pause_after,
        description="Stop reviewing pushes after this number of reviews of a pull request; "
        "0: never pause.",
    )
    drafts: bool = Field(_DEFAULT.drafts, description="Review drafts automatically.")
    bots: bool = Field(_DEFAULT.bots, description="Review pull requests by bots automatically.")
    bot_authors: _Patterns = Field(
        _DEFAULT.bot_authors,
        description="Logins of bots to review although `bots` is false.",
    )
    dependency_bots: _Patterns = Field(
        _DEFAULT.dependency_bots,
        description="Say in short, without the model, what pull requests by these bots update, "
        "though `bots` is false; empty: skip them.",
    )
    authors: _Patterns = Field(
        _DEFAULT.authors, description="Review only pull requests by these logins; empty: all."
    )
    skip_authors: _Patterns = Field(
        _DEFAULT.skip_authors, description="Skip pull requests by these logins."
    )
    forks: Annotated[Forks, BeforeValidator(_forks), WithJsonSchema({"enum": _FORKS})] = Field(
        _SERVERS,
        description="Pull requests from forks: review, ask (a person with write access must start "
        "the review) or skip; true and false mean review and skip. Default: the server's.",
    )
    base_branches: _Patterns = Field(
        _DEFAULT.base_branches, description="Only pull requests into these branches; empty: all."
    )
    skip_head_branches: _Patterns = Field(
        _DEFAULT.skip_head_branches, description="Skip pull requests from these branches."
    )
    only_labels: _Names = Field(
        _DEFAULT.only_labels,
        description="Review only pull requests with one of these labels; empty: all.",
    )
    skip_labels: _Names = Field(
        _DEFAULT.skip_labels, description="Skip pull requests with one of these labels."
    )
    title_skip_markers: _Names = Field(
        _DEFAULT.title_skip_markers,
        description="Skip pull requests whose title contains one of these.",
    )
    skip_above_files: Annotated[int, Field(ge=0, le=3000)] = Field(
        _DEFAULT.skip_above_files,
        description="Skip pull requests that change more files than this; 0: no limit.",
    )
    skip_above_lines: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        _DEFAULT.skip_above_lines,
        description="Skip pull requests that change more lines than this; 0: no limit.",
    )
    settle_seconds: Annotated[int, Field(ge=0, le=600)] = Field(
        _SERVERS,
        description="Seconds to wait for more commits after a push. Default: the server's.",
    )
    agent_prompts: bool = Field(
        _DEFAULT.agent_prompts,
        description="Add a folded prompt for coding agents to findings and to the review.",
    )
    labels: Annotated[tuple[LabelEntry, ...], Field(max_length=20)] = Field(
        (),
        description="Labels to add to matching pull requests, and to remove from others.",
    )
    effort_estimate: bool = Field(
        _DEFAULT.effort_estimate,
        description="Estimate how long a person takes to review the change.",
    )
    preferences: Annotated[tuple[PreferenceEntry, ...], Field(max_length=50)] = Field(
        (), description="What the model is not to report in files matching the paths."
    )
    remember: bool = Field(
        _DEFAULT.remember, description="Offer to remember a dismissal's reason as a preference."
    )
    description_overview: bool = Field(
        _DEFAULT.description_overview,
        description="Keep an overview of the change in the pull request's description.",
    )
    diagram: bool = Field(
        _DEFAULT.diagram, description="Draw a changed flow as a Mermaid diagram in the review."
    )
    checks: Annotated[tuple[CheckEntry, ...], Field(max_length=MAX_CHECKS)] = Field(
        (),
        description="What has to hold of each change, in plain words: judged by the model, shown "
        "one by one; those of the mode fail decide the check run.",
    )
    analyzers: Analyzers = Field(Analyzers(), description="Static analyzers.")
    dependencies: Dependencies = Field(
        Dependencies(), description="Packages that a change adds, by GitHub's dependency review."
    )


def _flat(section: _Section, prefix: str = "") -> dict[str, Any]:
    """The set keys under the names of RepoConfig: `paths.include` is `paths_include`."""
    values: dict[str, Any] = {}
    for name in section.model_fields_set:
        value = getattr(section, name)
        if isinstance(value, _Section):
            values |= _flat(value, f"{prefix}{name}_")
        elif isinstance(value, tuple):
            kept = (each.kept() if isinstance(each, _Entry) else each for each in value)
            values[prefix + name] = tuple(kept)
        else:
            values[prefix + name] = value
    return values


def _surplus_checks(data: dict[str, Any]) -> list[tuple[int, str]]:
    """The checks that do not count beside those before them, by number, each with the reason."""
    checks = data.get("checks")
    checks = checks if isinstance(checks, list) else []
    found: list[tuple[int, str]] = []
    names: set[str] = set()
    for number, check in enumerate(checks):
        name = check.get("name") if isinstance(check, dict) else None
        if number >= MAX_CHECKS:
            message = f"`checks` has {len(checks)} entries: only the first {MAX_CHECKS} count."
            return [*found, (number, message)]
        if isinstance(name, str):
            if name.casefold() in names:
                same = f"{code(dotted(('checks', number)))} has the name of a check before it"
                found.append((number, f"{same}, {code(name)}: the first counts."))
            names.add(name.casefold())
    return found


def _mistake(error: ConfigError) -> str:
    message = error.message.removesuffix(".")
    return f"line {error.line} of {code(error.file)} is wrong: {message}"


def _with_mistakes(
    entries: Any,
    right: Sequence[TeamCheck],
    mistakes: Mapping[Path, str],
    surplus: Container[int],
) -> tuple[TeamCheck, ...]:
    """The `right` checks, and one that nobody can judge for each wrong entry: without it, the gate
    that was meant would be open."""
    rest = iter(right)
    checks: list[TeamCheck] = []
    for number, entry in enumerate(entries[: MAX_CHECKS + 1] if isinstance(entries, list) else ()):
        if not (mistake := mistakes.get(("checks", number))):
            checks.append(next(rest))
            continue
        meant = entries[number:] if number == MAX_CHECKS else [entry]
        mode = (
            CheckMode.WARN
            if all(_only_warns(each, number in surplus) for each in meant)
            else CheckMode.FAIL
        )
        name = entry.get("name") if isinstance(entry, dict) and number not in surplus else None
        if not isinstance(name, str) or not 1 <= len(name) <= MAX_CHECK_NAME:
            name = dotted(("checks", number))
        checks.append(TeamCheck(name=name, instruction="", mode=mode, mistake=mistake))
    if mistake := mistakes.get(("checks",)):
        gate = TeamCheck(name="checks", instruction="", mode=CheckMode.FAIL, mistake=mistake)
        checks.append(gate)
    return tuple(checks)


def _only_warns(entry: Any, surplus: bool) -> bool:
    """Whether that is sure of an entry. One without a mode warns, but only if it is right in
    itself: else the mode may be what went wrong."""
    if not isinstance(entry, dict):
        return False
    default = "warn" if surplus and entry.keys() <= CheckEntry.model_fields.keys() else ""
    return bool(entry.get("mode", default) == CheckMode.WARN)


def _validated(document: Document, surplus: set[int]) -> tuple[_File, list[ErrorDetails]]:
    """What is right in the document without the `surplus` checks, and the errors of the rest."""
    data = document.data
    if isinstance(checks := data.get("checks"), list):
        data["checks"] = checks[:MAX_CHECKS]
    wrong: list[ErrorDetails] = []
    try:
        file = _File.model_validate_json(json.dumps(data))
        if not surplus:
            return file, wrong
    except ValidationError as exc:
        wrong = exc.errors(include_url=False)
    unusable = set(surplus)
    for error in wrong:
        match error["loc"]:
            case ("checks", int(number), *_):
                unusable.add(number)
            case path:
                _drop(data, path)
    # Each check is a gate of its own, which may not open for a slip in another.
    if isinstance(checks := data.get("checks"), list):
        kept = [each for number, each in enumerate(checks) if number not in unusable]
        if kept or not checks:
            data["checks"] = kept
        else:  # the organization's hold
            del data["checks"]
    return _File.model_validate_json(json.dumps(data)), wrong


def _position(path: Path, document: Document) -> Position:
    """Where the key stands, or what it would have to stand in."""
    while path and path not in document.positions:
        path = path[:-1]
    return document.positions.get(path, (1, 1))


def _drop(data: dict[str, Any], path: Path) -> None:
    """Take out the key that has no keys of its own: a list goes whole, for half of what was
    meant can be worse than the default."""
    section = data.get(str(path[0]))
    if len(path) > 1 and isinstance(section, dict):
        section.pop(str(path[1]), None)
    else:
        data.pop(str(path[0]), None)


_SCHEMA = json_schema()
