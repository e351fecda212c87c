"""What is recorded to be written down: every call of NumPy's on values that depend on arguments.

A program is a list of nodes. Its values are computed as they are recorded, by the very functions
that the source code will call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradtape.places import Place, place_of, users_frame

__all__ = ["Leak", "Node", "Program", "concrete", "nodes_in"]


@dataclass(slots=True, eq=False)
class Node:
    """One value of the program.

    ``kind``: ``input`` (an argument), ``call`` or ``check`` (something that held when the program
    was recorded, and has to hold again) or ``note``. ``style`` says how a call is written:
    ``function``, ``method``, ``attribute``, ``operator``, ``index``, ``item`` (one of several
    results), ``helper`` (a function of ours), or one of those that take several statements:
    ``embed``, ``scatter``, ``setitem``, ``at``, ``write``.
    """

    number: int
    kind: str
    value: Any
    style: str = ""
    function: Any = None
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    name: str = ""
    place: Place | None = None


@dataclass(slots=True, eq=False)
class Leak:
    """One time that a value left the program as a bare array or number."""

    node: Node
    value: Any
    how: str
    place: Place | None
    #: The primitive that was at work; empty in the user's own code.
    primitive: str = ""


def nodes_in(nest: Any) -> list[Node]:
    """The nodes among nested arguments."""
    if isinstance(nest, Node):
        return [nest]
    if isinstance(nest, (list, tuple)):
        return [node for one in nest for node in nodes_in(one)]
    if isinstance(nest, dict):
        return [node for one in nest.values() for node in nodes_in(one)]
    if isinstance(nest, slice):
        return nodes_in((nest.start, nest.stop, nest.step))
    return []


def concrete(nest: Any) -> Any:
    """Nested arguments with values for nodes."""
    if isinstance(nest, Node):
        return nest.value
    if isinstance(nest, (list, tuple)):
        return type(nest)([concrete(one) for one in nest])
    if isinstance(nest, dict):
        return {key: concrete(one) for key, one in nest.items()}
    if isinstance(nest, slice):
        return slice(concrete(nest.start), concrete(nest.stop), concrete(nest.step))
    return nest


class Program:
    """The nodes, in the order in which they were recorded."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.leaks: list[Leak] = []
        #: The numbers of the arguments that are differentiated by.
        self.watched: set[int] = set()
        #: What the user's program calls its own arrays.
        self.names: dict[int, str] = {}
        self._known: dict[Any, Node] = {}
        #: Bare arrays that hold a value of the program, by identity.
        self._stand_ins: dict[int, tuple[Any, Node]] = {}
        self._copies: dict[int, tuple[Any, Any]] = {}
        self._own: dict[int, Any] = {}

    # Recording ------------------------------------------------------------------------------------

    def argument(self, value: Any, name: str) -> Node:
        """An argument of the function."""
        return self._new("input", value, name=name)

    def call(
        self,
        style: str,
        function: Any,
        args: Sequence[Any],
        kwargs: dict[str, Any] | None = None,
        compute: Callable[..., Any] | None = None,
    ) -> Node:
        """A call on nodes and bare values: the same node for the same call.

        ``compute`` does what is written down, where that is not ``function(*args, **kwargs)``.
        """
        args, kwargs = self.encoded(tuple(args)), self.encoded(kwargs or {})
        assert isinstance(args, tuple)
        key = (style, _identity(function), _identity(args), _identity(kwargs))
        if key in self._known:
            return self._known[key]
        value = (compute or function)(*concrete(args), **concrete(kwargs))
        node = self._new("call", value, style, function, args, kwargs)
        self._known[key] = node
        return node

    def item(self, node: Node, i: int) -> Node:
        """One of several results."""
        return self.call("item", _item, (node, i))

    def check(self, node: Node, how: str, held: Any) -> None:
        """Note that the way of the program depended on a value: ``how(value)`` was ``held``."""
        key = ("check", node.number, how, repr(held))
        if key not in self._known:
            self._known[key] = self._new("check", held, how, None, (node,))

    def encoded(self, nest: Any) -> Any:
        """Nested arguments with nodes where something stands for one, and copies of arrays."""
        if isinstance(nest, Node):
            return nest
        node = getattr(nest, "node", None)
        if isinstance(node, Node):
            return node
        if isinstance(nest, np.ndarray):
            return self._bare_array(nest)
        if type(nest) in (list, tuple):
            return type(nest)([self.encoded(one) for one in nest])
        if type(nest) is dict:
            return {key: self.encoded(one) for key, one in nest.items()}
        if isinstance(nest, slice):
            return slice(*[self.encoded(one) for one in (nest.start, nest.stop, nest.step)])
        return nest

    def _new(
        self,
        kind: str,
        value: Any,
        style: str = "",
        function: Any = None,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
        name: str = "",
    ) -> Node:
        frame = users_frame() if kind != "input" else None
        place = place_of(frame) if frame is not None else None
        number = len(self.nodes)
        node = Node(number, kind, value, style, function, args, kwargs or {}, name, place)
        self.nodes.append(node)
        return node

    # Bare arrays ----------------------------------------------------------------------------------

    def _bare_array(self, array: Any) -> Any:
        """A bare array as the node that it stands for, or as a copy: the user may write into it."""
        found = self._stand_ins.get(id(array))
        if found is not None:
            return found[1]
        if id(array) in self._own:
            return array
        if id(array) not in self._copies:
            copy = array.copy(order="K") if array.flags.writeable else array
            self._copies[id(array)] = (array, copy)
            self._own[id(copy)] = copy
            frame = users_frame()
            if frame is not None:
                for name, value in {**frame.f_globals, **frame.f_locals}.items():
                    if value is array and not name.startswith("_"):
                        self.names[id(copy)] = name
        kept, copy = self._copies[id(array)]
        if copy is not kept and not _same(kept, copy):  # it was written to since
            del self._copies[id(array)]
            return self._bare_array(array)
        return copy

    def stand_in(self, array: Any, node: Node) -> None:
        """Note that a bare array holds the value of a node."""
        self._stand_ins[id(array)] = (array, node)

    def leak(self, node: Node, value: Any, how: str, primitive: str) -> None:
        """Note that a value leaves as a bare one."""
        frame = users_frame()
        place = place_of(frame) if frame is not None else None
        leak = Leak(node, value, how, place, primitive)
        self.leaks.append(leak)
        constant = node.kind == "input" and node.number not in self.watched and value is not None
        if constant or node.value.dtype.kind in "biu":
            self.check(node, "equal", np.asarray(node.value if value is None else value))
        else:
            self._new("note", leak, "note")
        if isinstance(value, np.ndarray):
            self.stand_in(value, node)

    # Trying ---------------------------------------------------------------------------------------

    def mark(self) -> tuple[int, int]:
        """Where the program is now, to go back to."""
        return len(self.nodes), len(self.leaks)

    def back_to(self, mark: tuple[int, int]) -> None:
        """Forget what was recorded since."""
        count, leaks = mark
        gone = set(map(id, self.nodes[count:]))
        del self.nodes[count:], self.leaks[leaks:]
        self._known = {key: node for key, node in self._known.items() if id(node) not in gone}


def _item(values: Any, i: int) -> Any:
    return values[i]


def _same(one: Any, other: Any) -> bool:
    return bool(np.array_equal(one, other, equal_nan=one.dtype.kind in "fc"))


def _identity(value: Any) -> Any:
    """What two equal arguments have in common, to be looked up by."""
    if isinstance(value, Node):
        return ("node", value.number)
    if isinstance(value, np.ndarray):
        if value.size > 64:
            return ("array", id(value))
        return ("array", value.dtype.str, value.shape, value.tobytes())
    if isinstance(value, np.generic):
        return ("scalar", value.dtype.str, value.tobytes())
    if isinstance(value, (list, tuple)):
        return (type(value).__name__, *map(_identity, value))
    if isinstance(value, dict):
        return tuple([(key, _identity(one)) for key, one in value.items()])
    if isinstance(value, slice):
        return ("slice", *map(_identity, (value.start, value.stop, value.step)))
    if isinstance(value, (int, float, complex, str, type(None), type(...))):
        return (type(value).__name__, repr(value))
    return ("object", id(value))
