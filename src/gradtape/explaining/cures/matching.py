"""Patterns of operations, written as Python expressions, and where they are in a trace.

In a pattern, a lower-case name stands for any value, the same one wherever it stands; a number for
itself; ``+``, ``-``, ``*``, ``/``, ``**`` and calls for the operations of these names. Sums and
products match in either order. A negative ``-z`` also matches a value that is no negative: then
``z`` is the negative of that value. A call of a name in ``FORMS`` stands for each form there.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from gradtape.explaining.terms import Ref, Term, Terms
from gradtape.trace import Step

__all__ = ["Match", "Operand", "ending", "endings", "matches", "parsed", "substituted"]

#: Functions that are written in several ways.
FORMS: dict[str, tuple[str, ...]] = {
    "sigmoid(z)": ("expit(z)", "1 / (1 + exp(-z))", "exp(z) / (1 + exp(z))"),
    "softmax(x)": (
        "exp(x) / sum(exp(x))",
        "exp(x - m) / sum(exp(x - m))",
        "softmax_of(x)",
    ),
    "squares(x)": ("sum(square(x))", "sum_of_squares(x)", "sum(square(abs(x)))"),
    "length(x)": ("norm(x)", "sqrt(squares(x))"),
}

_BINARY: dict[type[ast.operator], str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.Pow: "power",
}
_COMMUTE = frozenset(["add", "multiply", "logaddexp", "hypot"])


@dataclass(frozen=True, slots=True)
class Operand:
    """What a name of a pattern stands for: a value, or the negative of it."""

    ref: Ref
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    """A place where a pattern is: what its names stand for, and the steps that it covers.

    ``reduction`` is the term of the pattern's sum, product or norm.
    """

    operands: dict[str, Operand]
    steps: frozenset[Step]
    reduction: Term | None = None


class _Substitution(ast.NodeTransformer):
    """Expressions in place of names."""

    def __init__(self, given: dict[str, ast.expr]) -> None:
        self._given = given

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """The expression that the name stands for."""
        return deepcopy(self._given[node.id]) if node.id in self._given else node


def substituted(node: ast.expr, given: dict[str, ast.expr]) -> ast.expr:
    """A copy of an expression with expressions in place of names."""
    result = _Substitution(given).visit(deepcopy(node))
    assert isinstance(result, ast.expr)
    return result


@cache
def parsed(pattern: str) -> tuple[ast.expr, ...]:
    """The expressions that a pattern stands for, its forms written out."""
    return tuple(_written_out(ast.parse(pattern, mode="eval").body))


@cache
def _forms() -> dict[str, tuple[list[str], tuple[ast.expr, ...]]]:
    forms = {}
    for head, bodies in FORMS.items():
        call = ast.parse(head, mode="eval").body
        assert isinstance(call, ast.Call)
        assert isinstance(call.func, ast.Name)
        names = [argument.id for argument in call.args if isinstance(argument, ast.Name)]
        forms[call.func.id] = names, tuple([ast.parse(b, mode="eval").body for b in bodies])
    return forms


def _written_out(node: ast.expr) -> Iterator[ast.expr]:
    """An expression with every form in place of each name of a form."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Name):
            form = _forms().get(inner.func.id)
            if form is not None:
                names, bodies = form
                given = dict(zip(names, inner.args, strict=True))
                for body in bodies:
                    new = substituted(body, given)
                    yield from _written_out(_Replacement(inner, new).on(node))
                return
    yield node


class _Replacement(ast.NodeTransformer):
    """A copy of an expression with another node in place of one."""

    def __init__(self, old: ast.expr, new: ast.expr) -> None:
        self._old, self._new = ast.dump(old), new

    def on(self, node: ast.expr) -> ast.expr:
        result = self.visit(deepcopy(node))
        assert isinstance(result, ast.expr)
        return result

    def visit(self, node: ast.AST) -> Any:
        """The other node where it is the one."""
        return deepcopy(self._new) if ast.dump(node) == self._old else self.generic_visit(node)


def ending(node: ast.expr) -> str:
    """The name of the operation in which a pattern ends."""
    return "negative" if isinstance(node, ast.UnaryOp) else _operation(node)[0]


def endings(terms: Terms, step: Step) -> set[str]:
    """The names of the operation that a step is."""
    names = {term.name for term in terms.views(Ref(step.out_key, step.out))}
    return names | {"negative"} if "multiply" in names else names


def matches(node: ast.expr, terms: Terms, step: Step) -> Iterator[Match]:
    """All the ways in which a pattern ends in a step."""
    yield from _match(node, Ref(step.out_key, step.out), Match({}, frozenset()), terms)


