"""Small wrong changes to the text of a Lua script, one at a time (pure).

The operators are those of `mutate`, and what Redis adds: a number, a comparison, a connective or a
condition is replaced, `not` is dropped, a call or an assignment is left out, a returned value is
nil, a list loses one of its items, and SET its NX or its EX. Texts and comments are left alone, but
for a number that stands in for a missing one.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""(?P<skip>\s+|--\[\[.*?\]\]|--[^\n]*)
    |(?P<string>'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|\[\[.*?\]\])
    |(?P<number>\d+(?:\.\d+)?)
    |(?P<name>[A-Za-z_]\w*)
    |(?P<sign>\.\.\.|\.\.|[=~<>]=|[-+*/%^\#<>=(){}\[\];:,.])""",
    re.VERBOSE | re.DOTALL,
)

_OPERATORS = dict(
    pair.split()
    for pair in (
        *("== ~=", "~= ==", "< <=", "<= <", "> >=", ">= >", "+ -", "- +", "* /", "/ *"),
        *("and or", "or and", "true false", "false true"),
    )
)
_OPENING, _CLOSING = ("(", "{", "["), (")", "}", "]")
#: A statement begins after these, and wherever an operand follows an operand.
_BEFORE_STATEMENT = ("then", "do", "else", "repeat", "end", ";")
_VALUES = ("true", "false", "nil", "end", "...", *_CLOSING)
_STATEMENTS = ("local", "if", "for", "while", "return", "break", "until")
_OTHER_KEYWORDS = ("and", "elseif", "function", "in", "not", "or")
_KEYWORDS = frozenset((*_BEFORE_STATEMENT, *_VALUES, *_STATEMENTS, *_OTHER_KEYWORDS))
#: From here on one more or less is nothing that anybody would notice, and twice as much is.
_LARGE = 100


@dataclass(frozen=True)
class LuaMutant:
    """A changed script: `code` is its whole text. `change` begins with the script's name."""

    script: str
    line: int
    change: str
    code: str


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    begin: int
    end: int


#: What is replaced: tokens from the first to before the last, and by what text.
_Edit = tuple[int, int, str]


def lua_mutants(script: str, source: str) -> list[LuaMutant]:
    """All mutants of a script, in the order of its lines. ValueError if it is no Lua."""
    tokens = _tokens(source)
    found = []
    for first, last, text in sorted(
        {edit for at in range(len(tokens)) for edit in _edits(tokens, at)}
    ):
        begin, end = tokens[first].begin, tokens[last - 1].end
        code = source[:begin] + text + source[end:]
        after = _lines(code, begin, begin + len(text))
        change = f"{script}: {_lines(source, begin, end)} → {after}"
        found.append(LuaMutant(script, source.count("\n", 0, begin) + 1, change, code))
    return found


def _tokens(source: str) -> list[_Token]:
    tokens, position = [], 0
    while position < len(source):
        match = _TOKEN.match(source, position)
        if match is None or match.lastgroup is None:
            raise ValueError(f"no Lua: {source[position : position + 20]!r}")
        position = match.end()
        if match.lastgroup != "skip":
            tokens.append(_Token(match.lastgroup, match.group(), match.start(), position))
    return tokens


def _edits(tokens: Sequence[_Token], at: int) -> Iterator[_Edit]:
    """The changes that begin at a token."""
    yield from ((at, at + 1, text) for text in _replacements(tokens, at))
    text = tokens[at].text
    if text in ("if", "elseif", "while"):
        end = _end(tokens, at + 1, ("then", "do"))
        yield at + 1, end, "false"
        if text != "while":  # Redis would be busy for ever
            yield at + 1, end, "true"
    elif (
        text == "return"
        and tokens[at + 1].kind != "number"
        and (end := _end(tokens, at + 1)) > at + 1
    ):
        yield at + 1, end, "nil"
    elif text in ("'NX'", "'EX'") and tokens[at - 1].text == ",":
        yield at - 1, _end(tokens, at + (text == "'EX'") * 2, (",",)), ""
    elif text in ("{", "'DEL'"):
        yield from _without_one(tokens, at + 1 + (text == "'DEL'"))
    elif _begins_statement(tokens, at):
        yield at, _end(tokens, at), ""


def _replacements(tokens: Sequence[_Token], at: int) -> list[str]:
    token, before = tokens[at], tokens[at - 1] if at else None
    if token.kind == "number":
        return _numbers(int(token.text), is_returned=before is not None and before.text == "return")
    if token.kind == "string":
        is_default = before is not None and before.text == "or" and token.text[1:-1].isdigit()
        return [f"'{int(token.text[1:-1]) + 1}'"] if is_default else []
    if token.text == "not":
        return [""]
    if token.text not in _OPERATORS or (token.text == "-" and not (before and _is_operand(before))):
        return []
    return [_OPERATORS[token.text]]


def _numbers(value: int, *, is_returned: bool) -> list[str]:
    if is_returned:  # Python asks whether it is none
        return ["1" if value == 0 else "0"]
    if value >= _LARGE:
        return [str(value * 2), str(value // 2)]
    return [str(value + 1), str(value - 1)][: 1 + (value > 0)]


def _without_one(tokens: Sequence[_Token], at: int) -> Iterator[_Edit]:
    """A list, or the keys of a command, of two or more: each left out."""
    items = []
    while tokens[at - 1].text not in _CLOSING and tokens[at].text not in _CLOSING:
        end = _end(tokens, at, (",",))
        items.append((at, end))
        at = end + 1
    if len(items) > 1 and not any(tokens[begin + 1].text == "=" for begin, _ in items):
        for begin, end in items[:-1]:
            yield begin, end + 1, ""
        yield items[-1][0] - 1, items[-1][1], ""


def _begins_statement(tokens: Sequence[_Token], at: int) -> bool:
    """Whether a call or an assignment begins here, to what is declared elsewhere."""
    if tokens[at].kind != "name" or tokens[at].text in _KEYWORDS:
        return False
    return at == 0 or tokens[at - 1].text in _BEFORE_STATEMENT or _is_operand(tokens[at - 1])


def _is_operand(token: _Token) -> bool:
    if token.kind == "sign" or token.text in _KEYWORDS:
        return token.text in _VALUES
    return True


def _end(tokens: Sequence[_Token], at: int, stops: Sequence[str] = ()) -> int:
    """Where what begins at `at` ends: at a stop, at the end of its block or of its brackets, or
    where another statement begins."""
    depth = 0
    for position in range(at, len(tokens)):
        text = tokens[position].text
        begins = text in (*stops, *_STATEMENTS) or _begins_statement(tokens, position)
        ends = text in ("end", "else", "elseif", *_CLOSING)
        if depth == 0 and (ends or (begins and position > at)):
            return position
        depth += (text in _OPENING) - (text in _CLOSING)
    return len(tokens)


def _lines(source: str, begin: int, end: int) -> str:
    """The lines that a span lies in, as one."""
    last = source.find("\n", end)
    whole = source[source.rfind("\n", 0, begin) + 1 : last if last >= 0 else len(source)]
    return " ".join(whole.split())
