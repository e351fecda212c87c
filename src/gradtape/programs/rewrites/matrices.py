"""Products with one matrix, in the forms that the tape itself computes them in.

Step by step what ``gradtape.derivatives.linear_algebra`` does where it sees the values: a program
has to tell from the graph.
"""

from __future__ import annotations

from math import prod

import numpy as np

from gradtape.derivatives.linear_algebra import MANY_ROWS
from gradtape.operation import PRIMITIVES
from gradtape.programs.graph import Node
from gradtape.programs.rewrites.building import Builder, Rules, is_float, kind

__all__ = ["MATRICES"]


def stack_times_matrix(builder: Builder, node: Node) -> Node | None:
    """A stack of matrices times one matrix is one product: BLAS would take a call for each."""
    x, y = node.inputs
    if len(x.shape) <= 2 or len(y.shape) != 2 or isinstance(x.dtype, type):
        return None
    flat = _reshaped(builder, x, (prod(x.shape[:-1]), x.shape[-1]))
    shape = (flat.shape[0], y.shape[1])
    product = builder.make(node.op, (flat, y), node.params, shape, node.dtype)
    return _reshaped(builder, product, node.shape)


def diagonal_times_matrix(builder: Builder, node: Node) -> Node | None:
    """A large diagonal matrix scales the rows, as the identity does from which a Jacobian starts.

    It adds no zeros: so a zero keeps its sign, and where an entry is infinite or NaN, there are no
    NaN in the rest of its column, where the plain product multiplies it with zeros.
    """
    x, y = node.inputs
    if len(x.shape) != 2 or len(y.shape) != 2 or x.shape[0] < MANY_ROWS:
        return None
    if not (is_float(node) and x.dtype == y.dtype == node.dtype):
        return None
    diagonal = _diagonal(builder, x)
    if diagonal is None:
        return None
    column = _reshaped(builder, diagonal, (x.shape[0], 1))
    return builder.call("multiply", column, y, shape=node.shape, dtype=node.dtype)


def _diagonal(builder: Builder, x: Node) -> Node | None:
    """The diagonal of a matrix that has nothing beside it, whatever the program is given; or None.

    That is a constant, or one whose columns or rows are multiplied with something.
    """
    if x.op is None:
        value = x.value
        if not x.fixed or not isinstance(value, np.ndarray) or value.shape[0] != value.shape[1]:
            return None
        diagonal = value.diagonal()
        if np.count_nonzero(value) != np.count_nonzero(diagonal):
            return None
        return builder.constant(diagonal.copy())
    if kind(x.op) != "multiply":
        return None
    for matrix, factor in (x.inputs, x.inputs[::-1]):
        smaller = prod(factor.shape) < prod(x.shape)
        if smaller and matrix.shape == x.shape and factor.dtype == x.dtype:
            inner = _diagonal(builder, matrix)
            if inner is not None:
                return _scaled(builder, inner, factor)
    return None


def _scaled(builder: Builder, diagonal: Node, factor: Node) -> Node:
    """A diagonal times a number, or the entries of a row or a column."""
    if factor.shape != ():
        factor = _reshaped(builder, factor, (prod(factor.shape),))
    ones = diagonal.op is None and np.all(diagonal.value == 1)
    if ones and factor.shape == diagonal.shape:
        return factor
    return builder.call("multiply", diagonal, factor)


def _reshaped(builder: Builder, x: Node, shape: tuple[int, ...]) -> Node:
    return builder.make(PRIMITIVES["reshape"], (x,), (shape,), shape, x.dtype)


MATRICES: Rules = {"matmul": (stack_times_matrix, diagonal_times_matrix)}
