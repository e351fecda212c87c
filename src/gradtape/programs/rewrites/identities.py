"""Algebraic identities that hold in IEEE 754 arithmetic, for signed zeros and infinities too.

Not among them: ``x + 0`` (of -0 it gives 0), ``x * 0`` and ``x - x`` (of infinities they give NaN),
and whatever adds or multiplies in another order.
"""

from __future__ import annotations

import math

from gradtape.programs.graph import Node
from gradtape.programs.rewrites.building import Builder, Rules, is_float, kind, number_of

__all__ = ["IDENTITIES"]


def _stays(node: Node, x: Node) -> bool:
    """Whether ``x`` could stand for a node: its shape and dtype are the same."""
    return x.shape == node.shape and x.dtype == node.dtype and not isinstance(x.dtype, type)


def times_one(builder: Builder, node: Node) -> Node | None:
    """x * 1 and 1 * x."""
    x, y = node.inputs
    if _stays(node, x) and _is(y, 1):
        return x
    return y if _stays(node, y) and _is(x, 1) else None


def over_one(builder: Builder, node: Node) -> Node | None:
    """x / 1."""
    x, y = node.inputs
    return x if _stays(node, x) and _is(y, 1) else None


def minus_zero(builder: Builder, node: Node) -> Node | None:
    """x - 0, and x + (-0) in its other form: a zero of that sign changes no zero's sign."""
    x, y = node.inputs
    number = number_of(y)
    if number is None or not _stays(node, x) or number != 0:
        return None
    return x if not is_float(node) or math.copysign(1, number) > 0 else None


def plus_negative_zero(builder: Builder, node: Node) -> Node | None:
    """x + (-0); of whole numbers, x + 0."""
    for x, y in (node.inputs, node.inputs[::-1]):
        number = number_of(y)
        if number is None or number != 0 or not _stays(node, x):
            continue
        if not is_float(node) or math.copysign(1, number) < 0:
            return x
    return None


def negative_of_negative(builder: Builder, node: Node) -> Node | None:
    """-(-x)."""
    (x,) = node.inputs
    return x.inputs[0] if kind(x.op) == "negative" and _stays(node, x.inputs[0]) else None


def plus_negative(builder: Builder, node: Node) -> Node | None:
    """x + (-y) is x - y, and (-x) + y is y - x."""
    x, y = node.inputs
    if not is_float(node):
        return None
    for kept, other in ((x, y), (y, x)):
        if kind(other.op) == "negative" and other.dtype == node.dtype:
            inputs = (kept, other.inputs[0])
            return builder.call("subtract", *inputs, shape=node.shape, dtype=node.dtype)
    return None


def minus_negative(builder: Builder, node: Node) -> Node | None:
    """x - (-y) is x + y."""
    x, y = node.inputs
    if is_float(node) and kind(y.op) == "negative" and y.dtype == node.dtype:
        return builder.call("add", x, y.inputs[0], shape=node.shape, dtype=node.dtype)
    return None


def unlike_nothing(builder: Builder, node: Node) -> Node | None:
    """Of a truth value: b != 0 is b, and b == 0 is not b."""
    x, y = node.inputs
    number = number_of(y)
    if x.shape != node.shape or x.dtype != node.dtype or number is None or number != 0:
        return None
    return x if kind(node.op) == "not_equal" else builder.call("logical_not", x)


def where_not(builder: Builder, node: Node) -> Node | None:
    """A choice under a condition's negation is the other choice under the condition."""
    condition, x, y = node.inputs
    if kind(condition.op) != "logical_not" or condition.inputs[0].dtype != condition.dtype:
        return None
    return builder.make(node.op, (condition.inputs[0], y, x), (), node.shape, node.dtype)


def whole_sum(builder: Builder, node: Node) -> Node | None:
    """A sum over no axes."""
    (x,), (axis, _) = node.inputs, node.params
    return x if axis == () and _stays(node, x) else None


def _is(node: Node, number: float) -> bool:
    value = number_of(node)
    return value is not None and bool(value == number)


IDENTITIES: Rules = {
    "multiply": (times_one,),
    "divide": (over_one,),
    "subtract": (minus_zero, minus_negative),
    "add": (plus_negative_zero, plus_negative),
    "negative": (negative_of_negative,),
    "equal": (unlike_nothing,),
    "not_equal": (unlike_nothing,),
    "where": (where_not,),
    "sum": (whole_sum,),
}
