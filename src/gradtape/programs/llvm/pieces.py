"""Regions in pieces: each piece is a call of a function of its own, by whichever thread.

The function is written as the program itself is, by the same writers; the values and addresses that
it takes from outside are handed to it in a block of memory. Which pieces there are depends on
shapes alone; what they add up to is kept apart and brought together in their order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradtape.programs.graph import Node
from gradtape.programs.llvm import ir
from gradtape.programs.llvm import operations as ops
from gradtape.programs.llvm.blocks import Region
from gradtape.programs.llvm.loops import Nest, Stream, counting, entry_at
from gradtape.programs.llvm.sinks import combined, divided, kind_of_sums
from gradtape.programs.llvm.steps import Loop, Product, Reduction, size_of

__all__ = ["Pieces"]

I64, I8 = ir.IntType(64), ir.IntType(8)
POINTER = ir.PointerType()


class _Handed(dict[Any, Any]):
    """Values of the program by their keys, handed to a piece's function when first asked for."""

    def __init__(self, outside: Any, hand: Callable[[Any], Any]) -> None:
        super().__init__()
        self._outside, self._hand = outside, hand

    def __missing__(self, key: Any) -> Any:
        self[key] = value = self._hand(self._outside[key])
        return value

    def __contains__(self, key: object) -> bool:
        return super().__contains__(key) or key in self._outside


class _Partial:
    """What a region adds up to in one node, once for each piece."""

    def __init__(self, emission: Any, node: Node, reduction: Reduction | None, parts: int) -> None:
        self.node, self.reduction, self.parts = node, reduction, parts
        self.how = reduction.how if reduction else "sum"
        self.result, self.entries = ops.kind_of(node), size_of(node)
        self.kind = kind_of_sums(self.how, self.result) if reduction else self.result
        self.pointer = emission.scratch.reserve(parts * self.entries * self.kind.itemsize)

    def of(self, builder: Any, pointer: Any, part: Any) -> Any:
        """The address of a part's entries, where those of the first are at ``pointer``."""
        index = builder.mul(part, I64(self.entries))
        return builder.gep(pointer, [index], source_etype=ops.stored(self.kind))

    def gather(self, emission: Any) -> None:
        """Bring the parts together in order, and make of them what the node is."""
        builder = emission.builder
        if self.entries == 1:
            emission.scalars[self.node] = self._total(
                builder, lambda pointer: entry_at(builder, pointer, I64(0), self.kind)
            )
            return

        def total(nest: Nest) -> Any:
            return self._total(builder, lambda pointer: nest.load(Stream(pointer, (1,), self.kind)))

        goal = Stream(emission.pointer(self.node), (1,), self.result, False)
        emission.walk((self.entries,), [goal], total, goal)

    def _total(self, builder: Any, load: Callable[[Any], Any]) -> Any:
        """The parts' values at a place, as one."""
        value = load(self.pointer)
        if self.parts > 1:
            before = builder.block
            with counting(builder, I64(1), I64(self.parts)) as part:
                total = builder.phi(value.type)
                total.add_incoming(value, before)
                other = load(self.of(builder, self.pointer, part))
                value = combined(builder, self.how, self.kind, total, other)
                total.add_incoming(value, builder.block)
        if self.how == "mean":
            assert self.reduction is not None
            value = divided(builder, self.reduction, value)
        return ops.cast(builder, value, self.kind, self.result)


