"""The steps of a program: what each reads and computes, and which rows it walks over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from math import prod
from typing import Any

from gradtape.programs.graph import Node
from gradtape.programs.llvm.accesses import Access, Accesses, contiguous

__all__ = ["ByRows", "Loop", "OneNode", "Placement", "Product", "Reduction"]
__all__ += ["core_of", "in_memory", "size_of"]

Shape = tuple[int, ...]

#: Loops with more members than this would keep too much in registers.
MOST_MEMBERS = 48

#: How a step goes over rows: the nodes whose rows it reads, those that it reads whole, those whose
#: rows it computes, and those that it adds up to.
ByRows = tuple[list[Node], list[Node], list[Node], list[Node]]


def size_of(node: Node) -> int:
    """The number of entries."""
    return prod(node.shape)


def core_of(shape: Shape) -> Shape:
    """The axes that have more than one entry."""
    return tuple([n for n in shape if n != 1])


@dataclass(eq=False)
class Reduction:
    """A member of a loop that reduces what it walks over."""

    node: Node
    how: str
    #: What is reduced: one operand, or two whose product is.
    operands: tuple[Access, ...]
    shape: Shape
    #: The axes of the shape that are reduced, from the first.
    axes: frozenset[int]

    def result_strides(self, core: Shape) -> Shape:
        """The strides of the result along the axes that are walked over."""
        if size_of(self.node) == 1:
            return (0,) * len(core)
        kept = contiguous(tuple([1 if i in self.axes else n for i, n in enumerate(self.shape)]))
        return tuple(
            [
                0 if i in self.axes else s
                for i, (s, n) in enumerate(zip(kept, self.shape, strict=True))
                if n != 1
            ]
        )


@dataclass(eq=False)
class Loop:
    """Elementwise nodes and reductions over the same entries in the same order."""

    size: int
    core: Shape | None = None
    nodes: list[Node] = field(default_factory=list)
    reductions: list[Reduction] = field(default_factory=list)

    def fits(self, size: int, core: Shape | None) -> bool:
        """Whether something may join."""
        if len(self.nodes) + len(self.reductions) >= MOST_MEMBERS:
            return False
        return self.size == size and (self.core is None or core is None or self.core == core)

    def strides(self, access: Access, shape: Shape) -> Shape:
        """The strides of a member's operand along the axes that are walked over."""
        if self.core is None:
            return (1,)
        if core_of(shape) != self.core:  # a member that does not look at axes
            return contiguous(self.core)
        return tuple([s for s, n in zip(access.onto(shape), shape, strict=True) if n != 1])

    def operands(self, accesses: Accesses) -> Iterator[tuple[Access, Shape]]:
        """What the members take, each with its member's shape."""
        for node in self.nodes:
            for i in node.inputs:
                yield accesses[i], node.shape
        for reduction in self.reductions:
            for access in reduction.operands:
                yield access, reduction.shape

    def reads(self, accesses: Accesses) -> list[Access]:
        """What it reads."""
        return [access for access, _ in self.operands(accesses)]

    def results(self) -> list[Node]:
        """What it computes."""
        return [*self.nodes, *[r.node for r in self.reductions]]

    def stored(self) -> list[Node]:
        """What it always writes to memory."""
        return [r.node for r in self.reductions if size_of(r.node) > 1]

    def row_counts(self) -> list[tuple[int, int]]:
        """How many rows it may have, and how much it walks over."""
        return [(self.core[0], self.size)] if self.core else []

    def by_rows(self, count: int, accesses: Accesses) -> ByRows | None:
        """How it goes over so many rows; None if it does not."""
        if self.size % count or (self.core is not None and self.core[0] != count):
            return None
        core = self.core or (self.size,)
        rowwise: list[Node] = []
        whole: list[Node] = []
        sums: list[Node] = []
        for access, shape in self.operands(accesses):
            root = access.root
            if size_of(root) == 1 or root in self.nodes:
                continue
            first, *strides = self.strides(access, shape)
            if self.core is None:
                first = size_of(root) // count
            if first == 0:
                whole.append(root)
            elif first * count == size_of(root) and _in_row(
                access.offset, core[1:], strides, first
            ):
                rowwise.append(root)
            else:
                return None
        inside = list(self.nodes)
        for r in self.reductions:
            (sums if self.core is None or not r.result_strides(core)[0] else inside).append(r.node)
        return rowwise, whole, inside, sums


@dataclass(eq=False)
class OneNode:
    """A step that computes one node, as a whole."""

    node: Node

    def results(self) -> list[Node]:
        """What it computes."""
        return [self.node]

    stored = results

    def row_counts(self) -> list[tuple[int, int]]:
        """How many rows it may have: none."""
        return []

    def by_rows(self, count: int, accesses: Accesses) -> ByRows | None:
        """How it goes over so many rows: not at all."""
        return None


@dataclass(eq=False)
class Placement(OneNode):
    """An array that is put together of parts: each an access, and where it goes."""

    zeros: bool
    parts: list[tuple[Access, Access]]

    def reads(self, accesses: Accesses) -> list[Access]:
        """What it reads."""
        return [source for source, _ in self.parts]


@dataclass(eq=False)
class Product:
    """A small product of two matrices, or as many as the axes before theirs say.

    Both operands have those axes, with strides of 0 where they are broadcast.
    """

    node: Node
    left: Access
    right: Access

    @property
    def batch(self) -> Shape:
        """How many matrices."""
        return self.left.shape[:-2]

    @property
    def work(self) -> int:
        """The number of products of numbers."""
        return self.left.size * self.right.shape[-1]

    def reads(self, accesses: Accesses) -> list[Access]:
        """What it reads."""
        return [self.left, self.right]

    def results(self) -> list[Node]:
        """What it computes."""
        return [self.node]

    stored = results

    def row_counts(self) -> list[tuple[int, int]]:
        """How many rows it may have, and how much it walks over."""
        return [] if self.batch else [(n, self.work) for n in self.left.shape]

    def by_rows(self, count: int, accesses: Accesses) -> ByRows | None:
        """How it goes over so many rows; None if it does not."""
        if self.batch:
            return None
        m, k = self.left.shape
        if m == count and _has_rows(self.left, 0):
            return [self.left.root], [self.right.root], [self.node], []
        if k == count and _has_rows(self.left, 1) and _has_rows(self.right, 0):
            return [self.left.root, self.right.root], [], [], [self.node]
        return None


def in_memory(steps: Iterable[Any], accesses: Accesses) -> set[Node]:
    """What steps read from memory, and what they always write to it."""
    found: set[Node] = set()
    for step in steps:
        inside = set(step.nodes) if type(step) is Loop else set()
        found.update([a.root for a in step.reads(accesses) if a.root not in inside])
        found.update(step.stored())
    return found


def _in_row(offset: int, lengths: Any, strides: Any, row: int) -> bool:
    """Whether what is read beside the first axis stays within a row."""
    reach = offset + sum([(n - 1) * s for n, s in zip(lengths, strides, strict=True)])
    return min(strides, default=0) >= 0 <= offset and reach < row


def _has_rows(access: Access, axis: int) -> bool:
    """Whether the places along an axis of a matrix are the rows of its root."""
    root, n, other = access.root, access.shape[axis], 1 - axis
    row = size_of(root) // n
    return (
        size_of(root) > 1
        and access.strides[axis] * n == size_of(root)
        and _in_row(access.offset, [access.shape[other]], [access.strides[other]], row)
    )
