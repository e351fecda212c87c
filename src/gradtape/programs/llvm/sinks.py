"""Where the reductions of a loop go: into registers along a row, else into memory."""

from __future__ import annotations

from math import prod
from typing import Any

from llvmlite import ir

from gradtape.programs.llvm import operations as ops
from gradtape.programs.llvm.loops import (
    Nest,
    Stream,
    across,
    counting,
    entry_at,
    stored_at,
)
from gradtape.programs.llvm.mathematics import EMITTERS
from gradtape.programs.llvm.mathematics_lanes import Mask, splat
from gradtape.programs.llvm.steps import Loop, Reduction, size_of

__all__ = ["Sink"]

I64 = ir.IntType(64)
Shape = tuple[int, ...]

#: Up to so many sums of columns are kept in double precision.
TILED = 1 << 12

_NEUTRAL = {"nan": 0, "sum": 0, "prod": 1, "max": float("-inf"), "min": float("inf")}


class Sink:
    """One reduction of a loop that is being written.

    Parameters
    ----------
    emission : writes the program.
    reduction : what is reduced.
    strides : of the result along the axes that are walked over.
    tiled : in how many entries, for a result that is kept once for each of several rows; else 0.
    of_blocks : whether blocks of rows come together in it.
    """

    def __init__(
        self,
        emission: Any,
        reduction: Reduction,
        strides: Shape,
        tiled: int = 0,
        of_blocks: bool = False,
    ) -> None:
        self.emission, self.builder = emission, emission.builder
        self.reduction, self.strides = reduction, strides
        node = reduction.node
        self.result = ops.kind_of(node)
        self.how = "sum" if reduction.how == "mean" else reduction.how
        self.in_registers = strides[-1] == 0
        self.whole, self.tiled = size_of(node) == 1, tiled
        #: Sums of single precision are kept in double precision while they come together.
        wide = self.how == "sum" and (self.in_registers or tiled) and self.result == ops.FLOAT
        self.kind = ops.DOUBLE if wide else self.result
        if self.whole or tiled:
            self.pointer, self.memory = emission.aside(self.kind, tiled or 1), self.kind
        else:
            self.pointer, self.memory = emission.pointer(node, not of_blocks), self.result
        #: Whether several rows go into one entry.
        self.adds_up = of_blocks or 0 in strides[:-1] or not self.in_registers
        self._entries = (
            size_of(node) if self.whole or of_blocks else emission.at_hand(size_of(node))
        )
        self.nest: Nest

    @classmethod
    def of_blocks(cls, emission: Any, reduction: Reduction, loop: Loop) -> Sink:
        """The sink that all blocks of a loop share."""
        strides = reduction.result_strides(loop.core or (loop.size,))
        size = size_of(reduction.node)
        tiled = size if strides[-1] and size <= TILED else 0
        return cls(emission, reduction, strides, tiled, of_blocks=True)

    def stream(self) -> Stream:
        """The entries that belong to a place."""
        return Stream(self.pointer, self.strides, self.memory, reads=False)

    def prepare(self) -> None:
        """Write what is there before anything is added."""
        if self.adds_up:
            entries = self.tiled or self._entries
            self.emission.fill(self.pointer, entries, self.memory, _NEUTRAL[self.how])

    def neutral(self) -> Any:
        """What changes nothing, in all lanes."""
        return self.nest.spread(ops.constant(self.kind, _NEUTRAL[self.how]))

    def combine(self, one: Any, other: Any) -> Any:
        """Two values as one."""
        if self.kind in (ops.INT, ops.BOOL):
            return getattr(self.builder, "or_" if self.how == "nan" else "add")(one, other)
        if self.how in ("sum", "prod"):
            return getattr(self.builder, "fadd" if self.how == "sum" else "fmul")(one, other)
        return EMITTERS["maximum" if self.how == "max" else "minimum"](self.builder, [one, other])

    def take(self, values: list[Any], accumulator: Any) -> Any:
        """Add the entries at one place; gives the accumulator, if there is one."""
        builder, nest = self.builder, self.nest
        kinds = [ops.kind_of(i) for i in self.reduction.node.inputs]
        if self.how == "nan":
            value = builder.fcmp_unordered("uno", *values, *values)
        else:
            values = [
                ops.cast(builder, v, k, self.kind) for v, k in zip(values, kinds, strict=True)
            ]
            value = values[0] if len(values) == 1 else builder.fmul(*values)
        if not self.in_registers:
            stream = self.stream()
            nest.store(stream, self.combine(nest.load(stream), value))
            return None
        if nest.mask:
            value = builder.select(nest.mask, value, self.neutral())
        return self.combine(accumulator, value)

    def row_done(self, accumulator: Any) -> None:
        """Write what has come together along a row."""
        builder = self.builder
        if self.how == "nan":
            value = Mask(builder, accumulator).any()
        else:
            value = across(builder, accumulator, self.combine)
        index = self.nest.index(self.strides)
        if self.adds_up:
            before = entry_at(builder, self.pointer, index, self.memory)
            before = ops.cast(builder, before, self.memory, self.kind)
            value = self.combine(before, value)
        elif self.reduction.how == "mean":
            value = self._divided(value)
        value = ops.cast(builder, value, self.kind, self.memory)
        stored_at(builder, self.pointer, index, self.memory, value)

    def finish(self) -> None:
        """Make of what has come together what the node is."""
        node = self.reduction.node
        divides = self.reduction.how == "mean" and self.adds_up
        if self.whole:
            value = entry_at(self.builder, self.pointer, I64(0), self.memory)
            value = self._divided(value) if divides else value
            self.emission.scalars[node] = ops.cast(self.builder, value, self.memory, self.result)
            return
        if self.tiled:
            self._fold()
        if divides:
            pointer = self.emission.pointer(node) if self.tiled else self.pointer
            goal = Stream(pointer, (1,), self.result)
            self.emission.walk(
                (self._entries,), [goal], lambda nest: self._divided(nest.load(goal)), goal
            )

    def _divided(self, value: Any) -> Any:
        """A sum as a mean."""
        r = self.reduction
        return self.builder.fdiv(value, splat(value.type, prod([r.shape[a] for a in r.axes])))

    def _fold(self) -> None:
        """Bring the rows of tiled entries together."""
        builder, node = self.builder, self.reduction.node
        size = size_of(node)
        with counting(builder, I64(0), I64(size)) as column:
            start = ops.constant(self.kind, _NEUTRAL[self.how])
            before = builder.block
            with counting(builder, I64(0), I64(self.tiled), size) as row:
                total = builder.phi(start.type)
                total.add_incoming(start, before)
                entry = entry_at(builder, self.pointer, builder.add(row, column), self.kind)
                after = self.combine(total, entry)
                total.add_incoming(after, builder.block)
            value = ops.cast(builder, after, self.kind, self.result)
            stored_at(builder, self.emission.pointer(node), column, self.result, value)
