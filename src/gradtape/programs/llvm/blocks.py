"""Which steps of a plan run block by block: a few rows go through all of them while they are near.

The rows are the first axis of arrays that are large together. What is summed over them comes
together block by block; the rest of a block's memory is used again for the next.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from gradtape.programs.graph import Node
from gradtape.programs.llvm.accesses import Accesses
from gradtape.programs.llvm.operations import kind_of
from gradtape.programs.llvm.steps import size_of

__all__ = ["Region", "region_of"]

#: Arrays that are smaller together stay near anyway; of a block so many bytes do; a block has at
#: least so many rows, and sums over rows have at most so many entries.
LARGE, NEAR, LEAST_ROWS, LARGEST_SUM = 1 << 19, 1 << 16, 16, 1 << 14


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
    _bytes: dict[Node, int] = field(default_factory=dict)

    def note(self, nodes: Iterable[Node]) -> None:
        """Count the bytes of arrays whose rows are read or written."""
        for node in nodes:
            self._bytes[node] = size_of(node) * kind_of(node).itemsize

    def settle(self) -> bool:
        """Decide on the rows of a block; whether blocks are worth it at all."""
        total = sum(self._bytes.values())
        if len(self.steps) < 2 or total < LARGE:
            return False
        most = min(max(NEAR // (total // self.count + 1), LEAST_ROWS), self.count)
        fitting = [b for b in range(max(most // 2, 1), most + 1) if self.count % b == 0]
        self.rows = max(fitting, default=most)
        return self.rows < self.count


def region_of(steps: list[Any], accesses: Accesses, scalars: Any) -> tuple[list[Any], Any]:
    """The steps in an order in which those that share rows are together, and their region."""
    best: tuple[int, Region, list[Any]] | None = None
    for count in _counts(steps):
        region, order = _Gatherer(count, accesses, scalars).gathered(steps)
        weight = sum(region._bytes.values())
        if region.settle() and (best is None or weight > best[0]):
            best = weight, region, order
    return (steps, None) if best is None else (best[2], best[1])


def _counts(steps: list[Any]) -> list[int]:
    counts: dict[int, int] = {}
    for step in steps:
        for n, size in step.row_counts():
            counts[n] = counts.get(n, 0) + size
    likely = sorted(counts, key=lambda n: -counts[n])
    return [n for n in likely[:2] if n >= 2 * LEAST_ROWS]


class _Gatherer:
    """Sorts steps into those before a region, in it, and behind it."""

    def __init__(self, count: int, accesses: Accesses, scalars: Any) -> None:
        self.region = Region(count)
        self._accesses = accesses
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
        if any([size_of(node) > LARGEST_SUM for node in sums]):
            return False
        self.region.steps.append(step)
        self.region.inside.update(inside)
        self.region.sums.update(sums)
        self._late.update(sums)
        self.region.note([*rowwise, *[node for node in inside if size_of(node) > 1]])
        return True
