"""Passes over a block that a loop does without, and how NumPy is to go through the others.

A product that is only added up, along the last axis or as a whole, needs no memory; nor does what
is negated before that. What is added to in a few places alone is computed where the sum goes.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from gradtape.programs.forms import is_whole_sum, sums_by_product
from gradtape.programs.graph import Node
from gradtape.programs.rewrites.building import kind, ufunc_of

__all__ = ["BUFFERED", "USUAL", "folded_sums", "walk"]

#: NumPy writes out what is broadcast, as many rows at a time as its buffers hold, and reads it
#: back. With buffers of this many entries it goes through long rows one by one, in half the time.
BUFFERED, USUAL = 512, 8192
#: From so many entries of a block on, it pays to change the size of NumPy's buffers.
WORTH = 1 << 16

#: What NumPy does as fast with one number for a whole row as with two rows.
_FAST_WITH_NUMBERS = frozenset(
    {"add", "subtract", "multiply", "divide", "equal", "not_equal", "less", "less_equal"}
    | {"greater", "greater_equal"}
)


def folded_sums(
    nodes: list[Node], whole: set[Node], uses: Callable[[Node], int]
) -> dict[Node, tuple[Node, ...]]:
    """Sums of products, and of what is negated, that need not be there by themselves: of what.

    Parameters
    ----------
    whole : the nodes that are needed after the loop.
    uses : how often a node is used in the whole program.
    """
    inside = set(nodes) - whole
    folded = {}
    for node in nodes:
        if kind(node.op) != "sum":
            continue
        (x,) = node.inputs
        whole_sum = is_whole_sum(node)
        if not whole_sum and (not sums_by_product(node) or node.params[0] != (-1,)):
            continue
        simple = all([(i.shape, i.dtype) == (x.shape, x.dtype) for i in x.inputs])
        if x not in inside or uses(x) != 1 or not simple:
            continue
        name = kind(x.op)
        if name == "multiply" or (name == "negative" and not whole_sum):
            folded[node] = x.inputs
        elif name == "square":
            folded[node] = (*x.inputs, *x.inputs)
    return folded


def walk(node: Node, rows: int) -> str:
    """How NumPy should go through so many rows of a node: "by rows", "buffered", or "" if either.

    In buffers it is faster at what reduces rows, or takes another loop for each number.
    """
    largest = max([node.shape, *[i.shape for i in node.inputs]], key=prod)
    if rows * prod(largest[1:]) < WORTH:
        return ""
    shapes = {i.shape for i in node.inputs if prod(i.shape) > 1}
    if ufunc_of(node.op) is None:
        product = kind(node.op) == "sum" and (sums_by_product(node) or is_whole_sum(node))
        return "" if product else "buffered"
    if shapes <= {node.shape}:
        return ""
    same = {i.dtype for i in node.inputs if i.shape}
    fast = kind(node.op) in _FAST_WITH_NUMBERS and len(same) == 1 and same.pop().char in "fd"
    return "by rows" if fast and node.shape[-1] > BUFFERED // 2 else "buffered"
