"""Operands of operations as NumPy source: as the user wrote them, else written out."""

from __future__ import annotations

import ast
from collections.abc import Collection
from typing import Any

import numpy as np

from gradtape.explaining.terms import IDENTITIES, NAMES, Ref, Terms
from gradtape.explaining.written import (
    argument,
    bound_between,
    is_whole,
    names_of,
    parsed,
    part,
    together,
)
from gradtape.places import Place
from gradtape.trace import Step, Trace

__all__ = ["Writer", "source_of"]

#: How deep an operand is written out from the operations that made it.
_DEPTH = 6

_OPERATORS: dict[str, type[ast.operator]] = {
    "add": ast.Add,
    "subtract": ast.Sub,
    "multiply": ast.Mult,
    "divide": ast.Div,
    "matmul": ast.MatMult,
}
#: Functions of NumPy that are called as the operation is, on its inputs alone.
_FUNCTIONS = frozenset(
    [
        "exp",
        "log",
        "log2",
        "log10",
        "log1p",
        "expm1",
        "exp2",
        "sqrt",
        "square",
        "cbrt",
        "sin",
        "cos",
        "tan",
        "arcsin",
        "arccos",
        "arctan",
        "sinh",
        "cosh",
        "tanh",
        "arcsinh",
        "arccosh",
        "arctanh",
        "reciprocal",
        "sign",
        "floor",
        "ceil",
        "maximum",
        "minimum",
        "hypot",
        "arctan2",
        "logaddexp",
        "logaddexp2",
        "where",
        "abs",
        "conj",
        "real",
        "imag",
        "det",
        "inv",
    ]
)
#: Those of scipy.special.
_SPECIAL = frozenset(
    [
        "expit",
        "log_expit",
        "logit",
        "gamma",
        "gammaln",
        "digamma",
        "erf",
        "erfc",
        "erfcx",
        "ndtr",
        "log_ndtr",
        "xlogy",
        "entr",
    ]
)
_REDUCTIONS = frozenset(["sum", "prod", "max", "min", "mean"])


def source_of(trace: Trace, key: Any, value: Any, place: Place | None = None) -> str:
    """A value of a trace as source text, as it can be written at a place.

    Parameters
    ----------
    trace : the trace.
    key, value : of the value, as a step has them.
    place : where it is to be written; None: anywhere.

    Returns
    -------
    The user's own text where there is one; else the operations that made the value; "..." where
    nothing can be said.
    """
    writer = Writer(Terms(trace), place)
    node = writer.expression(Ref(key, value))
    return "..." if node is None else ast.unparse(node)


