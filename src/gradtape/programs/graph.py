"""The graph of a traced function: each value is computed once, by one node.

Nodes stand in the order in which they were computed, so a graph is also a program. What a node does
is one of the tape's own primitives, a NumPy ufunc without a derivative (comparisons and the like),
or any other NumPy function as an opaque call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["Graph", "Guard", "Node", "Opaque"]


class Opaque:
    """A NumPy function that the graph calls as it is: its arguments, with holes for the inputs.

    Parameters
    ----------
    function : what is called.
    arrange : makes ``(args, kwargs)`` of the inputs.
    """

    def __init__(self, function: Callable[..., Any], arrange: Callable[..., Any]) -> None:
        self.function, self.arrange = function, arrange
        self.name = getattr(function, "__name__", str(function))

    def compute(self, *inputs: Any) -> Any:
        """Call the function."""
        args, kwargs = self.arrange(inputs)
        return self.function(*args, **kwargs)


@dataclass(slots=True, eq=False, repr=False)
class Node:
    """One value of a program, and how it is computed.

    ``op`` is None for an input and for a constant, which has a ``value``; a ``fixed`` one is held
    by nobody else, so that it stays what it is. A node with several results has a tuple for
    ``shape`` and ``dtype``, and one node with the op ``operator.getitem`` for each.
    """

    number: int
    op: Any
    inputs: tuple[Node, ...]
    params: tuple[Any, ...]
    shape: Any
    dtype: Any
    value: Any = None
    fixed: bool = False

    def __repr__(self) -> str:
        inputs = ", ".join([f"%{i.number}" for i in self.inputs])
        return f"<%{self.number} = {self.name}({inputs})>"

    @property
    def name(self) -> str:
        """What it does, as ``add``; ``input`` and ``constant`` for what is given."""
        if self.op is not None:
            return str(getattr(self.op, "name", None) or self.op.__name__)
        return "input" if self.value is None else "constant"

    @property
    def is_given(self) -> bool:
        """Whether it is an input or a constant."""
        return self.op is None


@dataclass(slots=True, frozen=True, eq=False)
class Guard:
    """Something that was found true of a value, and on which the rest of the program depends.

    ``look`` makes of the value what Python saw, as ``bool``; ``seen`` is what it was.
    """

    node: Node
    look: Callable[[Any], Any]
    seen: Any
    #: How many nodes stood before it.
    position: int


@dataclass(slots=True, eq=False)
class Graph:
    """A program: nodes in order, what goes in, what comes out, and the guards in between."""

    nodes: list[Node] = field(default_factory=list)
    inputs: list[Node] = field(default_factory=list)
    outputs: list[Node] = field(default_factory=list)
    guards: list[Guard] = field(default_factory=list)

    def input(self, value: Any) -> Node:
        """A value that is given anew at each call."""
        node = self._added(None, (), (), value)
        self.inputs.append(node)
        return node

    def constant(self, value: Any) -> Node:
        """A value that is the same at each call; not copied, so that a change of it is seen."""
        node = self._added(None, (), (), value)
        node.value = value
        return node

    def add(self, op: Any, inputs: Iterable[Node], params: Iterable[Any], out: Any) -> Node:
        """A value that is computed; ``out`` is what it was the first time."""
        return self._added(op, tuple(inputs), tuple(params), out)

    def guard(self, node: Node, look: Callable[[Any], Any], seen: Any) -> None:
        """Note what Python was told of a value."""
        self.guards.append(Guard(node, look, seen, len(self.nodes)))

    def _added(self, op: Any, inputs: Any, params: Any, out: Any) -> Node:
        if type(out) is tuple:
            shape: Any = tuple([np.shape(o) for o in out])
            dtype: Any = tuple([_dtype(o) for o in out])
        else:
            shape, dtype = np.shape(out), _dtype(out)
        node = Node(len(self.nodes), op, inputs, params, shape, dtype)
        self.nodes.append(node)
        return node


def _dtype(value: Any) -> Any:
    """A dtype; for a Python number, which promotes weakly, its type."""
    dtype = getattr(value, "dtype", None)
    return type(value) if dtype is None else dtype
