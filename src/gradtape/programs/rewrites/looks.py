"""The looks for NaN behind dead branches: as a tape takes them, and as one operation.

A sweep multiplies each gradient with itself, as a row by a column, and asks whether the product
differs from itself: of real numbers it does if and only if one of them is NaN, for squares are not
negative.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtape.programs.graph import Node
from gradtape.programs.rewrites.building import Builder, Rules, is_float, kind

__all__ = ["LOOKS", "HoldsNaN", "holds_nan"]


class HoldsNaN:
    """Whether an array of real numbers holds a NaN."""

    name = "holds_nan"
    of_programs = True
    params: tuple[str, ...] = ()

    @staticmethod
    def compute(x: Any) -> Any:
        """True where one entry differs from itself."""
        square = np.vdot(x, x)
        return square != square


holds_nan = HoldsNaN()


def look_for_nan(builder: Builder, node: Node) -> Node | None:
    """The look of a sweep, or ``s != s`` of a sum of squares, as one operation."""
    x, y = node.inputs
    if x is not y or node.shape != ():
        return None
    x = _without_reshapes(x)
    if kind(x.op) != "matmul" or x.shape != (1, 1) or not is_float(x):
        return None
    row, column = [_without_reshapes(i) for i in x.inputs]
    if row is not column or not is_float(row):
        return None
    return builder.make(holds_nan, (row,), (), (), node.dtype)


def _without_reshapes(node: Node) -> Node:
    while kind(node.op) == "reshape":
        node = node.inputs[0]
    return node


LOOKS: Rules = {"not_equal": (look_for_nan,)}
