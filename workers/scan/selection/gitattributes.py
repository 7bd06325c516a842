"""What `.gitattributes` says of generated and vendored files (pure).

Read from the merge base, so that a pull request can't take its own files out of the
review. Format: https://git-scm.com/docs/gitattributes; the attributes are those of
https://github.com/github-linguist/linguist/blob/main/docs/overrides.md.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate, takewhile

from bot.domain.reasons import FileSkipReason
from bot.text.globs import PatternSet

NAME = ".gitattributes"
_REASONS = {
    "linguist-generated": FileSkipReason.MARKED_GENERATED,
    "linguist-vendored": FileSkipReason.MARKED_VENDORED,
}
_MAX_LINES = 5000
#: Of the patterns of all files together; later ones are not read, and exclude nothing.
_MAX_CHARACTERS = 1_000_000


@dataclass(frozen=True, slots=True)
class _Rule:
    folder: str  # with a final slash, or ""
    pattern: str
    attribute: str
    set: bool


class Attributes:
    """The rules of all `.gitattributes` files; a later one wins, as in git."""

    def __init__(self, rules: Iterable[_Rule] = ()) -> None:
        self._rules = tuple(rules)
        numbers: dict[str, list[int]] = {}
        for number, rule in enumerate(self._rules):
            numbers.setdefault(rule.folder, []).append(number)
        self._numbers = numbers
        self._patterns = {
            folder: PatternSet(self._rules[number].pattern for number in within)
            for folder, within in numbers.items()
        }

    def cost(self, path: str) -> float:
        """The seconds that `reason` may take at most, about."""
        return sum(self._patterns[folder].cost(path) for folder in self._folders(path))

    def reason(self, path: str) -> FileSkipReason | None:
        """Why `path` is not for review, or None."""
        last: dict[str, int] = {}
        for folder in self._folders(path):
            for position in self._patterns[folder].matching(path[len(folder) :]):
                number = self._numbers[folder][position]
                name = self._rules[number].attribute
                last[name] = max(number, last.get(name, 0))
        names = (name for name in _REASONS if name in last and self._rules[last[name]].set)
        return next((_REASONS[name] for name in names), None)

    def _folders(self, path: str) -> list[str]:
        """The folders of the path that have rules."""
        if not self._patterns:
            return []
        ends = (i + 1 for i, character in enumerate(path) if character == "/")
        return [folder for end in (0, *ends) if (folder := path[:end]) in self._patterns]


def parse(files: Mapping[str, str]) -> Attributes:
    """`files` maps the path of each `.gitattributes` to its text."""
    shallow_first = sorted(files, key=lambda path: path.count("/"))
    rules = [rule for path in shallow_first for rule in _rules(path, files[path])]
    sizes = accumulate(len(rule.pattern) for rule in rules)
    number = sum(1 for _ in takewhile(lambda size: size <= _MAX_CHARACTERS, sizes))
    return Attributes(rules[:number])


def _rules(path: str, text: str) -> Iterator[_Rule]:
    folder = path.removesuffix(NAME)
    for line in text.splitlines()[:_MAX_LINES]:
        pattern, rest = _pattern(line.strip())
        for word in rest.split():
            name, _, value = word.lstrip("-!").partition("=")
            if name in _REASONS:
                is_set = word[0] not in "-!" and value.lower() != "false"
                yield _Rule(folder, pattern, name, is_set)


def _pattern(line: str) -> tuple[str, str]:
    """The pattern, which may stand in quotes, and the attributes after it."""
    if not line or line.startswith(("#", "!", "[attr]")):
        return "", ""
    if line.startswith('"') and '"' in line[1:]:
        pattern, _, rest = line[1:].partition('"')
        return pattern, rest
    pattern, *rest_of_line = line.split(None, 1)
    return pattern, rest_of_line[0] if rest_of_line else ""
