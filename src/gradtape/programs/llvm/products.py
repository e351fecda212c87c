"""Products of matrices as functions: one for each size, and one for all sizes.

A program calls the product of a size by a name that says all about it. Thoroughly compiled, that is
a function of its own (``matmuls.py``). In quick code it only hands its sizes to the one for all
sizes, which is compiled once in a process. Both add up the same terms in the same order.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any, NamedTuple

from gradtape.programs.llvm import ir
from gradtape.programs.llvm import operations as ops
from gradtape.programs.llvm.loops import counting, entries_where, entry_at, lanes_for, store_where
from gradtape.programs.llvm.mathematics_lanes import multiplied

__all__ = [
    "CHUNK",
    "MATRICES",
    "PRODUCT",
    "Sizes",
    "call_product",
    "declared_product",
    "forwarding",
]
__all__ += ["in_all_lanes", "looped", "product_of", "write_matrices"]

I64, I32, I1 = ir.IntType(64), ir.IntType(32), ir.IntType(1)
POINTER = ir.PointerType()

#: What the names begin with: of a product of some size, and of that of all sizes.
PRODUCT, MATRICES = "gradtape.product", "gradtape.matrices"

#: Of more terms than this so many at a time are added up on their own, which loses fewer digits.
CHUNK = 512

_KINDS = {"float": ops.FLOAT, "double": ops.DOUBLE}

#: Of products of all sizes: so many rows are at hand at once, and so many vectors of each.
_ROWS, _ABREAST = 4, 2


class Sizes(NamedTuple):
    """A product of two matrices: of ``m`` rows, ``k`` terms and ``n`` columns.

    The others say how many entries it is from one row or column to the next; the columns of the
    right operand and of the result lie side by side. The product may be added to what is there.
    """

    m: int
    k: int
    n: int
    left_row: int
    left_column: int
    right_row: int
    out_row: int
    adds: int


def call_product(builder: Any, kind: Any, pointers: list[Any], sizes: Sizes) -> None:
    """Write the call of a product: of the left and the right operand, and the result."""
    name = ".".join([PRODUCT, ops.register(kind).text, *map(str, sizes)])
    builder.call(declared_product(builder.module, name), pointers)


def declared_product(module: Any, name: str) -> Any:
    """A product's function, of which a module knows the name."""
    return module.globals.get(name) or ir.Function(module, _sign(0), name)


def product_of(name: str) -> tuple[Any, Sizes]:
    """What a product's name says: the kind of its entries, and its sizes."""
    _, _, kind, *numbers = name.split(".")
    return _KINDS[kind], Sizes(*map(int, numbers))


def _sign(numbers: int) -> Any:
    kinds = [POINTER, POINTER, POINTER, *[I64] * numbers]
    return ir.FunctionType(ir.VoidType(), kinds)


def forwarding(module: Any, name: str) -> None:
    """Define a product by that of all sizes."""
    kind, sizes = product_of(name)
    common = f"{MATRICES}.{ops.register(kind).text}"
    function = declared_product(module, name)
    function.linkage = "internal"
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    other = module.globals.get(common) or ir.Function(module, _sign(len(sizes)), common)
    builder.call(other, [*function.args, *map(I64, sizes)])
    builder.ret_void()


def in_all_lanes(builder: Any, value: Any, lanes: int) -> Any:
    """A value in each lane of a vector."""
    whole = ir.VectorType(value.type, lanes)
    if isinstance(value, ir.Constant):
        return ir.splat(whole, value.constant)
    undefined = ir.Constant(whole, ir.Undefined)
    first = builder.insert_element(undefined, value, I32(0))
    zeros = ir.Constant(ir.VectorType(I32, lanes), [0] * lanes)
    return builder.shuffle_vector(first, undefined, zeros)


# All sizes ----------------------------------------------------------------------------------------


def write_matrices(module: Any, name: str) -> None:
    """Define the product of all sizes, whose name ends in the type of its entries."""
    kind = _KINDS[name.rpartition(".")[2]]
    function = ir.Function(module, _sign(len(Sizes._fields)), name)
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    writer = _Writer(builder, kind, function.args)
    with builder.if_then(builder.icmp_unsigned("<", writer.size.m, I64(_ROWS))):
        writer.walk(1)
        builder.ret_void()
    writer.walk(_ROWS)
    builder.ret_void()


