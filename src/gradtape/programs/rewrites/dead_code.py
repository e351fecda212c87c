"""Dead code: what neither an output nor a guard needs."""

from __future__ import annotations

from gradtape.programs.graph import Graph, Guard, Node

__all__ = ["without_dead_code"]


def without_dead_code(graph: Graph) -> Graph:
    """Only what the outputs and the guards need."""
    needed: set[Node] = set(graph.inputs)
    pending = [*graph.outputs, *[guard.node for guard in graph.guards]]
    while pending:
        node = pending.pop()
        if node not in needed:
            needed.add(node)
            pending += node.inputs
    new: dict[Node, Node] = {}
    positions = []
    result = Graph()
    for node in graph.nodes:
        positions.append(len(result.nodes))
        if node in needed:
            new[node] = copy = Node(
                len(result.nodes),
                *(node.op, tuple([new[i] for i in node.inputs]), node.params),
                *(node.shape, node.dtype, node.value, node.fixed),
            )
            result.nodes.append(copy)
    positions.append(len(result.nodes))
    result.inputs = [new[node] for node in graph.inputs]
    result.outputs = [new[node] for node in graph.outputs]
    result.guards = [
        Guard(new[g.node], g.look, g.seen, positions[g.position]) for g in graph.guards
    ]
    return result
