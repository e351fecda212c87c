"""The ways of a function through its branches and loops, as a tree that shares what they share.

A way is what one trace found: values, and between them guards, what Python was told. Ways that
were told the same until some guard have computed the same until there. So they are kept as a tree:
the values from one guard to the next are a segment, a program of its own without guards, and a call
goes from segment to segment, by what each guard tells. Nothing is computed twice, and a new way
brings only what comes behind the guard at which it leaves the others.

Segments that compute the same are one program, whichever way they stand in: the trips through a
loop, as a rule.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

import numpy as np

from gradtape.programs.engines import engine_for
from gradtape.programs.graph import Graph, Guard, Node, Opaque
from gradtape.programs.opaque import Arguments
from gradtape.programs.repeats import cut
from gradtape.programs.rewrites import rewritten
from gradtape.programs.rewrites.constants import settled
from gradtape.programs.tracing import _bits, concrete

__all__ = ["Tree", "computes_numbers_only"]

#: Constants up to this size are compared by what is in them.
SMALL_BYTES = 1 << 12


class _Segment:
    """What is computed between two guards, or a piece of that.

    Attributes
    ----------
    nodes : of the tree, in order.
    then : the segment that comes next, if no guard stands between.
    asked : what the guard behind it looks at.
    ways : for each look at that, which segment comes next by what was seen.
    gives : those of the nodes that are used behind it.
    end : for the last one of a way, the program that the way is, and the nodes that it returns.
    since : the tree's version with which it came.
    made : what runs it; it is made anew when it has to give more.
    """

    __slots__ = ("asked", "end", "gives", "made", "nodes", "since", "then", "ways")

    def __init__(self, nodes: list[Node], since: int) -> None:
        self.nodes, self.since = nodes, since
        self.then: _Segment | None = None
        self.asked: Node | None = None
        self.ways: dict[Any, dict[Any, _Segment]] = {}
        self.gives: set[Node] = set()
        self.end: tuple[Any, list[Node]] | None = None
        self.made: _Made | None = None


class _Made(NamedTuple):
    """What runs a segment (nothing, if it gives nothing), what that takes, and what it gives."""

    run: Any
    takes: Sequence[Node]
    gives: Sequence[Node]
    compiled: Any


class Tree:
    """Ways of calls of one signature, while the function's names stand for the same.

    Call it with the values of the arguments that are inputs: it gives the program whose way the
    call went and the program's results, or None where the call goes a way that is not known.

    Parameters
    ----------
    engine : the name of what runs the segments.
    holds : whether the names of the function still stand for what they did; None: it has none.
    """

    def __init__(self, engine: str | None, holds: Callable[[], bool] | None) -> None:
        self.holds = holds
        self._engine = engine
        self._root: _Segment | None = None
        self._home: dict[Node, _Segment] = {}
        self._inputs: dict[Any, Node] = {}  # by their places, or by who has the value
        self._entry: tuple[list[Node], list[Any]] = ([], [])  # all of them; who has the values
        self._version = 0
        #: What was compiled for it, also what no segment needs at present: the last trip of the
        #: longest way gives less than the others, and the next one's last trip gives the same.
        self._compiled: set[_Compiled] = set()

    # Running --------------------------------------------------------------------------------------

    def __call__(self, values: list[Any]) -> tuple[Any, Any] | None:
        """Go from segment to segment."""
        since = self._version
        nodes, state = self._entry
        there = dict(zip(nodes, [*values, *[concrete(t.array) for t in state]], strict=True))
        value_of = there.__getitem__
        segment: Any = self._root
        while True:
            made = segment.made
            if made is None or len(made.gives) != len(segment.gives):
                made = self._make(segment)
            if segment.end is not None:
                return segment.end[0], made.run(*map(value_of, made.takes))
            if made.run is not None:
                there.update(zip(made.gives, made.run(*map(value_of, made.takes)), strict=True))
            if segment.then is not None:
                segment = segment.then
                continue
            segment = _following(segment, there[segment.asked])
            if segment is None:
                return None
            if segment.since > since:  # another thread made it: what it takes may not be there
                return self(values)

    def _make(self, segment: _Segment) -> _Made:
        gives = [node for node in segment.nodes if node in segment.gives]
        end = segment.end
        if end is None and not gives:
            made = _Made(None, [], [], None)
        else:
            graph, takes, key = _alone(segment.nodes, gives if end is None else end[1])
            compiled = _compiled(graph, self._engine, key, self)
            self._compiled.add(compiled)
            made = _Made(compiled.run, takes, gives, compiled)
        segment.made = made
        return made

    # Growing --------------------------------------------------------------------------------------

    def add(self, program: Any) -> bool:
        """Take up a program; whether it fits to those that are there, and goes another way.

        One thread at a time may do so; others may run what there is.
        """
        plan = program.plan
        graph = settled(plan.graph)
        keys = [*range(len(plan.given)), *[("state", id(t)) for t in plan.state]]
        inputs = dict(self._inputs)
        new: dict[Node, Node] = {}
        for key, node in zip(keys, graph.inputs, strict=True):
            new[node] = inputs.setdefault(key, _bare_copy(node))
        where = (0, None, None) if self._root is None else self._leaves_at(self._root, graph, new)
        if where is None:
            return False
        first, segment, seen = where
        since = self._version + 1
        grown = _grown(graph, first, new, since)
        if grown is None:
            return False
        for each in grown:
            self._home.update(dict.fromkeys(each.nodes, each))
        grown[-1].end = program, [new[node] for node in graph.outputs]
        for each in grown:
            self._let_give(each)
        state = {id(t): t for t in [*self._entry[1], *plan.state]}
        self._inputs, self._entry = inputs, (list(inputs.values()), list(state.values()))
        self._version = since
        if segment is None:
            self._root = grown[0]
        else:
            guard = graph.guards[first - 1]
            known = segment.ways.get(guard.look, {})
            segment.ways = {**segment.ways, guard.look: {**known, seen: grown[0]}}
        return True

    @staticmethod
    def _leaves_at(segment: _Segment, graph: Graph, new: dict[Node, Node]) -> Any:
        """Where a graph leaves the ways that there are: behind how many guards, which segment.

        ``new`` gets the tree's nodes for those of the graph. None if it is told the same
        throughout, or computes something else although it was told the same.
        """
        start = 0
        for i, guard in enumerate(graph.guards):
            nodes = _computed(graph.nodes[start : guard.position])
            while segment.then is not None:
                count = len(segment.nodes)
                if not _are_the_same(nodes[:count], segment, new):
                    return None
                segment, nodes = segment.then, nodes[count:]
            if not _are_the_same(nodes, segment, new):
                return None
            if segment.end is not None or new[guard.node] is not segment.asked:
                return None
            if len({*segment.ways, guard.look} - {_bits}) > 1:
                return None  # whose answers cannot be compared
            seen = _key(guard.seen)
            following = segment.ways.get(guard.look, {}).get(seen)
            if following is None:
                return i + 1, segment, seen
            segment, start = following, guard.position
        return None

    def _let_give(self, segment: _Segment) -> None:
        """Have the segments before give what one uses."""
        used = [segment.asked] if segment.asked is not None else []
        used += segment.end[1] if segment.end is not None else []
        for node in itertools.chain(used, *[node.inputs for node in segment.nodes]):
            home = self._home.get(node)
            if home is None or _is_constant(node) or node in home.gives:
                continue
            if home is not segment or node is segment.asked:
                home.gives.add(node)

    def keep(self, programs: set[Any]) -> bool:
        """Let go of all ways but those of some programs; whether any is left."""
        kept: set[_Segment] = set()
        for segment in reversed(self._segments()):
            if segment.end is not None and segment.end[0] in programs:
                kept.add(segment)
            left = {
                look: {seen: after for seen, after in found.items() if after in kept}
                for look, found in segment.ways.items()
            }
            segment.ways = {look: found for look, found in left.items() if found}
            if segment.ways or segment.then in kept:
                kept.add(segment)
        self._home = {node: each for each in self._segments() for node in each.nodes}
        self._compiled = set()  # each segment has its own
        return self._root in kept

    def _segments(self) -> list[_Segment]:
        """All of them, each behind the one that it follows."""
        found = [self._root] if self._root is not None else []
        for segment in found:
            found += [segment.then] if segment.then is not None else []
            for following in segment.ways.values():
                found += following.values()
        return found


def _following(segment: _Segment, value: Any) -> _Segment | None:
    for look, ways in segment.ways.items():
        seen = look(value)
        found = ways.get(seen if seen == seen else _NAN)
        if found is not None:
            return found
    return None


_NAN = object()


def _key(seen: Any) -> Any:
    """What Python saw, such that NaN is the same as NaN."""
    return seen if seen == seen else _NAN


def computes_numbers_only(graph: Graph) -> bool:
    """Whether there is no array in a graph: then it takes less than to go by segments."""
    return all([node.shape == () for node in graph.nodes])


# Comparing ----------------------------------------------------------------------------------------


def _is_constant(node: Node) -> bool:
    return node.op is None and node.value is not None


def _computed(nodes: Sequence[Node]) -> list[Node]:
    """Without the inputs."""
    return [node for node in nodes if node.op is not None or node.value is not None]


def _are_the_same(nodes: list[Node], segment: _Segment, new: dict[Node, Node]) -> bool:
    """Whether nodes compute what a segment does; ``new`` then has its nodes for them."""
    if len(nodes) != len(segment.nodes):
        return False
    for node, other in zip(nodes, segment.nodes, strict=True):
        if node.shape != other.shape or node.dtype != other.dtype:
            return False
        if len(node.inputs) != len(other.inputs) or not _is_same(node.value, other.value):
            return False
        if not all([new[i] is j for i, j in zip(node.inputs, other.inputs, strict=True)]):
            return False
        if not (_is_same_op(node.op, other.op) and _is_same(node.params, other.params)):
            return False
        new[node] = other
    return True


def _is_same_op(one: Any, other: Any) -> bool:
    if one is other:
        return True
    if not (type(one) is type(other) is Opaque and one.function is other.function):
        return False
    of_one, of_other = one.arrange, other.arrange
    if not type(of_one) is type(of_other) is Arguments:
        return False
    pair = (of_one.args, of_one.kwargs), (of_other.args, of_other.kwargs)
    return _is_same(*pair)


def _is_same(one: Any, other: Any) -> bool:
    """Whether two static arguments, or two constants, are the same, to the bit."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray):
        if one.shape != other.shape or one.dtype != other.dtype or one.dtype.hasobject:
            return False
        return bool(one.tobytes() == other.tobytes())
    if isinstance(one, (tuple, list)):
        pairs = zip(one, other, strict=False)
        return len(one) == len(other) and all([_is_same(a, b) for a, b in pairs])
    if type(one) is dict:
        return list(one) == list(other) and _is_same(list(one.values()), list(other.values()))
    if type(one) is slice:
        return _is_same((one.start, one.stop, one.step), (other.start, other.stop, other.step))
    if isinstance(one, (float, complex, np.generic)):
        return repr(one) == repr(other)  # 0.0 equals -0.0, and is another
    return bool(one == other)


