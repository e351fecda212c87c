"""Products in which an exponential meets what it is divided by, as derivatives are full of.

Where ``exp(x)`` overflows, its product with ``1 / (1 + exp(x))`` is NaN, and the true value is at
most 1. So products and quotients are taken apart into their factors, and such pairs become a
logistic function or a softmax, whichever factors stand in between.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from gradtape.operation import PRIMITIVES
from gradtape.programs.graph import Node
from gradtape.programs.rewrites.building import Builder, is_float, kind, number_of

__all__ = ["exponent", "kept", "minus", "plus_one", "product", "reshaping", "shifted"]

#: A product of more factors is taken as it is.
MOST_FACTORS = 16

_BROADCASTS = ("broadcast", "broadcast_to")


def plus_one(node: Node) -> Node | None:
    """The x of 1 + x."""
    if kind(node.op) == "add":
        for x, y in (node.inputs, node.inputs[::-1]):
            if number_of(y) == 1 and x.shape == node.shape and x.dtype == node.dtype:
                return x
    return None


def exponent(node: Node) -> Node | None:
    """The x of exp(x)."""
    return node.inputs[0] if kind(node.op) == "exp" else None


def minus(builder: Builder, node: Node) -> Node:
    """The negative of a node."""
    return node.inputs[0] if kind(node.op) == "negative" else builder.call("negative", node)


# Sums along axes, spread along them again ---------------------------------------------------------


def _total_of(node: Node, e: Node) -> Node | None:
    """The sum of e along axes that a node is, one for each entry of e; None if it is none."""
    total = _source(node)
    if kind(total.op) != "sum" or total.inputs[0] is not e:
        return None
    return total if _spread(node, kept(e.shape, total.params[0])) is total else None


def kept(shape: tuple[int, ...], axis: tuple[int, ...]) -> tuple[int, ...]:
    """A shape with lengths of 1 along axes."""
    return tuple([1 if i - len(shape) in axis else n for i, n in enumerate(shape)])


def shifted(builder: Builder, x: Node, axis: tuple[int, ...]) -> tuple[Node, Node]:
    """The largest entries of x along axes, 0 where that is not finite, and x less them."""
    shape = kept(x.shape, axis)
    top = builder.make(PRIMITIVES["max"], (x,), (axis, True), shape, x.dtype)
    finite = builder.call("isfinite", top, dtype=np.dtype(bool))
    zero = builder.constant(x.dtype.type(0))
    top = builder.make(PRIMITIVES["where"], (finite, top, zero), (), shape, x.dtype)
    rest = builder.call("subtract", x, top)
    builder.facts[shifted, rest] = True  # once is enough
    return top, rest


def _softmax(builder: Builder, x: Node, total: Node) -> Node:
    """exp(x) / sum(exp(x)), shifted by the largest x."""
    axis = total.params[0]
    e = builder.call("exp", shifted(builder, x, axis)[1])
    sums = builder.make(total.op, (e,), (axis, True), kept(x.shape, axis), total.dtype)
    return builder.call("divide", e, sums)


def _source(node: Node) -> Node:
    """What a node is a reshape or broadcast of."""
    while kind(node.op) in ("reshape", *_BROADCASTS):
        node = node.inputs[0]
    return node


def _spread(node: Node, shape: tuple[int, ...]) -> Node | None:
    """What a node is, spread along the axes that have length 1 in a shape; None if along others."""
    source = _source(node)
    if source.shape == ():
        return source
    while kind(node.op) in _BROADCASTS:
        node = node.inputs[0]
    if (1,) * (len(shape) - len(node.shape)) + node.shape != shape:
        return None
    while kind(node.op) == "reshape":
        node = node.inputs[0]
    return node if node is source else None


def reshaping(builder: Builder, node: Node) -> Node | None:
    """x[:, None] is a reshape, and so is what takes its gradient back."""
    index = node.params[-1]
    parts = index if isinstance(index, tuple) else (index,)
    if not all([p is None or p is Ellipsis or _is_whole(p) for p in parts]):
        return None
    if prod(node.inputs[0].shape) != prod(node.shape):
        return None
    op = PRIMITIVES["reshape"]
    return builder.make(op, node.inputs[:1], (node.shape,), node.shape, node.dtype)


def _is_whole(part: Any) -> bool:
    return type(part) is slice and part == slice(None)


def _moved(builder: Builder, node: Node, source: Node, other: Node) -> Node:
    """What a node is of its source, of another node of the same shape."""
    if node is source:
        return other
    inner = _moved(builder, node.inputs[0], source, other)
    return builder.make(node.op, (inner,), node.params, node.shape, node.dtype)


# Factors ------------------------------------------------------------------------------------------


class _Factors:
    """A product taken apart: what is multiplied, and what it is divided by."""

    def __init__(self, builder: Builder, node: Node, sums: bool = True) -> None:
        self._builder, self._dtype = builder, node.dtype
        self._sums = sums  # whether to look for factors in them
        self.above: list[Node] = []
        self.below: list[Node] = []
        self.is_negative = False
        self._take(node, self.above, self.below)

    def _take(self, node: Node, above: list[Node], below: list[Node]) -> None:
        name = kind(node.op)
        if node.dtype == self._dtype and len(above) + len(below) < MOST_FACTORS:
            if name == "multiply":
                self._take(node.inputs[0], above, below)
                return self._take(node.inputs[1], above, below)
            if name == "divide":
                self._take(node.inputs[0], above, below)
                return self._take(node.inputs[1], below, above)
            if name == "negative":
                self.is_negative = not self.is_negative
                return self._take(node.inputs[0], above, below)
            if name in ("reshape", *_BROADCASTS) and self._take_spread(node, above, below):
                return None
        above.append(node)
        return None

    def _take_spread(self, node: Node, above: list[Node], below: list[Node]) -> bool:
        """The factors of something that is spread along the axes of a sum of exponentials."""
        builder, source = self._builder, _source(node)
        if kind(source.op) == "divide" and source.dtype == self._dtype:
            g, total = source.inputs
            if (
                _is_total(builder, total)
                and total.shape == source.shape
                and g.shape in ((), total.shape)
            ):
                above.append(_moved(builder, node, source, g) if g.shape else g)
                below.append(_moved(builder, node, source, total))
                return True
        return self._sums and kind(source.op) == "sum" and self._take_sum(node, above, below)

    def _take_sum(self, node: Node, above: list[Node], below: list[Node]) -> bool:
        """What all summands of a spread sum are divided by, taken out of it."""
        builder, source = self._builder, _source(node)
        (summand,), axis = source.inputs, source.params[0]
        along = kept(summand.shape, axis)
        if source.dtype != self._dtype or _spread(node, along) is not source:
            return False
        inner = _Factors(builder, summand, sums=False)
        for spread in inner.below:
            total = _spread(spread, along)
            if total is None or not _is_total(builder, total) or total.params[0] != axis:
                continue
            if total.inputs[0].shape == summand.shape:
                inner.below.remove(spread)
                rest = inner.product(summand.shape)
                if rest is None:
                    return False
                sums = builder.make(source.op, (rest,), source.params, source.shape, source.dtype)
                above.append(_moved(builder, node, source, sums))
                below.append(spread)
                return True
        return False

    def paired(self) -> bool:
        """Bring together what belongs together; whether there was anything."""
        found = False
        for leaf in [*self.below]:
            inner = plus_one(leaf)
            x = None if inner is None else exponent(inner)
            if x is not None and leaf.dtype == self._dtype:
                self.below.remove(leaf)
                self.above.append(self._builder.call("logistic", minus(self._builder, x)))
        for leaf in [*self.below]:
            if _is_positive(leaf) and leaf in self.above:
                self.above.remove(leaf)
                self.below.remove(leaf)
                found = True
        while self._pair():
            found = True
        return found

    def _pair(self) -> bool:
        builder = self._builder
        for e in self.above:
            x = exponent(e)
            if x is None or e.dtype != self._dtype:
                continue
            other = builder.call("logistic", minus(builder, x))
            if other in self.above:
                self.above.remove(e)
                self.above[self.above.index(other)] = builder.call("logistic", x)
                return True
            if not x.shape or 0 in x.shape or (shifted, x) in builder.facts:
                continue
            for spread in self.below:
                total = _total_of(spread, e)
                if total is not None:
                    self.below.remove(spread)
                    self.above[self.above.index(e)] = _softmax(builder, x, total)
                    return True
        return False

    def product(self, shape: tuple[int, ...]) -> Node | None:
        """All factors together, in a shape; None if their dtypes are not one."""
        builder, dtype = self._builder, self._dtype
        strong = [n for n in [*self.above, *self.below] if not isinstance(n.dtype, type)]
        first = [n for n in self.above if n in strong]
        if not first or any([n.dtype != dtype for n in strong]):
            return None
        result = first[0]
        self.above.remove(result)
        for name, leaves in (("multiply", self.above), ("divide", self.below)):
            for leaf in leaves:
                together = np.broadcast_shapes(result.shape, leaf.shape)
                result = builder.call(name, result, leaf, shape=together)
        if result.shape != shape:
            return None
        return minus(builder, result) if self.is_negative else result


def _is_positive(node: Node) -> bool:
    """Whether a node is never 0 but by rounding, so that it may be cancelled."""
    inner = node.inputs[0] if kind(node.op) == "sum" else node
    return kind(inner.op) in ("exp", "logistic")


def _is_total(builder: Builder, node: Node) -> bool:
    """Whether a node is a sum of exponentials that were not shifted."""
    x = exponent(node.inputs[0]) if kind(node.op) == "sum" else None
    return x is not None and (shifted, x) not in builder.facts


def product(builder: Builder, node: Node) -> Node | None:
    """A product of an exponential and what it is divided by, as a logistic function or a softmax.

    exp(x) / (1 + exp(x)) is logistic(x), and exp(x) logistic(-x) is, too.
    """
    if not is_float(node):
        return None
    factors = _Factors(builder, node)
    return factors.product(node.shape) if factors.paired() else None
