"""The memory of a program beside its arguments and results: which bytes are whose.

What all threads see lies first; behind it each thread that may run pieces has as many bytes of its
own. How many there are is known when all is written, so the code finds its numbers in its table.
"""

from __future__ import annotations

from typing import Any

from gradtape.programs.graph import Node
from gradtape.programs.llvm import ir
from gradtape.programs.llvm.kernels import Plan
from gradtape.programs.llvm.operations import kind_of

__all__ = ["ALIGNMENT", "Scratch"]

I64, I8 = ir.IntType(64), ir.IntType(8)
ALIGNMENT = 64


class Scratch:
    """Memory for nodes and for what is in between.

    Parameters
    ----------
    plan : which nodes need memory, and when.
    known : the nodes that have memory already, or of a thread's own.
    """

    def __init__(self, plan: Plan, known: Any) -> None:
        self.shared, self.own = 0, 0
        self._places = self._placed(plan, known)
        #: While a piece is written, what it says of the thread that runs it: builder and address.
        self.thread: tuple[Any, Any] | None = None

    def _placed(self, plan: Plan, known: Any) -> list[tuple[Node, int]]:
        """Where each node lies; those that do not live at the same time may lie at one place."""
        spans = sorted(
            [(first, last, n) for n, (first, last) in plan.memory.items() if n not in known],
            key=lambda span: span[:2],
        )
        living: list[tuple[int, int, int]] = []  # last step, offset, bytes
        places: list[tuple[Node, int]] = []
        for first, last, node in spans:
            living = [part for part in living if part[0] >= first]
            size = _whole_lines(plan.entries(node) * kind_of(node).itemsize)
            offset = 0
            for _, other, length in sorted(living, key=lambda part: part[1]):
                if offset + size <= other:
                    break
                offset = max(offset, other + length)
            living.append((last, offset, size))
            places.append((node, offset))
            self.shared = max(self.shared, offset + size)
        return places

    def begin(self, builder: Any, base: Any) -> dict[Node, Any]:
        """The addresses of the nodes, where the shared memory begins at ``base``."""
        self._builder, self._base = builder, base
        return {node: _further(builder, base, offset) for node, offset in self._places}

    def reserve(self, size: int) -> Any:
        """The address of so many bytes more."""
        if self.thread:
            builder, base = self.thread
            offset, self.own = self.own, self.own + _whole_lines(size)
            return _further(builder, base, offset)
        offset, self.shared = self.shared, self.shared + _whole_lines(size)
        return _further(self._builder, self._base, offset)


def _whole_lines(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def _further(builder: Any, base: Any, offset: int) -> Any:
    return builder.gep(base, [I64(offset)], source_etype=I8)
