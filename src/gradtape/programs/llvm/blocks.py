"""Which steps of a plan run block by block: a few rows go through all of them while they are near.

The rows are the first axis of arrays that are large together. What is summed over them comes
together block by block; the rest of a block's memory is used again for the next.

Where there is much to do, the blocks are dealt out in pieces, which several threads may run. So are
the rows of a single large step. What a piece sums up is kept apart until all are done, and then
brought together in order: the result does not depend on who ran what.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import gcd, prod
from typing import Any

from gradtape.programs.graph import Node
from gradtape.programs.llvm.accesses import Accesses
from gradtape.programs.llvm.operations import kind_of, operation_of
from gradtape.programs.llvm.steps import Loop, Product, size_of
from gradtape.programs.threads import MOST_THREADS

__all__ = ["LARGEST_SUM", "WORTH", "Region", "in_pieces", "region_of", "work_of"]

#: Arrays that are smaller together stay near anyway; of a block so many bytes do; a block has at
#: least so many rows, and sums over rows and matrices that rows are multiplied with have at most so
#: many entries.
LARGE, NEAR, LEAST_ROWS, LARGEST_SUM = 1 << 19, 1 << 16, 16, 1 << 14
#: Of a block whose steps all go row by row.
FEWEST_ROWS = 2

#: From how much work on threads are worth it, how much a piece has at least, and how much more of
#: it than what it sums up has entries. (A unit is some 25 picoseconds: a term of a product.)
WORTH, PIECE, GATHERED = 3 << 18, 3 << 16, 400
#: With a large matrix so many rows at least are multiplied, which read it together.
ROWS_OF_LARGE = 64
#: Work for an entry: to read and write it, a short operation, a long one.
TOUCHED, SHORT, LONG = 4, 1, 24


@dataclass(eq=False)
class Region:
    """Steps that run block by block."""

    count: int
    rows: int = 0
    steps: list[Any] = field(default_factory=list)
    #: The nodes whose rows are computed in a block, and those that the blocks add up to.
    inside: set[Node] = field(default_factory=set)
    sums: set[Node] = field(default_factory=set)
    #: Those of the first whose memory is that of a block.
    local: set[Node] = field(default_factory=set)
    #: How many blocks a piece has, and whether it is one step whose blocks are pieces.
    together: int = 0
    solo: bool = False
    _bytes: dict[Node, int] = field(default_factory=dict)

    @property
    def blocks(self) -> tuple[int, int]:
        """How many blocks are whole, and how many rows are left."""
        return divmod(self.count, self.rows)

    @property
    def pieces(self) -> int:
        """Into how many pieces it is cut; 0 if it is not. The last one has all that is left."""
        return -(-self.blocks[0] // self.together) if self.together else 0

    def deal(self) -> None:
        """Decide on the pieces."""
        blocks, _ = self.blocks
        most = min(_most_pieces(sum(map(work_of, self.steps)), self.sums), blocks)
        if most > 1:
            self.together = -(-blocks // most)

    def note(self, nodes: Iterable[Node]) -> None:
        """Count the bytes of arrays whose rows are read or written."""
        for node in nodes:
            self._bytes[node] = size_of(node) * kind_of(node).itemsize

    def settle(self) -> bool:
        """Decide on the rows of a block; whether blocks are worth it at all."""
        total = sum(self._bytes.values())
        if len(self.steps) < 2 or total < LARGE:
            return False
        products = any([type(step) is Product for step in self.steps])  # which read whole matrices
        least = LEAST_ROWS if products else FEWEST_ROWS
        most = min(max(NEAR // (total // self.count + 1), least), self.count)
        fitting = [b for b in range(max(most // 2, 1), most + 1) if self.count % b == 0]
        self.rows = max(fitting, default=most)
        return self.rows < self.count


def work_of(step: Any) -> int:
    """How much a step has to do."""
    if type(step) is Product:
        return step.work
    if type(step) is not Loop:
        return TOUCHED * size_of(step.node)
    operations = [operation_of(node) for node in step.nodes]
    long = len([o for o in operations if o and o.name])
    members = len(step.nodes) + len(step.reductions) - long
    return step.size * (TOUCHED + SHORT * members + LONG * long)


def _most_pieces(work: int, sums: Iterable[Node]) -> int:
    if work < WORTH:
        return 1
    gathered = GATHERED * sum(map(size_of, sums))
    return min(work // PIECE, work // max(gathered, 1), MOST_THREADS)


def in_pieces(steps: list[Any], region: Region | None, accesses: Accesses) -> dict[Any, Region]:
    """What is cut into pieces, by its first step: the region, and large steps outside of it."""
    inside = region.steps if region else []
    found = {region.steps[0]: region} if region and region.pieces else {}
    for step in steps:
        solo = None if step in inside else _solo(step, accesses)
        if solo:
            found[step] = solo
    return found


def _solo(step: Any, accesses: Accesses) -> Region | None:
    """The pieces of a single step, if it is worth it."""
    work = work_of(step)
    if work < WORTH:
        return None
    if type(step) is Loop:
        core = step.core or (step.size,)
        count, width = core[0], step.size // core[0]
        sums = {r.node for r in step.reductions if not r.result_strides(core)[0]}
    elif type(step) is Product and step.batch:
        count, width, sums = step.batch[0], prod(step.node.shape) // step.batch[0], set()
    elif type(step) is Product and size_of(step.node) > LARGEST_SUM:
        count, width, sums = step.left.shape[0], ROWS_OF_LARGE, set()
    elif type(step) is Product:
        found = [step.by_rows(count, accesses) for count, _ in step.row_counts()]
        fitting = [(n, f) for (n, _), f in zip(step.row_counts(), found, strict=True) if f]
        if not fitting:
            return None
        count, (_, _, _, added) = max(fitting, key=lambda pair: pair[0])
        width, sums = 1, set(added)
    else:
        return None
    most = min(_most_pieces(work, sums), count)
    if type(step) is Product and size_of(step.right.root) > LARGEST_SUM and not step.batch:
        most = min(most, count // ROWS_OF_LARGE)
    if most < 2:
        return None
    rows = _rows_of_piece(count, most, width)
    return Region(count, rows, [step], set(step.results()) - sums, sums, together=1, solo=True)


def _rows_of_piece(count: int, most: int, width: int) -> int:
    """So many rows that all pieces are alike and begin with whole vectors, as far as possible."""
    likely = [n for n in range(most, most // 2, -1) if count % n == 0]
    for n in likely:
        if count // n * width % LEAST_ROWS == 0:
            return count // n
    if likely:
        return count // likely[0]
    step = LEAST_ROWS // gcd(width, LEAST_ROWS)
    rows = -(-count // most)
    return rows if rows < 4 * step else -(-rows // step) * step


def region_of(
    steps: list[Any], accesses: Accesses, scalars: Any, stored: set[Node]
) -> tuple[list[Any], Any]:
    """The steps in an order in which those that share rows are together, and their region.

    Of the nodes that steps compute, those that are ``stored`` count where memory is looked at.
    """
    best: tuple[int, Region, list[Any]] | None = None
    for count in _counts(steps):
        region, order = _Gatherer(count, accesses, scalars, stored).gathered(steps)
        weight = sum(region._bytes.values())
        if region.settle() and (best is None or weight > best[0]):
            best = weight, region, order
    if best is None:
        return steps, None
    best[1].deal()
    return best[2], best[1]


def _counts(steps: list[Any]) -> list[int]:
    counts: dict[int, int] = {}
    for step in steps:
        for n, size in step.row_counts():
            counts[n] = counts.get(n, 0) + size
    likely = sorted(counts, key=lambda n: -counts[n])
    return [n for n in likely[:2] if n >= 2 * LEAST_ROWS]


class _Gatherer:
    """Sorts steps into those before a region, in it, and behind it."""

    def __init__(self, count: int, accesses: Accesses, scalars: Any, stored: set[Node]) -> None:
        self.region = Region(count)
        self._accesses, self._stored = accesses, stored
        self._late: set[Node] = set()  # what is known only behind the region
        self._is_scalar = scalars
        self._seen: dict[Node, bool] = {}

    def gathered(self, steps: list[Any]) -> tuple[Region, list[Any]]:
        """The region and all steps in order."""
        before: list[Any] = []
        behind: list[Any] = []
        for step in steps:
            roots = {access.root for access in step.reads(self._accesses)} - set(step.results())
            if any([self._is_late(root) for root in roots]):
                behind.append(step)
                self._late.update(step.results())
            elif not self._joined(step):
                apart = not roots & self.region.inside
                (before if apart else behind).append(step)
                if not apart:
                    self._late.update(step.results())
        return self.region, [*before, *self.region.steps, *behind]

    def _is_late(self, node: Node) -> bool:
        if node in self._late:
            return True
        if not self._is_scalar(node):
            return False
        if node not in self._seen or not self._seen[node]:
            roots = [self._accesses[i].root for i in node.inputs]
            self._seen[node] = any([r in self.region.inside or self._is_late(r) for r in roots])
        return self._seen[node]

    def _joined(self, step: Any) -> bool:
        """Take a step into the region, if its rows are those of the region."""
        found = step.by_rows(self.region.count, self._accesses)
        if found is None:
            return False
        rowwise, whole, inside, sums = found
        if any([root in self.region.inside for root in whole]):
            return False
        read = whole if type(step) is Product and not step.batch else []
        if any([size_of(node) > LARGEST_SUM for node in [*sums, *read]]):
            return False
        self.region.steps.append(step)
        self.region.inside.update(inside)
        self.region.sums.update(sums)
        self._late.update(sums)
        self.region.note([*rowwise, *[node for node in inside if node in self._stored]])
        return True
