"""Rules of what moves entries about and computes nothing."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from gradtape.derivatives.indexing import is_basic
from gradtape.operation import PRIMITIVES
from gradtape.programs.graph import Node
from gradtape.programs.rewrites.building import Builder, Rules, kind

__all__ = ["MOVEMENTS"]


def reshape_of_reshape(builder: Builder, node: Node) -> Node | None:
    """Only the last of several reshapes counts; none, where the shape stays."""
    (x,) = node.inputs
    if kind(x.op) == "reshape":
        return builder.make(node.op, x.inputs, node.params, node.shape, node.dtype)
    return x if x.shape == node.shape else None


def transpose_of_transpose(builder: Builder, node: Node) -> Node | None:
    """Two permutations are one, and the one that changes nothing is none."""
    (x,) = node.inputs
    order = _positive(node)
    if kind(x.op) == "transpose":
        inner = _positive(x)
        axes = tuple([inner[a] - len(inner) for a in order])
        return builder.make(node.op, x.inputs, (axes,), node.shape, node.dtype)
    return x if order == tuple(range(len(order))) else None


def transpose_as_reshape(builder: Builder, node: Node) -> Node | None:
    """Axes of length one may go anywhere without a permutation."""
    (x,) = node.inputs
    long = [a for a in _positive(node) if x.shape[a] != 1]
    if long != sorted(long):
        return None
    return builder.make(PRIMITIVES["reshape"], (x,), (node.shape,), node.shape, node.dtype)


def _positive(node: Node) -> tuple[int, ...]:
    """The axes of a transpose, counted from the first; those that it does not name stay."""
    (axes,) = node.params
    ndim = len(node.inputs[0].shape)
    leading = tuple(range(ndim - len(axes)))
    return (*leading, *[a + ndim for a in axes])


def item_as_reshape(builder: Builder, node: Node) -> Node | None:
    """A basic index that leaves nothing out takes all entries in their order, unless backwards."""
    (x,), (index,) = node.inputs, node.params
    if isinstance(x.dtype, type) or prod(node.shape) != prod(x.shape):
        return None
    if not all([i is None or i is Ellipsis or type(i) is int or _forward(i) for i in index]):
        return None
    if node.shape == ():
        return x if x.shape == () else None
    return builder.make(PRIMITIVES["reshape"], (x,), (node.shape,), node.shape, node.dtype)


def embed_as_reshape(builder: Builder, node: Node) -> Node | None:
    """Entries put into the places of a basic index that leaves none over."""
    (x,), (shape, index) = node.inputs, node.params
    if isinstance(x.dtype, type) or prod(shape) != prod(x.shape):
        return None
    if not all([i is None or i is Ellipsis or type(i) is int or _forward(i) for i in index]):
        return None
    return builder.make(PRIMITIVES["reshape"], (x,), (shape,), node.shape, node.dtype)


def sum_of_embedded(builder: Builder, node: Node) -> Node | None:
    """Entries put into the same places of zeros are added up first: beside them, 0 + 0 is 0."""
    x, y = node.inputs
    if not kind(x.op) == kind(y.op) == "embed" or not is_basic(x.params[1]):
        return None
    if x.params != y.params:
        return None
    (a,), (b,) = x.inputs, y.inputs
    if a.shape != b.shape or not a.dtype == b.dtype == node.dtype or isinstance(a.dtype, type):
        return None
    total = builder.make(node.op, (a, b), node.params, a.shape, node.dtype)
    return builder.make(x.op, (total,), x.params, node.shape, node.dtype)


def _forward(part: Any) -> bool:
    return type(part) is slice and (part.step is None or part.step > 0)


def item_of_filled(builder: Builder, node: Node) -> Node | None:
    """A broadcast to the shape that is there already."""
    (x,) = node.inputs
    return x if x.shape == node.shape and not isinstance(x.dtype, type) else None


def cast_to_same(builder: Builder, node: Node) -> Node | None:
    """A cast to the dtype that is there already."""
    (x,) = node.inputs
    return x if x.dtype == node.dtype and not isinstance(x.dtype, type) else None


def without_broadcasts(builder: Builder, node: Node) -> Node | None:
    """An elementwise operation broadcasts its operands by itself.

    If all of them repeat the same entries, the operation is done once for each, and its result is
    what is broadcast.
    """
    narrow = [i.inputs[0] if kind(i.op) in _BROADCASTS else i for i in node.inputs]
    if all([a is b for a, b in zip(narrow, node.inputs, strict=True)]):
        return None
    if any([isinstance(i.dtype, type) for i in narrow if i not in node.inputs]):
        return None  # a Python number would promote otherwise
    shape = np.broadcast_shapes(*[i.shape for i in narrow])
    done = builder.make(node.op, tuple(narrow), node.params, shape, node.dtype)
    if shape == node.shape:
        return done
    return builder.make(PRIMITIVES["broadcast"], (done,), (node.shape,), node.shape, node.dtype)


_BROADCASTS = frozenset({"broadcast", "broadcast_to"})
_ELEMENTWISE = (
    *("add", "subtract", "multiply", "divide", "maximum", "minimum", "power", "equal", "not_equal"),
    *("less", "less_equal", "greater", "greater_equal", "where", "arctan2", "hypot", "negative"),
    *("square", "sqrt", "exp", "log", "sin", "cos", "tanh", "logical_or", "logical_and"),
    *("logical_not", "bitwise_or", "bitwise_and", "absolute", "expm1", "log1p", "reciprocal"),
)

MOVEMENTS: Rules = dict.fromkeys(_ELEMENTWISE, (without_broadcasts,)) | {
    "add": (without_broadcasts, sum_of_embedded),
    "reshape": (reshape_of_reshape,),
    "transpose": (transpose_of_transpose, transpose_as_reshape),
    "getitem": (item_as_reshape,),
    "embed": (embed_as_reshape,),
    "broadcast": (item_of_filled,),
    "broadcast_to": (item_of_filled,),
    "astype": (cast_to_same,),
}
