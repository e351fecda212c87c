"""Which nodes of a graph can be computed a block of rows at a time, and in which loops.

The rows of an array are its entries along the first axis. A node is computed by rows if row i of it
depends on the rows i of some inputs alone (and on others as a whole); it sums rows if it is a
reduction over them. Large arrays that follow from each other are then computed block by block, each
block small enough for the cache; what comes between two loops is computed in between.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from gradtape.programs.forms import into, is_view
from gradtape.programs.graph import Graph, Guard, Node
from gradtape.programs.rewrites.building import kind, ufunc_of

__all__ = ["LARGE_BYTES", "Item", "Loop", "nbytes", "planned", "row_inputs", "summed_inputs"]

#: From this size on, an array is computed by blocks.
LARGE_BYTES = 1 << 18
#: A matrix that each block is multiplied with is no larger, nor one that blocks add up to.
SMALL_MATRIX_BYTES = 1 << 16

_REDUCTIONS = frozenset({"sum", "max", "min"})


@dataclass(eq=False)
class Loop:
    """Nodes that are computed block by block."""

    length: int
    nodes: list[Node] = field(default_factory=list)
    #: Those that sum rows, which are there after the loop.
    sums: set[Node] = field(default_factory=set)
    #: Those by rows that are needed as a whole, after the loop.
    whole: set[Node] = field(default_factory=set)


Item = Node | Guard | Loop


def nbytes(node: Node) -> int:
    """The size of a node's array; a Python number counts as one of NumPy's."""
    size = node.dtype.itemsize if isinstance(node.dtype, np.dtype) else 8
    return int(prod(node.shape) * size)


def planned(graph: Graph) -> list[Item]:
    """The nodes that are computed as a whole, the guards, and the loops, in an order to run."""
    lengths = {
        node.shape[0]
        for node in graph.nodes
        if _is_array(node) and nbytes(node) >= LARGE_BYTES and not is_view(node)
        if node.op is not None
    }
    whole: set[Node] = set()
    while True:
        plan = _Levels(graph, lengths, whole)
        poor = [node for loop in plan.loops() if not _pays(loop) for node in loop.nodes]
        if not poor:
            return plan.items()
        whole.update(poor)


def _pays(loop: Loop) -> bool:
    """Whether a loop has enough to do with blocks that are still in the cache."""
    large = [node for node in loop.nodes if node not in loop.sums and nbytes(node) >= LARGE_BYTES]
    return loop.length > 1 and len(large) > 0 and len(loop.nodes) > 1


def _is_array(node: Node) -> bool:
    return (
        isinstance(node.dtype, np.dtype)
        and node.dtype.kind in "fciub"
        and len(node.shape) > 0
        and node.shape[0] > 1
        and prod(node.shape) > 0
    )


def row_inputs(node: Node) -> tuple[int, ...] | None:
    """The inputs of which row i is needed for row i of a node, or None if it is not so computed."""
    if ufunc_of(node.op) is not None or kind(node.op) == "where":
        return _aligned(node, range(len(node.inputs)))
    name = kind(node.op)
    x = node.inputs[0] if node.inputs else None
    if x is None or not _is_array(x):
        return None
    same = x.shape[0] == node.shape[0]
    if name in _REDUCTIONS:
        return (0,) if -len(x.shape) not in node.params[0] and same else None
    if name in ("reshape", "astype"):
        return (0,) if same else None
    if name == "getitem":
        return (0,) if same and _keeps_rows(node.params[0]) else None
    if name == "transpose":
        first = len(x.shape) > len(node.params[0]) or node.params[0][0] == -len(x.shape)
        return (0,) if first else None
    if name == "broadcast":
        return (0,) if same and len(x.shape) == len(node.shape) else None
    return _matrix_rows(node) if name == "matmul" else None


def _aligned(node: Node, positions: Iterable[int]) -> tuple[int, ...]:
    """The inputs that are not broadcast along the first axis."""
    ndim, n = len(node.shape), node.shape[0]
    shapes = [i.shape for i in node.inputs]
    return tuple([p for p in positions if len(shapes[p]) == ndim and shapes[p][0] == n])


def _keeps_rows(index: tuple[Any, ...]) -> bool:
    first = index[0] if index else None
    basic = all([i is None or i is Ellipsis or type(i) in (int, slice) for i in index])
    return basic and type(first) is slice and first == slice(None)


def _matrix_rows(node: Node) -> tuple[int, ...] | None:
    x, y = node.inputs
    if not _is_array(x) or y.shape == ():
        return None
    if len(node.shape) == 2:
        return (0,) if nbytes(y) <= SMALL_MATRIX_BYTES else None
    if len(x.shape) == len(y.shape) and x.shape[0] == y.shape[0]:
        return (0, 1)
    return (0,) if len(y.shape) == 2 and nbytes(y) <= SMALL_MATRIX_BYTES else None


def summed_inputs(node: Node) -> tuple[Node, ...] | None:
    """The arrays whose rows a node sums up, or None: the x and g of x.T @ g."""
    name = kind(node.op)
    x = node.inputs[0] if node.inputs else None
    if name in _REDUCTIONS and x is not None and _is_array(x):
        return (x,) if -len(x.shape) in node.params[0] and node.dtype == x.dtype else None
    if name == "holds_nan" and x is not None and _is_array(x):
        return (x,)
    if x is None or name != "matmul" or len(node.shape) != 2 or nbytes(node) > SMALL_MATRIX_BYTES:
        return None
    y = node.inputs[1]
    if x.op is None or len(x.shape) != 2 or len(y.shape) != 2 or node.dtype.char not in "fd":
        return None
    source = x.inputs[0]
    turned = kind(x.op) == "transpose" or (kind(x.op) == "reshape" and 1 in x.shape)
    if not turned or source.shape != x.shape[::-1] or not _is_array(source):
        return None
    return (source, y) if source.dtype == y.dtype == node.dtype else None


class _Levels:
    """Each node's level: that of its loop, or of the loops that it comes before."""

    def __init__(self, graph: Graph, lengths: set[int], whole: set[Node]) -> None:
        self._graph = graph
        self._level: dict[Node, int] = {}
        self._rows: dict[Node, tuple[Node, ...]] = {}  # by rows: the inputs of which rows are read
        self._sums: dict[Node, tuple[Node, ...]] = {}
        self._guards: dict[int, list[Guard]] = {}
        self._lengths, self._whole = lengths, whole
        guards, risky = list(graph.guards), 0
        for node in graph.nodes:
            while guards and guards[0].position <= node.number:
                risky = max(risky, self._guarded(guards.pop(0)))
            level = self._placed(node) if lengths else 0
            # What might raise in another branch must wait for what says that it is this one.
            risk = risky if node.op is not None and not kind(node.op) else 0
            self._level[node] = max(level, risk)
        for guard in guards:
            self._guarded(guard)
        if self._rows:
            self._sink()
        #: The transposes that only sums of rows read, which turn each block themselves.
        self.skipped = self._turned()

    def _guarded(self, guard: Guard) -> int:
        level = self._after(guard.node)
        self._guards.setdefault(level, []).append(guard)
        return level

    def _after(self, node: Node) -> int:
        """The level of what needs a node as a whole."""
        return self._level[node] + (node in self._rows or node in self._sums)

    def _placed(self, node: Node) -> int:
        if node.op is None or node in self._whole:
            return max([self._after(i) for i in node.inputs], default=0)
        for found in (self._by_sums, self._by_rows):
            level = found(node)
            if level is not None:
                return level
        return max([self._after(i) for i in node.inputs], default=0)

    def _by_rows(self, node: Node) -> int | None:
        if not _is_array(node) or node.shape[0] not in self._lengths:
            return None
        positions = row_inputs(node)
        if not positions:
            return None
        rows = tuple([node.inputs[p] for p in positions])
        if into(node) is None and not is_view(node):
            return None
        if nbytes(node) < LARGE_BYTES and not any([self._is_streamed(i) for i in rows]):
            return None
        others = [i for p, i in enumerate(node.inputs) if p not in positions]
        if any([i in rows for i in others]):
            return None
        self._rows[node] = rows
        return self._loop_level(node.shape[0], rows, others)

    def _by_sums(self, node: Node) -> int | None:
        rows = summed_inputs(node)
        if rows is None or not any([self._is_streamed(i) for i in rows]):
            return None
        self._sums[node] = rows
        return self._loop_level(rows[0].shape[0], rows, ())

    def _is_streamed(self, node: Node) -> bool:
        """Whether the rows of something are read block by block, or should be."""
        return node in self._rows or nbytes(node) >= LARGE_BYTES

    def _loop_level(self, n: int, rows: Iterable[Node], others: Iterable[Node]) -> int:
        joined = [
            self._level[i] if i in self._rows and i.shape[0] == n else self._after(i) for i in rows
        ]
        return max([*joined, *[self._after(i) for i in others]])

    def _sink(self) -> None:
        """Compute by rows in the loop that needs them: what is needed later only, from little."""
        users: dict[Node, list[Node]] = {}
        for node in self._graph.nodes:
            for i in node.inputs:
                users.setdefault(i, []).append(node)
        kept = {*self._graph.outputs, *[g.node for g in self._graph.guards]}
        for node in reversed(self._graph.nodes):
            if node not in self._rows or node in kept or not users.get(node):
                continue
            later = self._reading_level(node, users[node])
            if later is None or later <= self._level[node]:
                continue
            moved = [nbytes(i) for i in self._rows[node] if i in self._rows]
            large = [size for size in moved if size >= LARGE_BYTES]
            if len(moved) <= 1 or sum(large) <= nbytes(node):
                self._level[node] = later

    def _turned(self) -> set[Node]:
        turned = {node.inputs[0] for node in self._sums if kind(node.op) == "matmul"}
        kept = {*self._graph.outputs, *[g.node for g in self._graph.guards]}
        for node in self._graph.nodes:
            product = node in self._sums and kind(node.op) == "matmul"
            turned.difference_update(node.inputs[1:] if product else node.inputs)
        return turned - kept

    def _reading_level(self, node: Node, users: list[Node]) -> int | None:
        """The level of all that read a node by rows; None if one reads it otherwise."""
        levels = set()
        for user in users:
            rows = self._rows.get(user) or self._sums.get(user)
            if rows is None or node not in rows or rows[0].shape[0] != node.shape[0]:
                return None
            levels.add(self._level[user])
        return min(levels)

    def loops(self) -> list[Loop]:
        """The loops, by their levels."""
        return [loop for _, loop in sorted(self._found().items(), key=lambda pair: pair[0])]

    def _found(self) -> dict[tuple[int, int], Loop]:
        loops: dict[tuple[int, int], Loop] = {}
        home: dict[Node, Loop] = {}
        for node in self._graph.nodes:
            rows = self._rows.get(node) or self._sums.get(node)
            if rows is None or node in self.skipped:
                continue
            key = self._level[node], rows[0].shape[0]
            loop = home[node] = loops.setdefault(key, Loop(rows[0].shape[0]))
            loop.nodes.append(node)
            if node in self._sums:
                loop.sums.add(node)
        for node in self._graph.nodes:
            reads = self._rows.get(node) or self._sums.get(node) or ()
            for i in () if node in self.skipped else node.inputs:
                if i in self._rows and (i not in reads or home.get(node) is not home[i]):
                    home[i].whole.add(i)
        # The x of a sum x.T @ g is read there, whatever stands between.
        for node, rows in self._sums.items():
            for i in rows:
                if i in self._rows and home[i] is not home[node]:
                    home[i].whole.add(i)
        for node in (*self._graph.outputs, *[g.node for g in self._graph.guards]):
            if node in self._rows:
                home[node].whole.add(node)
        return loops

    def items(self) -> list[Item]:
        """All, in an order to run."""
        levels: dict[int, list[Item]] = {}
        for node in self._graph.nodes:
            if not (node in self._rows or node in self._sums or node in self.skipped):
                levels.setdefault(self._level[node], []).append(node)
        for level, guards in self._guards.items():
            mine = levels.setdefault(level, [])
            for guard in guards:
                mine.insert(_place(mine, guard), guard)
        for (level, _), loop in self._found().items():
            levels.setdefault(level, []).append(loop)
        return [item for level in sorted(levels) for item in levels[level]]


def _place(items: list[Item], guard: Guard) -> int:
    """Where a guard goes: before what comes after it, behind what it asks."""
    for position, item in enumerate(items):
        number = item.number if isinstance(item, Node) else -1
        if number >= guard.position:
            return position
    return len(items)
