"""Rewrites to forms that keep digits and do not overflow: only where they are asked for.

Each is an identity of real numbers; in floating-point arithmetic the new form is the better one.
"""

from __future__ import annotations

from gradtape.operation import PRIMITIVES
from gradtape.programs.graph import Node
from gradtape.programs.rewrites.building import Builder, Rules, is_float, kind, number_of
from gradtape.programs.rewrites.products import (
    exponent,
    minus,
    plus_one,
    product,
    reshaping,
    shifted,
)

__all__ = ["STABILIZING"]


def log_of_sum(builder: Builder, node: Node) -> Node | None:
    """log(1 + exp(x)) is logaddexp(x, 0), and log(1 + x) is log1p(x)."""
    inner = plus_one(node.inputs[0])
    if inner is None or not is_float(node):
        return None
    x = exponent(inner)
    if x is None:
        return builder.call("log1p", inner)
    return builder.call("logaddexp", x, builder.constant(0))


def log1p_of_exp(builder: Builder, node: Node) -> Node | None:
    """log1p(exp(x)) is logaddexp(x, 0)."""
    x = exponent(node.inputs[0])
    if x is None or not is_float(node):
        return None
    return builder.call("logaddexp", x, builder.constant(0))


def log_of_exp(builder: Builder, node: Node) -> Node | None:
    """log(exp(x)) is x."""
    x = exponent(node.inputs[0])
    return x if x is not None and is_float(x) and x.dtype == node.dtype else None


def log_of_share(builder: Builder, node: Node) -> Node | None:
    """log(exp(x) / y) is x - log(y): the logarithm of a softmax, for one."""
    (share,) = node.inputs
    x = exponent(share.inputs[0]) if kind(share.op) == "divide" else None
    if x is None or not is_float(node) or x.dtype != node.dtype:
        return None
    below = share.inputs[1]
    if below.dtype != node.dtype:
        return None
    return builder.call("subtract", x, builder.call("log", below), shape=node.shape)


def log_sum_exp(builder: Builder, node: Node) -> Node | None:
    """log(sum(exp(x))) is m + log(sum(exp(x - m))) for the largest m, if that is finite."""
    (total,) = node.inputs
    if kind(total.op) != "sum" or not is_float(node):
        return None
    x = exponent(total.inputs[0])
    if x is None or not x.shape or 0 in x.shape or (shifted, x) in builder.facts:
        return None
    axis, keepdims = total.params
    largest, rest = shifted(builder, x, axis)
    sums = builder.make(
        total.op, (builder.call("exp", rest),), (axis, keepdims), total.shape, total.dtype
    )
    largest = builder.make(
        PRIMITIVES["reshape"], (largest,), (total.shape,), total.shape, total.dtype
    )
    return builder.call("add", builder.call("log", sums), largest)


def sigmoid(builder: Builder, node: Node) -> Node | None:
    """1 / (1 + exp(-x)) is logistic(x)."""
    above, below = node.inputs
    inner = plus_one(below)
    x = None if inner is None else exponent(inner)
    if x is None or number_of(above) != 1 or not is_float(node) or below.shape != node.shape:
        return None
    return builder.call("logistic", minus(builder, x)) if x.dtype == node.dtype else None


def log_of_sigmoid(builder: Builder, node: Node) -> Node | None:
    """log(logistic(x)) is -logaddexp(-x, 0)."""
    (inner,) = node.inputs
    if kind(inner.op) != "logistic" or not is_float(node):
        return None
    left = minus(builder, inner.inputs[0])
    return builder.call("negative", builder.call("logaddexp", left, builder.constant(0)))


def exp_minus_one(builder: Builder, node: Node) -> Node | None:
    """exp(x) - 1 is expm1(x)."""
    e, one = node.inputs
    x = exponent(e)
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
    "log": (log_of_exp, log_of_share, log_of_sigmoid, log_of_sum, log_sum_exp),
    "log1p": (log1p_of_exp,),
    "divide": (sigmoid, product),
    "multiply": (product,),
    "getitem": (reshaping,),
    "embed": (reshaping,),
    "subtract": (exp_minus_one,),
    "sqrt": (root_of_squares,),
}
