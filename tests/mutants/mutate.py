"""Small wrong changes to a module's syntax tree, one at a time (pure).

The operators are the classic ones: a comparison, a connective, a number or a condition is replaced,
an argument of `not` loses it, a statement that acts is dropped, a value that is returned is None.
Type hints, docstrings and messages are left alone: no test should hold them.
"""

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}


@dataclass(frozen=True)
class Mutant:
    """A changed module: what was changed, and where. `change` begins with the function's name."""

    line: int
    change: str
    source: str
    place: int
    kind: int

    @property
    def tree(self) -> ast.Module:
        """Its code."""
        tree = ast.parse(self.source)
        _mutate(tree, _places(tree)[self.place][1], self.kind)
        return tree


def mutants(source: str) -> list[Mutant]:
    """All mutants of a module, in the order of its lines."""
    found = []
    for number, (function, node) in enumerate(_places(ast.parse(source))):
        for kind in range(_MOST):
            place = copy.deepcopy(node)
            if (after := _mutate(ast.Module([place], []), place, kind)) is None:  # type: ignore[list-item]
                break
            line, before = getattr(node, "lineno", 0), ast.unparse(node)
            text = f"{function}: {_short(before)} → {_short(after)}"
            found.append(Mutant(line, text, source, number, kind))
    return sorted(found, key=lambda mutant: mutant.line)


#: Mutants of one place at most.
_MOST = 2


def _short(code: str) -> str:
    return " ".join(code.split())[:70]


def _places(tree: ast.Module) -> list[tuple[str, ast.AST]]:
    """The nodes within functions that may be changed, always in the same order, each with the
    function's name."""
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    defined = [*tree.body, *(node for one in classes for node in one.body)]
    functions = [node for node in defined if isinstance(node, _FUNCTION)]
    return [(function.name, node) for function in functions for node in _within(function)]


_FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef


def _within(function: ast.AST) -> Iterator[ast.AST]:
    for field, value in ast.iter_fields(function):
        if field in ("annotation", "returns", "args", "decorator_list", "type_params"):
            continue
        for node in value if isinstance(value, list) else [value]:
            if isinstance(node, ast.JoinedStr | ast.Raise | ast.Assert | ast.Constant):
                if isinstance(node, ast.Constant) and _is_number(node):
                    yield node
                continue
            if isinstance(node, ast.AST):
                yield node
                yield from _within(node)


def _is_number(node: ast.Constant) -> bool:
    return isinstance(node.value, int | float) or node.value is True or node.value is False


def _mutate(tree: ast.Module, node: ast.AST, kind: int) -> str | None:
    """Change the node in place; the new code, None if it has no such mutant."""
    if isinstance(node, ast.If | ast.IfExp | ast.While) and kind < 2:
        node.test = ast.Constant(kind == 0)
        return ast.unparse(node)
    if kind:
        return None
    if isinstance(node, ast.expr | ast.comprehension):
        return _mutate_expression(tree, node)
    match node:
        case ast.Return(value=ast.expr() as value) if not _is_none(value):
            node.value = ast.Constant(None)
            return ast.unparse(node)
        case (
            ast.Expr(value=ast.Call() | ast.Await())
            | ast.AugAssign()
            | ast.Continue()
            | ast.Break()
        ):
            return _replace(tree, node, ast.Pass())
        case _:
            return None


def _mutate_expression(tree: ast.Module, node: ast.AST) -> str | None:
    match node:
        case ast.Compare(ops=[operator]):
            node.ops = [_COMPARISONS[type(operator)]()]
        case ast.BoolOp():
            node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        case ast.BinOp() if type(node.op) in _ARITHMETIC:
            node.op = _ARITHMETIC[type(node.op)]()
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return _replace(tree, node, operand)
        case ast.Constant(value=bool() as value):
            node.value = not value
        case ast.Constant(value=int() | float() as value):
            node.value = value + 1
        case ast.comprehension(ifs=[_]):
            node.ifs = []
        case _:
            return None
    return ast.unparse(node)


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _replace(tree: ast.AST, old: ast.AST, new: ast.AST) -> str:
    class Replace(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST:
            return new if node is old else self.generic_visit(node)

    Replace().visit(tree)
    return ast.unparse(new)
