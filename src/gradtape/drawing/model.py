"""From a reading of a trace to the graph that is drawn."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradtape.drawing.describing import Describer
from gradtape.drawing.folding import Item, folded
from gradtape.drawing.graph import Edge, Graph, Line, Node
from gradtape.drawing.reading import Reading
from gradtape.trace import Step

__all__ = ["graph_of"]

#: So many sources at most that go to one box stand alone.
SOURCES = 6

#: So many doors at most lead to one box each.
PORTS = 3

#: From something to the keys, or names, that belong to it, in order.
Table = dict[Any, dict[Any, None]]


def graph_of(reading: Reading, fold: bool = True) -> Graph:
    """The graph of a reading, its repeated structure folded if that is wanted."""
    builder = _Builder(Describer(reading))
    for item in folded(reading.steps, fold):
        builder.root.children.append(builder.box(item, builder.root))
    builder.hang_origins()
    builder.connect()
    return builder.graph(builder.root)


@dataclass(eq=False)
class _Box:
    """A box under construction: where it is, what is in it, and what flows there."""

    node: Node
    parent: _Box | None
    children: list[_Box] = field(default_factory=list)
    #: From one child's name to another's: the keys that flow.
    flows: Table = field(default_factory=dict)
    #: A key that comes in from outside: the children that it goes to.
    entering: Table = field(default_factory=dict)
    #: A key that goes out: the child that it comes from.
    leaving: Table = field(default_factory=dict)

    def path(self) -> list[_Box]:
        """The boxes from the outermost to this one."""
        path, box = [self], self
        while box.parent is not None:
            box = box.parent
            path.append(box)
        return path[::-1]


class _Builder:
    def __init__(self, describer: Describer) -> None:
        self.describer = describer
        self.root = _Box(Node("root", "fold"), None)
        #: The box that gives a value, by its key.
        self.makers: dict[Any, _Box] = {}
        #: Which box uses which key.
        self.uses: list[tuple[Any, _Box]] = []
        #: The boxes of what no operation made, each with the boxes that use it.
        self.origins: dict[Any, tuple[Node, list[_Box]]] = {}
        #: The values that a key had, one after the other.
        self.versions: dict[Any, list[Any]] = {}
        self.folds = 0

    # Boxes ----------------------------------------------------------------------------------------

    def box(self, item: Item, parent: _Box) -> _Box:
        """The box of an operation or a fold, with all that is in it."""
        if isinstance(item, Step):
            box = _Box(self.describer.operation(item), parent)
            for i, key in enumerate(self.describer.reading.keys_of(item)):
                if key is not None and key in self.makers:
                    self.uses.append((key, box))
                else:
                    self._note_origin(item, i, box)
            self.makers.update(dict.fromkeys(box.node.keys, box))
            return box
        box = _Box(self._named(self.describer.fold(item)), parent)
        box.children = [self.box(child, box) for child in item.children]
        return box

    def _named(self, node: Node) -> Node:
        self.folds += 1
        node.name = f"fold{self.folds}"
        return node

    def _note_origin(self, step: Step, i: int, user: _Box) -> None:
        key = self._version(self.describer.reading.keys_of(step)[i], step.values[i])
        if key is None or key not in self.origins:
            node = self.describer.origin(step, i)
            if node is None:
                return
            node.keys = node.keys if key is None else (key,)
            (key,) = node.keys
            node.name = f"{node.kind}{len(self.origins)}"
            self.origins.setdefault(key, (node, []))
        self.origins[key][1].append(user)

    def _version(self, key: Any, value: Any) -> Any:
        """A key for a variable's value: each that it was assigned has a box of its own."""
        if key is None:
            return None
        known = self.versions.setdefault(key, [])
        for i, other in enumerate(known):
            if value is other or np.array_equal(value, other, equal_nan=_has_nan(value)):
                return key if i == 0 else (key, i)
        known.append(value)
        return key if len(known) == 1 else (key, len(known) - 1)

    def hang_origins(self) -> None:
        """Put each source and constant where all its uses are; many for one box into one."""
        outside: dict[Any, list[tuple[Node, list[_Box]]]] = {}
        for node, users in self.origins.values():
            paths = [user.path() for user in users]
            home = self.root
            if node.kind == "constant":
                home = _common(paths)
            if home is self.root:
                tops = tuple(dict.fromkeys([path[1] for path in paths]))
                outside.setdefault(tops, []).append((node, users))
            else:
                self._hang([(node, users)], home)
        for tops, together in outside.items():
            home = self.root
            if len(together) > SOURCES and all([top.children for top in tops]):
                home = _Box(self._named(self.describer.origins([n for n, _ in together])), home)
                self.root.children.insert(0, home)
            self._hang(together, home)

    def _hang(self, origins: list[tuple[Node, list[_Box]]], home: _Box) -> None:
        boxes = [_Box(node, home) for node, _ in origins]
        first = sum([child.node.kind in ("source", "constant") for child in home.children])
        home.children[first:first] = boxes  # before all operations
        for box, (node, users) in zip(boxes, origins, strict=True):
            (key,) = node.keys
            self.makers[key] = box
            self.uses += [(key, user) for user in users]

    # What flows -----------------------------------------------------------------------------------

    def connect(self) -> None:
        """Let every value flow from box to box, through the walls of the boxes around them."""
        for key, user in self.uses:
            down, up = user.path(), self.makers[key].path()
            level = 1
            while down[level] is up[level]:
                level += 1
            pair = (up[level].node.name, down[level].node.name)
            down[level - 1].flows.setdefault(pair, {})[key] = None
            for outer, inner in zip(down[level:], down[level + 1 :], strict=False):
                outer.entering.setdefault(key, {})[inner.node.name] = None
            for outer, inner in zip(up[level:], up[level + 1 :], strict=False):
                outer.leaving.setdefault(key, {})[inner.node.name] = None

    def graph(self, box: _Box) -> Graph:
        """The finished graph of what is in a box."""
        nodes = {child.node.name: child.node for child in box.children}
        for child in box.children:
            if child.children:
                child.node.inside = self.graph(child)
        edges = [self._edge(nodes[a], nodes[b], keys) for (a, b), keys in box.flows.items()]
        ports: list[Node] = []
        if all([node.kind in ("source", "constant") for node in nodes.values()]):
            return Graph(list(nodes.values()), [])  # nothing is computed there
        for role, through in (("in", box.entering), ("out", box.leaving)):
            groups: Table = {}
            for key, names in through.items():
                groups.setdefault(tuple(names), {})[key] = None
            alone = [names for names in groups if len(names) == 1]
            if role == "in" and len(alone) > PORTS:  # one door for all of them
                keys = {key: None for names in alone for key in groups.pop(names)}
                groups.setdefault(tuple([name for (name,) in alone]), {}).update(keys)
            for names, keys in groups.items():
                port = Node(f"{box.node.name}{role}{len(ports)}", "port", roles=[role])
                port.lines = [Line("title", self.describer.port(list(keys), self.makers))]
                port.keys = tuple(keys)
                ports.append(port)
                for name in names:
                    ends = (port, nodes[name]) if role == "in" else (nodes[name], port)
                    theirs = {key: None for key in keys if name in through[key]}
                    edges.append(self._edge(*ends, theirs))
        return Graph([*nodes.values(), *ports], edges)

    def _edge(self, start: Node, end: Node, keys: dict[Any, None]) -> Edge:
        return Edge(start, end, list(keys), self.describer.flow(start, end, list(keys)))


def _has_nan(value: Any) -> bool:
    return np.asarray(value).dtype.kind in "fc"


def _common(paths: list[list[_Box]]) -> _Box:
    """The innermost box that all paths go through, other than the operations at their ends."""
    home = paths[0][0]
    for level in zip(*[path[:-1] for path in paths], strict=False):
        if any([box is not level[0] for box in level]):
            break
        home = level[0]
    return home
