"""The gradient of a largest entry: zero but in a few places, which are all that is computed.

The derivative of max(x) along the last axis marks, in a mask, the entries of x that are as large as
their row's, counts them, and adds each row's share at these places to the rest of the gradient.
Computed as it is written, that goes over all entries six times. Here the mask is made, and its
places are looked up once; what is written at them is what the operations would have written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from gradtape.programs.graph import Node
from gradtape.programs.rewrites.building import kind, number_of

__all__ = ["Peak", "add_chosen", "choose", "count_rows", "peaks_in", "places_of"]

#: If more than one entry out of so many is marked, all are gone over.
FEW = 16
#: How many truth values, of a byte each, are looked at together.
WORD = 8
#: So many operations are looked back at for the sign of a zero.
FAR = 12


@dataclass(frozen=True, eq=False)
class Peak:
    """The nodes of one such gradient."""

    mask: Node
    #: How many entries of each row are marked.
    counts: tuple[Node, ...]
    #: The rows that have none: those with NaN, all of whose entries count as marked.
    none: Node
    either: Node
    #: What each row has at its places; zero elsewhere.
    values: Node
    chosen: Node
    #: The sums of this and of the rest, one part of it after the other, if that is all that it is
    #: used for, and these parts.
    totals: tuple[Node, ...]
    rests: tuple[Node, ...]

    @property
    def last(self) -> Node:
        """What comes of it."""
        return self.totals[-1] if self.totals else self.chosen

    @property
    def clean(self) -> bool:
        """Whether adding zero to the rest changes nothing: no entry of its sum is -0."""
        return any([_no_minus_zero(rest, FAR) for rest in self.rests])


def peaks_in(nodes: list[Node], whole: set[Node], uses: Callable[[Node], int]) -> list[Peak]:
    """The gradients of largest entries among the nodes of a loop.

    Parameters
    ----------
    whole : the nodes that are needed after the loop.
    uses : how often a node is used in the whole program.
    """
    users: dict[Node, list[Node]] = {}
    for node in nodes:
        for i in node.inputs:
            users.setdefault(i, []).append(node)

    def only(node: Node) -> list[Node]:
        """Those who use a node, if they are all in the loop."""
        mine = users.get(node, [])
        return mine if len(mine) == uses(node) and node not in whole else []

    found = [_peak(node, only) for node in nodes if kind(node.op) == "equal"]
    return [peak for peak in found if peak is not None]


def _peak(mask: Node, only: Callable[[Node], list[Node]]) -> Peak | None:
    row = (*mask.shape[:-1], 1)
    if len(mask.shape) < 2 or {i.shape for i in mask.inputs} != {mask.shape, row}:
        return None
    users = only(mask)
    counts = [n for n in users if kind(n.op) == "sum" and n.params == ((-1,), True)]
    if mask.shape == row or any([n.dtype.kind != "i" for n in counts]):
        return None
    others = [n for n in users if n not in counts]
    if len(others) != 1 or kind(others[0].op) != "bitwise_or" or not counts:
        return None
    either = others[0]
    none = [i for i in either.inputs if i is not mask]
    if len(none) != 1 or none[0].shape != row or either.shape != mask.shape:
        return None
    masked = only(either)
    if len(masked) != 1 or kind(masked[0].op) != "where":
        return None
    chosen = masked[0]
    condition, values, zero = chosen.inputs
    if condition is not either or values.shape != row or values.dtype != chosen.dtype:
        return None
    number = number_of(zero)
    if number is None or number != 0 or np.signbit(number) or chosen.dtype.char not in "fd":
        return None
    totals: list[Node] = []
    rests: list[Node] = []
    while found := _sum_with(totals[-1] if totals else chosen, only):
        totals.append(found[0])
        rests.append(found[1])
    rest = tuple(totals), tuple(rests)
    return Peak(mask, tuple(counts), none[0], either, values, chosen, *rest)


def _sum_with(node: Node, only: Callable[[Node], list[Node]]) -> tuple[Node, Node] | None:
    """The sum that is all that a node is used for, and what else is in it."""
    users = only(node)
    if len(users) != 1 or kind(users[0].op) != "add" or users[0].dtype != node.dtype:
        return None
    others = [i for i in users[0].inputs if i is not node]
    if len(others) != 1 or others[0].shape != node.shape or others[0].dtype != node.dtype:
        return None
    return users[0], others[0]


# The signs of zeros -------------------------------------------------------------------------------

_KEEP_SIGNS = frozenset({"reshape", "transpose", "broadcast", "broadcast_to", "getitem", "astype"})
_OF_POSITIVE = _KEEP_SIGNS | {"sum", "max", "min", "sqrt", "add", "multiply", "divide"}


def _no_minus_zero(node: Node, far: int) -> bool:
    """Whether no entry can be -0. Of two numbers, x + y is -0 only if both of them are."""
    name = kind(node.op)
    if far and name == "add" and any([_no_minus_zero(i, far - 1) for i in node.inputs]):
        return True
    if far and name in _KEEP_SIGNS:
        return _no_minus_zero(node.inputs[0], far - 1)
    return _positive(node, far)


def _positive(node: Node, far: int) -> bool:
    """Whether no entry can have a sign, unless it is NaN."""
    number = number_of(node)
    if number is not None:
        return not np.iscomplexobj(number) and number >= 0 and not np.signbit(number)
    name = kind(node.op)
    if name in ("exp", "absolute", "square"):
        return True
    return far > 0 and name in _OF_POSITIVE and all([_positive(i, far - 1) for i in node.inputs])


# What programs call -------------------------------------------------------------------------------


def places_of(mask: Any) -> Any:
    """Where an array of truth values is true, as positions in the flattened array."""
    flat = mask.reshape(-1)
    end = flat.size // WORD * WORD
    whole = flat[:end].view(np.uint64)
    words = (whole != 0).nonzero()[0]
    if 2 * WORD * len(words) > end:
        return flat.nonzero()[0]
    inner = whole.take(words).view(bool).nonzero()[0]
    places = words[inner // WORD] * WORD + inner % WORD
    return np.concatenate([places, flat[end:].nonzero()[0] + end]) if end < flat.size else places


def count_rows(places: Any, mask: Any, out: Any) -> None:
    """How many of the places are in each row of a mask."""
    if _many(places, mask):
        counts = np.count_nonzero(mask, -1)
    else:
        counts = np.bincount(places // mask.shape[-1], minlength=prod(mask.shape[:-1]))
    np.copyto(out.reshape(-1), counts.reshape(-1))


def choose(mask: Any, none: Any, places: Any, values: Any, out: Any) -> None:
    """Each row's value at its places, and zero elsewhere."""
    mask, places = _with_rows(mask, none, places)
    if _many(places, mask):
        np.copyto(out, np.where(mask, values, 0))
        return
    out.fill(0)
    out.reshape(-1)[places] = values.reshape(-1)[places // out.shape[-1]]


def add_chosen(
    rests: tuple[Any, ...], mask: Any, none: Any, places: Any, values: Any, out: Any, clean: bool
) -> None:
    """Each row's value at its places, and the parts of the rest added to it, in their order.

    ``out`` may be one of these parts. ``clean`` says that the sum of the rest has no entry of -0,
    which would become +0.
    """
    mask, places = _with_rows(mask, none, places)
    if _many(places, mask):
        sums = np.where(mask, values, 0)
        for rest in rests:
            np.add(sums, rest, sums)
        np.copyto(out, sums)
        return
    sums = values.reshape(-1)[places // out.shape[-1]]
    for rest in rests:
        sums += rest.reshape(-1)[places]
    first, *others = rests
    late = any([rest is out for rest in others[1:]])  # it would be written over too early
    into = np.empty_like(out) if late else out
    for rest in others:
        first = np.add(first, rest, into)
    if not clean:
        np.add(first, 0.0, out)
    elif first is not out:
        np.copyto(out, first)
    out.reshape(-1)[places] = sums


def _many(places: Any, mask: Any) -> bool:
    return bool(len(places) * FEW > mask.size)


def _with_rows(mask: Any, none: Any, places: Any) -> tuple[Any, Any]:
    """A mask, with all entries of some rows, and where it is true."""
    if not none.any():
        return mask, places
    mask = mask | none
    return mask, places_of(mask)