class Pieces:
    """Writes a region that is cut into pieces.

    Parameters
    ----------
    emission : writes the program.
    region : what is cut.
    """

    def __init__(self, emission: Any, region: Region) -> None:
        self.emission, self.region = emission, region
        self._outer = emission.builder
        module = self._outer.module
        sign = ir.FunctionType(ir.VoidType(), [POINTER, I64, I64])
        count = len([f for f in module.functions if f.name.startswith("piece")])
        self._function = ir.Function(module, sign, f"piece{count}")
        self._function.linkage = "internal"
        self._inner = ir.IRBuilder(self._function.append_basic_block("entry"))
        self._handed: list[tuple[Any, Any]] = []  # values outside, and what they are inside

    def write(self) -> None:
        """Write the function, and the call that has all pieces done."""
        emission = self.emission
        partials = self._partials()
        outside = emission.pointers, emission.scalars
        emission.builder, emission.region = self._inner, self.region
        emission.pointers = _Handed(outside[0], self._hand)
        emission.scalars = _Handed(outside[1], self._hand)
        self._know_the_thread()
        _, piece, _ = self._function.args
        if self.region.solo:
            self._one_step(partials, piece)
        else:
            self._several_steps(partials, piece)
        self._inner.ret_void()
        emission.builder, emission.region = self._outer, None
        emission.pointers, emission.scalars = outside
        emission.scratch.thread, emission.goals = None, {}
        emission.deal(self._function, self._block_of_values(), self.region.pieces)
        for partial in partials:
            partial.gather(emission)

    def _partials(self) -> list[_Partial]:
        region = self.region
        full, rest = region.blocks
        parts = full + bool(rest) if region.solo else region.pieces
        found: list[tuple[Node, Reduction | None]] = []
        for step in region.steps:
            reductions = {r.node: r for r in step.reductions} if type(step) is Loop else {}
            found += [(n, reductions.get(n)) for n in step.results() if n in region.sums]
        return [_Partial(self.emission, node, reduction, parts) for node, reduction in found]

    # Values ---------------------------------------------------------------------------------------

    def _hand(self, value: Any) -> Any:
        """A value of the program inside of the function."""
        if isinstance(value, ir.Constant):
            return value
        for outside, inside in self._handed:
            if outside is value:
                return inside
        kind = POINTER if isinstance(value.type, ir.PointerType) else value.type
        with self._inner.goto_entry_block():
            place = [I64(8 * len(self._handed))]
            place = self._inner.gep(self._function.args[0], place, source_etype=I8)
            inside = self._inner.load(place, typ=kind, align=8)
        self._handed.append((value, inside))
        return inside

    def _block_of_values(self) -> Any:
        """The block of memory that the function is given."""
        builder = self._outer
        with builder.goto_entry_block():
            block = builder.alloca(ir.ArrayType(I64, max(len(self._handed), 1)))
        for i, (value, _) in enumerate(self._handed):
            place = builder.gep(block, [I64(8 * i)], source_etype=I8)
            builder.store(value, place, align=8)
        return block

    def _know_the_thread(self) -> None:
        """Find the memory of the thread that runs the function; some nodes lie there."""
        emission, builder = self.emission, self._inner
        first, length = map(self._hand, emission.threads)
        offset = builder.mul(self._function.args[2], length)
        emission.scratch.thread = builder, builder.gep(first, [offset], source_etype=I8)
        for node in sorted(self.region.local, key=lambda node: node.number):
            if node in emission.plan.memory:
                size = emission.plan.entries(node) * ops.kind_of(node).itemsize
                emission.pointers[node] = emission.scratch.reserve(size)

    def _aim(self, partials: list[_Partial], part: Any) -> None:
        """Let what is added up from now on go to one of the parts."""
        for partial in partials:
            pointer = partial.of(self._inner, self._hand(partial.pointer), part)
            if partial.reduction:
                self.emission.goals[partial.reduction] = pointer, partial.kind
            else:
                self.emission.pointers[partial.node] = pointer

    # Walks ----------------------------------------------------------------------------------------

    def _one_step(self, partials: list[_Partial], piece: Any) -> None:
        """A piece is a block; the last one has what is left, too."""
        region, builder, emission = self.region, self._inner, self.emission
        begin = emission.begin if type(region.steps[0]) is Product else list
        full, rest = region.blocks
        self._aim(partials, piece)
        begin()
        start = builder.mul(piece, I64(region.rows))
        emission.blocks(start, builder.add(start, I64(region.rows)))
        if rest:
            last = builder.icmp_unsigned("==", piece, I64(full - 1))
            with builder.if_then(last):
                self._aim(partials, I64(full))
                begin()
                emission.rest(I64(full * region.rows))

    def _several_steps(self, partials: list[_Partial], piece: Any) -> None:
        """A piece is some blocks, which add up to something; the last one has what is left, too."""
        region, builder, emission = self.region, self._inner, self.emission
        full, rest = region.blocks
        rows = region.together * region.rows
        self._aim(partials, piece)
        emission.begin()
        start = builder.mul(piece, I64(rows))
        stop = builder.add(start, I64(rows))
        if full % region.together:
            inside = builder.icmp_unsigned("<", stop, I64(full * region.rows))
            stop = builder.select(inside, stop, I64(full * region.rows))
        emission.blocks(start, stop)
        if rest:
            last = builder.icmp_unsigned("==", piece, I64(region.pieces - 1))
            with builder.if_then(last):
                emission.rest(I64(full * region.rows))
        emission.end()
