"""What a backward program is given of the forward one, so that it need not compute it again.

A function under recorders is run by one program, and its gradient by another. Where both are
known, they are laid together and cut anew: what depends on the cotangents is the backward part. Of
what it uses of the rest, the forward part hands over what it computes anyway and what is dear:
products of matrices, sums, sorted arrays, factorizations. What is computed entry by entry, or only
moves entries, is computed again: in the loop that needs it, that takes about as long as to read it,
and no memory. A tape of plain operations keeps all of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from gradtape.elementwise import Elementwise
from gradtape.programs.graph import Graph, Guard, Node
from gradtape.programs.numpy_engine import GuardFailed
from gradtape.programs.rewrites import rewritten
from gradtape.programs.rewrites.building import kind, ufunc_of
from gradtape.programs.text import bytes_of, flops_of

__all__ = ["Cut", "Residuals", "cut"]

#: After so many gradients, the two programs are made anew.
OFTEN = 8

#: So many bytes are handed over in any case, or so many times what goes in and comes out.
LEAST_BYTES, TIMES = 1 << 20, 8

#: What only moves entries, or computes each from one.
_MOVES = frozenset(
    {
        *("reshape", "transpose", "getitem", "broadcast", "broadcast_to", "swapaxes", "moveaxis"),
        *("concatenate", "flip", "roll", "tile", "repeat", "diagonal", "embed", "astype", "where"),
        *("raised", "clip", "logistic"),
    }
)


class Cut:
    """Two graphs, for the value and for the gradient.

    Attributes
    ----------
    forward : it takes what the function takes, and gives what its program gives, then what it
        hands over.
    backward : it takes what is handed over, then some of what the function takes, then the
        cotangents, and gives what the program of the derivative gives.
    kept : how many values are handed over.
    taken : the positions, among what the function takes, of what the backward graph takes, too.
    """

    def __init__(self, forward: Graph, backward: Graph, kept: int, taken: list[int]) -> None:
        self.forward, self.backward = forward, backward
        self.kept, self.taken = kept, taken


class Residuals:
    """The two programs for a value and for its gradient, of which one hands over to the other.

    Parameters
    ----------
    parts : the two graphs.
    engine : what makes programs of them.
    derivative, plan : the traced function of the derivative, and its plan: it is called with what
        goes in, the state and the cotangents, each a list.
    """

    def __init__(self, parts: Cut, engine: Any, derivative: Any, plan: Any) -> None:
        self.run = engine(parts.forward)
        #: The function that computes the derivative from the start.
        self.derivative = derivative
        self._backward = engine(parts.backward)
        self._taken, self._leaves = parts.taken, plan._leaves
        # Of each cotangent its form, None for one that there is not.
        before = len(parts.forward.inputs)
        self._forms: list[Any] = [None] * (len(plan.takes[1]) - before)
        seeds = parts.backward.inputs[parts.kept + len(self._taken) :]
        for i, node in zip([i for i in plan.given if i >= before], seeds, strict=True):
            self._forms[i - before] = node.shape, node.dtype

    def shares(self, kept: Any, values: list[Any], cotangents: list[Any]) -> list[Any] | None:
        """What the derivative gives, a list; None for a case that it was not made for."""
        seeds = []
        for c, form in zip(cotangents, self._forms, strict=True):
            if form is not None:
                if getattr(c, "shape", None) != form[0] or c.dtype != form[1]:
                    return None
                seeds.append(c)
            elif c is not None:
                return None
        try:
            results = self._backward(*kept, *[values[i] for i in self._taken], *seeds)
        except GuardFailed:
            return None
        return [
            results[which]
            if what == "computed"
            else (values + cotangents)[which]
            if what == "argument"
            else which
            for what, which in self._leaves
        ]


def cut(forward: Graph, derivative: Graph) -> Cut | None:
    """The graphs of a value and of its derivative, cut anew.

    Parameters
    ----------
    forward, derivative : after their rewrites. The inputs of the derivative are those of the
        forward graph, and then the cotangents.

    Returns
    -------
    None where nothing is handed over: then the derivative is best computed as it is.
    """
    given = len(forward.inputs)
    forms = [(node.shape, node.dtype) for node in forward.inputs]
    if [(node.shape, node.dtype) for node in derivative.inputs[:given]] != forms:
        return None
    whole = rewritten(_together(forward, derivative))
    results = whole.outputs[: len(forward.outputs)]
    shares = whole.outputs[len(forward.outputs) :]
    seeds = set(whole.inputs[given:])
    late = set(seeds)  # what depends on the cotangents
    for node in whole.nodes:
        if any([i in late for i in node.inputs]):
            late.add(node)
    if any([node in late for node in results]):
        return None
    guards = [guard for guard in whole.guards if guard.node in late]
    wanted = [*shares, *[guard.node for guard in guards]]
    size = sum(map(bytes_of, [*whole.inputs[:given], *results]))
    kept = _kept(wanted, late, _needed(results, set()), max(LEAST_BYTES, TIMES * size))
    if not kept:
        return None
    early = [guard for guard in whole.guards if guard.node not in late]
    before = _part(whole, [*results, *kept], early, whole.inputs[:given])
    needed = _needed(wanted, set(kept))
    taken = [i for i, node in enumerate(whole.inputs[:given]) if node in needed]
    inputs = [*kept, *[whole.inputs[i] for i in taken], *whole.inputs[given:]]
    return Cut(before, _part(whole, shares, guards, inputs), len(kept), taken)


def _together(one: Graph, other: Graph) -> Graph:
    """Two graphs in one: the inputs of the second are those of the first, and more."""
    result = Graph(list(one.nodes), list(one.inputs), list(one.outputs), list(one.guards))
    constants = {_identity(node): node for node in one.nodes if _is_constant(node)}
    new: dict[Node, Node] = dict(zip(other.inputs, one.inputs, strict=False))
    positions = []
    for node in other.nodes:
        positions.append(len(result.nodes))
        if node in new:
            continue
        if _is_constant(node) and _identity(node) in constants:
            new[node] = constants[_identity(node)]
            continue
        inputs = tuple([new[i] for i in node.inputs])
        new[node] = copy = Node(
            *(len(result.nodes), node.op, inputs, node.params),
            *(node.shape, node.dtype, node.value, node.fixed),
        )
        result.nodes.append(copy)
    positions.append(len(result.nodes))
    result.inputs += [new[node] for node in other.inputs[len(one.inputs) :]]
    result.outputs += [new[node] for node in other.outputs]
    result.guards += [
        Guard(new[g.node], g.look, g.seen, positions[g.position]) for g in other.guards
    ]
    return result


def _is_constant(node: Node) -> bool:
    return node.op is None and node.value is not None


def _identity(node: Node) -> Any:
    """What is the same of constants that are: the object, or what is in one that stays so."""
    value = node.value
    if node.fixed and isinstance(value, np.ndarray):
        return value.shape, value.dtype, value.tobytes()
    return id(value)


# What is handed over ------------------------------------------------------------------------------


def _kept(wanted: Iterable[Node], late: set[Node], early: set[Node], most: int) -> list[Node]:
    """What is dear among that which the backward part uses, as far as there is room for it."""
    dropped = set(late)
    while True:
        kept = _dear(wanted, early - dropped)
        if sum(map(bytes_of, kept)) <= most:
            return kept
        # What takes the least work for its size goes first.
        dropped.add(min(kept, key=lambda node: flops_of(node) / max(bytes_of(node), 1)))


def _dear(wanted: Iterable[Node], there: set[Node]) -> list[Node]:
    """What is dear among that which is there, on the way to what is wanted."""
    kept: dict[Node, None] = {}
    met: set[Node] = set()
    pending = list(wanted)
    while pending:
        node = pending.pop()
        if node in met or node.op is None:
            continue
        met.add(node)
        if node in there and _is_dear(node):
            kept[node] = None
        else:
            pending += node.inputs
    return sorted(kept, key=lambda node: node.number)


def _is_dear(node: Node) -> bool:
    if not isinstance(node.dtype, np.dtype):
        return False  # a Python number, or several results
    by_entries = isinstance(node.op, Elementwise) or ufunc_of(node.op) is not None
    return not (by_entries or kind(node.op) in _MOVES)


def _needed(wanted: Iterable[Node], kept: set[Node]) -> set[Node]:
    """All that is computed, or taken, for what is wanted where some values are there."""
    needed: set[Node] = set()
    pending = list(wanted)
    while pending:
        node = pending.pop()
        if node not in needed:
            needed.add(node)
            if node not in kept:
                pending += node.inputs
    return needed


def _part(
    whole: Graph, outputs: Sequence[Node], guards: Sequence[Guard], inputs: Sequence[Node]
) -> Graph:
    """The part of a graph that computes some nodes from others."""
    needed = _needed([*outputs, *[guard.node for guard in guards]], set(inputs))
    result = Graph()
    new: dict[Node, Node] = {}
    for node in inputs:
        new[node] = Node(len(result.nodes), None, (), (), node.shape, node.dtype)
        result.nodes.append(new[node])
    for node in whole.nodes:
        if node in needed and node not in new:
            new[node] = copy = Node(
                *(len(result.nodes), node.op, tuple([new[i] for i in node.inputs]), node.params),
                *(node.shape, node.dtype, node.value, node.fixed),
            )
            result.nodes.append(copy)
    result.inputs = [new[node] for node in inputs]
    result.outputs = [new[node] for node in outputs]
    # A guard stands right behind what it looks at.
    result.guards = sorted(
        [Guard(new[g.node], g.look, g.seen, new[g.node].number + 1) for g in guards],
        key=lambda guard: guard.position,
    )
    return result
