"""Sums, and largest entries, of all rows, written into a loop over blocks of rows.

Each block has its share, and the shares come together in the order of the blocks. Entries are added
up as products with ones, or as the products that they are, in rows of about 500: that is twice as
fast as NumPy's sum, and about as exact.
"""

from __future__ import annotations

from math import ceil, prod
from typing import TYPE_CHECKING, Any

import numpy as np

from gradtape.programs.buffers import Value
from gradtape.programs.forms import is_whole_sum, sums_by_product
from gradtape.programs.graph import Node
from gradtape.programs.rewrites.building import kind
from gradtape.programs.rows import summed_inputs

if TYPE_CHECKING:
    from gradtape.programs.loops import LoopWriter

__all__ = ["SumWriter"]

#: Rows up to this length are added up as parts of longer ones, of about that length.
NARROW, WIDE = 64, 512
#: A block of fewer entries is added up at once.
FEW = 1 << 12
#: Up to this many numbers, each block's share of a sum is kept until all are there.
KEPT_SHARES = 1 << 16

_COMBINE = {"sum": np.add, "max": np.maximum, "min": np.minimum}


class SumWriter:
    """Writes what a loop sums up."""

    def __init__(self, loop: LoopWriter) -> None:
        self._l, self._w = loop, loop.writer
        self._rows: dict[str, tuple[str, str]] = {}

    def write(self, node: Node) -> None:
        """The lines of a sum over the rows."""
        loop = self._l
        rows = summed_inputs(node)
        assert rows is not None
        if node in loop.folded:
            self._products(node, loop.folded[node])
        elif kind(node.op) == "holds_nan":
            self._look(node, loop.rows_of(rows[0]))
        elif kind(node.op) == "matmul":
            self._product(node, *[loop.rows_of(x) for x in rows])
        else:
            self._reduction(node, rows[0], loop.rows_of(rows[0]))

    def _look(self, node: Node, text: str) -> None:
        total, reduce = f"t{node.number}", self._w.bind("r", np.maximum.reduce)
        largest = np.empty(self._l.count, node.inputs[0].dtype)  # NaN, where there is one
        name, share = self._w.bind("b", largest), self._entries(largest)
        self._l.body.append(f"{reduce}({text}, None, None, {share})")
        self._l.after.append(lambda: self._w.say(f"{total} = {reduce}({name}, 0)"))
        self._l.after.append(lambda: self._w.say(f"{total} = {total} != {total}"))
        self._w.values[node] = Value(total)

    def _product(self, node: Node, x: str, y: str) -> None:
        turned = self._turned(x)
        dot = self._w.bind("m", np.dot)
        share, last = self._shares(node, np.add)
        self._l.body.append(f"{dot}({turned}, {y}, {share})")
        self._l.body += last

    def _turned(self, x: str) -> str:
        arrays = self._l.columns.get(x)
        if arrays is None:
            return f"{x}.T"
        key = "T", x
        if key not in self._l.sliced:
            self._l.sliced[key] = self._l.column("v", [a.T for a in arrays])
        return self._l.sliced[key]

    def _entries(self, shares: Any) -> str:
        return self._l.column("b", [shares[k, ...] for k in range(self._l.count)])

    def _reduction(self, node: Node, x: Node, text: str) -> None:
        axis, keepdims = node.params
        loop, name = self._l, kind(node.op)
        if is_whole_sum(node) and prod((loop.rows, *x.shape[1:])) >= FEW:
            self._products(node, (x,))
            return
        share, last = self._shares(node, _COMBINE[name])
        if sums_by_product(node) and len(x.shape) == 2 and axis == (-2,):
            if x.shape[1] <= NARROW and text in loop.columns:
                self._narrow_sum(x, text, share)
                loop.body += last
                return
            if loop.parallel:
                reduce = self._w.bind("r", np.add.reduce)
                loop.body += [f"{reduce}({text}, 0, None, {share})", *last]
                return
            ones = np.ones(loop.rows, node.dtype)
            column = loop.column("c", [ones[: high - low] for low, high in loop.bounds])
            loop.body.append(f"{self._w.bind('m', np.dot)}({column}, {text}, {share})")
        else:
            whole = None if len(axis) == len(x.shape) else axis
            reduce = self._w.bind("r", _COMBINE[name].reduce)
            loop.body.append(f"{reduce}({text}, {whole!r}, None, {share}, {keepdims!r})")
        loop.body += last

    def _narrow_sum(self, x: Node, text: str, share: str) -> None:
        """Several short rows count as a long one, and as short ones again once those are added."""
        loop, w, k = self._l, self._w, x.shape[1]
        together = max(1, WIDE // k)
        arrays = loop.columns[text]
        whole = [len(a) // together * together for a in arrays]
        wide = [
            a[:n].reshape(n // together, together * k) for a, n in zip(arrays, whole, strict=True)
        ]
        rests = [a[n:] for a, n in zip(arrays, whole, strict=True)]
        block = loop.take(together * prod(x.shape[1:]) * x.dtype.itemsize)
        sums = block.array((together, k), x.dtype)
        first, second = loop.same(sums.reshape(-1)), loop.same(sums)
        reduce = w.bind("r", np.add.reduce)
        loop.body.append(f"{reduce}({loop.column('v', wide)}, 0, None, {first})")
        loop.body.append(f"{reduce}({second}, 0, None, {share})")
        loop.free.append(block)
        if any([len(rest) for rest in rests]):
            rest = f"{reduce}({loop.column('v', rests)}, 0)"
            loop.body.append(f"{w.bind('u', np.add)}({share}, {rest}, {share})")

    # Sums of everything ---------------------------------------------------------------------------

    def _products(self, node: Node, factors: tuple[Node, ...]) -> None:
        """The sum of one factor, or of the products of two: row by row, then of the rows' sums."""
        loop, w = self._l, self._w
        x = factors[0]
        sizes = [(high - low) * prod(x.shape[1:]) for low, high in loop.bounds]
        pairs = [self._wide(loop.rows_of(f)) for f in factors]
        if len(pairs) == 1:
            ones = np.ones(WIDE, x.dtype)
            rest = loop.column("c", [ones[: size % WIDE] for size in sizes])
            pairs.append((w.bind("c", ones), rest))
        (one, one_rest), (other, other_rest) = pairs
        block = loop.take(ceil(max(sizes) / WIDE) * x.dtype.itemsize)
        partial = loop.column("b", [block.array((size // WIDE,), x.dtype) for size in sizes])
        share, last = self._shares(node, np.add)
        loop.body.append(f"{w.bind('u', np.vecdot)}({one}, {other}, {partial})")
        loop.body.append(f"{w.bind('r', np.add.reduce)}({partial}, None, None, {share})")
        loop.free.append(block)
        if any([size % WIDE for size in sizes]):
            rest = f"{w.bind('m', np.vdot)}({one_rest}, {other_rest})"
            loop.body.append(f"{w.bind('u', np.add)}({share}, {rest}, {share})")
        loop.body += last

    def _wide(self, text: str) -> tuple[str, str]:
        """The entries of a block in long rows, and those that are left over."""
        loop = self._l
        known = self._rows.get(text)
        if known is None:
            arrays = loop.columns.get(text, ())
            if arrays and all([a.flags.c_contiguous for a in arrays]):
                wide, rest = zip(*map(_in_rows, arrays), strict=True)
                known = loop.column("v", list(wide)), loop.column("v", list(rest))
            else:
                known = self._w.fresh("w"), self._w.fresh("w")
                line = f"{self._w.bind('f', _in_rows)}({text})"
                loop.body.append(f"{', '.join(known)} = {line}")
            self._rows[text] = known
        return known

    def _shares(self, node: Node, combine: Any) -> tuple[str, list[str]]:
        """Where each block's share of a sum goes, and what the block then does with it."""
        writer = self._w
        text = f"t{node.number}"
        writer.values[node] = Value(text)
        if node.shape == ():
            writer.number(node)
        if self._l.count * prod(node.shape) <= KEPT_SHARES:
            shares = np.empty((self._l.count, *node.shape), node.dtype)
            name, reduce = writer.bind("b", shares), writer.bind("r", combine.reduce)
            self._l.after.append(lambda: writer.say(f"{text} = {reduce}({name}, 0)"))
            return self._entries(shares), []
        first, total = np.empty(node.shape, node.dtype), np.empty(node.shape, node.dtype)
        share, whole = writer.bind("b", first), writer.bind("b", total)
        copy, also = writer.bind("k", np.copyto), writer.bind("u", combine)
        self._l.after.append(lambda: writer.say(f"{text} = {whole}.copy()"))
        step = f"{also}({whole}, {share}, out={whole}) if s.start else {copy}({whole}, {share})"
        return share, [step]


def _in_rows(array: Any) -> tuple[Any, Any]:
    flat = array.reshape(-1)
    end = len(flat) // WIDE * WIDE
    return flat[:end].reshape(-1, WIDE), flat[end:]
