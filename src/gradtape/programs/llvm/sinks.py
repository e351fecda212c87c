"""Where the reductions of a loop go: into registers along a row, else into memory."""

from __future__ import annotations

from math import prod
from typing import Any

from gradtape.programs.llvm import ir
from gradtape.programs.llvm import operations as ops
from gradtape.programs.llvm.loops import (
    Nest,
    Stream,
    across,
    counting,
    entry_at,
    stored_at,
)
from gradtape.programs.llvm.mathematics_lanes import Mask, like
from gradtape.programs.llvm.steps import Loop, Reduction, size_of

__all__ = ["Sink", "combined", "divided", "kind_of_sums"]

I64, I32 = ir.IntType(64), ir.IntType(32)
Shape = tuple[int, ...]

#: Up to so many sums of columns are kept in double precision.
TILED = 1 << 12

#: How many vectors are added up before they are added to the others, so that fewer digits are lost:
#: of numbers whose totals have as many digits, and of those whose totals have more.
CHUNK, SHORT_CHUNK = 128, 16

_NEUTRAL = {"nan": 0, "sum": 0, "prod": 1, "max": float("-inf"), "min": float("inf")}


def kind_of_sums(how: str, result: Any) -> Any:
    """What sums of single precision are kept in while they come together: double precision."""
    return ops.DOUBLE if how in ("sum", "mean") and result == ops.FLOAT else result


def combined(builder: Any, how: str, kind: Any, one: Any, other: Any) -> Any:
    """Two values as one."""
    if kind in (ops.INT, ops.BOOL):
        return getattr(builder, "or_" if how == "nan" else "add")(one, other)
    if how in ("sum", "mean", "prod"):
        return getattr(builder, "fmul" if how == "prod" else "fadd")(one, other)
    # A total that is NaN stays so; another entry that is NaN replaces it.
    further = builder.fcmp_ordered(">" if how == "max" else "<", other, one)
    value = builder.select(further, other, one)
    return builder.select(builder.fcmp_unordered("uno", other, other), other, value)


