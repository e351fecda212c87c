"""How an array that is only looked at lies in the memory of the one that was computed.

Reshaping, transposing, slicing and broadcasting move nothing: their results are accesses, an offset
and a stride for each axis, as in NumPy.
"""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

import numpy as np

from gradtape.derivatives.indexing import is_basic, picked
from gradtape.derivatives.primitives import broadcast
from gradtape.derivatives.shapes import reshaped, transposed
from gradtape.operation import PRIMITIVES
from gradtape.programs.graph import Node

__all__ = ["Access", "Accesses", "contiguous", "is_view", "picked_entries"]

Shape = tuple[int, ...]

_BROADCASTS = (broadcast, PRIMITIVES["broadcast_to"])


class Access(NamedTuple):
    """The entries of an array in the memory of a root, counted in entries."""

    root: Node
    offset: int
    shape: Shape
    strides: Shape

    @property
    def size(self) -> int:
        """The number of entries."""
        return prod(self.shape)

    @property
    def is_whole(self) -> bool:
        """Whether it is all of the root in the same order."""
        return (
            self.offset == 0
            and self.size == prod(self.root.shape)
            and all(
                [
                    n == 1 or s == t
                    for n, s, t in zip(
                        self.shape, self.strides, contiguous(self.shape), strict=True
                    )
                ]
            )
        )

    def onto(self, shape: Shape) -> Shape:
        """The strides along the axes of a shape that it is broadcast to."""
        missing = len(shape) - len(self.shape)
        own = [0 if n == 1 else stride for n, stride in zip(self.shape, self.strides, strict=True)]
        return (*[0] * missing, *own)


def contiguous(shape: Shape) -> Shape:
    """The strides of an array whose entries lie one after the other."""
    strides = []
    step = 1
    for n in reversed(shape):
        strides.append(step)
        step *= n
    return tuple(reversed(strides))


def is_view(node: Node) -> bool:
    """Whether a node only looks at its input, as long as its strides allow it."""
    if node.op is picked:
        return is_basic(node.params[0])
    return node.op is reshaped or node.op is transposed or node.op in _BROADCASTS


class Accesses:
    """The accesses of a graph's nodes, each found once."""

    def __init__(self) -> None:
        self._found: dict[Node, Access] = {}

    def __getitem__(self, node: Node) -> Access:
        found = self._found.get(node)
        if found is None:
            found = self._found[node] = self._looked_at(node) or Access(
                node, 0, node.shape, contiguous(node.shape)
            )
        return found

    def _looked_at(self, node: Node) -> Access | None:
        """The access of a view; None where only a copy has that shape."""
        if node.op is None and isinstance(node.value, np.ndarray):
            strides = [s // node.value.itemsize for s in node.value.strides]
            return Access(node, 0, node.shape, tuple(strides))
        if not is_view(node):
            return None
        source = self[node.inputs[0]]
        if source.is_whole and node.op is reshaped:
            return Access(source.root, 0, node.shape, contiguous(node.shape))
        span = [(n - 1) * s for n, s in zip(source.shape, source.strides, strict=True)]
        memory = np.empty(max(prod(source.root.shape), source.offset + sum(span) + 1), np.int8)
        probe = np.lib.stride_tricks.as_strided(
            memory[source.offset :], source.shape, source.strides
        )
        seen = _applied(node, probe)
        if seen is None:
            return None
        return Access(source.root, _address(seen) - _address(memory), seen.shape, seen.strides)


def picked_entries(memory: Any, index: Any) -> Any:
    """What a basic index picks, as an array that looks at the same memory."""
    return np.asarray(memory[index if ... in index else (*index, ...)])


def _address(array: Any) -> int:
    return int(array.__array_interface__["data"][0])


def _applied(node: Node, probe: Any) -> Any:
    """What a node makes of bytes, looked at only; None if they would have to be copied."""
    if node.op is reshaped:
        seen = probe.reshape(node.shape)  # a copy, where no view would do
        return seen if _address(seen) == _address(probe) else None
    if node.op is transposed:
        order = [axis % probe.ndim for axis in node.params[0]]
        return probe.transpose(order)
    if node.op is picked:
        return picked_entries(probe, node.params[0])
    return np.broadcast_to(probe, node.shape)