# Making -------------------------------------------------------------------------------------------


def _bare_copy(node: Node) -> Node:
    return Node(0, None, (), (), node.shape, node.dtype)


def _copy(node: Node, inputs: tuple[Node, ...], number: int = 0) -> Node:
    return Node(
        *(number, node.op, inputs, node.params, node.shape, node.dtype, node.value, node.fixed)
    )


def _grown(graph: Graph, first: int, new: dict[Node, Node], since: int) -> list[_Segment] | None:
    """New segments for what comes behind the guards before ``first``, each behind the last."""
    start = graph.guards[first - 1].position if first else 0
    grown: list[_Segment] = []
    guards: list[Guard | None] = [*graph.guards[first:], None]
    for i, guard in enumerate(guards):
        stop = len(graph.nodes) if guard is None else guard.position
        copies = []
        for node in _computed(graph.nodes[start:stop]):
            new[node] = _copy(node, tuple([new[j] for j in node.inputs]))
            copies.append(new[node])
        pieces = [_Segment(piece, since) for piece in cut(copies)]
        before = guards[i - 1]
        if grown and before is not None:
            grown[-1].ways = {before.look: {_key(before.seen): pieces[0]}}
        for piece, following in itertools.pairwise(pieces):
            piece.then = following
        grown += pieces
        if guard is not None:
            asked = grown[-1].asked = new[guard.node]
            if _is_constant(asked) or type(asked.dtype) is tuple:
                return None
            start = stop
    return grown


