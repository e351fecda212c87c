"""Small products of matrices: rows of the result in registers while their terms are added up."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from gradtape.programs.llvm import ir
from gradtape.programs.llvm import operations as ops
from gradtape.programs.llvm.accesses import Access, contiguous
from gradtape.programs.llvm.loops import (
    across,
    counting,
    entry_at,
    first_entries,
    lanes_for,
    moved,
    some_lanes,
    store_first,
)
from gradtape.programs.llvm.mathematics_lanes import has_wide_registers, multiplied
from gradtape.programs.llvm.products import (
    CHUNK,
    Sizes,
    call_product,
    declared_product,
    in_all_lanes,
    looped,
    product_of,
)
from gradtape.programs.llvm.steps import Product, size_of

__all__ = ["emit_product", "write_product"]

I64, I32 = ir.IntType(64), ir.IntType(32)

#: How many vectors of the result are in registers at once, with wide registers and without, and how
#: many of them side by side.
REGISTERS, ABREAST = (24, 12), 4
#: Up to so many terms are written out rather than looped over.
UNROLLED = 8


class _Matrix:
    """An operand or the result: where its entries are, or the value that all of them have.

    ``rows`` and ``columns`` say how far it is from one row or column to the next.
    """

    def __init__(
        self, builder: Any, kind: Any, rows: int, columns: int, pointer: Any, value: Any = None
    ) -> None:
        self.builder, self.kind, self.rows, self.columns = builder, kind, rows, columns
        self.pointer, self.value = pointer, value

    def index(self, row: Any, column: Any) -> Any:
        """Where an entry lies."""
        builder = self.builder
        down = builder.mul(row, I64(self.rows))
        return builder.add(down, builder.mul(column, I64(self.columns)))

    def entry(self, row: Any, column: Any, lanes: int) -> Any:
        """One entry in all lanes."""
        builder = self.builder
        value = self.value
        if value is None:
            value = entry_at(builder, self.pointer, self.index(row, column), self.kind)
        return in_all_lanes(builder, value, lanes)

    def vector(self, row: Any, column: Any, count: int, lanes: int) -> Any:
        """Entries that lie one after the other; ``count`` of them matter."""
        if self.value is not None:
            return self.entry(row, column, lanes)
        place = self._place(row, column)
        return first_entries(self.builder, place, self.kind, count, lanes)

    def store(self, row: Any, column: Any, value: Any, count: int) -> None:
        """Write entries that lie one after the other."""
        store_first(self.builder, self._place(row, column), self.kind, value, count)

    def _place(self, row: Any, column: Any) -> Any:
        kind = ops.stored(self.kind)
        return self.builder.gep(self.pointer, [self.index(row, column)], source_etype=kind)


def emit_product(emission: Any, step: Product) -> None:
    """Write a product; where only some rows are at hand, what they have in it.

    The right operand's rows, or a single column's left operand's rows or columns, must lie one
    after the other; the plan has copied what does not.
    """
    if not step.batch:
        _emit_matrices(emission, step, [])
        return
    builder = emission.builder
    spans = [(I64(0), I64(n)) for n in step.batch]
    if emission.block:  # some of the matrices are at hand
        count, first = emission.block
        spans[0] = first, builder.add(first, I64(count))
    with ExitStack() as loops:
        loop = [counting(builder, *span) for span in spans]
        _emit_matrices(emission, step, [loops.enter_context(own) for own in loop])


def _emit_matrices(emission: Any, step: Product, counters: list[Any]) -> None:
    """Write the product of two matrices, those at some place of a batch."""
    left, right = step.left, step.right
    (m, k), n = left.shape[-2:], right.shape[-1]
    rowwise = bool(emission.block) and not step.batch
    terms = rowwise and step.node in emission.region.sums
    if terms:
        k = emission.at_hand(k)
    elif rowwise:
        m = emission.at_hand(m)
    shape = (*step.batch, m, n)
    out = Access(step.node, 0, shape, contiguous(shape))
    steps = [left.strides[-1], right.strides[-2], 0] if terms else [left.strides[-2], 0, n]
    if n == 1 and left.strides[-2] == 1 and m > 1:  # the transposed product: a row of the result
        left, right, out = _transposed(right), _transposed(left), _transposed(out)
        m, n, steps = 1, m, [steps[1], steps[0], steps[2]]
    operands = zip((left, right, out), steps if rowwise else [0, 0, 0], strict=True)
    matrices = [_matrix(emission, access, step, counters) for access, step in operands]
    if n == 1:
        _Writer(emission.builder, matrices, terms).dots(m, k)
    elif any([matrix.value is not None for matrix in matrices]):
        _Writer(emission.builder, matrices, terms).rows(m, k, n)
    else:
        one, other, goal = matrices
        sizes = Sizes(m, k, n, one.rows, one.columns, other.rows, goal.rows, int(terms))
        call_product(emission.builder, goal.kind, [x.pointer for x in matrices], sizes)


def write_product(module: Any, name: str) -> None:
    """Define a product as a function for its size."""
    kind, sizes = product_of(name)
    function = declared_product(module, name)
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    one, other, goal = function.args
    matrices = [
        _Matrix(builder, kind, sizes.left_row, sizes.left_column, one),
        _Matrix(builder, kind, sizes.right_row, 1, other),
        _Matrix(builder, kind, sizes.out_row, 1, goal),
    ]
    _Writer(builder, matrices, bool(sizes.adds)).rows(sizes.m, sizes.k, sizes.n)
    builder.ret_void()


def _matrix(emission: Any, access: Access, step: int, counters: list[Any]) -> _Matrix:
    """An operand or the result of the plan, from the rows at hand on.

    ``step`` says how far it goes on with each of the rows; 0 if not at all.
    """
    builder, root, kind = emission.builder, access.root, ops.kind_of(access.root)
    rows, columns = access.strides[-2:]
    if size_of(root) == 1:
        return _Matrix(builder, kind, rows, columns, None, emission.scalar(root))
    pointer = moved(builder, emission.along(root, step), access.offset, kind)
    for counter, stride in zip(counters, access.strides, strict=False):
        further = builder.mul(counter, I64(stride))
        pointer = builder.gep(pointer, [further], source_etype=ops.stored(kind))
    return _Matrix(builder, kind, rows, columns, pointer)


def _transposed(access: Access) -> Access:
    """The access with the two last axes the other way round."""
    shape, strides = [(*own[:-2], own[-1], own[-2]) for own in (access.shape, access.strides)]
    return Access(access.root, access.offset, shape, strides)


class _Writer:
    def __init__(self, builder: Any, matrices: list[_Matrix], adds: bool) -> None:
        self.builder, self._adds = builder, adds
        self.left, self.right, self.out = matrices
        self.kind = self.out.kind
        self.lanes = lanes_for([self.kind])

    def _zero(self, lanes: int) -> Any:
        return ir.splat(ir.VectorType(ops.register(self.kind), lanes), 0.0)

    def _plus(self, total: Any, x: Any, y: Any) -> Any:
        return multiplied(self.builder, x, y, total)

    # Rows of the result ---------------------------------------------------------------------------

    def rows(self, m: int, k: int, n: int) -> None:
        """Blocks of rows and columns."""
        lanes = min(self.lanes, 1 << (n - 1).bit_length())
        abreast = min(ABREAST, -(-n // lanes))
        width = abreast * lanes
        full, rest = divmod(n, width)
        if full > 2:
            with counting(self.builder, I64(0), I64(full)) as counter:
                self._column_block(m, k, self.builder.mul(counter, I64(width)), width, lanes)
        else:
            for i in range(full):
                self._column_block(m, k, I64(i * width), width, lanes)
        if rest:
            self._column_block(m, k, I64(full * width), rest, lanes)

    def _column_block(self, m: int, k: int, column: Any, width: int, lanes: int) -> None:
        counts = [min(lanes, width - i) for i in range(0, width, lanes)]
        wide, narrow = REGISTERS
        registers = wide if has_wide_registers() else narrow
        height = min(m, max(1, registers // len(counts)))
        full, rest = divmod(m, height)
        if full > 1:
            with counting(self.builder, I64(0), I64(full)) as counter:
                row = self.builder.mul(counter, I64(height))
                self._block(row, height, k, column, counts, lanes)
        else:
            self._block(I64(0), height, k, column, counts, lanes)
        if rest:
            self._block(I64(full * height), rest, k, column, counts, lanes)

    def _block(
        self, row: Any, height: int, k: int, column: Any, counts: list[int], lanes: int
    ) -> None:
        builder = self.builder
        rows = [builder.add(row, I64(i)) for i in range(height)]
        columns = [builder.add(column, I64(j * lanes)) for j in range(len(counts))]
        places = [(i, j) for i in range(height) for j in range(len(counts))]

        def added(term: Any, totals: list[Any]) -> list[Any]:
            across = [
                self.right.vector(term, c, count, lanes)
                for c, count in zip(columns, counts, strict=True)
            ]
            down = [self.left.entry(r, term, lanes) for r in rows]
            return [
                self._plus(total, down[i], across[j])
                for total, (i, j) in zip(totals, places, strict=True)
            ]

        totals = self._over(k, [self._zero(lanes)] * len(places), added)
        for total, (i, j) in zip(totals, places, strict=True):
            self._store(rows[i], columns[j], total, counts[j])

    def _store(self, row: Any, column: Any, total: Any, count: int) -> None:
        """Write entries of the result, or add them to what earlier terms have made."""
        if self._adds:
            before = self.out.vector(row, column, count, total.type.count)
            total = self.builder.fadd(before, total)
        self.out.store(row, column, total, count)

    def _over(self, k: int, totals: list[Any], added: Any) -> list[Any]:
        """Add up the terms."""
        if k <= UNROLLED:
            for term in range(k):
                totals = added(I64(term), totals)
            return totals
        if k <= CHUNK:
            return looped(self.builder, I64(0), I64(k), 1, totals, added)

        def chunk(start: Any, sums: list[Any]) -> list[Any]:
            builder = self.builder
            stop = builder.add(start, I64(CHUNK))
            if k % CHUNK:
                inside = builder.icmp_unsigned("<", stop, I64(k))
                stop = builder.select(inside, stop, I64(k))
            parts = looped(builder, start, stop, 1, totals, added)
            return [builder.fadd(one, other) for one, other in zip(sums, parts, strict=True)]

        return looped(self.builder, I64(0), I64(k), CHUNK, totals, chunk)

    # A single column ------------------------------------------------------------------------------

    def dots(self, m: int, k: int) -> None:
        """Each row of the left operand times the column."""
        lanes = min(self.lanes, 1 << (k - 1).bit_length())
        with counting(self.builder, I64(0), I64(m)) as row:
            self._store(row, I64(0), self._dot(row, k, lanes), 1)

    def _dot(self, row: Any, k: int, lanes: int) -> Any:
        builder = self.builder
        full, rest = divmod(k, lanes)
        # The column lies as a row does: its entries are one after the other.
        column = self.right
        column.rows, column.columns = 0, 1

        def added(block: Any, totals: list[Any]) -> list[Any]:
            place = builder.mul(block, I64(lanes))
            x = self.left.vector(row, place, lanes, lanes)
            y = column.vector(I64(0), place, lanes, lanes)
            return [self._plus(totals[0], x, y)]

        (total,) = self._over(full, [self._zero(lanes)], added)
        if rest:
            place = I64(full * lanes)
            x = self.left.vector(row, place, rest, lanes)
            y = column.vector(I64(0), place, rest, lanes)
            mask = some_lanes(rest, lanes)
            x = builder.select(mask, x, self._zero(lanes))
            y = builder.select(mask, y, self._zero(lanes))
            total = self._plus(total, x, y)
        value = across(builder, total, builder.fadd)
        first = ir.Constant(ir.VectorType(value.type, 1), ir.Undefined)
        return builder.insert_element(first, value, I32(0))