def divided(builder: Any, reduction: Reduction, value: Any) -> Any:
    """A sum as a mean."""
    count = prod([reduction.shape[axis] for axis in reduction.axes])
    return builder.fdiv(value, ir.splat(value.type, count))


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
        #: In a piece: where its share goes.
        self.goal: tuple[Any, Any] | None = emission.goals.get(reduction)
        wide = self.in_registers or tiled or self.goal
        self.kind = kind_of_sums(self.how, self.result) if wide else self.result
        #: Along a row a few of them are added as they are, and true values as short integers.
        self.lane = self.result if self.in_registers else self.kind
        few = prod(reduction.shape) < 1 << 31
        self.counts = self.in_registers and few and self._adds_truth()
        if self.goal and not tiled:
            self.pointer, self.memory = self.goal
        elif self.whole or tiled:
            self.pointer, self.memory = emission.aside(self.kind, tiled or 1), self.kind
        else:
            self.pointer, self.memory = emission.pointer(node, not of_blocks), self.result
        #: Whether several rows go into one entry.
        come_together = of_blocks or self.goal is not None
        self.adds_up = come_together or 0 in strides[:-1] or not self.in_registers
        self._entries = (
            size_of(node) if self.whole or come_together else emission.at_hand(size_of(node))
        )
        self.nest: Nest

    def _adds_truth(self) -> bool:
        truth: bool = ops.kind_of(self.reduction.node.inputs[0]) == ops.BOOL
        return truth and self.result == ops.INT

    @property
    def chunk(self) -> int:
        """How many vectors may be added up in an accumulator; 0 if any number."""
        if self.how != "sum" or self.kind == ops.INT:
            return 0
        return CHUNK if self.lane == self.kind else SHORT_CHUNK

    @classmethod
    def of_blocks(cls, emission: Any, reduction: Reduction, loop: Loop) -> Sink:
        """The sink that all blocks of a loop share."""
        strides = reduction.result_strides(loop.core or (loop.size,))
        size = size_of(reduction.node)
        near = strides[-1] and size <= TILED and reduction not in emission.goals
        tiled = size if near else 0
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
        """What changes nothing, in all lanes of an accumulator."""
        if self.counts:
            return self.nest.spread(I32(0))
        return self.nest.spread(ops.constant(self.lane, _NEUTRAL[self.how]))

    def neutral_total(self) -> Any:
        """What changes nothing, in all lanes of a total."""
        return self.nest.spread(ops.constant(self.kind, _NEUTRAL[self.how]))

    def widened(self, accumulator: Any) -> Any:
        """An accumulator as a total."""
        if self.counts:
            return self.builder.zext(accumulator, like(accumulator.type, I64))
        return ops.cast(self.builder, accumulator, self.lane, self.kind)

    def join(self, one: Any, other: Any) -> Any:
        """Two accumulators as one."""
        return self.builder.add(one, other) if self.counts else self.combine(one, other)

    def combine(self, one: Any, other: Any) -> Any:
        """Two values as one."""
        return combined(self.builder, self.how, self.kind, one, other)

    def take(self, values: list[Any], accumulator: Any) -> Any:
        """Add the entries at one place; gives the accumulator, if there is one."""
        builder, nest = self.builder, self.nest
        kinds = [ops.kind_of(i) for i in self.reduction.node.inputs]
        if self.how == "nan":
            value = builder.fcmp_unordered("uno", *values, *values)
        elif self.counts:
            value = builder.zext(values[0], like(values[0].type, I32))
        else:
            values = [
                ops.cast(builder, v, k, self.lane) for v, k in zip(values, kinds, strict=True)
            ]
            value = values[0] if len(values) == 1 else builder.fmul(*values)
        if accumulator is None:
            self.column_done(value)
            return None
        if nest.mask:
            value = builder.select(nest.mask, value, self.neutral())
        return self.join(accumulator, value)

    def column_done(self, value: Any) -> None:
        """Add to the entries of the result that belong to a place."""
        stream = self.stream()
        self.nest.store(stream, self.combine(self.nest.load(stream), value))

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
            value = divided(self.builder, self.reduction, value)
        value = ops.cast(builder, value, self.kind, self.memory)
        stored_at(builder, self.pointer, index, self.memory, value)

    def finish(self) -> None:
        """Make of what has come together what the node is."""
        node = self.reduction.node
        divides = self.reduction.how == "mean" and self.adds_up
        if self.goal:
            if self.tiled:
                self._fold(*self.goal)
            return
        if self.whole:
            value = entry_at(self.builder, self.pointer, I64(0), self.memory)
            value = divided(self.builder, self.reduction, value) if divides else value
            self.emission.scalars[node] = ops.cast(self.builder, value, self.memory, self.result)
            return
        if self.tiled:
            self._fold(self.emission.pointer(node), self.result)
        if divides:
            pointer = self.emission.pointer(node) if self.tiled else self.pointer
            goal = Stream(pointer, (1,), self.result)
            self.emission.walk(
                (self._entries,),
                [goal],
                lambda nest: divided(self.builder, self.reduction, nest.load(goal)),
                goal,
            )

    def _fold(self, goal: Any, kind: Any) -> None:
        """Bring the rows of tiled entries together."""
        builder, size = self.builder, size_of(self.reduction.node)
        with counting(builder, I64(0), I64(size)) as column:
            start = ops.constant(self.kind, _NEUTRAL[self.how])
            before = builder.block
            with counting(builder, I64(0), I64(self.tiled), size) as row:
                total = builder.phi(start.type)
                total.add_incoming(start, before)
                entry = entry_at(builder, self.pointer, builder.add(row, column), self.kind)
                after = self.combine(total, entry)
                total.add_incoming(after, builder.block)
            stored_at(builder, goal, column, kind, ops.cast(builder, after, self.kind, kind))