class Writer:
    """Writes values as expressions that mean the same at one place of the user's program.

    ``near`` are the steps to look at for how a bare value was written. ``stale`` are the names
    that were written though they may stand for something else at the place.
    """

    def __init__(
        self, terms: Terms, place: Place | None, near: Collection[Step] = frozenset()
    ) -> None:
        self._terms, self._place, self._near = terms, place, near
        self.stale: set[str] = set()

    def expression(self, ref: Ref, depth: int = _DEPTH) -> ast.expr | None:
        """The value as an expression; None where it cannot be written."""
        if ref.key is None:
            return self._bare_as_used(ref) or self._literal(ref)
        found = self._as_used(ref) or self._as_called(ref) or self._as_made(ref)
        if found is not None:
            return found
        name = self._local(ref)[0]
        if name:
            self.stale.add(name)
            return ast.Name(name, ast.Load())
        name = self._terms.trace.names.get(ref.key, "")
        if name.isidentifier():
            if self._known(ref, name):
                return ast.Name(name, ast.Load())
        else:
            inside = _part_of_nest(name)
            if inside is not None:
                return inside
        made = self._written_out(ref, depth)
        if made is not None or not name.isidentifier():
            return made
        self.stale.add(name)
        return ast.Name(name, ast.Load())

    def _known(self, ref: Ref, name: str) -> bool:
        """Whether a name of a value can be used at the place."""
        steps = self._terms.uses(ref.key)
        at = [step.place for step in steps if step.place is not None]
        return self._place is None or any([self._holds(place, {name}) for place in at])

    def _as_used(self, ref: Ref) -> ast.expr | None:
        """As the user wrote it where it was used."""
        for step in reversed(self._terms.uses(ref.key)):
            if step.name in IDENTITIES and step.out_key is not None:
                onward = self._as_used(Ref(step.out_key, step.out))
                if onward is not None:
                    return onward
            node = argument(self._terms, step, ref.key)
            if node is not None and self._fits(step.place, node):
                return node
        return None

    def _as_called(self, ref: Ref) -> ast.expr | None:
        """By the name that it has in the function, where that is still its name."""
        name, line = self._local(ref)
        if self._place is None or not name:
            return None
        first, last = sorted([line, self._place.line])
        if name in bound_between(self._place.file, first, last):
            return None
        return ast.Name(name, ast.Load())

    def _local(self, ref: Ref) -> tuple[str, int]:
        """What a value is called in the function, and on which line it was called so."""
        names = self._terms.trace.local_names
        code = None if self._place is None else self._place.code
        name, line = names.get((code, ref.key), ("", 0))
        return (name, line) if name.isidentifier() else ("", 0)

    def _as_made(self, ref: Ref) -> ast.expr | None:
        """As the user wrote it where it was computed."""
        step = self._terms.maker(ref)
        if step is None or type(step.out_key) is tuple or not is_whole(self._terms, step):
            return None
        node = parsed(step.place)
        return node if node is not None and self._fits(step.place, node) else None

    def _fits(self, place: Place | None, node: ast.expr) -> bool:
        if self._place is None:
            return True
        return place is not None and self._holds(place, names_of(node))

    def keeps(self, place: Place, node: ast.expr) -> bool:
        """Whether an expression of our place means the same at an earlier one."""
        ours = self._place
        if ours is None or place.code is not ours.code or place.line > ours.line:
            return False
        return not names_of(node) & bound_between(place.file, place.line, ours.line)

    def _holds(self, place: Place, names: set[str]) -> bool:
        """Whether names mean at our place what they mean at another."""
        ours = self._place
        if ours is None:
            return True
        last = ours.line if ours.span is None else ours.span[1]
        if place.code is not ours.code or place.line > last:
            return False
        return not names & bound_between(place.file, place.line, ours.line)

    def _bare_as_used(self, ref: Ref) -> ast.expr | None:
        """A bare value as the user wrote it where it was used."""
        for step in self._near:
            for i, (key, value) in enumerate(zip(step.keys, step.values, strict=True)):
                if key is None and value is ref.value and len(together(self._terms, step)) == 1:
                    node = parsed(step.place)
                    found = part(node, i, step.place) if node and step.place else None
                    if found is not None and self._fits(step.place, found):
                        return found
        return None

    def index(self, value: Any) -> ast.expr | None:
        """The index of a ``getitem``, as the user wrote it where that is plain to see."""
        for step in self._near:
            if step.name == "getitem" and step.params[0] is value:
                node = parsed(step.place)
                if isinstance(node, ast.Subscript) and self._fits(step.place, node.slice):
                    return node.slice
        node = _indexed(ast.Name("_", ast.Load()), value)
        return node.slice if isinstance(node, ast.Subscript) else None

    def _literal(self, ref: Ref) -> ast.expr | None:
        array = np.asarray(ref.value)
        if array.dtype.kind not in "biuf" or array.size > 8:
            return None
        if array.ndim == 0:
            return ast.parse(repr(array.item()), mode="eval").body
        return ast.parse(f"np.array({array.tolist()!r})", mode="eval").body

    def _written_out(self, ref: Ref, depth: int) -> ast.expr | None:
        """As the operation that made it."""
        step = self._terms.maker(ref)
        if step is None or depth == 0 or type(step.out_key) is tuple:
            return None
        inputs = [self.expression(r, depth - 1) for r in self._terms.inputs(step)]
        if None in inputs:
            return None
        return written(step, [i for i in inputs if i is not None])


def _part_of_nest(name: str) -> ast.expr | None:
    """A name as ``params["w"]``; None for any other."""
    try:
        node = ast.parse(name, mode="eval").body
    except SyntaxError:
        return None
    return node if isinstance(node, (ast.Subscript, ast.Attribute)) else None


