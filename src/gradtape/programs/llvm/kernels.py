"""What becomes a kernel: the steps of a program, each one loop nest over as much as fits into it.

Entries are loaded once and used by everything that walks over them in the same order. Values of one
entry are never in memory: they are scalars, computed between the steps.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from gradtape.derivatives.indexing import is_basic
from gradtape.derivatives.linear_algebra import matrix_product
from gradtape.derivatives.primitives import embed
from gradtape.derivatives.reductions import average, largest, product, smallest, total
from gradtape.derivatives.shapes import joined, transposed
from gradtape.programs.graph import Graph, Node
from gradtape.programs.llvm.accesses import Access, Accesses, contiguous, is_view, picked_entries
from gradtape.programs.llvm.blocks import LARGEST_SUM, Region, region_of
from gradtape.programs.llvm.gathers import gather_of, is_gather
from gradtape.programs.llvm.mathematics_lanes import has_wide_registers
from gradtape.programs.llvm.operations import BOOL, INT, REALS, kind_of, operation_of
from gradtape.programs.llvm.recomputing import recompute
from gradtape.programs.llvm.steps import (
    Loop,
    Placement,
    Product,
    Reduction,
    core_of,
    in_memory,
    size_of,
)
from gradtape.programs.rewrites.looks import holds_nan

__all__ = ["REDUCTIONS", "Plan", "is_native", "planned"]

Shape = tuple[int, ...]

#: The reductions, and what they do with two entries.
REDUCTIONS = {
    total: "sum",
    average: "mean",
    largest: "max",
    smallest: "min",
    product: "prod",
    holds_nan: "nan",
}

#: More work than this in a product of matrices is for BLAS.
SMALL_PRODUCT = 1 << 19
#: And than this in each of several.
SMALL_PRODUCTS = 1 << 15
#: Unless one of the lengths is at most this, and the next one twice as much.
SLIM = 32
#: With wide registers a product is as fast as by BLAS, and does not wait for threads of another
#: pool: one of up to so much work, of so many rows, columns and terms at least, and so many terms
#: at most.
LARGE_PRODUCT, BLOCK, TERMS = 1 << 28, 8, 1 << 12


def is_native(node: Node) -> bool:
    """Whether a node can be part of native code."""
    if node.op is None:
        return _is_given_natively(node)
    if type(node.shape) is not tuple or any([type(n) is not int for n in node.shape]):
        return False
    if not all([type(i.shape) is tuple and kind_of(i) is not None for i in node.inputs]):
        return False
    if kind_of(node) is None or 0 in node.shape or any([0 in i.shape for i in node.inputs]):
        return False
    if node.op in (joined, embed) and size_of(node) == 1:
        return False
    if is_view(node) or node.op is joined:
        return bool(all([kind_of(i) == kind_of(node) for i in node.inputs]))
    if node.op is embed:
        return bool(is_basic(node.params[1]) and kind_of(node.inputs[0]) == kind_of(node))
    if node.op is matrix_product:
        return _is_native_product(node)
    if node.op in REDUCTIONS:
        return _is_reducible(node)
    return is_gather(node) or operation_of(node) is not None


def _is_given_natively(node: Node) -> bool:
    if kind_of(node) is None or type(node.shape) is not tuple:
        return False
    if isinstance(node.value, np.ndarray):
        lies = node.value.flags
        steps = [s >= 0 and s % node.value.itemsize == 0 for s in node.value.strides]
        return bool(lies.aligned and all(steps))
    if node.dtype is int and node.value is not None:
        return bool(-(2**63) <= node.value < 2**63)
    return True


def _is_native_product(node: Node) -> bool:
    x, y = node.inputs
    if {kind_of(x), kind_of(y)} != {kind_of(node)} or kind_of(node) not in REALS:
        return False
    (m, k), n = x.shape[-2:], y.shape[-1]
    least, middle, _ = sorted((m, k, n))
    small: bool = m * k * n <= (SMALL_PRODUCTS if size_of(node) > m * n else SMALL_PRODUCT)
    if m * n == 1 or small or (least <= SLIM and middle <= 2 * SLIM):
        return True
    if size_of(node) > m * n or least < BLOCK or k > TERMS or _is_turned(y):
        return False
    return m * k * n <= LARGE_PRODUCT and has_wide_registers()


def _is_turned(node: Node) -> bool:
    """Whether a large matrix lies in memory column by column, so that it would be copied."""
    while size_of(node) > LARGEST_SUM and is_view(node):
        if node.op is transposed:
            return True
        (node,) = node.inputs
    return False


def _is_reducible(node: Node) -> bool:
    kind, out = kind_of(node.inputs[0]), kind_of(node)
    if node.op is holds_nan:
        return kind in REALS
    if kind in REALS:
        return bool(kind == out)
    return node.op is total and out == INT and kind in (BOOL, INT)


@dataclass(eq=False)
class Plan:
    """The steps of a program, and what lies between them."""

    steps: list[Any] = field(default_factory=list)
    #: The scalars that are computed before each step, and after the last.
    scalars: dict[int, list[Node]] = field(default_factory=dict)
    #: The nodes that have memory, with the steps that they are written in and last read in.
    memory: dict[Node, list[int]] = field(default_factory=dict)
    accesses: Accesses = field(default_factory=Accesses)
    #: Of each output the node whose memory it is.
    outputs: list[Node] = field(default_factory=list)
    #: The steps that run block by block, if some do.
    region: Region | None = None

    def entries(self, node: Node) -> int:
        """How many entries a node has memory for."""
        if self.region and node in self.region.local:
            return size_of(node) // self.region.count * self.region.rows
        return size_of(node)

    def kernels(self, graph: Graph) -> dict[Node, str]:
        """In which kernel each node is computed, in words."""
        names = {
            node: "a view" if is_view(node) and size_of(node) > 1 else "a number"
            for node in graph.nodes
            if node.op is not None
        }
        inside = set(self.region.steps) if self.region else set()
        for k, step in enumerate(self.steps):
            blocks = f", {self.region.rows} rows at once" if self.region and step in inside else ""
            for node in step.results():
                names[node] = f"{type(step).__name__.lower()} {k}{blocks}"
        return names


def planned(graph: Graph) -> Plan:
    """The steps of a graph whose nodes are all native."""
    return _Planner(graph).plan


class _Planner:
    def __init__(self, graph: Graph) -> None:
        self.plan = Plan()
        self._access = self.plan.accesses
        self._loop: dict[Node, int] = {}  # elementwise nodes: the step that computes them
        self._ready: dict[Node, int] = {}  # the first step that may read a node from memory
        for node in graph.nodes:
            self._place(node)
        for node in graph.outputs:
            self._output(node)
        self._recompute(graph)
        _Arranger(self.plan, graph)

    def _recompute(self, graph: Graph) -> None:
        """Let loops compute what they would read, where that costs less."""
        scalars = [i for nodes in self.plan.scalars.values() for n in nodes for i in n.inputs]
        watched = [*graph.outputs, *[guard.node for guard in graph.guards], *scalars]
        fixed = [*self.plan.outputs, *[self._access[node].root for node in watched]]
        self.plan.steps = recompute(self.plan.steps, self._access, fixed)

    def _place(self, node: Node) -> None:
        if node.op is None:
            self._ready[node] = 0
        elif node.op is matrix_product and size_of(node) > 1:
            self._product(node)
        elif node.op in REDUCTIONS and size_of(node.inputs[0]) > 1:
            self._reduce(node, REDUCTIONS[node.op], self._axes(node))
        elif node.op is matrix_product and size_of(node.inputs[0]) > 1:
            self._reduce(node, "sum", frozenset({0}))
        elif size_of(node) == 1 and node.op is not embed:
            self._scalar(node)
        elif is_view(node) and self._access[node].root is not node:
            self._ready[node] = self._ready_root(node)
        elif is_view(node) or node.op in (embed, joined):
            self._append(self._placement(node), node)
        elif is_gather(node):
            self._append(gather_of(node, self._access[node.inputs[0]]), node)
        else:
            self._elementwise(node)

    def _axes(self, node: Node) -> frozenset[int]:
        rank = len(node.inputs[0].shape)
        if node.op is holds_nan:
            return frozenset(range(rank))
        return frozenset([axis % rank for axis in node.params[0]])

    def _ready_root(self, node: Node) -> int:
        return self._ready[self._access[node].root]

    def _append(self, step: Any, node: Node) -> None:
        self.plan.steps.append(step)
        self._ready[node] = len(self.plan.steps)

    def _scalar(self, node: Node) -> None:
        ready = max([self._ready_root(i) for i in node.inputs])
        self._ready[node] = ready
        self.plan.scalars.setdefault(ready, []).append(node)

    def _product(self, node: Node) -> None:
        left, right = [self._access[i] for i in node.inputs]
        m, n = left.shape[-2], right.shape[-1]
        if n > 1 and not _runs_along(right, -1):
            right = self._copied(right)
        elif n == 1:
            if not (m > 1 and _runs_along(left, -2)) and not _runs_along(left, -1):
                left = self._copied(left)
            if not (m > 1 and _runs_along(left, -2)) and not _runs_along(right, -2):
                right = self._copied(right)
        batch = node.shape[:-2] if size_of(node) > m * n else ()
        left, right = [_of_batch(access, batch) for access in (left, right)]
        self._append(Product(node, left, right), node)

    def _copied(self, access: Access) -> Access:
        """A copy whose entries lie one after the other."""
        copy = Node(-1, np.copy, (), (), access.shape, access.root.dtype)
        whole = Access(copy, 0, access.shape, contiguous(access.shape))
        self._append(Placement(copy, False, [(access, whole)]), copy)
        return whole

    def _placement(self, node: Node) -> Placement:
        whole = Access(node, 0, node.shape, self._access[node].strides)
        sources = [self._access[i] for i in node.inputs]
        if node.op is embed:
            (source,) = sources
            target = placed(whole, node.params[1])
            return Placement(node, True, [(source, target)])
        if node.op is joined:
            axis = node.params[0] % len(node.shape)
            parts = []
            start = 0
            for source in sources:
                stop = start + source.shape[axis]
                index = (*[slice(None)] * axis, slice(start, stop))
                parts.append((source, placed(whole, index)))
                start = stop
            return Placement(node, False, parts)
        (source,) = sources
        return Placement(
            node, False, [(source, Access(node, 0, source.shape, contiguous(source.shape)))]
        )

    def _elementwise(self, node: Node) -> None:
        accesses = [self._access[i] for i in node.inputs]
        size = size_of(node)
        structured = any([not self._direct(a, size) for a in accesses])
        core = core_of(node.shape) if structured else None
        index, loop = self._loop_for(accesses, size, core)
        loop.nodes.append(node)
        self._loop[node] = index
        self._ready[node] = index + 1

    def _reduce(self, node: Node, how: str, axes: frozenset[int]) -> None:
        accesses = tuple([self._access[i] for i in node.inputs])
        shape = node.inputs[0].shape
        if node.op is matrix_product:
            shape = (size_of(node.inputs[0]),)
            accesses = tuple([_flattened(a) for a in accesses])
        size = prod(shape)
        partial = not axes >= {i for i, n in enumerate(shape) if n > 1}
        structured = partial or any([not self._direct(a, size) for a in accesses])
        core = core_of(shape) if structured else None
        index, loop = self._loop_for(accesses, size, core)
        loop.reductions.append(Reduction(node, how, accesses, shape, axes))
        self._ready[node] = index + 1

    def _direct(self, access: Access, size: int) -> bool:
        """Whether an operand needs no strides of its own."""
        return size_of(access.root) == 1 or (access.size == size and access.is_whole)

    def _loop_for(self, accesses: Any, size: int, core: Shape | None) -> tuple[int, Loop]:
        """The loop that something joins, and which step that is."""
        preferred = sorted({self._loop[a.root] for a in accesses if a.root in self._loop})
        loops = [k for k, step in enumerate(self.plan.steps) if type(step) is Loop]
        for k in [*reversed(preferred), *loops]:
            loop = self.plan.steps[k]
            if loop.fits(size, core) and all([self._readable(a, k, size) for a in accesses]):
                loop.core = loop.core or core
                return k, loop
        loop = Loop(size, core)
        self.plan.steps.append(loop)
        return len(self.plan.steps) - 1, loop

    def _readable(self, access: Access, k: int, size: int) -> bool:
        """Whether step k may read an operand: from memory, or because it computes it itself."""
        if self._ready[access.root] <= k:
            return True
        return self._loop.get(access.root) == k and self._direct(access, size)

    def _output(self, node: Node) -> None:
        """Let the node that an output looks at be computed in its memory, or copy it there."""
        access = self._access[node]
        root = access.root
        if size_of(node) == 1:
            self.plan.outputs.append(node)
        elif access.is_whole and root.op is not None and root not in self.plan.outputs:
            self.plan.outputs.append(root)
        else:
            self.plan.outputs.append(self._copied(access).root)


class _Arranger:
    """Puts steps and scalars into their final order, and finds out what needs memory, and when."""

    def __init__(self, plan: Plan, graph: Graph) -> None:
        self._plan, self._access = plan, plan.accesses
        scalars = [node for nodes in plan.scalars.values() for node in nodes]
        scalars.sort(key=lambda node: node.number)
        known = set(scalars)
        stored = {*plan.outputs, *in_memory(plan.steps, plan.accesses)}
        plan.steps, plan.region = region_of(
            plan.steps, plan.accesses, lambda n: n in known, {n for n in stored if size_of(n) > 1}
        )
        self._made = {node: k for k, step in enumerate(plan.steps) for node in step.results()}
        region = plan.region
        self._first = plan.steps.index(region.steps[0]) if region else 0
        self._last = self._first + len(region.steps) - 1 if region else -1
        self._place_scalars(scalars)
        self._find_memory(graph)

    def _place_scalars(self, scalars: list[Node]) -> None:
        """Before which step each scalar is computed; within a region there are none."""
        places: dict[Node, int] = {}
        self._plan.scalars = {}
        for node in scalars:
            roots = [self._access[i].root for i in node.inputs]
            place = max([places.get(r, self._made.get(r, -1) + 1) for r in roots], default=0)
            if self._first < place <= self._last:
                place = self._last + 1
            places[node] = place
            self._plan.scalars.setdefault(place, []).append(node)

    def _find_memory(self, graph: Graph) -> None:
        """Which nodes are stored: what is read by other steps than the one that computes it."""
        end = len(self._plan.steps)
        memory = self._plan.memory
        for k, step in enumerate(self._plan.steps):
            for access in step.reads(self._access):
                if not (type(step) is Loop and access.root in step.nodes):
                    self._read(access, k)
            for node in step.stored():
                memory.setdefault(node, [k, k])
        for k, nodes in self._plan.scalars.items():
            for node in nodes:
                for i in node.inputs:
                    self._read(self._access[i], k)
        for node in [*graph.outputs, *[guard.node for guard in graph.guards]]:
            self._read(self._access[node], end)
        if self._plan.region:
            self._share_a_block(self._plan.region)

    def _read(self, access: Access, k: int) -> None:
        root = access.root
        if size_of(root) == 1 or root.op is None:
            return
        span = self._plan.memory.setdefault(root, [self._made[root], k])
        span[1] = max(span[1], k)

    def _share_a_block(self, region: Region) -> None:
        """In a region everything lives as long as the region; what only it needs, as a block."""
        outputs = set(self._plan.outputs)
        for node, span in self._plan.memory.items():
            if node in region.inside and span[1] <= self._last and node not in outputs:
                region.local.add(node)
            if self._first <= span[0] <= self._last:
                span[0] = self._first
            if self._first <= span[1] <= self._last:
                span[1] = self._last


def placed(whole: Access, index: Any) -> Access:
    """Where the entries lie that a basic index picks."""
    memory = np.empty(prod(whole.shape), np.int8).reshape(whole.shape)
    seen = picked_entries(memory, index)
    offset = seen.__array_interface__["data"][0] - memory.__array_interface__["data"][0]
    return Access(whole.root, offset, seen.shape, seen.strides)


def _runs_along(access: Access, axis: int) -> bool:
    """Whether the entries along an axis lie one after the other."""
    return size_of(access.root) == 1 or access.shape[axis] == 1 or access.strides[axis] == 1


def _of_batch(access: Access, batch: Shape) -> Access:
    """Matrices as those of a batch; those of none are in it everywhere."""
    if len(access.shape) == 2 and not batch:
        return access
    shape = (*batch, *access.shape[-2:])
    return Access(access.root, access.offset, shape, access.onto(shape)[-len(shape) :])


def _flattened(access: Access) -> Access:
    """The access of a row or a column as that of a vector."""
    axes = [i for i, n in enumerate(access.shape) if n != 1]
    stride = access.strides[axes[0]] if axes else 0
    return Access(access.root, access.offset, (access.size,), (stride,))
