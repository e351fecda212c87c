"""Rewrites to forms that keep digits and do not overflow: only where they are asked for.

Each is an identity of real numbers; in floating-point arithmetic the new form is the better one.
"""

from __future__ import annotations

import numpy as np

from gradtape.operation import PRIMITIVES
from gradtape.programs.graph import Node
from gradtape.programs.rewrites.building import Builder, Rules, is_float, kind, number_of

__all__ = ["STABILIZING"]


def _plus_one(node: Node) -> Node | None:
    """The x of 1 + x."""
    if kind(node.op) == "add":
        for x, y in (node.inputs, node.inputs[::-1]):
            if number_of(y) == 1 and x.shape == node.shape and x.dtype == node.dtype:
                return x
    return None


def _exponent(node: Node) -> Node | None:
    return node.inputs[0] if kind(node.op) == "exp" else None


def log_of_sum(builder: Builder, node: Node) -> Node | None:
    """log(1 + exp(x)) is logaddexp(x, 0), and log(1 + x) is log1p(x)."""
    inner = _plus_one(node.inputs[0])
    if inner is None or not is_float(node):
        return None
    x = _exponent(inner)
    if x is None:
        return builder.call("log1p", inner)
    return builder.call("logaddexp", x, builder.constant(0))


def log1p_of_exp(builder: Builder, node: Node) -> Node | None:
    """log1p(exp(x)) is logaddexp(x, 0)."""
    x = _exponent(node.inputs[0])
    if x is None or not is_float(node):
        return None
    return builder.call("logaddexp", x, builder.constant(0))


def log_of_exp(builder: Builder, node: Node) -> Node | None:
    """log(exp(x)) is x."""
    x = _exponent(node.inputs[0])
    return x if x is not None and is_float(x) and x.dtype == node.dtype else None


def log_sum_exp(builder: Builder, node: Node) -> Node | None:
    """log(sum(exp(x))) is m + log(sum(exp(x - m))) for the largest m, if that is finite."""
    (total,) = node.inputs
    if kind(total.op) != "sum" or not is_float(node):
        return None
    x = _exponent(total.inputs[0])
    if x is None or not x.shape or 0 in x.shape or (_shifted, x) in builder.facts:
        return None
    axis, keepdims = total.params
    largest, shifted = _shifted(builder, x, axis)
    sums = builder.make(
        total.op, (builder.call("exp", shifted),), (axis, keepdims), total.shape, total.dtype
    )
    largest = builder.make(
        PRIMITIVES["reshape"], (largest,), (total.shape,), total.shape, total.dtype
    )
    return builder.call("add", builder.call("log", sums), largest)


def _shifted(builder: Builder, x: Node, axis: tuple[int, ...]) -> tuple[Node, Node]:
    """The largest entries of x along axes, 0 where that is not finite, and x less them."""
    shape = tuple([1 if i - len(x.shape) in axis else n for i, n in enumerate(x.shape)])
    top = builder.make(PRIMITIVES["max"], (x,), (axis, True), shape, x.dtype)
    finite = builder.call("isfinite", top, dtype=np.dtype(bool))
    zero = builder.constant(x.dtype.type(0))
    top = builder.make(PRIMITIVES["where"], (finite, top, zero), (), shape, x.dtype)
    shifted = builder.call("subtract", x, top)
    builder.facts[_shifted, shifted] = True  # once is enough
    return top, shifted


def softmax(builder: Builder, node: Node) -> Node | None:
    """exp(x) / sum(exp(x)), shifted by the largest x."""
    above, total = node.inputs
    total = _spread(total)
    if kind(total.op) != "sum" or not is_float(node) or total.inputs[0] is not above:
        return None
    x = _exponent(above)
    axis, keepdims = total.params
    if x is None or not x.shape or 0 in x.shape or node.shape != x.shape:
        return None
    if (_shifted, x) in builder.facts:
        return None
    _, shifted = _shifted(builder, x, axis)
    kept = tuple([1 if i - len(x.shape) in axis else n for i, n in enumerate(x.shape)])
    if not keepdims and total is node.inputs[1] and total.shape != ():
        return None  # aligned to other axes
    e = builder.call("exp", shifted)
    sums = builder.make(total.op, (e,), (axis, True), kept, total.dtype)
    return builder.call("divide", e, sums)


