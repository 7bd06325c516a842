"""The `/review` grammar: what a comment asks of us, as one pure function. COMMAND_PREFIX may
name another word than `/review`.

A command stands at the start of a line of plain text (spaces may precede it), one a line,
anywhere in a comment. Block quotes, code of any kind, HTML and HTML comments say nothing,
nor do list items' first lines, which start with their marker. Words are not case-sensitive.

    /review                     read what is new
    /review full                read everything again
    /review CATEGORY            look for one category only
    /review quick | deep        read what is new with less effort, or everything with more
    /review cancel | pause | resume | help
    /review ask QUESTION
    /review dismiss [REASON]    in a thread of ours
    /review forget [LESSON]     its id or number, or none in a thread of ours
    /review remember [SENTENCE] in a thread of ours: what was proposed there, or this
    /review preferences
    /review fix-prompt          of the finding, in a thread of ours, or of all

Words that choose a review may be combined (`/review security deep`), and small ones that people add
(`now`, `please`) change nothing. A comment that mentions the App is a command if it says one, or
else a question to it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

from bot.domain.model import Category, Effort
from templates.languages import DEFAULT_PREFIX, _


class Verb(StrEnum):
    """What is wanted; REVIEW is the command without a word, with `full`, an effort, or a
    category."""

    REVIEW = "review"
    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"
    HELP = "help"
    ASK = "ask"
    DISMISS = "dismiss"
    FORGET = "forget"
    REMEMBER = "remember"
    PREFERENCES = "preferences"
    FIX_PROMPT = "fix-prompt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command. `text` is the question of ASK (never empty), the reason of DISMISS, the
    lesson's fingerprint or number of FORGET or the sentence of REMEMBER."""

    verb: Verb
    full: bool = False
    focus: Category | None = None
    effort: Effort | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class BadCommand:
    """A line that meant to be a command; `reply` is one or two sentences of Markdown."""

    reply: str


#: More commands in one comment are a mistake or a flood; those after the tenth are dropped.
MAX_COMMANDS = 10

_NEWLINE = re.compile(r"\r\n?|\n")  # what Markdown calls a line end, unlike str.splitlines
_MAX_SHOWN_CHARACTERS = re.compile(r"[A-Za-z0-9_-]{1,30}")

#: The commands that take a text after their word.
_WITH_ARGUMENT = {str(verb): verb for verb in (Verb.ASK, Verb.DISMISS, Verb.FORGET, Verb.REMEMBER)}
_WITHOUT_ARGUMENT: dict[str, Command] = {
    "": Command(verb=Verb.REVIEW),
    "full": Command(verb=Verb.REVIEW, full=True),
    "quick": Command(verb=Verb.REVIEW, effort=Effort.QUICK),
    # What was read with less effort is read again.
    "deep": Command(verb=Verb.REVIEW, full=True, effort=Effort.DEEP),
    **{str(category): Command(verb=Verb.REVIEW, focus=category) for category in Category},
    **{
        str(verb): Command(verb=verb)
        for verb in Verb
        if verb is not Verb.REVIEW and str(verb) not in _WITH_ARGUMENT
    },
}
#: Every word that may follow `/review`.
COMMAND_WORDS = tuple(word for word in (*_WITHOUT_ARGUMENT, *_WITH_ARGUMENT) if word)


def _markdown() -> MarkdownIt:
    # Only what tells plain text from code and HTML is parsed. An underlined heading or a
    # link definition would take a command's line away from its paragraph.
    return MarkdownIt("commonmark").disable(
        ["lheading", "reference", "link", "image", "autolink", "entity", "emphasis"]
        # Joined, an escaped `\/review` would look like one that is not.
        + ["text_join"]
    )


_MARKDOWN = _markdown()


def parse(
    body: str, us: str = "", prefix: str = DEFAULT_PREFIX
) -> tuple[Command | BadCommand, ...]:
    """The commands of a comment's Markdown, in order; `us` is the name by which people mention the
    App, and `prefix` what commands begin with. Never raises."""
    if not _begins(prefix).search(body):  # most comments; parsing costs a hundred times as much
        return _mentioned(body, us) if us and f"@{us}".lower() in body.lower() else ()
    found = (
        _parse_words(match["rest"] or "")
        for line in _lines(body, prefix)
        if (match := _line(prefix).fullmatch(line))
    )
    some = tuple(command for command, _ in zip(found, range(MAX_COMMANDS), strict=False))
    return some or _mentioned(body, us)


@cache
def _line(prefix: str) -> re.Pattern[str]:
    return re.compile(rf"{re.escape(prefix)}(?:\s+(?P<rest>.*))?", re.IGNORECASE | re.DOTALL)


@cache
def _begins(prefix: str) -> re.Pattern[str]:
    return re.compile(rf"^[ \t]*{re.escape(prefix)}\b", re.IGNORECASE | re.MULTILINE)


