"""What local rules work on: a graph that is built anew, node by node, without repetitions."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from gradtape.elementwise import Elementwise
from gradtape.operation import PRIMITIVES
from gradtape.programs.graph import Graph, Guard, Node, Opaque

__all__ = ["Builder", "Rule", "Rules", "is_float", "kind", "number_of", "rebuilt", "ufunc_of"]

#: What a rule makes of a node that is about to be added: another node of the new graph, or None.
Rule = Callable[["Builder", Node], Node | None]
#: Rules by the kind of the nodes that they look at.
Rules = dict[str, tuple[Rule, ...]]

#: The sum or product of two numbers is the same in both orders.
_COMMUTES = frozenset({"add", "multiply", "equal", "not_equal"})

_KINDS: dict[Any, str] = {}


def kind(op: Any) -> str:
    """What an op is, by the name of NumPy's ufunc or of the tape's primitive; "" for others."""
    if type(op) is Opaque or op is None:
        return ""
    known = _KINDS.get(op)
    if known is None:
        known = _KINDS[op] = _kind(op)
    return known


def _kind(op: Any) -> str:
    function = op.compute if isinstance(op, Elementwise) else op
    if isinstance(function, np.ufunc):
        name = function.__name__
        return name if getattr(np, name, None) is function else ""
    if op is operator.getitem:
        return "pick"
    name = getattr(op, "name", "")
    return name if PRIMITIVES.get(name) is op or getattr(op, "of_programs", False) else ""


def ufunc_of(op: Any) -> Any:
    """The ufunc that an op is, or None."""
    function = getattr(op, "compute", op)
    return function if isinstance(function, np.ufunc) and function.nout == 1 else None


class Builder:
    """A graph that is being built: what is computed already is not computed again.

    Parameters
    ----------
    rules : looked at in this order, each time that a node is made.
    """

    def __init__(self, rules: Iterable[Rules]) -> None:
        self.nodes: list[Node] = []
        self._known: dict[Any, Node] = {}
        self._rules: dict[str, tuple[Rule, ...]] = {}
        for some in rules:
            for name, functions in some.items():
                self._rules[name] = self._rules.get(name, ()) + functions
        #: What rules found out about nodes.
        self.facts: dict[Any, Any] = {}

    def given(self, node: Node) -> Node:
        """An input or a constant of the old graph."""
        copy = Node(0, None, (), (), node.shape, node.dtype, node.value, node.fixed)
        if node.value is None or (isinstance(node.value, np.ndarray) and not node.fixed):
            return self._added(copy)
        return self._once(copy)

    def constant(self, value: Any) -> Node:
        """A constant that stays what it is."""
        dtype = getattr(value, "dtype", None) or type(value)
        return self._once(Node(0, None, (), (), np.shape(value), dtype, value, True))

    def make(
        self, op: Any, inputs: tuple[Node, ...], params: tuple[Any, ...], shape: Any, dtype: Any
    ) -> Node:
        """A node that computes something, or what the rules make of it."""
        node = Node(0, op, inputs, params, shape, dtype)
        for rule in self._rules.get(kind(op), ()):
            other = rule(self, node)
            if other is not None:
                return other
        return self._once(node)

    def call(self, name: str, *inputs: Node, shape: Any = None, dtype: Any = None) -> Node:
        """An elementwise operation by its name; shape and dtype are the first input's."""
        first = inputs[0]
        op = PRIMITIVES.get(name) or getattr(np, name)
        shape = first.shape if shape is None else shape
        return self.make(op, inputs, (), shape, first.dtype if dtype is None else dtype)

    def _once(self, node: Node) -> Node:
        if node.op is None:
            value = node.value
            if isinstance(value, np.ndarray) and value.nbytes > 64:
                return self._added(node)
            exact = value.tobytes() if isinstance(value, np.ndarray) else repr(value)
            identity: Any = (type(value), node.shape, exact, node.dtype)
        else:
            inputs: Any = node.inputs
            if len(inputs) == 2 and kind(node.op) in _COMMUTES:
                inputs = frozenset(inputs)
            identity = (
                (node.op, inputs, _hashable(node.params))
                if node.params
                else (
                    node.op,
                    inputs,
                )
            )
        try:
            known = self._known.get(identity)
        except TypeError:  # a parameter that cannot be compared
            return self._added(node)
        if known is None:
            known = self._known[identity] = self._added(node)
        return known

    def _added(self, node: Node) -> Node:
        node.number = len(self.nodes)
        self.nodes.append(node)
        return node


def rebuilt(graph: Graph, rules: Iterable[Rules]) -> Graph:
    """A graph built anew under some rules."""
    builder = Builder(rules)
    new: dict[Node, Node] = {}
    positions = []
    for node in graph.nodes:
        positions.append(len(builder.nodes))
        if node.op is None:
            new[node] = builder.given(node)
        else:
            inputs = tuple([new[i] for i in node.inputs])
            new[node] = builder.make(node.op, inputs, node.params, node.shape, node.dtype)
    positions.append(len(builder.nodes))
    result = Graph(builder.nodes)
    result.inputs = [new[node] for node in graph.inputs]
    result.outputs = [new[node] for node in graph.outputs]
    result.guards = _moved(graph.guards, new, positions)
    return result


def _moved(guards: list[Guard], new: dict[Node, Node], positions: list[int]) -> list[Guard]:
    """The guards of the new graph: nothing is asked twice, and nothing that is known."""
    moved = []
    told: set[Any] = set()
    for guard in guards:
        node = new[guard.node]
        identity = node, guard.look, repr(guard.seen)
        if identity in told or (node.fixed and _same(guard.look(node.value), guard.seen)):
            continue
        told.add(identity)
        moved.append(
            Guard(node, guard.look, guard.seen, max(positions[guard.position], node.number + 1))
        )
    return moved


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and repr(one) == repr(other)


def number_of(node: Node) -> Any:
    """The number that a fixed constant of shape () is, or None."""
    if node.op is None and node.fixed and node.shape == ():
        value = node.value
        return value[()] if isinstance(value, np.ndarray) else value
    return None


def is_float(node: Node) -> bool:
    """Whether a node's dtype is one of NumPy's real floating ones."""
    return isinstance(node.dtype, np.dtype) and node.dtype.kind == "f"


def _hashable(params: tuple[Any, ...]) -> Any:
    """Parameters that can be compared: an index array by its identity, a slice by its parts."""
    return tuple([_hashable_one(p) for p in params])


def _hashable_one(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return "array", id(value)
    if isinstance(value, slice):
        return "slice", value.start, value.stop, value.step
    if isinstance(value, (tuple, list)):
        return type(value).__name__, tuple([_hashable_one(v) for v in value])
    return type(value).__name__, value