def _alone(
    nodes: Sequence[Node], outputs: Sequence[Node]
) -> tuple[Graph, list[Node], tuple[Any, ...]]:
    """Some nodes as a graph of their own, the nodes that it takes, and what it computes."""
    own, needed = set(nodes), set(outputs)
    for node in reversed(nodes):
        if node in needed:
            needed.update(node.inputs)
    graph = Graph()
    takes: list[Node] = []
    told: list[Any] = []
    new: dict[Node, Node] = {}

    def put(node: Node) -> Node:
        copy = new.get(node)
        if copy is None:
            if node in own or _is_constant(node):
                copy = _copy(node, tuple([put(i) for i in node.inputs]))
                told.append(_identity(copy))
            else:
                copy = _bare_copy(node)
                graph.inputs.append(copy)
                takes.append(node)
                told.append((copy.shape, copy.dtype))
            copy.number = len(graph.nodes)
            graph.nodes.append(copy)
            new[node] = copy
        return copy

    for node in nodes:
        if node in needed and not _is_constant(node):
            put(node)
    graph.outputs = [put(node) for node in outputs]
    told.append(tuple([node.number for node in graph.outputs]))
    return graph, takes, tuple(told)


def _identity(node: Node) -> Any:
    """What is the same of nodes that compute the same, and of constants that are the same."""
    if node.op is not None:
        inputs = tuple([i.number for i in node.inputs])
        return node.op, inputs, _comparable(node.params), node.shape, node.dtype
    value = node.value
    if isinstance(value, np.ndarray) and node.fixed and value.nbytes <= SMALL_BYTES:
        return node.shape, node.dtype, value.strides, value.tobytes()
    return node.shape, node.dtype, _comparable(value)


