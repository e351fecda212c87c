"""Loop nests over arrays in memory: the innermost axis by vectors, the rest of it under a mask.

The number of lanes is the same on every machine (LLVM splits a vector that is wider than the
machine's), so that what is summed in which order is the same too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from gradtape.programs.llvm import ir
from gradtape.programs.llvm.operations import BOOL, DOUBLE, INT, register, stored
from gradtape.programs.llvm.strided import strided_entries

__all__ = ["Nest", "Stream", "across", "collapsed", "counting", "entries_where", "entry_at"]
__all__ += [
    "first_entries",
    "lanes_for",
    "moved",
    "some_lanes",
    "store_first",
    "store_where",
    "stored_at",
]

I64, I32, I1 = ir.IntType(64), ir.IntType(32), ir.IntType(1)
POINTER = ir.PointerType()
Shape = tuple[int, ...]
#: Writes what happens at a place; it gets the accumulators and gives them back.
Body = Callable[[dict[Any, Any]], dict[Any, Any]]


#: So many vectors are kept in registers over short rows.
HELD = 12


def lanes_for(kinds: Any) -> int:
    """The number of lanes of loops over values of some kinds."""
    return 8 if DOUBLE in kinds or INT in kinds else 16


def collapsed(shape: Shape, strides: list[Shape]) -> tuple[Shape, list[Shape]]:
    """The same walk with fewer axes: neighbours become one where all strides allow it."""
    axes: list[list[Any]] = []
    for i, n in enumerate(shape):
        if n == 1:
            continue
        column = [s[i] for s in strides]
        if axes and all([a == b * n for a, b in zip(axes[-1][1], column, strict=True)]):
            axes[-1] = [axes[-1][0] * n, column]
        else:
            axes.append([n, column])
    if not axes:
        axes = [[1, [0] * len(strides)]]
    return (
        tuple([n for n, _ in axes]),
        [tuple([column[k] for _, column in axes]) for k in range(len(strides))],
    )


@contextmanager
def counting(builder: Any, start: Any, stop: Any, step: int = 1) -> Iterator[Any]:
    """A loop; what is inside of ``with`` runs at least once. Yields the counter."""
    before = builder.block
    head = builder.append_basic_block("loop")
    builder.branch(head)
    builder.position_at_end(head)
    counter = builder.phi(I64)
    counter.add_incoming(start, before)
    yield counter
    following = builder.add(counter, I64(step), flags=("nuw", "nsw"))
    counter.add_incoming(following, builder.block)
    after = builder.append_basic_block("after")
    builder.cbranch(builder.icmp_unsigned("<", following, stop), head, after)
    builder.position_at_end(after)


def moved(builder: Any, pointer: Any, offset: int, kind: Any) -> Any:
    """The address some entries further on."""
    if not offset:
        return pointer
    return builder.gep(pointer, [I64(offset)], source_etype=stored(kind))


def entry_at(builder: Any, pointer: Any, index: Any, kind: Any) -> Any:
    """One entry of an array, in a register."""
    place = builder.gep(pointer, [index], source_etype=stored(kind))
    value = builder.load(place, typ=stored(kind), align=_align(kind))
    return builder.trunc(value, I1) if kind == BOOL else value


def stored_at(builder: Any, pointer: Any, index: Any, kind: Any, value: Any) -> None:
    """Write one entry of an array."""
    place = builder.gep(pointer, [index], source_etype=stored(kind))
    if kind == BOOL:
        value = builder.zext(value, stored(kind))
    builder.store(value, place, align=_align(kind))


def _align(kind: Any) -> int:
    return int(kind.itemsize)


class Stream:
    """Entries that a nest reads or writes."""

    def __init__(self, pointer: Any, strides: Shape, kind: Any, reads: bool = True) -> None:
        self.pointer, self.strides, self.kind, self.reads = pointer, strides, kind, reads


class Nest:
    """A walk over a shape, with the entries of streams at each place.

    Parameters
    ----------
    builder : writes the instructions.
    shape : each axis' length, as ``collapsed`` gives it.
    lanes : how many entries at once.
    streams : all that is read and written.
    abreast : how many vectors are accumulated at once, a power of two.
    """

    def __init__(
        self, builder: Any, shape: Shape, lanes: int, streams: list[Stream], abreast: int = 1
    ) -> None:
        self.builder, self.shape, self.streams, self.abreast = builder, shape, streams, abreast
        self.lanes = min(lanes, max(2, 1 << (shape[-1] - 1).bit_length()))
        self._rows: dict[Shape, Any] = {}  # strides of the outer axes: the index of this row
        self._hoisted: dict[Stream, Any] = {}
        self._held: dict[tuple[Stream, int], Any] = {}  # of short rows: a stream and a vector
        self._column: Any = None
        self._active = self._place = 0
        full = shape[-1] // self.lanes
        #: Whether rows are so short that their vectors are written one after the other.
        self.has_short_rows = full <= max(2, abreast)

    def run(
        self,
        body: Body,
        sinks: Mapping[Any, Any] | None = None,
        chunk: int = 0,
        columns: Mapping[Any, Any] | None = None,
    ) -> None:
        """Write the nest.

        Parameters
        ----------
        body : writes what happens at each place; it gets and gives the accumulators.
        sinks : what comes together in registers along a row, by the accumulators' keys.
        chunk : so many vectors are added up before they are added to the others: fewer digits are
            lost. 0 if it does not matter.
        columns : what comes together in registers over short rows, along the axis before the last.
        """
        self._outer(0, [], body, sinks or {}, chunk, columns or {})

    def index(self, strides: Shape) -> Any:
        """The index of the first entry of this row."""
        found = self._rows.get(strides[:-1])
        if found is None:
            found = I64(0)
            for counter, stride in zip(self._counters, strides, strict=False):
                if stride:
                    found = self.builder.add(found, self.builder.mul(counter, I64(stride)))
            self._rows[strides[:-1]] = found
        return found

    def _outer(self, axis: int, counters: list[Any], *work: Any) -> None:
        if axis == len(self.shape) - 1:
            self._enter(counters)
            self._inner(*work)
            return
        if axis == len(self.shape) - 2 and self.has_short_rows:
            self._short_rows(counters, *work)
            return
        with counting(self.builder, I64(0), I64(self.shape[axis])) as counter:
            self._outer(axis + 1, [*counters, counter], *work)

    def _enter(self, counters: list[Any]) -> None:
        """Begin with a row of which nothing is known."""
        self._counters, self._rows, self._hoisted, self._held = counters, {}, {}, {}

    def _find(self, streams: Iterable[Stream]) -> None:
        """Know where streams are in this row, so that all that follows can use it."""
        for stream in streams:
            self.index(stream.strides)
            if stream.strides[-1] == 0 and stream.reads:
                self._same_in_row(stream)

    def _inner(self, body: Body, sinks: Mapping[Any, Any], chunk: int, columns: Any) -> None:
        self._find(self.streams)
        if self.has_short_rows:
            self._written_out(body, sinks, [{} for _ in self._parts()])
            return
        full, rest = divmod(self.shape[-1], self.lanes)
        abreast = self.abreast if sinks and full > 2 * self.abreast else 1
        looped = full - full % abreast
        chunk *= abreast
        accumulators = {key: sink.neutral() for key, sink in sinks.items()}
        totals: dict[Any, Any] = {}
        self._active = self.lanes
        if sinks and chunk and looped > chunk:
            totals = self._in_chunks(looped, chunk, abreast, body, sinks)
        else:
            accumulators = self._turns(I64(0), I64(looped), abreast, body, sinks)
        for i in range(looped, full):
            self._column = I64(i * self.lanes)
            accumulators = body(accumulators)
        if rest:
            self._active, self._column = rest, I64(full * self.lanes)
            accumulators = body(accumulators)
        for key, sink in sinks.items():
            if not totals:
                sink.row_done(sink.widened(accumulators[key]))
            elif looped == full and not rest:
                sink.row_done(totals[key])
            else:
                sink.row_done(sink.combine(totals[key], sink.widened(accumulators[key])))

    def _parts(self) -> list[tuple[int, int]]:
        """The vectors of a row: where they begin, and how many entries they have."""
        length = self.shape[-1]
        return [(i, min(self.lanes, length - i)) for i in range(0, length, self.lanes)]

    def _written_out(self, body: Body, sinks: Mapping[Any, Any], totals: list[Any]) -> list[Any]:
        """A short row, with the accumulators of what comes together over such rows."""
        row = {key: sink.neutral() for key, sink in sinks.items()}
        parts, after = self._parts(), []
        for self._place, (column, self._active) in enumerate(parts):
            self._column = I64(column)
            own = totals[self._place]
            done = body({**row, **own})
            row = {key: done[key] for key in row}
            after.append({key: done[key] for key in own})
        for key, sink in sinks.items():
            sink.row_done(sink.widened(row[key]))
        return after

    def _short_rows(
        self, counters: list[Any], body: Body, sinks: Any, chunk: int, columns: Mapping[Any, Any]
    ) -> None:
        """Rows one after the other; what they have in common is loaded before."""
        builder, parts = self.builder, self._parts()
        self._enter([*counters, I64(0)])
        common = [s for s in self.streams if s.reads and s.strides[-2] == 0]
        self._find(common)
        if len(parts) * (len(common) + len(columns)) <= HELD:
            for stream in common:
                for self._place, (column, self._active) in enumerate(parts):
                    self._column = I64(column)
                    self._held[stream, self._place] = self.load(stream)
        first = [{key: sink.neutral() for key, sink in columns.items()} for _ in parts]
        before = builder.block
        with counting(builder, I64(0), I64(self.shape[-2])) as counter:
            self._counters = [*counters, counter]
            totals = [{key: builder.phi(value.type) for key, value in t.items()} for t in first]
            self._find(self.streams)
            after = self._written_out(body, sinks, totals)
            for phis, starts, ends in zip(totals, first, after, strict=True):
                for key, phi in phis.items():
                    phi.add_incoming(starts[key], before)
                    phi.add_incoming(ends[key], builder.block)
        self._enter([*counters, I64(0)])
        for (column, self._active), ends in zip(parts, after, strict=True):
            self._column = I64(column)
            for key, sink in columns.items():
                sink.column_done(ends[key])

    def _loop(self, start: Any, stop: Any, body: Body, accumulators: Any, step: int = 1) -> Any:
        """Vectors from ``start`` to ``stop``."""
        before = self.builder.block
        with counting(self.builder, start, stop, step) as counter:
            phis = {}
            for key, value in accumulators.items():
                phis[key] = self.builder.phi(value.type)
                phis[key].add_incoming(value, before)
            self._column = self.builder.mul(counter, I64(self.lanes))
            after = body(dict(phis))
            for key, phi in phis.items():
                phi.add_incoming(after[key], self.builder.block)
        return after

    def _turns(self, start: Any, stop: Any, abreast: int, body: Body, sinks: Any) -> Any:
        """Several vectors in each turn, with accumulators of their own: none waits for another."""
        first = {(i, key): s.neutral() for i in range(abreast) for key, s in sinks.items()}

        def turn(accumulators: dict[Any, Any]) -> dict[Any, Any]:
            after: dict[Any, Any] = {}
            column = self._column
            for i in range(abreast):
                self._column = self.builder.add(column, I64(i * self.lanes)) if i else column
                done = body({key: accumulators[i, key] for key in sinks})
                after.update({(i, key): value for key, value in done.items()})
            return after

        flat = self._loop(start, stop, turn, first, abreast)
        totals = {}
        for key, sink in sinks.items():
            several = [flat[i, key] for i in range(abreast)]
            while len(several) > 1:
                pairs = zip(several[::2], several[1::2], strict=True)
                several = [sink.join(one, other) for one, other in pairs]
            totals[key] = several[0]
        return totals

    def _in_chunks(self, stop: int, chunk: int, abreast: int, body: Body, sinks: Any) -> Any:
        """Vectors up to ``stop``, each chunk added up on its own first."""
        builder, before = self.builder, self.builder.block
        totals = {key: sink.neutral_total() for key, sink in sinks.items()}
        with counting(builder, I64(0), I64(stop), chunk) as counter:
            phis = {}
            for key, value in totals.items():
                phis[key] = builder.phi(value.type)
                phis[key].add_incoming(value, before)
            end = builder.add(counter, I64(chunk))
            if stop % chunk:
                inside = builder.icmp_unsigned("<", end, I64(stop))
                end = builder.select(inside, end, I64(stop))
            found = self._turns(counter, end, abreast, body, sinks)
            after = {
                key: sink.combine(phis[key], sink.widened(found[key]))
                for key, sink in sinks.items()
            }
            for key, phi in phis.items():
                phi.add_incoming(after[key], builder.block)
        return after

    # Entries --------------------------------------------------------------------------------------

    @property
    def mask(self) -> Any:
        """Which lanes count, if not all do."""
        return None if self._active == self.lanes else some_lanes(self._active, self.lanes)

    def vector(self, kind: Any) -> Any:
        """The type of a vector in registers."""
        return ir.VectorType(register(kind), self.lanes)

    def load(self, stream: Stream) -> Any:
        """The entries of a stream here."""
        held = self._held.get((stream, self._place))
        if held is not None:
            return held
        stride = stream.strides[-1]
        if stride == 0:
            return self._same_in_row(stream)
        index = self.builder.add(self.index(stream.strides), self._times(stride))
        if stride != 1:
            return self._gathered(stream, index, stride)
        builder, kind = self.builder, stream.kind
        place = builder.gep(stream.pointer, [index], source_etype=stored(kind))
        value = first_entries(builder, place, kind, self._active, self.lanes)
        if kind == BOOL:
            value = builder.icmp_unsigned("!=", value, ir.splat(value.type, 0))
        return value

    def store(self, stream: Stream, value: Any) -> None:
        """Write the entries of a stream here."""
        builder, kind, stride = self.builder, stream.kind, stream.strides[-1]
        if kind == BOOL:
            value = builder.zext(value, ir.VectorType(stored(kind), self.lanes))
        index = builder.add(self.index(stream.strides), self._times(stride))
        if stride != 1:
            for i in range(self._active):
                place = builder.add(index, I64(i * stride))
                place = builder.gep(stream.pointer, [place], source_etype=stored(kind))
                lane = builder.extract_element(value, I32(i))
                builder.store(lane, place, align=_align(kind))
            return
        place = builder.gep(stream.pointer, [index], source_etype=stored(kind))
        store_first(builder, place, kind, value, self._active)

    def spread(self, value: Any) -> Any:
        """A scalar in all lanes."""
        kind = ir.VectorType(value.type, self.lanes)
        if isinstance(value, ir.Constant):
            return ir.splat(kind, value.constant)
        first = self.builder.insert_element(ir.Constant(kind, ir.Undefined), value, I32(0))
        return self.builder.shuffle_vector(
            first, ir.Constant(kind, ir.Undefined), _indices([0] * self.lanes)
        )

    def _times(self, stride: int) -> Any:
        return self._column if stride == 1 else self.builder.mul(self._column, I64(stride))

    def _same_in_row(self, stream: Stream) -> Any:
        found = self._hoisted.get(stream)
        if found is None:
            value = entry_at(self.builder, stream.pointer, self.index(stream.strides), stream.kind)
            found = self._hoisted[stream] = self.spread(value)
        return found

    def _gathered(self, stream: Stream, index: Any, stride: int) -> Any:
        builder, kind = self.builder, stream.kind
        place = builder.gep(stream.pointer, [index], source_etype=stored(kind))
        value = strided_entries(builder, place, kind, stride, self._active, self.lanes)
        return builder.trunc(value, self.vector(kind)) if kind == BOOL else value


def _indices(places: list[int]) -> Any:
    return ir.Constant(ir.VectorType(I32, len(places)), places)


def first_entries(builder: Any, place: Any, kind: Any, count: int, lanes: int) -> Any:
    """Entries that lie one after the other, from memory; ``count`` of them, the rest are zeros."""
    whole = ir.VectorType(stored(kind), lanes)
    if count == lanes:
        return builder.load(place, typ=whole, align=_align(kind))
    return entries_where(builder, place, kind, some_lanes(count, lanes))


def entries_where(builder: Any, place: Any, kind: Any, mask: Any) -> Any:
    """Entries that lie one after the other, where a mask says so; the rest are zeros."""
    whole = ir.VectorType(stored(kind), mask.type.count)
    arguments = [POINTER, I32, mask.type, whole]
    function = _masked(builder, "load", kind, whole.count, whole, arguments)
    return builder.call(function, [place, I32(_align(kind)), mask, ir.Constant(whole, None)])


def store_first(builder: Any, place: Any, kind: Any, value: Any, count: int) -> None:
    """Write the first ``count`` lanes one after the other."""
    lanes = value.type.count
    if count == lanes:
        builder.store(value, place, align=_align(kind))
    else:
        store_where(builder, place, kind, value, some_lanes(count, lanes))


def store_where(builder: Any, place: Any, kind: Any, value: Any, mask: Any) -> None:
    """Write lanes one after the other, where a mask says so."""
    arguments = [value.type, POINTER, I32, mask.type]
    function = _masked(builder, "store", kind, value.type.count, ir.VoidType(), arguments)
    builder.call(function, [value, place, I32(_align(kind)), mask])


def some_lanes(count: int, lanes: int) -> Any:
    """A mask of the first lanes."""
    return ir.Constant(ir.VectorType(I1, lanes), [int(i < count) for i in range(lanes)])


def _masked(builder: Any, what: str, kind: Any, lanes: int, result: Any, arguments: Any) -> Any:
    element = f"i{8 * kind.itemsize}" if kind in (BOOL, INT) else f"f{8 * kind.itemsize}"
    name = f"llvm.masked.{what}.v{lanes}{element}.p0"
    found = builder.module.globals.get(name)
    if found is None:
        found = ir.Function(builder.module, ir.FunctionType(result, arguments), name)
    return found


def across(builder: Any, value: Any, combine: Callable[[Any, Any], Any]) -> Any:
    """All lanes as one, halves first."""
    lanes = value.type.count
    while lanes > 1:
        lanes //= 2
        undefined = ir.Constant(value.type, ir.Undefined)
        halves = [
            builder.shuffle_vector(value, undefined, _indices(list(range(i, i + lanes))))
            for i in (0, lanes)
        ]
        value = combine(*halves)
    return builder.extract_element(value, I32(0))
