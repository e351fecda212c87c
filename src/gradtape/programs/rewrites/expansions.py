"""Primitives of the tape's own that are compositions of NumPy's functions, written out.

So that what they have in common with the rest of the program is computed once, and an engine can
fuse the whole. Step by step what ``gradtape.derivatives.primitives`` computes for real arrays.
"""

from __future__ import annotations

from math import prod

import numpy as np

from gradtape.operation import PRIMITIVES
from gradtape.programs.graph import Node
from gradtape.programs.rewrites.building import Builder, Rules, is_float

__all__ = ["EXPANSIONS"]

_TRUTH = np.dtype(bool)


def sech_squared(builder: Builder, node: Node) -> Node | None:
    """4 e / (1 + e)**2 for e = exp(-2 |x|)."""
    (x,) = node.inputs
    if not is_float(x) or x.dtype != node.dtype:
        return None
    call, constant = builder.call, builder.constant
    left = call("negative", call("absolute", x))
    e = call("exp", _scaled(builder, left, 2))
    below = call("square", call("add", e, constant(1)))
    return call("divide", _scaled(builder, e, 4), below)


def logistic(builder: Builder, node: Node) -> Node | None:
    """1 / (1 + e) or e / (1 + e) for e = exp(-|x|)."""
    (x,) = node.inputs
    if not is_float(x) or x.dtype != node.dtype:
        return None
    call, constant = builder.call, builder.constant
    e = call("exp", call("negative", call("absolute", x)))
    right = call("greater_equal", x, constant(0), dtype=_TRUTH)
    above = builder.make(PRIMITIVES["where"], (right, constant(1), e), (), x.shape, x.dtype)
    return call("divide", above, call("add", e, constant(1)))


def one_minus_square(builder: Builder, node: Node) -> Node | None:
    """(1 - x) (1 + x)."""
    (x,) = node.inputs
    if not is_float(x) or x.dtype != node.dtype:
        return None
    one = builder.constant(1)
    left = builder.call("subtract", one, x, shape=x.shape, dtype=x.dtype)
    return builder.call("multiply", left, builder.call("add", x, one))


def relu(builder: Builder, node: Node) -> Node | None:
    """max(x, 0)."""
    (x,) = node.inputs
    if not is_float(x) or x.dtype != node.dtype:
        return None
    return builder.call("maximum", x, builder.constant(0))


def raised(builder: Builder, node: Node) -> Node | None:
    """x**1, and of an array x**2, x**-1 and x**0.5, as NumPy computes them."""
    (x,), (exponent,) = node.inputs, node.params
    if not is_float(x) or x.dtype != node.dtype or type(exponent) not in (int, float):
        return None
    if exponent == 1:
        return x
    if node.shape == ():
        return None  # of a number NumPy computes the power
    name = {2: "square", -1: "reciprocal", 0.5: "sqrt"}.get(exponent)
    return None if name is None else builder.call(name, x)


def mean(builder: Builder, node: Node) -> Node | None:
    """A sum over a number of entries."""
    (x,) = node.inputs
    axis, _ = node.params
    if x.dtype != node.dtype or getattr(x.dtype, "char", "") not in "fd":
        return None
    total = builder.make(PRIMITIVES["sum"], (x,), node.params, node.shape, node.dtype)
    count = prod([x.shape[a] for a in axis])
    return builder.call("divide", total, builder.constant(count))


def _scaled(builder: Builder, x: Node, factor: int) -> Node:
    return builder.call("multiply", x, builder.constant(factor))


EXPANSIONS: Rules = {
    "sech_squared": (sech_squared,),
    "logistic": (logistic,),
    "one_minus_square": (one_minus_square,),
    "relu": (relu,),
    "raised": (raised,),
    "mean": (mean,),
}
