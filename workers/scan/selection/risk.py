"""How much a change to a file can hurt: what is read first when not all can be (pure).

    score = (kind of file + words of danger in its path) × size of the change

- kind: code 10; workflows, images and other build steps 8; templates, data and unknown 4;
  tests 3; prose 1
- words of danger: 4 for each of the words below, at most 8
- size: log2(2 + changed lines), and a quarter more for a new file

Ties are broken by path, so the order is the same on every run.
"""

import math
import re
from pathlib import PurePosixPath

from bot.domain.diff import ChangedFile, FileStatus
from bot.text.languages import language_of

_WORDS = re.compile(
    r"auth|login|session|passw|secret|token|crypt|cipher|sign|jwt|oauth|permission|acl|admin|sudo|"
    r"sql|query|migrat|payment|billing|invoice|upload|deserial|parse|webhook|sandbox|shell|exec",
    re.IGNORECASE,
)
_TEST_FOLDER = re.compile(r"(?:^|/)(?:tests?|specs?|__tests__|testdata|fixtures)/", re.IGNORECASE)
_TEST_NAME = re.compile(
    r"(?:^|/)(?:test_[^/]*|conftest\.py|[^/]*[._](?:test|spec)\.[^/]*|[^/]*_test\.[^/]*)$",
    re.IGNORECASE,
)
#: Folders and names of what is started for a trial, with data made up for it.
_TRIAL = re.compile(
    r"(?:^|[/._-])(?:tests?|testing|testdata|specs?|e2e|playwright|cypress|mocks?|fixtures?|dummy"
    r"|stubs?|benchmarks?)(?=[/._-])",
    re.IGNORECASE,
)
_EXAMPLE = re.compile(
    r"(?:^|[/._-])(?:examples?|samples?|docs?|documentation|tutorials?|templates?|dist|tpl"
    r"|demos?)(?=[/._-]|$)|(?:^|/)(?:readme|changelog|contributing)[^/]*$",
    re.IGNORECASE,
)
_DEVELOPMENT = re.compile(
    r"(?:^|/)(?:[^/]*compose[^/]*\.ya?ml[^/]*|dev/.*|\.devcontainer/.*|\.github/workflows/.*|\.gitlab-ci[^/]*"
    r"|\.circleci/.*|\.travis\.yml|azure-pipelines[^/]*|jenkinsfile[^/]*|[^/]*seed[^/]*"
    r"|(?:[^/]*[._-])?(?:dev|development|local)\.[^/]*)$",
    re.IGNORECASE,
)
_TRANSLATION = re.compile(
    r".*\.(?:pot?|xliff?|arb|strings|resx|ftl)"
    r"|(?:.*/)?(?:langs?|languages?|locales?|_locales|i18n|l10n|translations?|intl|nls)/.*"
    r"\.(?:json5?|ya?ml|properties|toml|php|[jt]s)"
    r"|(?:.*/)?(?:messages|strings|translations?|locale|lang)(?:[._-][^/]*)?"
    r"\.(?:json5?|ya?ml|properties|xml)"
    r"|(?:.*/)?(?:[^/]*[._])?[a-z]{2,3}[_-](?:[A-Z]{2}|[A-Z][a-z]{3})\.(?:ya?ml|json|properties)"
)
_PROSE = frozenset({"markdown", "rst", "org", "latex", "typst", "po"})
_PROSE_SUFFIXES = frozenset({".txt", ".adoc", ".license"})
_DATA = frozenset({"", "json", "yaml", "toml", "xml", "csv", "ini", "html", "css", "properties"})
_BUILD = frozenset(
    {"dockerfile", "make", "cmake", "terraform", "hcl", "groovy", "bash", "powershell"}
)


def is_test(path: str) -> bool:
    """Whether the path is a test's, by the habits of the common languages."""
    return bool(_TEST_FOLDER.search(path) or _TEST_NAME.search(path))


def is_fixture(path: str) -> bool:
    """Whether the path is of what tests use, and no test itself: it may be broken on purpose."""
    return bool(_TEST_FOLDER.search(path)) and not _TEST_NAME.search(path)


def is_prose(path: str) -> bool:
    """Whether people write text there, and not code or data."""
    return language_of(path) in _PROSE or PurePosixPath(path).suffix.lower() in _PROSE_SUFFIXES


def is_trial(path: str) -> bool:
    """Whether the path says so in any word: wider than `is_test`, which asks for a test's place."""
    return is_test(path) or _TRIAL.search(path) is not None


def is_example(path: str) -> bool:
    """Whether people read the file, or copy it and fill it in."""
    return is_prose(path) or _EXAMPLE.search(path) is not None


def is_development(path: str) -> bool:
    """Whether the file starts services for development or for a build: compose, CI, seeds."""
    return _DEVELOPMENT.search(path) is not None


def is_translation(path: str) -> bool:
    """Whether the file holds the texts of a program in some language."""
    return _TRANSLATION.fullmatch(path) is not None


def risk(file: ChangedFile) -> float:
    """The score above; larger is riskier."""
    danger = min(4 * len({word.lower() for word in _WORDS.findall(file.path)}), 8)
    size = math.log2(2 + file.changed_lines) * (1.25 if file.status is FileStatus.ADDED else 1)
    return (_kind(file.path) + danger) * size


def riskiest_first(files: list[ChangedFile]) -> list[ChangedFile]:
    return sorted(files, key=lambda file: (-risk(file), file.path))


def _kind(path: str) -> int:
    language = language_of(path)
    if is_prose(path):
        return 1
    if is_test(path):
        return 3
    if path.startswith(".github/workflows/") or language in _BUILD:
        return 8
    return 4 if language in _DATA else 10
