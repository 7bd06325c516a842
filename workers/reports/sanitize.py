"""Makes Markdown by an LLM, an analyzer or an author harmless to post (pure).

The text is parsed, and only what we know is written again from the parsed tree: paragraphs,
lists, quotes, emphasis, code. Everything else becomes text or code, so nothing depends on
spotting what is bad. GitHub looks for mentions, references and bare addresses in the rendered
text, where an entity or a backslash is gone already: they are shown as code instead, the one
place where it does not look (https://github.github.com/gfm/, GitHub's html-pipeline filters).
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from bot.github.lengths import shorten
from bot.text import markdown
from bot.text.invisible_characters import show_hidden
from bot.text.markdown import Node

#: A word that GitHub would act on: mention, issue or commit reference, mathematics, address.
#: An underscore before it is no letter to GitHub, as it is to `\b`.
_ACTIVE = re.compile(r"@\S|#\d|\$|://|(?<![^\W_])(?:GH-\d|www\.|mailto:|xmpp:)", re.IGNORECASE)
_IS_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*:|/|#|\w+(?:\.\w+)*/", re.IGNORECASE)
_BRACKETS = {")": "(", "]": "[", "}": "{", ">": "<"}
_EDGE = "()[]{}<>,.;:!?\"'*_~"
_SPECIAL = re.compile(r"[\\`*\[\]~|$]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;)|<")
_BLOCK_START = re.compile(r"(?m)^([ \t]*)(?:([-+=#>:/])|(\d{1,9})([.)]))")
_OWN_MARKER = re.compile(r"<!--(?=\s*glossator\s*:)", re.IGNORECASE)
_INFO = re.compile(r"[A-Za-z0-9+#-]{1,20}\Z")
#: Fences that GitHub turns into a button, a picture or a frame.
_LIVE_FENCES = frozenset({"suggestion", "mermaid", "math", "geojson", "topojson", "stl"})


def sanitize(text: str, limit: int = 4000) -> str:
    """Markdown that shows `text` and does nothing else.

    No mention, reference, link, image, HTML, command at a line's start or marker of ours is
    left outside code; hidden characters are shown. `limit` bounds the characters that are read.
    """
    tree = markdown.parse(shorten(show_hidden(text), limit))
    return "\n\n".join(_blocks(tree.children))


def sanitize_line(text: str, limit: int = 300, *, strong: bool = True) -> str:
    """`sanitize` for one line: no blocks, line ends become spaces; without `strong` nothing in it
    is bold, as all of it is to be."""
    line = shorten(" ".join(show_hidden(text).split()), limit)
    return _start_safe(_inline(markdown.parse_line(line), strong=strong))


def code_span(text: str) -> str:
    """The text as inline code, whatever it holds; empty for an empty text."""
    content = _harmless_code(" ".join(show_hidden(text).split("\n")))
    if not content.strip():
        return ""
    ticks = "`" * (_longest_run(content, "`") + 1)
    pad = " " if content[0] in "` " or content[-1] in "` " else ""
    return f"{ticks}{pad}{content}{pad}{ticks}"


def fence(code: str, info: str = "") -> str:
    """The code as a fenced block, the fence longer than any run of backticks inside.

    It is indented by a space (which renders the same) if a line starts with a slash: bots that
    look for commands at line starts do not know code from text.
    """
    content = _harmless_code(show_hidden(code))
    ticks = "`" * max(3, _longest_run(content, "`") + 1)
    lines = content.removesuffix("\n").split("\n") if content else []
    block = "\n".join([ticks + info, *lines, ticks])
    if re.search(r"(?m)^/", content):
        block = "\n".join(" " + line if line else line for line in block.split("\n"))
    return block


def fence_language(info: str) -> str:
    """The language of a fence's info string, or "" where GitHub would do more than highlight."""
    name = info.strip().split(maxsplit=1)[0].lower() if info.strip() else ""
    return name if _INFO.match(name) and name not in _LIVE_FENCES else ""


def is_shown_as_is(code: str) -> bool:
    """Whether a fence holds the code itself, not with something made harmless."""
    return _harmless_code(show_hidden(code)) == code


def _harmless_code(text: str) -> str:
    return _OWN_MARKER.sub("<! --", text)


def _longest_run(text: str, char: str) -> int:
    return max((len(run) for run in re.findall(f"{re.escape(char)}+", text)), default=0)


def _blocks(nodes: Iterable[Node]) -> list[str]:
    return [block for node in nodes if (block := _block(node))]


def _block(node: Node) -> str:
    match node.type:
        case "paragraph":
            return _start_safe(_inline_of(node))
        case "heading":
            words = _start_safe(_inline_of(node, strong=False))
            return f"**{words}**" if words.strip() else ""
        case "fence":
            return fence(node.content, fence_language(node.info))
        case "code_block":
            return fence(node.content)
        case "bullet_list" | "ordered_list":
            return _list(node)
        case "blockquote":
            return "\n".join(
                f"> {line}".rstrip() for line in "\n\n".join(_blocks(node.children)).split("\n")
            )
        case "html_block":
            return fence(node.content.strip("\n"), "html")
        case _:  # a rule; it says nothing
            return ""