def _mentioned(body: str, us: str) -> tuple[Command | BadCommand, ...]:
    """What a mention of us says: the command that stands alone behind it, or a question, which is
    all of the comment's text."""
    lines = list(_lines(body))
    name = re.compile(rf"(?<![\w/@])@{re.escape(us)}(?:\[bot\])?(?![\w/-])[,:]?", re.IGNORECASE)
    if not us or not any(map(name.search, lines)):
        return ()
    text = " ".join("\n".join(name.sub("", line) for line in lines).split()).strip()
    said = _parse_words(text.rstrip("!."))
    asks = said != Command(verb=Verb.REVIEW) or "review" in text.lower().split()
    if isinstance(said, Command) and asks:
        return (said,)
    return (Command(verb=Verb.ASK, text=text),) if text else (Command(verb=Verb.HELP),)


#: How people begin who want an answer without a question mark.
_ASKING = re.compile(
    r"(?:please |can |could |would |pls )?(?:why|how|what|which|where|when|explain|show|elaborate"
    r"|clarify|suggest)\b",
    re.IGNORECASE,
)
_ADDRESSED = re.compile(r"@(?P<login>[A-Za-z0-9-]+)")


def is_question(body: str, us: str) -> bool:
    """Whether a reply in a thread of ours wants an answer of ours: a question that is not addressed
    to somebody else. What people say to each other there is theirs."""
    lines = [line for line in _lines(body) if line]
    addressed = _ADDRESSED.match(lines[0]) if lines else None
    if addressed and addressed["login"].lower() != us.lower():
        return False
    words = re.sub(r"`[^`\n]*`|\w+://\S+", "", "\n".join(lines))
    return bool(re.search("[?？؟]", words) or _ASKING.match(words))


def _lines(body: str, begins: str = "") -> Iterator[str]:
    """The lines of plain text outside quotes; `begins` is what a paragraph's first line begins with
    in the source, if only such are wanted."""
    source = _NEWLINE.split(body)
    quotes = 0
    for token in _MARKDOWN.parse(body):
        if token.type in ("blockquote_open", "blockquote_close"):
            quotes += token.nesting
        elif token.type == "inline" and not quotes and token.map:
            first = source[token.map[0]].lstrip().lower()
            for number, line in enumerate(_split(token.children or [])):
                # Before a paragraph's first line there may be a list's or heading's marker.
                if number or first.startswith(begins):
                    yield line


def _split(children: list[Token]) -> Iterator[str]:
    """The lines of a paragraph as written; one that starts with code or HTML is empty."""
    line: list[Token] = []
    for child in children:
        if child.type in ("softbreak", "hardbreak"):
            yield _written(line)
            line = []
        else:
            line.append(child)
    yield _written(line)


def _written(line: list[Token]) -> str:
    if not line or line[0].type != "text":
        return ""
    return "".join(map(_source, line)).strip()


def _source(token: Token) -> str:
    match token.type:
        case "code_inline":
            return f"{token.markup}{token.content}{token.markup}"
        case "text_special":  # escaped, as in \*
            return token.markup
        case "html_inline" if token.content.startswith("<!--"):
            return ""
        case _:  # text, and what only looks like HTML, as in List<int>
            return token.content


def _parse_words(rest: str) -> Command | BadCommand:
    words = rest.split(maxsplit=1)
    word, text = (part.strip() for part in (*words, "", "")[:2])
    word = word.lower()
    verb = _WITH_ARGUMENT.get(word)
    if verb is None:
        return _combined([each.strip(",.!").lower() for each in rest.split()])
    if verb is Verb.ASK and not text:
        return _bad(_("`/review ask` needs a question on the same line."))
    return Command(verb=verb, text=text)


#: What people add to a command, without meaning more by it.
_SMALL = frozenset(
    "a and code it just me my now once only please pls pr review run the thanks this".split()  # noqa: SIM905
)
_SYNONYMS = {"again": "full", "all": "full", "everything": "full"}


def _combined(words: Sequence[str]) -> Command | BadCommand:
    """One command of several words that choose a review, or of one of the others."""
    said = [_SYNONYMS.get(word, word) for word in words if word not in _SMALL]
    if unknown := next((word for word in said if word not in _WITHOUT_ARGUMENT), None):
        return _unknown(unknown)
    found = [_WITHOUT_ARGUMENT[word] for word in dict.fromkeys(said)]
    if not found:
        return Command(verb=Verb.REVIEW)
    categories = {each.focus for each in found if each.focus}
    efforts = {each.effort for each in found if each.effort}
    others = {each.verb for each in found}
    if len(others) > 1 or len(categories) > 1 or len(efforts) > 1:
        return _bad(_("These words cannot be combined in one command."))
    return Command(
        verb=found[0].verb,
        full=any(each.full for each in found),
        focus=next(iter(categories), None),
        effort=next(iter(efforts), None),
    )


def _unknown(word: str) -> BadCommand:
    # Nothing else of the comment is repeated: it could mention people or break the Markdown.
    what = _("That is not a command.")
    if _MAX_SHOWN_CHARACTERS.fullmatch(word):
        what = _("`/review {word}` is not a command.", word=word)
    matches = get_close_matches(word[:30], COMMAND_WORDS, n=1)
    hint = f" {_('Did you mean `/review {word}`?', word=matches[0])}" if matches else ""
    return _bad(what + hint)


def _bad(what: str) -> BadCommand:
    return BadCommand(f"{what} {_('`/review help` lists all commands.')}")
