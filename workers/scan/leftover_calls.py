"""Calls that no longer fit a function of Python whose parameters the change altered (pure).

Only a function, or a class with a constructor of its own, at the top of its module is looked at:
what a name means there is certain. Nothing is said where a decorator, a base class, a second
definition or unpacked arguments leave a doubt.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tree_sitter import Node

from bot.domain.diff import ChangedFile
from bot.text.languages import language_of, tree_of

#: Whoever says this may expect the call to fail, or puts something else in the place of a function.
_PREPARED = re.compile(r"TypeError|monkeypatch|\bmock\b|Mock|\bpatch\(|setattr\(|globals\(\)")
_CLASS_PREPARED = re.compile(r"__new__|metaclass|__init_subclass__")

#: A name right within one of these is bound there.
_BINDING = frozenset(
    (
        *("parameters", "lambda_parameters", "typed_parameter", "pattern_list", "tuple_pattern"),
        *("as_pattern_target", "named_expression", "global_statement", "delete_statement"),
    )
)
#: A name may be bound anywhere within one of these.
_NAMING = frozenset(
    ("expression_statement", "import_statement", "import_from_statement", "delete_statement")
)
_WITH_STATEMENTS = """block decorated_definition elif_clause else_clause except_clause
except_group_clause finally_clause for_statement if_statement match_statement case_clause
try_statement while_statement with_statement"""
_HOLDS_STATEMENTS = frozenset(_WITH_STATEMENTS.split())


@dataclass(frozen=True, slots=True)
class Signature:
    """What calls of `name`, a function of the module at `module`, have to give: `positional` are
    names of parameters that may be given by place, in order, without those that may not be named;
    `defaults` how many of the last ones may be left out, `keyword` the others by name and whether
    each is required. `line` and `text` are where it is defined."""

    module: str
    name: str
    defined: int
    line: int
    text: str
    positional: tuple[str, ...]
    only_positional: int
    defaults: int
    keyword: tuple[tuple[str, bool], ...]
    takes_more: bool
    takes_any_name: bool

    @property
    def path(self) -> str:
        return self.module

    @property
    def word(self) -> str:
        """What a file that calls it holds as a word."""
        return self.name

    def problem(self, given: int, names: Sequence[str]) -> str:
        """Why a call with so many arguments by place, and these by name, fails; "" if it does
        not."""
        if given > len(self.positional) and not self.takes_more:
            return f"it takes at most {len(self.positional)} positional arguments, not {given}"
        by_name = {*self.positional[self.only_positional :], *(name for name, _ in self.keyword)}
        if not self.takes_any_name and (unknown := [n for n in names if n not in by_name]):
            return f"it has no parameter `{unknown[0]}`"
        required = self.positional[given : len(self.positional) - self.defaults]
        required += tuple(name for name, needed in self.keyword if needed)
        if missing := [name for name in required if name not in names]:
            return f"its parameter `{missing[0]}` is required and not given"
        return ""


def changed_signatures(file: ChangedFile, text: str) -> Iterator[Signature]:
    """Functions and classes of a file, whose text is now `text`, that the change defines with other
    parameters than before."""
    if language_of(file.path) != "python":
        return
    tree = tree_of("python", text)
    if tree is None or tree.root_node.has_error:
        return
    added = {line.new for hunk in file.hunks for line in hunk.lines if line.added and line.new}
    removed = {
        word
        for hunk in file.hunks
        for line in hunk.lines
        if line.removed
        for word in re.findall(r"\bdef\s+(\w+)", line.text)
    }
    at = text.split("\n")
    for node in tree.root_node.named_children:
        name = _text(node.child_by_field_name("name"))
        if node.type == "class_definition":
            header = _constructor(node)
        else:
            header = node if node.type == "function_definition" else None
        parameters = header.child_by_field_name("parameters") if header is not None else None
        if parameters is None or not name or _is_bound_again(name, node, tree.root_node):
            continue
        lines = range(parameters.start_point[0] + 1, parameters.end_point[0] + 2)
        changed = added.intersection(lines)
        # A function that is new to this module has no callers that it broke.
        was_here = name in removed if node is header else "__init__" in removed
        if changed and (was_here or lines.start not in added):
            line = min(changed)
            signature = _signature(file.path, name, node, parameters, line, at[line - 1])
            if signature is not None:
                yield signature


def _constructor(node: Node) -> Node | None:
    """`__init__` of a class that has no base, and nothing else that makes its instances."""
    body = node.child_by_field_name("body")
    if node.child_by_field_name("superclasses") is not None or body is None:
        return None
    if _CLASS_PREPARED.search(_text(node)):
        return None
    found = [
        each
        for each in body.named_children
        if each.type == "function_definition"
        and _text(each.child_by_field_name("name")) == "__init__"
    ]
    return found[0] if len(found) == 1 else None


def _signature(
    path: str, name: str, node: Node, parameters: Node, line: int, text: str
) -> Signature | None:
    """None where a parameter has a form that is not known here."""
    positional: list[str] = []
    keyword: list[tuple[str, bool]] = []
    only_positional = defaults = 0
    takes_more = takes_any_name = after_star = False
    for each in parameters.named_children:
        kind = each.type
        if kind == "typed_parameter" and each.named_children:
            kind = each.named_children[0].type  # `*args: int`, `**names: str`, or a name
        if kind == "comment":
            continue
        if kind == "positional_separator":
            only_positional = len(positional)
        elif kind == "keyword_separator":
            after_star = True
        elif kind == "list_splat_pattern":
            takes_more = after_star = True
        elif kind == "dictionary_splat_pattern":
            takes_any_name = True
        elif kind in ("identifier", "default_parameter", "typed_default_parameter"):
            inner = each.child_by_field_name("name")
            word = _text(inner if inner is not None else _first(each))
            optional = kind != "identifier"
            if after_star:
                keyword.append((word, not optional))
            else:
                positional.append(word)
                defaults += optional
        else:
            return None
    if node.type == "class_definition":
        if not positional:
            return None
        positional, only_positional = positional[1:], max(only_positional - 1, 0)
    return Signature(
        module=path,
        name=name,
        defined=node.start_point[0] + 1,
        line=line,
        text=text,
        positional=tuple(positional),
        only_positional=only_positional,
        defaults=min(defaults, len(positional)),
        keyword=tuple(keyword),
        takes_more=takes_more,
        takes_any_name=takes_any_name,
    )


def _first(node: Node) -> Node:
    return node.named_children[0] if node.type == "typed_parameter" else node


def misfit_calls(
    signature: Signature, path: str, text: str, names: Sequence[str]
) -> Iterator[tuple[int, str]]:
    """The lines, from 1, of the calls in the file at `path` that fail, each with the reason;
    `names` are what the file calls the function: a name, or `module.name`."""
    tree = tree_of("python", text)
    if tree is None or _PREPARED.search(text):
        return
    defined = signature.defined if path == signature.module else 0
    root = tree.root_node
    own = [name for name in names if not _is_rebound(name.partition(".")[0], root, defined)]
    for call in _nodes(root, "call"):
        if _text(call.child_by_field_name("function")) not in own:
            continue
        arguments = call.child_by_field_name("arguments")
        if arguments is None or arguments.type != "argument_list" or call.has_error:
            continue
        given, by_name = 0, list[str]()
        for each in arguments.named_children:
            if each.type in ("list_splat", "dictionary_splat"):
                break
            if each.type == "keyword_argument":
                by_name.append(_text(each.child_by_field_name("name")))
            elif each.type != "comment":
                given += 1
        else:
            if why := signature.problem(given, by_name):
                yield call.start_point[0] + 1, why


def _is_bound_again(name: str, node: Node, root: Node) -> bool:
    """Whether the module gives the name another meaning, at its top or anywhere as a global."""
    return any(
        other.start_byte != node.start_byte and _binds(other, name) for other in _statements(root)
    ) or bool(re.search(rf"\bglobal\b[^\n]*\b{re.escape(name)}\b", _text(root)))


def _statements(root: Node) -> Iterator[Node]:
    """The statements of a module, and those within its `if`, `try`, `with` and `for`."""
    waiting = [root]
    while waiting:
        for node in waiting.pop().named_children:
            yield node
            if node.type in _HOLDS_STATEMENTS:
                waiting.append(node)


def _binds(node: Node, name: str) -> bool:
    if node.type in ("function_definition", "class_definition"):
        return _text(node.child_by_field_name("name")) == name
    left = node.child_by_field_name("left")
    if left is None and node.type not in _NAMING:
        return False
    text = _text(node if left is None else left)
    return bool(re.search(rf"(?<![\w.]){re.escape(name)}\b(?!\s*[(.\[])", text))


def _is_rebound(name: str, root: Node, defined: int) -> bool:
    """Whether anything but imports, and the definition on that line, gives the name a meaning."""
    wanted = name.encode()
    return any(
        _gives_meaning(node, node.parent, defined)
        for node in _nodes(root, "identifier")
        if node.text == wanted and node.parent is not None
    )


def _gives_meaning(node: Node, parent: Node, defined: int) -> bool:
    kind = parent.type
    if kind in ("function_definition", "class_definition"):
        its_name = parent.child_by_field_name("name") == node
        return its_name and parent.start_point[0] + 1 != defined
    if kind in ("assignment", "augmented_assignment", "for_statement", "for_in_clause"):
        return parent.child_by_field_name("left") == node
    if kind in ("default_parameter", "typed_default_parameter"):
        return parent.child_by_field_name("name") == node
    return kind in _BINDING


def _nodes(root: Node, kind: str) -> Iterator[Node]:
    """All nodes of a kind, in the order of the text, without recursion."""
    cursor = root.walk()
    while True:
        node = cursor.node
        if node is not None and node.type == kind:
            yield node
        if cursor.goto_first_child():
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return


def _text(node: Node | None) -> str:
    return (node.text or b"").decode("utf-8", "replace") if node is not None else ""
