"""What is cheaper to compute again, or later, than to store and to read.

A loop that reads what another one has stored can often compute it from what it reads anyway: a
product with a number, a comparison. Each move is made only if it saves work, by a count of what the
loops do at each place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from gradtape.programs.graph import Node
from gradtape.programs.llvm.accesses import Access, Accesses
from gradtape.programs.llvm.operations import operation_of
from gradtape.programs.llvm.steps import MOST_MEMBERS, Loop, core_of, size_of

__all__ = ["recompute"]

Shape = tuple[int, ...]

#: What a place costs, in loads: a store, an instruction or two, a division, a long function.
STORE, SHORT, DIVISION, LONG = 1.5, 0.5, 6.0, 12.0
_DIVISIONS = frozenset({"divide", "reciprocal", "sqrt"})


def recompute(steps: list[Any], accesses: Accesses, fixed: Iterable[Node]) -> list[Any]:
    """The steps, with elementwise nodes in the loops where they cost least.

    A node may be computed in several of them; then it has no memory.

    Parameters
    ----------
    steps : in order.
    accesses : of the nodes.
    fixed : the nodes that are in memory for others than the steps.
    """
    moves = _Moves(steps, accesses, set(fixed))
    for node in sorted(moves.homes, key=lambda node: -node.number):
        moves.improve(node)
    for loop, members in moves.members.items():
        loop.nodes = sorted(members, key=lambda node: node.number)
        loop.core = moves.core(loop, members)
    return [s for s in steps if type(s) is not Loop or s.nodes or s.reductions]


class _Moves:
    """Where each elementwise node is computed, and what that costs."""

    def __init__(self, steps: list[Any], accesses: Accesses, fixed: set[Node]) -> None:
        self._accesses, self._fixed = accesses, fixed
        self.members: dict[Loop, set[Node]] = {}
        #: Of each elementwise node the loop that computes it, or those that do.
        self.homes: dict[Node, set[Loop]] = {}
        self._readers: dict[Node, set[Loop]] = {}  # of what is in memory
        for step in steps:
            if type(step) is not Loop:
                fixed.update([access.root for access in step.reads(accesses)])
                continue
            self.members[step] = set(step.nodes)
            for node in step.nodes:
                self.homes[node] = {step}
            for root in self._read(step, self.members[step]):
                self._readers.setdefault(root, set()).add(step)

    def improve(self, node: Node) -> None:
        """Compute a node where it is read, if that is better."""
        readers = self._readers.get(node)
        if not readers or node in self._fixed:
            return
        (home,) = self.homes[node]
        changed: dict[Loop, set[Node]] = {}
        again: set[Node] = set()
        for loop in readers:
            needed = self._needed(node, loop)
            if needed is None:
                return
            changed[loop] = self.members[loop] | needed
            again |= needed
        changed[home] = set(self.members[home])
        for other in sorted(again & changed[home], key=lambda other: -other.number):
            changed[home].discard(other)
            if other in self._operands_of(home, changed[home]):
                changed[home].add(other)
        if self._cost(changed) < self._cost({loop: self.members[loop] for loop in changed}):
            self._settle(changed)

    def core(self, loop: Loop, members: set[Node]) -> Shape | None:
        """The axes that a loop walks over with some members; None if it needs none."""
        cores = [self._core_of(node, loop.size) for node in members]
        return next((core for core in cores if core), loop.core)

    # What a loop reads and needs ------------------------------------------------------------------

    def _operands(self, loop: Loop, members: set[Node]) -> Iterator[tuple[Access, Shape]]:
        for node in members:
            for i in node.inputs:
                yield self._accesses[i], node.shape
        for reduction in loop.reductions:
            for access in reduction.operands:
                yield access, reduction.shape

    def _operands_of(self, loop: Loop, members: set[Node]) -> set[Node]:
        return {access.root for access, _ in self._operands(loop, members)}

    def _read(self, loop: Loop, members: set[Node]) -> set[Node]:
        """What a loop reads from memory."""
        roots = self._operands_of(loop, members)
        return {root for root in roots if root not in members and size_of(root) > 1}

    def _is_stored(self, node: Node) -> bool:
        return node in self._fixed or bool(self._readers.get(node))

    def _needed(self, node: Node, loop: Loop) -> set[Node] | None:
        """What a loop has to compute to have a node in registers; None if it cannot."""
        members = self.members[loop]
        for access, _ in self._operands(loop, members):
            if access.root is node and not _is_direct(access, loop.size):
                return None
        needed: set[Node] = set()
        missing = [node]
        while missing:
            other = missing.pop()
            if size_of(other) != loop.size:
                return None
            needed.add(other)
            for access in [self._accesses[i] for i in other.inputs]:
                root = access.root
                if root in self.homes and root not in members and not self._is_stored(root):
                    if not _is_direct(access, loop.size):
                        return None
                    missing.append(root)
        cores = {loop.core, *[self._core_of(other, loop.size) for other in needed]} - {None}
        count = len(members | needed) + len(loop.reductions)
        return needed if len(cores) <= 1 and count <= MOST_MEMBERS else None

    def _core_of(self, node: Node, size: int) -> Shape | None:
        accesses = [self._accesses[i] for i in node.inputs]
        return None if all([_is_direct(a, size) for a in accesses]) else core_of(node.shape)

    # Costs ----------------------------------------------------------------------------------------

    def _cost(self, changed: dict[Loop, set[Node]]) -> float:
        """What some loops and the stores into what they read cost with some members."""
        nodes = {
            node
            for loop, members in changed.items()
            for one in (members, self.members[loop])
            for node in [*one, *self._read(loop, one)]
            if node in self.homes
        }
        read = {loop: self._read(loop, members) for loop, members in changed.items()}
        cost = 0.0
        for node in nodes:
            others = [loop for loop in self._readers.get(node, ()) if loop not in changed]
            if node in self._fixed or others or any([node in roots for roots in read.values()]):
                cost += STORE
        for loop, members in changed.items():
            cost += sum([_weight(node) for node in members])
            cost += len(self._streams(loop, members))
        return cost

    def _streams(self, loop: Loop, members: set[Node]) -> set[Any]:
        """What a loop loads at each place."""
        found: set[Any] = set()
        for access, shape in self._operands(loop, members):
            root = access.root
            if root in members or size_of(root) == 1:
                continue
            if _is_direct(access, loop.size):
                found.add(root)
                continue
            strides = [s for s, n in zip(access.onto(shape), shape, strict=True) if n != 1]
            if strides[-1] != 0:
                found.add((root, access.offset, *strides))
        return found

    def _settle(self, changed: dict[Loop, set[Node]]) -> None:
        for loop, members in changed.items():
            for root in self._read(loop, self.members[loop]):
                self._readers[root].discard(loop)
            for node in self.members[loop]:
                self.homes[node].discard(loop)
            self.members[loop] = members
            for root in self._read(loop, members):
                self._readers.setdefault(root, set()).add(loop)
            for node in members:
                self.homes[node].add(loop)
            loop.core = self.core(loop, members)


def _is_direct(access: Access, size: int) -> bool:
    """Whether an operand needs no strides of its own."""
    return size_of(access.root) == 1 or (access.size == size and access.is_whole)


def _weight(node: Node) -> float:
    operation = operation_of(node)
    if operation is not None and operation.name:
        return LONG
    return DIVISION if node.name in _DIVISIONS else SHORT
