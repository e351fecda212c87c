"""The picture as a graph: boxes, what stands in them, and what flows between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["ROLES", "Edge", "Graph", "Kind", "Line", "Node", "Style"]

Kind = Literal["source", "constant", "operation", "fold", "port"]
#: What a line of text is: the parts that a box plays, its title, the user's code, shape and dtype,
#: the value, the cotangent, a remark.
Style = Literal["role", "title", "code", "kind", "value", "slope", "note"]

#: The parts that a box can play, the most striking first, and what the legend says of them.
ROLES = {
    "bad": "the first value or cotangent that is not finite",
    "source": "source: what is differentiated by",
    "target": "target: what is differentiated",
    "dead": "dead: nothing of the gradient comes through",
    "fold": "folded: repeated, or long",
    "constant": "constant",
    "operation": "operation",
}


@dataclass(slots=True)
class Line:
    """A line of text in a box."""

    style: Style
    text: str


@dataclass(eq=False)
class Node:
    """A box.

    ``roles`` are the parts it plays, of ``ROLES``, or ``in`` and ``out`` for what enters and
    leaves a folded box; ``lines`` are what stands in it; ``more`` is what it says besides when one
    points at it; ``inside`` is what a folded box holds; ``number`` is that of its operation in the
    trace; ``keys`` are those of the values that it gives.
    """

    name: str
    kind: Kind
    lines: list[Line] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    more: list[str] = field(default_factory=list)
    inside: Graph | None = None
    number: int | None = None
    keys: tuple[Any, ...] = ()

    @property
    def title(self) -> str:
        """The line in bold."""
        return self.text("title")

    @property
    def look(self) -> str:
        """The role, or else the kind, by whose colours it is drawn."""
        return next((role for role in ROLES if role in self.roles), self.kind)

    def text(self, style: Style) -> str:
        """The lines of one style."""
        return "\n".join([line.text for line in self.lines if line.style == style])


@dataclass(eq=False)
class Edge:
    """What flows from one box to another; ``look`` is ``dead``, ``bad`` or empty."""

    start: Node
    end: Node
    keys: list[Any]
    look: str = ""


@dataclass(eq=False)
class Graph:
    """The boxes of a picture, or of the inside of a box, in the order of the computation."""

    nodes: list[Node]
    edges: list[Edge]

    def walk(self) -> Iterator[Node]:
        """All boxes, those inside of others too, without ports."""
        for node in self.nodes:
            if node.kind != "port":
                yield node
            if node.inside is not None:
                yield from node.inside.walk()
