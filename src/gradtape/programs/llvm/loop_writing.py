"""A loop of a plan as instructions: a nest, with each member at each place."""

from __future__ import annotations

from math import gcd, prod
from typing import Any

from gradtape.programs.graph import Node
from gradtape.programs.llvm import ir
from gradtape.programs.llvm import operations as ops
from gradtape.programs.llvm.accesses import Access, contiguous
from gradtape.programs.llvm.loops import (
    Nest,
    Stream,
    collapsed,
    counting,
    entry_at,
    lanes_for,
    moved,
    stored_at,
)
from gradtape.programs.llvm.sinks import Sink
from gradtape.programs.llvm.steps import Loop, Reduction, size_of

__all__ = ["LoopWriter"]

I64 = ir.IntType(64)
Shape = tuple[int, ...]

#: Rows that are shorter than so many vectors, and fill them by less than such a share, are walked
#: over several at a time, of which so many entries; if there are enough of them.
NARROW, FILLED, TOGETHER, ENOUGH = 4, 0.8, 256, 4096

#: Of so many entries at most the axes are walked over in another order.
NEAR = 1 << 15

#: Loops of so few short members accumulate several vectors at once.
SHORT, ABREAST = 4, 4


class LoopWriter:
    """Writes one loop."""

    def __init__(self, emission: Any, loop: Loop) -> None:
        self.emission, self.builder, self.loop = emission, emission.builder, loop
        self.access = emission.plan.accesses
        first, *others = loop.core or (loop.size,)
        self.core = (emission.at_hand(first), *others)
        self.own = set(loop.nodes)
        self._given: dict[Any, Shape] = {}  # what is read: (root, offset, strides)
        self._operands: dict[Any, list[Any]] = {}  # of each member: nodes, scalars or keys

    def write(self) -> None:
        """Write the nest with all members."""
        for node in self.loop.nodes:
            accesses = [self.access[i] for i in node.inputs]
            self._operands[node] = [self._operand(a, node.shape) for a in accesses]
        for r in self.loop.reductions:
            self._operands[r] = [self._operand(a, r.shape) for a in r.operands]
        stored = [node for node in self.loop.nodes if node in self.emission.plan.memory]
        kinds = [ops.kind_of(n) for n in self.loop.nodes]
        self.lanes = lanes_for([*kinds, *[ops.kind_of(root) for root, *_ in self._given]])
        shape, strides = collapsed(
            self.core,
            [
                *self._given.values(),
                *[contiguous(self.core)] * len(stored),
                *[r.result_strides(self.core) for r in self.loop.reductions],
            ],
        )
        found = iter(strides)
        given = {key: next(found) for key in self._given}
        goals = {node: next(found) for node in stored}
        sinks = {r: next(found) for r in self.loop.reductions}
        rows = self._rows_together(shape, given, goals)
        if rows:
            self._write_together(shape, rows, given, goals, sinks)
        else:
            self._write_nest(shape, given, goals, sinks)

    def _operand(self, access: Access, shape: Shape) -> Any:
        """What a member's operand is: a node of this loop, a scalar's node, or what is read."""
        root = access.root
        if root in self.own or size_of(root) == 1:
            return root
        key = (root, access.offset, self.loop.strides(access, shape))
        self._given[key] = key[2]
        return key

    # Walks ----------------------------------------------------------------------------------------

    def _pointer(self, key: Any) -> Any:
        root, offset, strides = key
        pointer = self.emission.along(root, strides[0])
        return moved(self.builder, pointer, offset, ops.kind_of(root))

    def _write_nest(self, shape: Shape, given: Any, goals: Any, sinks: Any) -> None:
        """One nest over everything."""
        axes = self._order(shape, sinks)
        shape = _permuted(shape, axes)
        given, goals, sinks = [
            {key: _permuted(own, axes) for key, own in part.items()}
            for part in (given, goals, sinks)
        ]
        reads = {k: Stream(self._pointer(k), own, ops.kind_of(k[0])) for k, own in given.items()}
        writes = {
            node: Stream(self.emission.pointer(node, True), own, ops.kind_of(node), False)
            for node, own in goals.items()
        }
        of_blocks = self.emission.sums if self.emission.block else {}
        own_sinks = {
            r: Sink(self.emission, r, own) for r, own in sinks.items() if r not in of_blocks
        }
        all_sinks = {r: of_blocks.get(r) or own_sinks[r] for r in sinks}
        for r, sink in all_sinks.items():
            sink.strides = sinks[r]
        for sink in own_sinks.values():
            sink.prepare()
        self._nest(shape, reads, writes, all_sinks)
        for sink in own_sinks.values():
            sink.finish()

    def _order(self, shape: Shape, sinks: Any) -> list[int]:
        """The axes in the order in which they are walked over.

        Where rows are short, that along which most is added up comes before the last: what comes
        together stays in registers. But not in large memory, where rows are far from each other.
        """
        axes = list(range(len(shape)))
        if len(shape) > 2 and prod(shape) <= NEAR:
            columns = [own for own in sinks.values() if own[-1] == 1]
            added = [len([own for own in columns if own[i] == 0]) for i in axes[:-1]]
            if max(added) > added[-1]:
                axes.insert(-1, axes.pop(added.index(max(added))))
        return axes

    def _nest(
        self, shape: Shape, reads: dict[Any, Stream], writes: Any, sinks: dict[Reduction, Sink]
    ) -> None:
        streams = [*reads.values(), *writes.values(), *[s.stream() for s in sinks.values()]]
        operations = [ops.operation_of(node) for node in self.loop.nodes]
        short = len(self._operands) <= SHORT and not any([o.name for o in operations if o])
        nest = Nest(self.builder, shape, self.lanes, streams, ABREAST if short else 1)
        spread = {
            key: nest.spread(self.emission.scalar(key))
            for operands in self._operands.values()
            for key in operands
            if isinstance(key, Node) and key not in self.own
        }
        for sink in sinks.values():
            sink.nest = nest

        def body(accumulators: dict[Any, Any]) -> dict[Any, Any]:
            values: dict[Any, Any] = dict(spread)

            def value(key: Any) -> Any:
                if key not in values:
                    values[key] = nest.load(reads[key])
                return values[key]

            for node in self.loop.nodes:
                operands = [value(key) for key in self._operands[node]]
                kinds = [ops.kind_of(i) for i in node.inputs]
                values[node] = self.emission.compute(node, operands, kinds)
                if node in writes:
                    nest.store(writes[node], values[node])
            after = {}
            for r, sink in sinks.items():
                taken = sink.take([value(k) for k in self._operands[r]], accumulators.get(r))
                if taken is not None:
                    after[r] = taken
            return after

        inside = {r: sink for r, sink in sinks.items() if sink.in_registers}
        chunks = [sink.chunk for sink in inside.values() if sink.chunk]
        columns = {
            r: sink
            for r, sink in sinks.items()
            if nest.has_short_rows and len(shape) > 1 and sink.strides[-2:] == (0, 1)
        }
        nest.run(body, inside, min(chunks, default=0), columns)

    # Narrow rows ----------------------------------------------------------------------------------

    def _rows_together(self, shape: Shape, given: Any, goals: Any) -> int:
        """How many narrow rows are walked over at once; 0 if each has a walk of its own."""
        if len(shape) != 2 or (self.emission.block and not self.emission.region.solo):
            return 0
        count, m = shape
        lanes = min(self.lanes, 1 << (m - 1).bit_length())
        if m > NARROW * self.lanes or m / (-(-m // lanes) * lanes) > FILLED:
            return 0
        fitting = [s in ((m, 1), (0, 1), (0, 0)) for s in [*given.values(), *goals.values()]]
        least = self.lanes // gcd(m, self.lanes)
        rows = least * -(-TOGETHER // (least * m))
        if not (all(fitting) and count >= 2 * rows and count * m >= ENOUGH):
            return 0
        # None are left over, if that can be: all is written twice for them.
        return next((n for n in range(rows, 2 * rows, least) if count % n == 0), rows)

    def _write_together(self, shape: Shape, rows: int, given: Any, goals: Any, sinks: Any) -> None:
        """Several rows as one: what is the same in each of them is laid out as often before."""
        (count, m), width = shape, rows * shape[1]
        blocks, rest = divmod(count, rows)
        all_sinks: dict[Reduction, Sink] = {}
        for r, own in sinks.items():
            if own not in ((0, 1), (0, 0)):
                self._write_nest(shape, given, goals, sinks)
                return
            all_sinks[r] = Sink(self.emission, r, own, width if own == (0, 1) else 0)
            all_sinks[r].prepare()
        reads, writes = {}, {}
        for key, own in given.items():
            pointer, kind = self._pointer(key), ops.kind_of(key[0])
            if own == (0, 1):
                pointer = self._tiled(pointer, kind, m, width)
            reads[key] = Stream(pointer, (width, 1) if own == (m, 1) else own, kind)
        for node in goals:
            pointer = self.emission.pointer(node, by_rows=True)
            writes[node] = Stream(pointer, (width, 1), ops.kind_of(node), False)
        self._nest((blocks, width), reads, writes, all_sinks)
        if rest:
            for stream in [*reads.values(), *writes.values()]:
                step, inner = stream.strides
                stream.pointer = moved(self.builder, stream.pointer, blocks * step, stream.kind)
                stream.strides = (inner,)
            for sink in all_sinks.values():
                sink.strides = sink.strides[1:]
            self._nest((rest * m,), reads, writes, all_sinks)
        for sink in all_sinks.values():
            sink.finish()

    def _tiled(self, pointer: Any, kind: Any, m: int, width: int) -> Any:
        """A row as often as it is needed."""
        builder = self.builder
        copy = self.emission.aside(kind, width)
        with (
            counting(builder, I64(0), I64(width), m) as start,
            counting(builder, I64(0), I64(m)) as column,
        ):
            value = entry_at(builder, pointer, column, kind)
            stored_at(builder, copy, builder.add(start, column), kind, value)
        return copy


def _permuted(axes: Shape, order: list[int]) -> Shape:
    return tuple([axes[i] for i in order])
