"""Constants: which stay what they are, what follows from those alone, and which hold one number.

An array from outside of the function may be written into between two calls, which the function then
sees; so only what nobody else holds counts as fixed.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from gradtape.programs.graph import Graph, Node
from gradtape.programs.rewrites.building import Builder, Rules

__all__ = ["FOLDING", "settled"]

#: What is folded gives no more bytes than this, or than went in.
SMALL_BYTES = 1 << 12

_BINARY = (
    *("add", "subtract", "multiply", "divide", "maximum", "minimum", "power", "equal", "not_equal"),
    *("less", "less_equal", "greater", "greater_equal", "where", "arctan2", "hypot"),
)


def settled(graph: Graph) -> Graph:
    """The same graph, in which the constants that nobody else holds are marked as fixed."""
    for node in graph.nodes:
        if node.op is None and node.value is not None and not node.fixed:
            # The node holds it, and each of the two calls.
            node.fixed = not isinstance(node.value, np.ndarray) or _is_ours(
                node.value, sys.getrefcount(node.value) - 3
            )
    return graph


def _is_ours(array: Any, others: int) -> bool:
    """Whether no one but a node holds an array, and no one but the array what it is a view of."""
    while True:
        if type(array) is not np.ndarray or others > 0:
            return False
        if array.base is None:
            return bool(array.flags.owndata)
        others = sys.getrefcount(array.base) - 2  # the view holds it, and the call
        array = array.base


def folded(builder: Builder, node: Node) -> Node | None:
    """What follows from fixed constants alone is computed now."""
    inputs = node.inputs
    for i in inputs:
        if i.op is not None or not i.fixed:
            return None
    size = _bytes(node)
    if size > SMALL_BYTES and size > sum([_bytes(i) for i in inputs]):
        return None
    compute = getattr(node.op, "compute", node.op)
    with np.errstate(all="ignore"):
        value = compute(*[i.value for i in inputs], *node.params)
    if isinstance(value, np.ndarray) and not value.shape:
        value = value[()]
    dtype = getattr(value, "dtype", type(value))
    if isinstance(dtype, type) != isinstance(node.dtype, type) or dtype != node.dtype:
        return None
    return builder.constant(np.array(value) if isinstance(value, np.ndarray) else value)


def with_numbers(builder: Builder, node: Node) -> Node | None:
    """A fixed array of one number many times is that number, where another has its shape."""
    inputs = node.inputs
    if len(inputs) < 2 or not node.shape:
        return None
    for position, i in enumerate(inputs):
        number = _only_entry(builder, i)
        if number is None:
            continue
        rest = [other.shape for j, other in enumerate(inputs) if j != position]
        if np.broadcast_shapes(*rest) != node.shape:
            continue
        others = (*inputs[:position], builder.constant(number), *inputs[position + 1 :])
        return builder.make(node.op, others, node.params, node.shape, node.dtype)
    return None


def _only_entry(builder: Builder, node: Node) -> Any:
    """The number that a fixed array holds in all places, or None."""
    if node.op is not None or not node.fixed or not node.shape:
        return None
    key = with_numbers, node
    if key not in builder.facts:
        builder.facts[key] = _uniform(node.value)
    return builder.facts[key]


def _uniform(array: Any) -> Any:
    if not array.size or array.dtype.kind not in "fiub":
        return None
    for axis, stride in enumerate(array.strides):  # a broadcast one is looked at once
        if stride == 0:
            array = array[(slice(None),) * axis + (slice(0, 1),)]
    first = array.reshape(-1)[0]
    same = bool((array == first).all())
    if same and first == 0 and array.dtype.kind == "f":
        same = bool((np.signbit(array) == np.signbit(first)).all())
    return first if same else None


def _bytes(node: Node) -> int:
    size = 1
    for n in node.shape:
        size *= n
    return size * (node.dtype.itemsize if isinstance(node.dtype, np.dtype) else 8)


FOLDING: Rules = dict.fromkeys(_BINARY, (folded, with_numbers)) | dict.fromkeys(
    (
        *("negative", "positive", "square", "sqrt", "exp", "log", "sin", "cos", "tanh", "absolute"),
        *("reshape", "transpose", "getitem", "broadcast", "astype", "sum", "logical_not"),
        *("reciprocal", "log1p", "expm1", "raised", "tan", "arctan", "sinh", "cosh", "matmul"),
    ),
    (folded,),
)
