"""Rewrites of graphs: each gives a graph that computes the same, bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradtape.programs.graph import Graph, Guard, Node

__all__ = ["REWRITES", "rewritten", "without_dead_code", "without_repetitions"]


def rewritten(graph: Graph) -> Graph:
    """A graph after all rewrites."""
    for rewrite in REWRITES:
        graph = rewrite(graph)
    return graph


def without_dead_code(graph: Graph) -> Graph:
    """Only what the outputs and the guards need."""
    needed: set[Node] = set()
    pending = [*graph.outputs, *[guard.node for guard in graph.guards]]
    while pending:
        node = pending.pop()
        if node not in needed:
            needed.add(node)
            pending += node.inputs
    return _rebuilt(graph, lambda node, inputs: None, needed | set(graph.inputs))


def without_repetitions(graph: Graph) -> Graph:
    """One node for each thing that is computed (common subexpressions), and for each number."""
    known: dict[Any, Node] = {}

    def found(node: Node, inputs: tuple[Node, ...]) -> Node | None:
        if node.op is None:
            if node.value is None or isinstance(node.value, np.ndarray):
                return None
            identity: Any = (type(node.value), repr(node.value))
        else:
            identity = (node.op, inputs, _hashable(node.params))
        try:
            return known.setdefault(identity, node)
        except TypeError:  # a parameter that cannot be compared
            return None

    return _rebuilt(graph, found, set(graph.nodes))


#: In this order.
REWRITES: tuple[Callable[[Graph], Graph], ...] = (
    without_dead_code,
    without_repetitions,
    without_dead_code,
)


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


def _rebuilt(
    graph: Graph,
    instead: Callable[[Node, tuple[Node, ...]], Node | None],
    kept: set[Node],
) -> Graph:
    """A graph of some nodes, with others in the place of some."""
    new: dict[Node, Node] = {}
    result = Graph()
    positions = []
    for node in graph.nodes:
        positions.append(len(result.nodes))
        if node not in kept:
            continue
        inputs = tuple([new[i] for i in node.inputs])
        other = instead(node, inputs)
        if other is not None and other is not node:
            new[node] = new[other]
            continue
        copy = Node(
            len(result.nodes), node.op, inputs, node.params, node.shape, node.dtype, node.value
        )
        new[node] = copy
        result.nodes.append(copy)
    positions.append(len(result.nodes))
    result.inputs = [new[node] for node in graph.inputs]
    result.outputs = [new[node] for node in graph.outputs]
    seen: set[Any] = set()
    for guard in graph.guards:
        moved = Guard(new[guard.node], guard.look, guard.seen, positions[guard.position])
        if (moved.node, moved.look, repr(moved.seen)) not in seen:  # asked twice, told once
            seen.add((moved.node, moved.look, repr(moved.seen)))
            result.guards.append(moved)
    return result
