"""A graph in parts that run one after the other: what is native, and what stays with NumPy.

What only looks at an array (a transposed matrix, a slice) belongs to each part that uses it, so
that nothing is copied in between.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gradtape.programs.graph import Graph, Guard, Node
from gradtape.programs.llvm.accesses import is_view
from gradtape.programs.llvm.kernels import is_native

__all__ = ["Part", "parts_of"]


@dataclass(eq=False)
class Part:
    """Nodes that run together, as a graph of their own."""

    native: bool
    graph: Graph = field(default_factory=Graph)
    #: The nodes of the whole graph that are looked at again wherever they are used.
    views: set[Node] = field(default_factory=set)
    #: The nodes of the whole graph that are the part's inputs and outputs.
    takes: list[Node] = field(default_factory=list)
    gives: list[Node] = field(default_factory=list)
    #: In words, where native code computes each of the part's nodes.
    kernels: dict[Node, str] = field(default_factory=dict)
    _own: dict[Node, Node] = field(default_factory=dict)

    def node(self, node: Node, is_own: bool = False) -> Node:
        """A node of the whole graph in this part: computed here, looked at again, or an input."""
        own = self._own.get(node)
        if own is None:
            given = node.op is None and node.value is not None
            computed = is_own or node in self.views
            inputs = tuple([self.node(i) for i in node.inputs]) if computed else ()
            own = self._own[node] = Node(
                *(len(self.graph.nodes), node.op if computed else None, inputs, node.params),
                *(node.shape, node.dtype, node.value, node.fixed),
            )
            self.graph.nodes.append(own)
            if not (given or computed):
                self.graph.inputs.append(own)
                self.takes.append(node)
        return own

    def whole(self, own: Node) -> Node | None:
        """The node of the whole graph that one of this part's is computed for."""
        if not self._own:  # this part is the whole graph
            return own
        return next((node for node, other in self._own.items() if other is own), None)

    def give(self, node: Node) -> None:
        """Make a node one of the outputs."""
        if node not in self.gives:
            self.gives.append(node)
            self.graph.outputs.append(self.node(node))


def parts_of(graph: Graph) -> list[Part]:
    """The parts of a graph, in order; a guard stands in the part that computes its node."""
    stages, views = _stages(graph)
    if max(stages.values(), default=-1) <= 0:
        return [Part(all([is_native(node) for node in graph.nodes]), graph)]
    parts: dict[int, Part] = {}
    for node in graph.nodes:
        if node.op is not None and node not in views:
            _part(parts, stages[node], views).node(node, is_own=True)
    for guard in graph.guards:
        part = _part_with(guard.node, stages, parts, views)
        own = part.node(guard.node)
        part.graph.guards.append(Guard(own, guard.look, guard.seen, len(part.graph.nodes)))
    for node in graph.outputs:
        _part_with(node, stages, parts, views).give(node)
    ordered = [parts[stage] for stage in sorted(parts)]
    _connect(ordered)
    return ordered


def _part(parts: dict[int, Part], stage: int, views: set[Node]) -> Part:
    return parts.setdefault(stage, Part(native=stage % 2 == 0, views=views))


def _part_with(
    node: Node, stages: dict[Node, int], parts: dict[int, Part], views: set[Node]
) -> Part:
    """The part that has a node; what is given is in the first that can hold it."""
    stage = stages[node]
    if stage >= 0:
        return parts[stage]
    native = is_native(node) and (node.op is None or node in views)
    fitting = [stage for stage in sorted(parts) if native or not parts[stage].native]
    return _part(parts, fitting[0] if fitting else max(parts) + 1, views)


def _stages(graph: Graph) -> tuple[dict[Node, int], set[Node]]:
    """When each node can run, and those that are looked at again wherever they are used.

    Even stages are native, odd ones are not; what is given is at -1.
    """
    stages: dict[Node, int] = {}
    views: set[Node] = set()
    fits: dict[Node, bool] = {}  # whether native code may take a node's value
    for node in graph.nodes:
        latest = max([stages[i] for i in node.inputs], default=-1)
        native = is_native(node) and all([fits[i] for i in node.inputs])
        fits[node] = native or (node.op is not None and not is_view(node))
        if node.op is not None and native and is_view(node):
            views.add(node)
        if node.op is None or node in views:
            stages[node] = latest
            continue
        latest = max(latest, 0)
        stages[node] = latest + (latest % 2 == native)
    return stages, views


def _connect(parts: list[Part]) -> None:
    """Let each part give what later ones take."""
    for i, part in enumerate(parts):
        taken = {node for later in parts[i + 1 :] for node in later.takes}
        for node, own in list(part._own.items()):
            if own.op is not None and node in taken:
                part.give(node)
