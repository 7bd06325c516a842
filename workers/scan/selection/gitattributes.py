"""What `.gitattributes` says of generated and vendored files (pure).

Read from the merge base, so that a pull request can't take its own files out of the
review. Format: https://git-scm.com/docs/gitattributes; the attributes are those of
https://github.com/github-linguist/linguist/blob/main/docs/overrides.md.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bot.text.globs import matches

NAME = ".gitattributes"
_REASONS = {
    "linguist-generated": "marked as generated in .gitattributes",
    "linguist-vendored": "marked as vendored in .gitattributes",
}
_MAX_LINES = 5000


@dataclass(frozen=True, slots=True)
class _Rule:
    folder: str  # with a final slash, or ""
    pattern: str
    attribute: str
    set: bool


@dataclass(frozen=True, slots=True)
class Attributes:
    """The rules of all `.gitattributes` files; a later one wins, as in git."""

    rules: tuple[_Rule, ...] = ()

    def reason(self, path: str) -> str | None:
        """Why `path` is not for review, or None."""
        state: dict[str, bool] = {}
        for rule in self.rules:
            inside = path.startswith(rule.folder)
            if inside and matches(rule.pattern, path[len(rule.folder) :]):
                state[rule.attribute] = rule.set
        return next((_REASONS[name] for name, is_set in state.items() if is_set), None)


def parse(files: Mapping[str, str]) -> Attributes:
    """`files` maps the path of each `.gitattributes` to its text."""
    shallow_first = sorted(files, key=lambda path: path.count("/"))
    return Attributes(tuple(rule for path in shallow_first for rule in _rules(path, files[path])))


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
