"""Rules that hold for whatever we post, checked on the text as GitHub would read it."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

from workers.scan.analyzers.registry import NAMES
from workers.scan.analyzers.rules import rules

_GITHUB = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])

#: Tags of our own templates; none has an attribute but that a fold may be open.
_OURS = re.compile(r"</?(?:details|summary|sub)>|<details open>")
_MARKER = re.compile(
    r"<!-- glossator:(?:review:[0-9A-Z]{26}|finding:\{\"v\":1,[^<>&@#`]*\}|reply:\d+(?::\d+)?) -->"
)
_ANY_MARKER = re.compile(r"<!--\s*glossator\s*:", re.IGNORECASE)
_ACTIVE = {
    "a mention": re.compile(r"(?<![\w`/])@[A-Za-z0-9]"),
    "a reference": re.compile(r"#\d|(?<![^\W_])GH-\d|\w@[0-9a-f]{7}", re.IGNORECASE),
    "an address": re.compile(r"\w://|(?<![^\W_])(?:www\.|mailto:|xmpp:)|\w@\w+\.\w", re.IGNORECASE),
    "mathematics": re.compile(r"\$[^\s$][^$]*\$"),
}
_COMMAND = re.compile(r"/[A-Za-z]")
_LIVE_FENCES = {"mermaid", "math", "geojson", "topojson", "stl"}
#: Links that our own templates and analyzers write.
_CWE = "https://cwe.mitre.org/"


#: Pages of advisories, by ids of GitHub's form alone.
_ADVISORY = re.compile(r"https://github\.com/advisories/GHSA(-[0-9a-z]{4}){3}")


@cache
def _rule_pages() -> frozenset[str]:
    """The pages of analyzers' rules, from our own tables."""
    return frozenset(rule.url for name in NAMES for rule in rules(name).values())


def faults(
    text: str, *, our_url: str, limit: int, suggestion: bool = False, code_url: str = "none://"
) -> list[str]:
    """What in `text`, as Markdown on GitHub, would do something beside being read.

    `suggestion` allows one fence of that name, as a comment on a line has it; `code_url` is where
    links to the reviewed code may lead.
    """
    found = [*_lengths(text, limit), *_raw(text)]
    fences = 0
    for token in _flat(_GITHUB.parse(text)):
        match token.type:
            case "image":
                found.append(f"an image: {token.attrs}")
            case "link_open":
                href = str(token.attrs["href"])
                ours = (f"{our_url}/reviews/", f"{our_url}/api/reviews/", f"{code_url}/blob/", _CWE)
                known = href in _rule_pages() or _ADVISORY.fullmatch(href)
                if not href.startswith(ours) and not known:
                    found.append(f"a link to {href}")
            case "html_block" | "html_inline":
                rest = _MARKER.sub("", _OURS.sub("", token.content))
                if "<" in rest:
                    found.append(f"HTML: {rest.strip()[:80]!r}")
                found += _active(rest)
            case "text":
                found += _active(token.content)
            case "fence":
                name = token.info.strip().split(" ")[0].lower()
                fences += name == "suggestion"
                if name in _LIVE_FENCES:
                    found.append(f"a live fence: {name}")
            case _:
                continue
    if fences > suggestion:
        found.append(f"{fences} suggestions")
    return found


def plain_faults(text: str, limit: int) -> list[str]:
    """The same for what GitHub shows as plain text."""
    return _lengths(text, limit) + _hidden(text)


def _flat(tokens: Iterable[Token]) -> Iterator[Token]:
    """Neighbouring texts joined, as they are rendered."""
    for token in tokens:
        if token.children is None:
            yield token
            continue
        plain: Token | None = None
        for child in token.children:
            # `text_special` is what was escaped; GitHub looks at the rendered text.
            if child.type in ("text", "text_special"):
                if plain is None:
                    plain = Token("text", "", 0)
                plain.content += child.content
                continue
            if plain is not None:
                yield plain
                plain = None
            yield child
        if plain is not None:
            yield plain


def _active(text: str) -> list[str]:
    return [f"{what}: {text[:80]!r}" for what, pattern in _ACTIVE.items() if pattern.search(text)]


def _raw(text: str) -> list[str]:
    """What other programs look for in the source, that do not parse Markdown."""
    found = _hidden(text)
    commands = [line for line in text.split("\n") if _COMMAND.match(line)]
    found += [f"a command at a line's start: {line[:80]!r}" for line in commands]
    markers = [match.start() for match in _ANY_MARKER.finditer(text)]
    own_marker = _MARKER.match(text)
    if markers != ([0] if own_marker else []):
        found.append(f"markers of ours at {markers}")
    return found


def _hidden(text: str) -> list[str]:
    hidden = {
        f"U+{ord(char):04X}"
        for char in text
        if char not in "\n\t\u200d\ufe0f"
        and (unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"))
    }
    return [f"hidden characters: {sorted(hidden)}"] if hidden else []


def _lengths(text: str, limit: int) -> list[str]:
    units = len(text.encode("utf-16-le")) // 2
    return [f"{units} characters of {limit}"] if units > limit else []