def written(step: Step, inputs: list[ast.expr]) -> ast.expr | None:
    """A step as an expression of its inputs; None where it has no form of its own here."""
    name = NAMES.get(step.name, step.name)
    if step.name in IDENTITIES:
        return inputs[0]
    if name in _OPERATORS and len(inputs) == 2:
        return ast.BinOp(inputs[0], _OPERATORS[name](), inputs[1])
    if name == "negative":
        return negative(inputs[0])
    if name == "square":
        return ast.BinOp(inputs[0], ast.Pow(), ast.Constant(2))
    if name in ("raised", "power"):
        exponent = inputs[1] if len(inputs) > 1 else ast.Constant(step.params[0])
        return ast.BinOp(inputs[0], ast.Pow(), exponent)
    if name in _FUNCTIONS and not step.params:
        module = "np.linalg" if name in ("det", "inv") else "np"
        return _call(f"{module}.{name}", inputs)
    if name in _SPECIAL and not step.params:
        return _call(f"scipy.special.{name}", inputs)
    if name in _REDUCTIONS and len(step.params) == 2:
        axes, keepdims = step.params
        return _call(f"np.{name}", inputs, reduction_arguments(step, axes, keepdims))
    if name == "getitem":
        return _indexed(inputs[0], step.params[0])
    if name == "reshape":
        shape = ast.parse(repr(step.params[0]), mode="eval").body
        return _call("np.reshape", [*inputs, shape])
    return None


def reduction_arguments(step: Step, axes: Any, keepdims: Any) -> dict[str, ast.expr]:
    """The keyword arguments of a reduction, those that say something."""
    given: dict[str, ast.expr] = {}
    if axes is not None and len(axes) < np.ndim(step.values[0]):
        axis = axes[0] if len(axes) == 1 else tuple(axes)
        given["axis"] = ast.parse(repr(axis), mode="eval").body
    if keepdims:
        given["keepdims"] = ast.Constant(True)
    return given


def _call(
    name: str, inputs: list[ast.expr], keywords: dict[str, ast.expr] | None = None
) -> ast.expr:
    function = ast.parse(name, mode="eval").body
    given = [ast.keyword(k, v) for k, v in (keywords or {}).items()]
    return ast.Call(function, list(inputs), given)


def _indexed(node: ast.expr, index: Any) -> ast.expr | None:
    parts = index if isinstance(index, tuple) else (index,)
    texts = []
    for one in parts:
        if isinstance(one, slice):
            ends = ["" if end is None else repr(end) for end in (one.start, one.stop)]
            step = "" if one.step is None else f":{one.step!r}"
            texts.append(":".join(ends) + step)
        elif one is None or isinstance(one, (int, np.integer)):
            texts.append(repr(one if one is None else int(one)))
        elif one is Ellipsis:
            texts.append("...")
        elif isinstance(one, np.ndarray) and one.size <= 8:
            texts.append(repr(one.tolist()))
        else:
            return None
    return ast.parse(f"({ast.unparse(node)})[{', '.join(texts)}]", mode="eval").body


def negative(node: ast.expr) -> ast.expr:
    """The negative of an expression, as one would write it."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return node.operand
    if isinstance(node, ast.BinOp):
        if isinstance(node.op, ast.Sub):
            return ast.BinOp(node.right, ast.Sub(), node.left)
        if isinstance(node.op, (ast.Mult, ast.Div, ast.MatMult)) and isinstance(
            node.left, ast.UnaryOp
        ):
            return ast.BinOp(negative(node.left), node.op, node.right)
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) and node.value < 0:
        return ast.Constant(-node.value)
    return ast.UnaryOp(ast.USub(), node)


class _Simplified(ast.NodeTransformer):
    """Signs, and what is done with two numbers, as one would write them."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        """``a + -b`` as ``a - b``, ``a - -b`` as ``a + b``, ``2 * 0.75`` as ``1.5``."""
        self.generic_visit(node)
        left, right = node.left, node.right
        if isinstance(right, ast.UnaryOp) and isinstance(right.op, ast.USub):
            if isinstance(node.op, ast.Add):
                return ast.BinOp(left, ast.Sub(), right.operand)
            if isinstance(node.op, ast.Sub):
                return ast.BinOp(left, ast.Add(), right.operand)
        numbers = [n.value for n in (left, right) if isinstance(n, ast.Constant)]
        if len(numbers) == 2 and isinstance(node.op, (ast.Mult, ast.Sub)):
            a, b = numbers
            if isinstance(a, (int, float)) and isinstance(b, (int, float)):
                return ast.Constant(a * b if isinstance(node.op, ast.Mult) else a - b)
        return node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        """``--x`` as ``x``."""
        self.generic_visit(node)
        return negative(node.operand) if isinstance(node.op, ast.USub) else node


def simplified(node: ast.expr) -> ast.expr:
    """An expression without needless signs."""
    result = _Simplified().visit(node)
    assert isinstance(result, ast.expr)
    return result