def softmax_share(builder: Builder, node: Node) -> Node | None:
    """(g / sum(exp(x))) exp(x), the derivative of log-sum-exp, as g times the softmax."""
    for e, share in (node.inputs, node.inputs[::-1]):
        x, ratio = _exponent(e), _spread(share)
        if x is None or kind(ratio.op) != "divide" or not is_float(node):
            continue
        g, total = ratio.inputs
        if kind(total.op) != "sum" or total.inputs[0] is not e or total.params[1]:
            continue
        shape = tuple(
            [1 if i - len(x.shape) in total.params[0] else n for i, n in enumerate(x.shape)]
        )
        if g.shape not in ((), ratio.shape) or isinstance(g.dtype, type):
            continue
        if g.shape:
            g = builder.make(PRIMITIVES["reshape"], (g,), (shape,), shape, g.dtype)
        sums = builder.make(PRIMITIVES["reshape"], (total,), (shape,), shape, total.dtype)
        part = builder.make(PRIMITIVES["divide"], (e, sums), (), node.shape, node.dtype)
        return builder.call("multiply", part, g)
    return None


def _spread(node: Node) -> Node:
    """What a node is a reshape or broadcast of."""
    while kind(node.op) in ("reshape", "broadcast", "broadcast_to"):
        node = node.inputs[0]
    return node


def sigmoid(builder: Builder, node: Node) -> Node | None:
    """1 / (1 + exp(-x)) and exp(x) / (1 + exp(x)) are logistic(x)."""
    above, below = node.inputs
    inner = _plus_one(below)
    if inner is None or not is_float(node) or inner.shape != node.shape:
        return None
    x = _exponent(inner)
    if x is None:
        return None
    if above is inner:
        return builder.call("logistic", x)
    return builder.call("logistic", builder.call("negative", x)) if number_of(above) == 1 else None


def sigmoid_share(builder: Builder, node: Node) -> Node | None:
    """(g / (1 + exp(x))) exp(x), the derivative of log(1 + exp(x)), as g logistic(x)."""
    for e, ratio in (node.inputs, node.inputs[::-1]):
        x = _exponent(e)
        if x is None or kind(ratio.op) != "divide" or not is_float(node):
            continue
        g, below = ratio.inputs
        if _plus_one(below) is e and e.shape == node.shape:
            part = builder.call("logistic", x)
            return builder.call("multiply", part, g)
    return None


def log_of_sigmoid(builder: Builder, node: Node) -> Node | None:
    """log(logistic(x)) is -logaddexp(-x, 0)."""
    (inner,) = node.inputs
    if kind(inner.op) != "logistic" or not is_float(node):
        return None
    left = builder.call("negative", inner.inputs[0])
    return builder.call("negative", builder.call("logaddexp", left, builder.constant(0)))


def exp_minus_one(builder: Builder, node: Node) -> Node | None:
    """exp(x) - 1 is expm1(x)."""
    e, one = node.inputs
    x = _exponent(e)
    if x is None or number_of(one) != 1 or not is_float(node) or e.dtype != node.dtype:
        return None
    return builder.call("expm1", x)


def root_of_squares(builder: Builder, node: Node) -> Node | None:
    """sqrt(x*x + y*y) is hypot(x, y)."""
    (total,) = node.inputs
    if kind(total.op) != "add" or not is_float(node):
        return None
    legs = [_root(i) for i in total.inputs]
    if None in legs:
        return None
    x, y = legs
    return builder.call("hypot", x, y, shape=node.shape, dtype=node.dtype)  # type: ignore[arg-type]


def _root(node: Node) -> Node | None:
    """The x of x*x."""
    if kind(node.op) == "square":
        return node.inputs[0]
    if kind(node.op) == "multiply" and node.inputs[0] is node.inputs[1]:
        return node.inputs[0]
    return None


STABILIZING: Rules = {
    "log": (log_of_exp, log_of_sigmoid, log_of_sum, log_sum_exp),
    "log1p": (log1p_of_exp,),
    "divide": (softmax, sigmoid),
    "multiply": (sigmoid_share, softmax_share),
    "subtract": (exp_minus_one,),
    "sqrt": (root_of_squares,),
}