def _list(node: Node) -> str:
    first = int(node.attrs.get("start", 1)) if node.type == "ordered_list" else None
    items = []
    for index, item in enumerate(node.children):
        marker = "- " if first is None else f"{min(first + index, 999_999_999)}. "
        lines = "\n\n".join(_blocks(item.children)).split("\n")
        indented = [" " * len(marker) + line if line else "" for line in lines[1:]]
        items.append("\n".join([(marker + lines[0]).rstrip(), *indented]))
    return "\n".join(items)


def _inline_of(node: Node, *, strong: bool = True) -> str:
    return _inline(node.children[0].children, strong=strong) if node.children else ""


def _inline(nodes: Sequence[Node], *, strong: bool = True) -> str:
    parts: list[str] = []
    plain = ""
    for node in _bare(nodes, strong=strong):
        if isinstance(node, str):
            parts += [_text(plain), node]
            plain = ""
        elif node.type in _PLAIN:  # joined first: a mention may be split over several nodes
            broken = node.type in ("softbreak", "hardbreak")
            plain += "\n" if broken else node.content.replace("\n", " ")
        else:
            parts += [_text(plain), _span(node, strong=strong)]
            plain = ""
    return _joined([*parts, _text(plain)])


def _bare(nodes: Iterable[Node], *, strong: bool) -> Iterator[Node | str]:
    """The nodes, with the words of links and of what is not to be strong among them: written
    without marks, they are one text with what stands before and after. A link's address
    follows as code."""
    for node in nodes:
        if node.type == "link" and not _IS_ADDRESS.match(str(node.attrs.get("href", ""))):
            yield "\\["  # `a[i](b)` is code, not a link
            yield from _bare(node.children, strong=strong)
            yield "\\]\\(" + _text(f"{node.attrs.get('href', '')})")
        elif node.type == "link":
            address = code_span(str(node.attrs.get("href", "")))
            if _inline(node.children, strong=strong) in ("", address):
                yield address
            else:
                yield from _bare(node.children, strong=strong)
                yield f" ({address})"
        elif node.type == "strong" and not strong and not _is_name(node):
            yield from _bare(node.children, strong=strong)
        else:
            yield node


def _is_name(node: Node) -> bool:
    """Whether it is `__init__` and the like, which Markdown takes for strong words."""
    inner = node.children
    return node.markup == "__" and len(inner) == 1 and inner[0].content.isidentifier()


def _joined(parts: Iterable[str]) -> str:
    """The parts in a row, two pieces of code kept apart: their backticks would run together."""
    text = ""
    for part in parts:
        text += " " + part if text.endswith("`") and part.startswith("`") else part
    return text


_PLAIN = frozenset({"text", "text_special", "html_inline", "softbreak", "hardbreak"})


def _span(node: Node, *, strong: bool) -> str:
    match node.type:
        case "code_inline":
            return code_span(node.content)
        case "em" | "strong":
            if _is_name(node):
                return f"\\_\\_{node.children[0].content}\\_\\_"
            words = _inline(node.children, strong=strong)
            mark = "*" if node.type == "em" else "**"
            return f"{mark}{words}{mark}"
        case _:  # an image
            return code_span(f"![{node.content}]({node.attrs.get('src', '')})")


def _text(text: str) -> str:
    """Plain text as Markdown; what GitHub would act on becomes code."""
    return "".join(
        _word(part) if index % 2 else part
        for index, part in enumerate(re.split(r"(\S+)", show_hidden(text)))
    )


def _word(word: str) -> str:
    if not _ACTIVE.search(word):
        return _SPECIAL.sub(_escaped, word)
    start = len(word) - len(word.lstrip(_EDGE))
    end = len(word.rstrip(_EDGE))
    while end < len(word) and _opens_more(word[start:end], word[end]):
        end += 1  # a bracket that closes one within is no edge
    if start >= end:
        return _SPECIAL.sub(_escaped, word)
    edges = [_SPECIAL.sub(_escaped, edge) for edge in (word[:start], word[end:])]
    return edges[0] + code_span(word[start:end]) + edges[1]


def _opens_more(code: str, closing: str) -> bool:
    opening = _BRACKETS.get(closing, "")
    return bool(opening) and code.count(opening) > code.count(closing)


def _escaped(match: re.Match[str]) -> str:
    return {"<": "&lt;", "&": "&amp;"}.get(match[0], "\\" + match[0])


def _start_safe(text: str) -> str:
    """Keeps the lines of a paragraph from starting another block, or a bot's command."""
    return _BLOCK_START.sub(
        lambda m: m[1] + (f"\\{m[2]}" if m[2] else f"{m[3]}\\{m[4]}"), text.strip()
    )