class _Writer:
    """Writes walks over blocks of rows and of vectors side by side.

    What is beyond the last row or column is computed too, of what is in the last row or of zeros,
    and not written.
    """

    def __init__(self, builder: Any, kind: Any, args: list[Any]) -> None:
        self.builder, self.kind, self.lanes = builder, kind, lanes_for([kind])
        self.left, self.right, self.out, *sizes = args
        self.size: Any = Sizes(*sizes)
        self._adds = builder.icmp_unsigned("!=", self.size.adds, I64(0))

    def walk(self, height: int) -> None:
        """Write a walk in blocks of so many rows."""
        builder, size = self.builder, self.size
        with ExitStack() as loops:
            column = loops.enter_context(counting(builder, I64(0), size.n, _ABREAST * self.lanes))
            left_over = builder.trunc(builder.sub(size.n, column), I32)
            right, out = [self._at(start, column) for start in (self.right, self.out)]
            masks = self._masks(left_over)
            row = loops.enter_context(counting(builder, I64(0), size.m, height))
            last = builder.sub(size.m, I64(1))
            exist, starts, goals = [], [], []
            for i in range(height):
                own = builder.add(row, I64(i))
                exist.append(builder.icmp_unsigned("<=", own, last))
                own = builder.select(exist[i], own, last)
                starts.append(self._at(self.left, builder.mul(own, size.left_row)))
                goals.append(self._at(out, builder.mul(own, size.out_row)))
            totals = self._chunks(starts, right, masks)
            for i, goal in enumerate(goals):
                counts = builder.select(exist[i], left_over, I32(0))
                for j, mask in enumerate(self._masks(counts)):
                    self._store(self._at(goal, I64(j * self.lanes)), totals[i * _ABREAST + j], mask)

    def _at(self, pointer: Any, index: Any) -> Any:
        return self.builder.gep(pointer, [index], source_etype=ops.stored(self.kind))

    def _masks(self, count: Any) -> list[Any]:
        """Which lanes of vectors side by side are among the first ones."""
        limit = in_all_lanes(self.builder, count, self.lanes)
        found = []
        for j in range(_ABREAST):
            places = list(range(j * self.lanes, (j + 1) * self.lanes))
            own = ir.Constant(limit.type, places)
            found.append(self.builder.icmp_signed("<", own, limit))
        return found

    def _store(self, place: Any, total: Any, mask: Any) -> None:
        """Write some entries of the result, or add them to what is there."""
        builder = self.builder
        before = entries_where(builder, place, self.kind, mask)
        total = builder.select(self._adds, builder.fadd(before, total), total)
        store_where(builder, place, self.kind, total, mask)

    def _chunks(self, starts: list[Any], right: Any, masks: list[Any]) -> list[Any]:
        """All terms; if there are many, some at a time are added up on their own."""
        builder, size = self.builder, self.size
        zero = ir.splat(ir.VectorType(ops.register(self.kind), self.lanes), 0.0)
        zeros = [zero] * (len(starts) * len(masks))

        def chunk(start: Any, sums: list[Any]) -> list[Any]:
            stop = builder.add(start, I64(CHUNK))
            inside = builder.icmp_unsigned("<", stop, size.k)
            stop = builder.select(inside, stop, size.k)
            parts = looped(builder, start, stop, 1, zeros, term)
            few = builder.icmp_unsigned("<=", size.k, I64(CHUNK))
            return [
                builder.select(few, part, builder.fadd(total, part))
                for total, part in zip(sums, parts, strict=True)
            ]

        def term(k: Any, totals: list[Any]) -> list[Any]:
            row = self._at(right, builder.mul(k, size.right_row))
            across = [
                entries_where(builder, self._at(row, I64(j * self.lanes)), self.kind, mask)
                for j, mask in enumerate(masks)
            ]
            index, after = builder.mul(k, size.left_column), []
            for i, start in enumerate(starts):
                entry = entry_at(builder, start, index, self.kind)
                entry = in_all_lanes(builder, entry, self.lanes)
                for j, others in enumerate(across):
                    after.append(multiplied(builder, entry, others, totals[i * len(masks) + j]))
            return after

        return looped(builder, I64(0), size.k, CHUNK, zeros, chunk)


def looped(
    builder: Any, start: Any, stop: Any, step: int, totals: list[Any], added: Any
) -> list[Any]:
    """What ``added`` makes of some totals in a loop; it gets the counter and them."""
    before = builder.block
    with counting(builder, start, stop, step) as counter:
        phis = []
        for total in totals:
            phis.append(builder.phi(total.type))
            phis[-1].add_incoming(total, before)
        totals = added(counter, phis)
        for phi, total in zip(phis, totals, strict=True):
            phi.add_incoming(total, builder.block)
    return totals
