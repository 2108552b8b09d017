"""Mutations: small changes of a module that its tests should notice.

A mutation replaces one expression or statement of the source text by another, so that everything
else, comments included, stays as it is.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

_NEGATED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE, ast.LtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_BOUNDARY: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
}  # fmt: skip
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult,
}  # fmt: skip
_FUNCTIONS = {
    "min": "max", "max": "min", "minimum": "maximum", "maximum": "minimum", "any": "all",
    "all": "any", "argmin": "argmax", "argmax": "argmin", "floor": "ceil", "ceil": "floor",
}  # fmt: skip
_DROPPED = ("abs", "sorted", "clip", "sqrt", "round", "strip")  # the call becomes its argument


@dataclass(frozen=True)
class Mutation:
    """One change of a source text.

    Attributes:
        operator: Name of the kind of change.
        line: Number of the first changed line, from 1.
        start: Byte offset of the replaced code.
        end: Byte offset behind it.
        before: The replaced code.
        after: The new code.
    """

    operator: str
    line: int
    start: int
    end: int
    before: str
    after: str

    def apply(self, source: str) -> str:
        """Return the source text with this change."""
        content = source.encode()
        return (content[: self.start] + self.after.encode() + content[self.end :]).decode()


def find_mutations(source: str) -> list[Mutation]:
    """Return every mutation of a module, in the order of the text."""
    lines = [0]
    for line in source.encode().splitlines(keepends=True):
        lines.append(lines[-1] + len(line))
    found = []
    for node in _code_nodes(ast.parse(source)):
        start = lines[node.lineno - 1] + node.col_offset
        end = lines[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
        before = source.encode()[start:end].decode()
        for operator, after in _changes(node):
            found.append(Mutation(operator, node.lineno, start, end, before, after))
    return sorted(found, key=lambda mutation: (mutation.start, mutation.operator, mutation.after))


def _code_nodes(node: ast.AST) -> Iterator[ast.expr | ast.stmt]:
    """Yield expressions and statements; annotations and f-strings have none to change."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.JoinedStr) or not isinstance(child, ast.AST):
                continue
            if isinstance(child, ast.expr | ast.stmt):
                yield child
            yield from _code_nodes(child)


def _changes(node: ast.expr | ast.stmt) -> Iterator[tuple[str, str]]:
    """Yield the name and the new code of each change of a node."""
    match node:
        case ast.Compare(left, [op], [right]):
            for name, table in (("negate comparison", _NEGATED), ("move boundary", _BOUNDARY)):
                if type(op) in table:
                    yield name, _code(ast.Compare(left, [table[type(op)]()], [right]))
        case ast.BinOp(left, op, right) if type(op) in _ARITHMETIC:
            yield "change arithmetic", _code(ast.BinOp(left, _ARITHMETIC[type(op)](), right))
        case ast.BoolOp(op, values):
            other = ast.Or() if isinstance(op, ast.And) else ast.And()
            yield "swap and with or", _code(ast.BoolOp(other, values))
        case ast.UnaryOp(ast.Not() | ast.USub(), operand):
            yield "drop not or minus", _code(operand)
        case ast.Constant(bool(value)):
            yield "flip boolean", str(not value)
        case ast.Constant(int(value) | float(value)):
            yield "change constant", _code(ast.Constant(value + 1))
            yield "change constant", _code(ast.Constant(value - 1))
        case ast.Call():
            yield from _call_changes(node)
        case ast.IfExp(test, body, orelse):
            yield "swap branches", _code(ast.IfExp(test, orelse, body))
        case ast.Return(value) if value is not None:
            yield "return None", "return None"
        case ast.Expr(ast.Call()) | ast.AugAssign() | ast.Raise():
            yield "remove statement", "pass"


def _call_changes(call: ast.Call) -> Iterator[tuple[str, str]]:
    """Yield calls of the opposite function, and the argument alone for `abs` and the like."""
    function = call.func
    name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
    if name in _FUNCTIONS:
        renamed = (
            ast.Name(_FUNCTIONS[name]) if isinstance(function, ast.Name)
            else ast.Attribute(function.value, _FUNCTIONS[name])
        )  # fmt: skip
        yield f"swap {name}", _code(ast.Call(renamed, call.args, call.keywords))
    if name in _DROPPED:
        on_module = isinstance(function, ast.Name) or (
            isinstance(function.value, ast.Name) and function.value.id in ("np", "torch", "math")
        )
        if not on_module:
            yield f"drop {name}", _code(function.value)
        elif call.args:
            yield f"drop {name}", _code(call.args[0])


def _code(node: ast.expr) -> str:
    """Return an expression as source text, in parentheses unless it is a number."""
    text = ast.unparse(node)
    return text if isinstance(node, ast.Constant) else f"({text})"
