"""A loop over blocks of rows, written into a program."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, prod
from typing import TYPE_CHECKING, Any

import numpy as np

from gradtape.programs.buffers import Block, Value
from gradtape.programs.crew import Blocks
from gradtape.programs.forms import into, is_outer, is_view, seen, sums_by_product
from gradtape.programs.graph import Node
from gradtape.programs.passes import BUFFERED, USUAL, folded_sums, walk
from gradtape.programs.peak_writing import PeakWriter
from gradtape.programs.rewrites.building import kind, number_of, ufunc_of
from gradtape.programs.rows import LARGE_BYTES, Loop, row_inputs, summed_inputs
from gradtape.programs.spreading import SLOW
from gradtape.programs.sum_writing import KEPT_SHARES, SumWriter

if TYPE_CHECKING:
    from gradtape.programs.emitting import Writer

__all__ = ["LoopWriter"]

#: The largest array of a block: several of them are to fit into a core's own cache.
BLOCK_BYTES = 1 << 19
#: The same where several threads may run them.
SHARED_BYTES = 1 << 21
#: So long each of its calls of NumPy's should take then, in nanoseconds: it may have to wait for
#: Python's lock, and a thread that has waited takes that long to wake.
SHARED_TIME = 50_000
#: Where a call for all rows takes less, two threads would take longer than one.
ALONE_TIME = 75_000
#: What an entry costs, roughly, by what is done to it: in NumPy's faster loops, and in others.
_ENTRY_TIME, _SLOW_ENTRY_TIME = 0.15, {4: 0.5, 8: 3.0}
#: Up to this many entries a row is repeated for each row of a block: NumPy is slow at short rows.
SHORT_ROW = 256
#: A few short rows are written out one by one, up to so many entries.
WIDE = 512
#: Up to this many, one that differs from block to block is, too.
VERY_SHORT_ROW = 16
#: From so many entries on, several threads run a loop.
SHARED_SIZE = 100_000

#: Several times faster with two arrays.
_SLOW_WITH_NUMBERS = (np.maximum, np.minimum)

_EXTREMA = {"max": np.maximum, "min": np.minimum}


class LoopWriter:
    """Writes one loop.

    In the loop, a name stands for another array in each block: its columns say which.
    """

    def __init__(self, writer: Writer, loop: Loop) -> None:
        self.writer, self.loop = writer, loop
        largest = max([_row_bytes(n) for n in loop.nodes if n not in loop.sums])
        whole = loop.length * largest
        call_time = _call_time(loop)
        pairs = max(1, int(call_time / SHARED_TIME / 2))  # an odd one would be run alone
        count = max(ceil(whole / SHARED_BYTES), 2 * pairs)
        count = min(count, ceil(whole / LARGE_BYTES))
        self.parallel = call_time > ALONE_TIME and count > 1 and _may_be_shared(loop, count)
        if not self.parallel:
            count = ceil(whole / BLOCK_BYTES)
        self.rows = rows = ceil(loop.length / min(count, loop.length))
        self.bounds = [
            (k * rows, min((k + 1) * rows, loop.length)) for k in range(ceil(loop.length / rows))
        ]
        self.count = len(self.bounds)
        self.columns: dict[str, list[Any]] = {}
        self.text: dict[Node, str] = {}  # by rows: what stands for a node's rows of a block
        self.sliced: dict[Any, str] = {}
        self.blocks: dict[Node, Block] = {}
        self._start: list[str] = []  # what each thread does before its first block
        self.body: list[str] = []
        self.after: list[Callable[[], None]] = []
        self._walk = "buffered"
        self.folded = folded_sums(loop.nodes, loop.whole, writer.uses)
        self._peaks = PeakWriter(self)
        self._sums = SumWriter(self)
        self._last = self._last_uses()
        self._landing = self._landings()
        self._tiles: dict[Any, str] = {}
        self.free: list[Block] = []  # for other rows of the same block
        self._taken: list[Block] = []

    def write(self) -> None:
        """Write what comes before the loop, the loop, and what comes after it."""
        kernel = f"{len(self.bounds)} blocks of {self.rows} rows, loop {self.writer.loops}"
        self.writer.loops += 1
        skipped = self._peaks.skipped | {node.inputs[0] for node in self.folded}
        for position, node in enumerate(self.loop.nodes):
            self.writer.kernels[node] = kernel
            if node not in skipped:
                self._compute(node, position)
            for i in self._ending.get(position, ()):
                block = self.blocks.pop(i, None)
                if block is not None:
                    self.free.append(block)
        self._go("buffered")
        # Not before: what is written into it in one block must still be there after the next.
        for block in self._taken:
            self.writer.memory.give(block)
        self._write_blocks()
        for last in self.after:
            last()

    def _compute(self, node: Node, position: int) -> None:
        if not (is_view(node) or self._peaks.reads(node)):
            self._go(walk(node, self.rows))
        if node in self.loop.sums:
            self._sums.write(node)
        elif node in self._peaks.steps:
            self._peaks.write(node, position)
        else:
            self.by_rows(node, position)

    def _write_blocks(self) -> None:
        say, bind = self.writer.say, self.writer.bind
        names = ", ".join(["s", *self.columns])
        slices = [slice(low, high) for low, high in self.bounds]
        table = list(zip(slices, *self.columns.values(), strict=True))
        if not self.parallel:
            once = [f"if not s.start: {line}" for line in self._start]
            say(f"for {names}, in {bind('blocks', table)}:")
            self._indented([*once, *self.body])
            return
        start, body = (self._name("start") if self._start else "None"), self._name("loop")
        if self._start:
            say(f"def {start}({names}):")
            self._indented(self._start)
        say(f"def {body}({names}):")
        self._indented(self.body)
        run = Blocks(table, self._taken, self.writer.spare).run
        say(f"{bind('run', run)}({body}, {start})")

    def _indented(self, lines: list[str]) -> None:
        for line in lines:
            self.writer.say("    " + line)

    def _go(self, walk: str) -> None:
        """Tell NumPy how to go through what is broadcast from here on."""
        if walk and walk != self._walk:
            size = BUFFERED if walk == "by rows" else USUAL
            self.body.append(f"{self.writer.bind('k', np.setbufsize)}({size})")
            self._walk = walk

    def out(self, node: Node, position: int) -> str:
        """Where the rows of a block of something go."""
        place = self._landing.get(node, node)
        if place not in self.loop.whole:
            return self._buffer(node, position)
        if place not in self.text:
            self.text[place] = self._whole(place)
        return self.text[place]

    def _last_uses(self) -> dict[Node, int]:
        """The last place in the loop that needs the memory that a node's rows are in."""
        root: dict[Node, Node] = {}
        last: dict[Node, int] = {}
        for position, node in enumerate(self.loop.nodes):
            view = is_view(node) and node not in self.loop.whole and node.inputs[0] in root
            root[node] = root[node.inputs[0]] if view else node
            last[root[node]] = position
            reads = *node.inputs, *(summed_inputs(node) or ()), *self.folded.get(node, ())
            for i in (*reads, *self._peaks.reads(node)):
                if i in root:
                    last[root[i]] = position
        self._ending: dict[int, list[Node]] = {}
        for node, position in last.items():
            self._ending.setdefault(position, []).append(node)
        return last

    def _landings(self) -> dict[Node, Node]:
        """What ends where something that is kept comes of it, and so is in that one's memory."""
        found = self._peaks.landings(self._last)
        kept = self.loop.sums | self.loop.whole | self._peaks.skipped | set(self._peaks.steps)
        places = {node: position for position, node in enumerate(self.loop.nodes)}
        for node in reversed(self.loop.nodes):
            place = found.get(node, node)
            if place not in self.loop.whole or node in self.loop.sums or ufunc_of(node.op) is None:
                continue
            for i in () if node in self._peaks.steps else node.inputs:
                ends = i in places and self._last.get(i) == places[node] and i not in found
                alike = (i.shape, i.dtype) == (node.shape, node.dtype)
                if ends and alike and i not in kept and ufunc_of(i.op) is not None:
                    found[i] = place
                    break
        return found

    # By rows --------------------------------------------------------------------------------------

    def by_rows(self, node: Node, position: int) -> None:
        """The lines that compute the rows of a block."""
        whole = node in self.loop.whole
        if is_view(node):
            text = self._view(node)
            if not whole:
                self.text[node] = text
                return
            out = self._whole(node)
            self.body.append(f"{self.writer.bind('k', np.copyto)}({out}, {text})")
        else:
            inputs = self._operands(node)
            out = self.out(node, position)
            self.body += self._formed(node, inputs, out)
        self.text[node] = out

    def _formed(self, node: Node, inputs: list[str], out: str) -> list[str]:
        if node in self.folded:
            return [f"{self.writer.bind('u', np.vecdot)}({', '.join(inputs)}, {out})"]
        if self.parallel and kind(node.op) == "sum" and sums_by_product(node):
            ones = self.writer.bind("c", np.ones(node.inputs[0].shape[-1], node.dtype))
            if node.params[0] == (-2,):
                return [f"{self.writer.bind('r', np.add.reduce)}({inputs[0]}, -2, None, {out})"]
            return [f"{self.writer.bind('u', np.vecdot)}({inputs[0]}, {ones}, {out})"]
        if kind(node.op) in _EXTREMA and node.params[0] == (-1,) and node.dtype.char in "fd":
            return [self._row_extrema(node, inputs[0], out)]
        form = into(node)
        assert form is not None
        return form(node, inputs, out, self.writer.bind)

    def _row_extrema(self, node: Node, x: str, out: str) -> str:
        """Largest entries of rows: NumPy is faster at parts of one long row, with the same bits."""
        *each, width = node.inputs[0].shape[1:]
        starts = [width * np.arange((high - low) * prod(each)) for low, high in self.bounds]
        ufunc, bind = _EXTREMA[kind(node.op)], self.writer.bind
        long = f"{x}.reshape(-1), {self.column('c', starts)}, 0, None, {out}.reshape(-1)"
        line = f"{bind('r', ufunc.reduceat)}({long})"
        arrays = self.columns.get(x, ())
        if arrays and all([a.flags.c_contiguous for a in arrays]):
            return line
        other = f"{bind('r', ufunc.reduce)}({x}, -1, None, {out}, {node.params[1]!r})"
        return f"{line} if {x}.flags.c_contiguous else {other}"

    def _operands(self, node: Node) -> list[str]:
        if node in self.folded:
            texts = [self.rows_of(i) for i in self.folded[node]]
            minus = -np.ones(node.inputs[0].shape[-1], node.dtype)
            return texts if len(texts) == 2 else [*texts, self.writer.bind("c", minus)]
        positions = row_inputs(node) or ()
        texts = []
        for p, i in enumerate(node.inputs):
            if is_outer(node):
                texts.append(self.rows_of(i) if p in positions else self.writer.strong(i, node))
            elif ufunc_of(node.op) in _SLOW_WITH_NUMBERS and number_of(i) is not None:
                texts.append(self._full(i, node))
            elif p in positions and i.shape != node.shape and self._is_very_short(node, i):
                texts.append(self._row_tile(i, node))
            elif p in positions:
                texts.append(self.rows_of(i))
            elif ufunc_of(node.op) is not None and prod(i.shape) > 1 and self._is_short(node):
                texts.append(self._tile(i, node))
            else:
                texts.append(self.writer.strong(i, node))
        return texts

    def rows_of(self, node: Node) -> str:
        """The rows of a block of something: of the loop's own, or of what was there before."""
        text = self.text.get(node) or self.sliced.get(node)
        if text is None:
            value = self.writer.values[node]
            if value.array is not None:
                text = self.column("v", [value.array[low:high] for low, high in self.bounds])
            else:
                text = self._name("i")
                self.body.append(f"{text} = {value.text}[s]")
            self.sliced[node] = text
        return text

    def column(self, prefix: str, arrays: list[Any]) -> str:
        """A name for an array of each block."""
        name = self._name(prefix)
        self.columns[name] = arrays
        return name

    def _name(self, prefix: str) -> str:
        return self.writer.fresh(prefix)

    def _is_short(self, node: Node) -> bool:
        return len(node.shape) > 1 and node.shape[-1] <= SHORT_ROW

    def _tile(self, node: Node, user: Node) -> str:
        """Something that is broadcast along the rows, once for each row of a block."""
        row = user.shape[1:]
        key = node, row
        text = self._tiles.get(key)
        if text is None:
            # A few rows one by one; then as many again at once, which is several times faster.
            few = max(1, WIDE // prod(row))
            shape = (ceil(self.rows / few) * few, *row)
            array = self._new(prod(shape) * node.dtype.itemsize).array(shape, node.dtype)
            wide = array.reshape(-1, few * prod(row))
            first, rest, one = [self.same(a) for a in (array[:few], wide[1:], wide[0])]
            copy = self.writer.bind("k", np.copyto)
            self._start.append(f"{copy}({first}, {self.writer.strong(node, user)})")
            self._start.append(f"{copy}({rest}, {one})")
            text = self._tiles[key] = self.column(
                "b", [array[: high - low] for low, high in self.bounds]
            )
        return text

    def same(self, array: Any) -> str:
        """An array that is the same in each block."""
        return self.column("b", [array] * self.count)

    def _full(self, node: Node, user: Node) -> str:
        """A number, for each entry of a block."""
        key = node, user.shape[1:], user.inputs[0].dtype
        if key not in self._tiles:
            array = np.full((self.rows, *user.shape[1:]), number_of(node), user.dtype)
            blocks = [array[: high - low] for low, high in self.bounds]
            self._tiles[key] = self.column("c", blocks)
        return self._tiles[key]

    @staticmethod
    def _is_very_short(node: Node, operand: Node) -> bool:
        """Whether NumPy is faster at an operand once its short rows are written out."""
        short = len(node.shape) > 1 and node.shape[-1] <= VERY_SHORT_ROW
        return short and ufunc_of(node.op) is not None and prod(operand.shape) > 1

    def _row_tile(self, node: Node, user: Node) -> str:
        """The rows of a block, broadcast to those of what uses them: once in each block."""
        key = node, user.shape[1:], "rows"
        text = self._tiles.get(key)
        if text is None:
            rows = self.rows_of(node)
            size = self.rows * prod(user.shape[1:]) * node.dtype.itemsize
            block = self.take(size)
            text = self._tiles[key] = self._block_column(block, user.shape[1:], node.dtype)
            self.body.append(f"{self.writer.bind('k', np.copyto)}({text}, {rows})")
        return text

    def _buffer(self, node: Node, position: int) -> str:
        """Memory for the rows of a block; an operand's own, if that ends here."""
        block = None
        if ufunc_of(node.op) is not None:
            for i in node.inputs:
                ends = i in self.blocks and self._last.get(i) == position
                if ends and i.shape == node.shape and i.dtype == node.dtype:
                    block = self.blocks.pop(i)
                    break
        if block is None:
            block = self.take(self.rows * _row_bytes(node))
        self.blocks[node] = block
        return self._block_column(block, node.shape[1:], node.dtype)

    def take(self, size: int) -> Block:
        """Memory for a while: it is to be added to what is free when nothing is in it any more."""
        fitting = [b for b in self.free if b.size >= size]
        if fitting:
            block = min(fitting, key=lambda b: b.size)
            self.free.remove(block)
            return block
        return self._new(size)

    def _new(self, size: int) -> Block:
        """Memory that nothing else in the loop is in."""
        block = self.writer.memory.take(size)
        self._taken.append(block)
        return block

    def _block_column(self, block: Block, row: tuple[int, ...], dtype: Any) -> str:
        sizes = {high - low for low, high in self.bounds}
        arrays = {size: block.array((size, *row), dtype) for size in sizes}
        return self.column("b", [arrays[high - low] for low, high in self.bounds])

    def _whole(self, node: Node) -> str:
        """All rows, of which a block writes its own."""
        writer = self.writer
        if node in writer.outputs:
            text = f"t{node.number}"
            writer.say(f"{text} = empty({node.shape!r}, {writer.bind('d', node.dtype)})")
            writer.values[node] = Value(text)
            name = self._name("o")
            self.body.append(f"{name} = {text}[s]")
            return name
        block = writer.memory.take(self.loop.length * _row_bytes(node))
        array = block.array(node.shape, node.dtype)
        writer.values[node] = Value(writer.bind("b", array), array, block)
        return self.column("v", [array[low:high] for low, high in self.bounds])

    def _view(self, node: Node) -> str:
        text = self.rows_of(node.inputs[0])
        arrays = self.columns.get(text)
        if arrays is not None:
            views = [seen(node, a) for a in arrays]
            if all([np.may_share_memory(v, a) for v, a in zip(views, arrays, strict=True)]):
                return self.column("v", views)
        name = self._name("w")
        look = self.writer.bind("f", seen)
        self.body.append(f"{name} = {look}({self.writer.bind('n', node)}, {text})")
        return name


def _may_be_shared(loop: Loop, count: int) -> bool:
    """Whether several threads may run a loop, and it is worth it.

    BLAS has threads of its own, and lets only one caller have them; a sum that is too large to be
    kept for each block grows from one to the next.
    """
    by_rows = [node for node in loop.nodes if node not in loop.sums]
    products = any([kind(n.op) == "matmul" for n in loop.nodes]) or any(map(is_outer, by_rows))
    kept = all([count * prod(node.shape) <= KEPT_SHARES for node in loop.sums])
    return not products and kept and max([prod(n.shape) for n in by_rows]) >= SHARED_SIZE


def _call_time(loop: Loop) -> float:
    """About how long one of the loop's calls takes for all rows, in nanoseconds."""
    times = []
    for node in loop.nodes:
        if not is_view(node):
            slow = _SLOW_ENTRY_TIME.get(node.dtype.itemsize) if kind(node.op) in SLOW else None
            entries = max([prod(i.shape) for i in (node, *node.inputs)])
            times.append(entries * (slow or _ENTRY_TIME))
    return float(sum(times) / len(times))


def _row_bytes(node: Node) -> int:
    return int(prod(node.shape[1:]) * node.dtype.itemsize)
