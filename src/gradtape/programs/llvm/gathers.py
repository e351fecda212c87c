"""Entries that an index with arrays picks: where they lie is known when the code is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gradtape.derivatives.indexing import is_basic, picked
from gradtape.programs.graph import Node
from gradtape.programs.llvm import ir
from gradtape.programs.llvm.accesses import Access, Accesses
from gradtape.programs.llvm.loops import counting, entry_at, stored_at
from gradtape.programs.llvm.operations import INT, kind_of
from gradtape.programs.llvm.steps import OneNode, size_of

__all__ = ["Gather", "emit_gather", "gather_of", "is_gather"]

I64 = ir.IntType(64)

#: Of more entries than this, it is not found out where they lie.
MOST = 1 << 24


@dataclass(eq=False)
class Gather(OneNode):
    """An array whose entries lie anywhere in another one."""

    source: Access
    #: Along the axes that go on in equal steps, these; None for the others.
    strides: tuple[int | None, ...]
    #: A constant: for each entry along the others, its place in the memory of the source's root.
    places: Node

    def reads(self, accesses: Accesses) -> list[Access]:
        """What it reads."""
        return [self.source]


def is_gather(node: Node) -> bool:
    """Whether a node picks entries by an index that holds arrays, which stay the same."""
    if node.op is not picked or is_basic(node.params[0]) or not 1 < size_of(node) <= MOST:
        return False
    arrays = [i for i in node.params[0] if not is_basic((i,))]
    plain = all([type(i) is np.ndarray and i.dtype.kind in "iub" for i in arrays])
    return plain and kind_of(node.inputs[0]) == kind_of(node)


def gather_of(node: Node, source: Access) -> Gather:
    """The step that computes a node."""
    reach = sum([(n - 1) * abs(s) for n, s in zip(source.shape, source.strides, strict=True)])
    size = source.offset + reach + 1
    memory = np.arange(size, dtype=np.int32 if size < 1 << 31 else np.int64)
    lying = np.lib.stride_tricks.as_strided(
        memory[source.offset :], source.shape, [s * memory.itemsize for s in source.strides]
    )
    places = np.asarray(picked.compute(lying, *node.params))
    strides = [_step(places, axis) for axis in range(places.ndim)]
    first = tuple([slice(None) if s is None else 0 for s in strides])
    table = np.array(places[first], np.int64, order="C")
    constant = Node(-1, None, (), (), table.shape, INT, table, True)
    return Gather(node, source, tuple(strides), constant)


def _step(places: Any, axis: int) -> int | None:
    """By how much places grow along an axis; None if it is not the same everywhere."""
    if places.shape[axis] == 1:
        return 0
    steps = np.diff(places, axis=axis)
    step = steps.flat[0]
    return int(step) if np.all(steps == step) else None


class _Writer:
    """Writes the loops over the axes, one within the other."""

    def __init__(self, emission: Any, step: Gather) -> None:
        self.builder, self.step = emission.builder, step
        self.kind, root = kind_of(step.node), step.source.root
        self.goal = emission.pointer(step.node)
        self.value = emission.scalar(root) if size_of(root) == 1 else None
        self.origin = None if size_of(root) == 1 else emission.pointer(root)
        single = size_of(step.places) == 1
        self.table = None if single else emission.pointer(step.places)

    def write(self) -> None:
        """Write all of it."""
        table = self.step.places.value
        start = I64(int(table.reshape(-1)[0])) if self.table is None else I64(0)
        self._axis(0, I64(0), start, I64(0), table.ndim)

    def _axis(self, axis: int, entry: Any, place: Any, row: Any, left: int) -> None:
        """From an axis on: the entry's number, its place so far, and where the table has the rest.

        ``left`` is how many axes of the table are still to come.
        """
        builder = self.builder
        if not left and row is not None:
            if self.table is not None:
                place = builder.add(place, entry_at(builder, self.table, row, INT))
            row = None
        if axis == len(self.step.strides):
            value = self.value
            if value is None:
                value = entry_at(builder, self.origin, place, self.kind)
            stored_at(builder, self.goal, entry, self.kind, value)
            return
        n, stride = self.step.node.shape[axis], self.step.strides[axis]
        with counting(builder, I64(0), I64(n)) as k:
            entry = builder.add(builder.mul(entry, I64(n)), k)
            if stride is None:
                row, left = builder.add(builder.mul(row, I64(n)), k), left - 1
            else:
                place = builder.add(place, builder.mul(k, I64(stride)))
            self._axis(axis + 1, entry, place, row, left)


def emit_gather(emission: Any, step: Gather) -> None:
    """Write the loops."""
    _Writer(emission, step).write()