def _match(node: ast.expr, ref: Ref, match: Match, terms: Terms) -> Iterator[Match]:
    if isinstance(node, ast.Name):
        yield from _bind(node.id, Operand(terms.origin(ref)[0]), match, terms)
    elif isinstance(node, ast.Constant):
        if terms.origin(ref)[0].constant == node.value:
            yield match
    elif isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant):
        assert isinstance(node.operand.value, (int, float))
        if terms.origin(ref)[0].constant == -node.operand.value:
            yield match
    elif isinstance(node, ast.UnaryOp):
        yield from _match_negative(node.operand, ref, match, terms)
    elif ref.key is None:
        if _is_worth(node, ref, match):
            yield match
    else:
        yield from _match_call(node, ref, match, terms)


def _is_worth(node: ast.expr, ref: Ref, match: Match) -> bool:
    """Whether a bare value is what an expression of bare values known by name is."""
    names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    operands = {name: match.operands[name] for name in names & match.operands.keys()}
    if not names or len(operands) < len(names) or not isinstance(node, ast.BinOp):
        return False
    if any(o.ref.key is not None or o.negated for o in operands.values()):
        return False
    values = {name: o.ref.value for name, o in operands.items()}
    expression = ast.fix_missing_locations(ast.Expression(deepcopy(node)))
    value = eval(compile(expression, "<pattern>", "eval"), values)
    return np.shape(value) == np.shape(ref.value) and bool(np.allclose(value, ref.value))


def _match_negative(node: ast.expr, ref: Ref, match: Match, terms: Terms) -> Iterator[Match]:
    written = False
    for term in terms.views(ref):
        if term.name == "negative":
            written = True
            yield from _match(node, term.inputs[0], _with_steps(match, term), terms)
        elif term.name == "multiply":  # -a * b is -(a * b)
            yield from _match_negative_product(node, term, match, terms)
    if isinstance(node, ast.Name) and not written:
        yield from _bind(node.id, Operand(terms.origin(ref)[0], negated=True), match, terms)


def _match_negative_product(
    node: ast.expr, term: Term, match: Match, terms: Terms
) -> Iterator[Match]:
    if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult)):
        return
    sides = (node.left, node.right)
    for one, two in (sides, sides[::-1]):
        minus = ast.UnaryOp(ast.USub(), one)
        for a, b in (term.inputs, term.inputs[::-1]):
            for found in _match(minus, a, _with_steps(match, term), terms):
                yield from _match(two, b, found, terms)


def _match_call(node: ast.expr, ref: Ref, match: Match, terms: Terms) -> Iterator[Match]:
    name, arguments = _operation(node)
    for term in terms.views(ref):
        if term.name != name or len(term.inputs) != len(arguments):
            continue
        found = _with_steps(match, term)
        if term.axes is not None:
            if match.reduction is not None and match.reduction.axes != term.axes:
                continue
            found = replace(found, reduction=term)
        if name == "getitem":
            index = Operand(Ref(None, term.made[-1].params[0]))
            found = replace(found, operands={**found.operands, "INDEX": index})
        yield from _match_all(arguments, term.inputs, found, terms)
        if name in _COMMUTE and len(arguments) == 2:
            yield from _match_all(arguments, term.inputs[::-1], found, terms)


def _operation(node: ast.expr) -> tuple[str, list[ast.expr]]:
    """The name of the operation that a node of a pattern stands for, and its arguments."""
    if isinstance(node, ast.BinOp):
        return _BINARY[type(node.op)], [node.left, node.right]
    assert isinstance(node, ast.Call)
    assert isinstance(node.func, ast.Name)
    return node.func.id, node.args


def _match_all(
    nodes: list[ast.expr], refs: tuple[Ref, ...], match: Match, terms: Terms
) -> Iterator[Match]:
    if not nodes:
        yield match
        return
    for found in _match(nodes[0], refs[0], match, terms):
        yield from _match_all(nodes[1:], refs[1:], found, terms)
    straight, passed = terms.unreshaped(refs[0])
    if passed and straight.key != terms.origin(refs[0])[0].key:
        seen = replace(match, steps=match.steps | frozenset(passed))
        for found in _match(nodes[0], straight, seen, terms):
            yield from _match_all(nodes[1:], refs[1:], found, terms)


def _bind(name: str, operand: Operand, match: Match, terms: Terms) -> Iterator[Match]:
    known = match.operands.get(name)
    if known is None:
        yield replace(match, operands={**match.operands, name: operand})
    elif known.negated == operand.negated and terms.same(known.ref, operand.ref):
        yield match


def _with_steps(match: Match, term: Term) -> Match:
    return replace(match, steps=match.steps | frozenset(term.made))