def _comparable(value: Any) -> Any:
    """A static argument such that only what is the same to the bit is equal."""
    if isinstance(value, np.ndarray):
        return "array", id(value)
    if isinstance(value, slice):
        return "slice", _comparable((value.start, value.stop, value.step))
    if isinstance(value, (tuple, list)):
        return type(value), tuple([_comparable(v) for v in value])
    if isinstance(value, (float, complex, np.generic)):
        return type(value), repr(value)
    return type(value), value


class _Compiled:
    """A program, and the graph of which it was made: its ids and operations stay what they are."""

    __slots__ = ("__weakref__", "graph", "run")

    def __init__(self, graph: Graph, run: Any) -> None:
        self.graph, self.run = graph, run


#: What is compiled, by what it computes and who runs it, as long as some tree has it.
_COMPILED: WeakValueDictionary[Any, _Compiled] = WeakValueDictionary()


def _compiled(graph: Graph, engine: str | None, key: Any, tree: Tree) -> _Compiled:
    """A program for a graph: one that is there, if it computes the same."""
    # Programs that become native after some calls count those of one tree only: then the same
    # calls give the same digits, whatever else has run.
    key = engine if engine is not None else id(tree), key
    try:
        found = _COMPILED.get(key)
    except TypeError:  # something that cannot be hashed
        return _Compiled(graph, engine_for(engine)(rewritten(graph)))
    if found is None:
        made = _Compiled(graph, engine_for(engine)(rewritten(graph)))
        found = _COMPILED.setdefault(key, made)
    return found
