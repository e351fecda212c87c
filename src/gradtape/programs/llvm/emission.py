"""The steps of a plan as instructions: loops with their members, placements, scalars."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradtape.derivatives.linear_algebra import matrix_product
from gradtape.programs.graph import Node
from gradtape.programs.llvm import ir
from gradtape.programs.llvm import operations as ops
from gradtape.programs.llvm.accesses import Access, contiguous, is_view
from gradtape.programs.llvm.blocks import Region
from gradtape.programs.llvm.gathers import Gather, emit_gather
from gradtape.programs.llvm.kernels import REDUCTIONS, Plan
from gradtape.programs.llvm.loop_writing import LoopWriter
from gradtape.programs.llvm.loops import (
    Nest,
    Stream,
    collapsed,
    counting,
    entry_at,
    lanes_for,
    moved,
)
from gradtape.programs.llvm.matmuls import emit_product
from gradtape.programs.llvm.outlined import called
from gradtape.programs.llvm.pieces import Pieces
from gradtape.programs.llvm.scratch import Scratch
from gradtape.programs.llvm.sinks import Sink
from gradtape.programs.llvm.steps import Loop, Placement, Reduction, size_of

__all__ = ["Emission"]

I64, I32 = ir.IntType(64), ir.IntType(32)
Shape = tuple[int, ...]


class Emission:
    """Writes the steps of a plan one after the other.

    Parameters
    ----------
    builder : writes the instructions.
    plan : what to write.
    pointers : the address of each node that has memory.
    scalars : the values of the inputs of one entry; more are added as they are computed.
    scratch : the program's memory.
    regions : the regions in pieces, by their first steps.
    deal : writes the call of a function for what it is given and so many pieces.
    threads : the address of the memory of threads' own, and how many bytes each of them has.
    """

    def __init__(
        self,
        builder: Any,
        plan: Plan,
        pointers: dict[Node, Any],
        scalars: dict[Node, Any],
        scratch: Scratch,
        regions: dict[Any, Region],
        deal: Callable[[Any, Any, int], None],
        threads: tuple[Any, Any],
    ) -> None:
        self.builder, self.plan, self.scratch = builder, plan, scratch
        self.pointers, self.scalars = pointers, scalars
        self._regions, self.deal, self.threads = regions, deal, threads
        #: While steps run block by block: their region, how many rows now, and the first of them.
        self.region: Region | None = None
        self.block: tuple[int, Any] | None = None
        self.sums: dict[Reduction, Sink] = {}
        #: While a piece is written: where its reductions go, and the kind of what is there.
        self.goals: dict[Reduction, tuple[Any, Any]] = {}

    def write(self) -> None:
        """Write all steps, and the scalars between them."""
        region = self.plan.region
        for k, step in enumerate([*self.plan.steps, None]):
            for node in self.plan.scalars.get(k, ()):
                self.scalars[node] = self._scalar_of(node)
            if step in self._regions:
                Pieces(self, self._regions[step]).write()
            elif region and step is region.steps[0]:
                self._unbroken(region)
            elif step is not None and not (region and step in region.steps):
                self._step(step)

    def _step(self, step: Any) -> None:
        if type(step) is Loop:
            LoopWriter(self, step).write()
        elif type(step) is Placement:
            self._placement(step)
        elif type(step) is Gather:
            emit_gather(self, step)
        else:
            emit_product(self, step)

    # Blocks ---------------------------------------------------------------------------------------

    def _unbroken(self, region: Region) -> None:
        """Write the steps of a region, all of its blocks one after the other."""
        self.region = region
        self.begin()
        full, rest = region.blocks
        self.blocks(I64(0), I64(full * region.rows))
        if rest:
            self.rest(I64(full * region.rows))
        self.end()
        self.region = None

    def begin(self) -> None:
        """Prepare what the blocks of a region add up to."""
        assert self.region is not None
        for step in self.region.steps:
            if type(step) is Loop:
                for r in step.reductions:
                    if r.node in self.region.sums:
                        self.sums[r] = Sink.of_blocks(self, r, step)
                        self.sums[r].prepare()
            elif step.node in self.region.sums:
                pointer = self.pointer(step.node)
                self.fill(pointer, size_of(step.node), ops.kind_of(step.node), 0)

    def blocks(self, start: Any, stop: Any) -> None:
        """Write the steps of a region for the whole blocks between two rows."""
        assert self.region is not None
        with counting(self.builder, start, stop, self.region.rows) as first:
            self._block(self.region.rows, first)

    def rest(self, first: Any) -> None:
        """Write the steps of a region for the rows that are left."""
        assert self.region is not None
        self._block(self.region.blocks[1], first)

    def end(self) -> None:
        """Make of what the blocks have added up what it is."""
        for sink in self.sums.values():
            sink.finish()
        self.sums = {}

    def _block(self, rows: int, first: Any) -> None:
        assert self.region is not None
        self.block = rows, first
        for step in self.region.steps:
            self._step(step)
        self.block = None

    def pointer(self, node: Node, by_rows: bool = False) -> Any:
        """The address of a node's memory, or of the rows that are at hand."""
        pointer, region = self.pointers[node], self.region
        if not (by_rows and self.block and region) or node in region.local:
            return pointer
        row = size_of(node) // region.count
        index = self.builder.mul(self.block[1], I64(row))
        return self.builder.gep(pointer, [index], source_etype=ops.stored(ops.kind_of(node)))

    def along(self, node: Node, stride: int) -> Any:
        """The address of what is read of a node, which goes on so much with each row."""
        if not (self.block and self.region and self.region.solo):
            return self.pointer(node, by_rows=stride != 0)
        pointer, first = self.pointers[node], self.builder.mul(self.block[1], I64(stride))
        return self.builder.gep(pointer, [first], source_etype=ops.stored(ops.kind_of(node)))

    def at_hand(self, size: int) -> int:
        """How many of so many entries are those of the rows at hand."""
        return size // self.region.count * self.block[0] if self.block and self.region else size

    # Scalars --------------------------------------------------------------------------------------

    def scalar(self, node: Node) -> Any:
        """The value of a node of one entry."""
        if node not in self.scalars and node.op is None and node.value is not None:
            return ops.constant(ops.kind_of(node), node.value)
        return self.scalars[node]

    def one(self, access: Access) -> Any:
        """An access of one entry."""
        root = access.root
        if size_of(root) == 1:
            return self.scalar(root)
        kind = ops.kind_of(root)
        return entry_at(self.builder, self.pointer(root), I64(access.offset), kind)

    def _scalar_of(self, node: Node) -> Any:
        if is_view(node):
            return self.one(
                self.plan.accesses[node.inputs[0]]
                if size_of(node.inputs[0]) == 1
                else self.plan.accesses[node]
            )
        values = [self.one(self.plan.accesses[i]) for i in node.inputs]
        kinds = [ops.kind_of(i) for i in node.inputs]
        result = ops.kind_of(node)
        if node.op in REDUCTIONS and REDUCTIONS[node.op] == "nan":
            return self.builder.fcmp_unordered("uno", *values, *values)
        if node.op in REDUCTIONS:
            return ops.cast(self.builder, values[0], kinds[0], result)
        if node.op is matrix_product:
            return self.builder.fmul(*values)
        return self.compute(node, values, kinds)

    def compute(self, node: Node, values: list[Any], kinds: list[Any]) -> Any:
        """An elementwise node's value, of one entry or of many."""
        operation = ops.operation_of(node)
        assert operation is not None, (node.name, node.op, kinds, node.dtype)
        values = [
            ops.cast(self.builder, value, kind, goal)
            for value, kind, goal in zip(values, kinds, operation.operands, strict=True)
        ]
        if operation.name:
            return called(self.builder, operation, values)
        return operation.emit(self.builder, values)

    # Placements -----------------------------------------------------------------------------------

    def _placement(self, step: Placement) -> None:
        kind = ops.kind_of(step.node)
        pointer = self.pointer(step.node)
        if step.zeros:
            for start, size in _gaps(step):
                self.fill(moved(self.builder, pointer, start, kind), size, kind, 0)
        for source, target in step.parts:
            shape, strides = collapsed(target.shape, [source.onto(target.shape), target.strides])
            start = moved(self.builder, pointer, target.offset, kind)
            goal = Stream(start, strides[1], kind, False)
            if size_of(source.root) == 1:
                value = self.scalar(source.root)
                self.walk(shape, [goal], lambda nest, v=value: nest.spread(v), goal)
                continue
            origin = Stream(self.start_of(source), strides[0], kind)
            self.walk(shape, [origin, goal], lambda nest, o=origin: nest.load(o), goal)

    def fill(self, pointer: Any, size: int, kind: Any, value: Any) -> None:
        """Write one number everywhere."""
        goal = Stream(pointer, (1,), kind, False)
        number = ops.constant(kind, value)
        self.walk((size,), [goal], lambda nest: nest.spread(number), goal)

    def walk(self, shape: Shape, streams: Any, value: Any, goal: Stream) -> None:
        """Store what ``value`` makes at each place."""
        nest = Nest(self.builder, shape, lanes_for([goal.kind]), streams)

        def body(accumulators: Any) -> Any:
            nest.store(goal, value(nest))
            return accumulators

        nest.run(body)

    def aside(self, kind: Any, entries: int) -> Any:
        """Memory for some entries, as long as the program runs: for one, on the stack."""
        if entries > 1:
            return self.scratch.reserve(entries * kind.itemsize)
        with self.builder.goto_entry_block():
            return self.builder.alloca(ops.stored(kind))

    def start_of(self, access: Access, by_rows: bool = False) -> Any:
        """The address of an access' first entry."""
        root = access.root
        return moved(self.builder, self.pointer(root, by_rows), access.offset, ops.kind_of(root))


def _gaps(step: Placement) -> list[tuple[int, int]]:
    """Where the entries begin that no part writes, and how many they are; all, if scattered."""
    size = size_of(step.node)
    _, target = step.parts[0]
    if len(step.parts) > 1 or target.strides != contiguous(target.shape):
        return [(0, size)]
    stop = target.offset + target.size
    return [(start, n) for start, n in ((0, target.offset), (stop, size - stop)) if n]
