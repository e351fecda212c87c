"""Where long stretches of a program repeat themselves: there it is cut, into pieces that are alike.

The way back through a loop of 20 trips computes the same 20 times over, with other values. Cut into
some trips each, it is a few programs, which the way back through 21 trips has in common with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gradtape.programs.graph import Node

__all__ = ["cut"]

#: So many repetitions are one piece: between two pieces, Python hands on the values.
TOGETHER = 4
#: What is shorter, in operations, is not cut.
LONG = 48


def cut(nodes: Sequence[Node]) -> list[list[Node]]:
    """Nodes in pieces, in their order: one piece, if they are few or do not repeat themselves."""
    places = [i for i, node in enumerate(nodes) if node.op is not None]
    single = not any([type(node.dtype) is tuple for node in nodes])  # others are not handed on
    labels = _labels([nodes[i] for i in places]) if single and len(places) >= LONG else []
    found = _repeated(labels)
    if found is None:
        return [list(nodes)]
    start, stop, period = found
    cuts = [places[i] for i in range(start, stop - TOGETHER * period + 1, TOGETHER * period) if i]
    # The end of the last whole piece; constants stand where they are used first, or before.
    last = start + (stop - start) // (TOGETHER * period) * TOGETHER * period
    cuts += [places[last]] if last < len(places) else []
    return [list(nodes[i:j]) for i, j in zip([0, *cuts], [*cuts, len(nodes)], strict=True)]


def _labels(nodes: Sequence[Node]) -> list[int]:
    """A number for each node: the same for those that do the same with what stands before them."""
    known: dict[Any, int] = {}
    place = {node: i for i, node in enumerate(nodes)}
    labels = []
    for i, node in enumerate(nodes):
        inputs = tuple([_seen_from(i, place.get(j), j) for j in node.inputs])
        what = id(node.op), inputs, repr(node.shape), repr(node.dtype)
        labels.append(known.setdefault(what, len(known)))
    return labels


def _seen_from(here: int, there: int | None, node: Node) -> Any:
    if there is not None:
        return here - there
    return None if node.value is None else id(node.value)


def _repeated(labels: list[int]) -> tuple[int, int, int] | None:
    """Where most labels repeat themselves: from, to, and after how many; None if they do not."""
    count, middle = len(labels), len(labels) // 2
    for period in range(1, count // (2 * TOGETHER) + 1):
        if labels[middle - period : middle] != labels[middle : middle + period]:
            continue
        start, stop = middle - period, middle + period
        while start > 0 and labels[start - 1] == labels[start - 1 + period]:
            start -= 1
        while stop < count and labels[stop] == labels[stop - period]:
            stop += 1
        if stop - start >= max(count // 2, TOGETHER * period):
            return start, stop, period
    return None
