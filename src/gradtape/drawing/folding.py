"""Repeated structure folded: the passes of loops, and long programs in parts.

Which operations are alike is told by what they are and where in the program they stand, so a
layer that is called repeatedly is a loop like any other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any, Literal

import numpy as np

from gradtape.places import Place
from gradtape.trace import Step

__all__ = ["Fold", "Item", "folded", "steps_of"]

#: A picture of so many operations at most shows them all.
WHOLE = 24
#: So many boxes at most stand in an open box, where there is a way to have fewer.
MANY = 40
#: A loop has so many passes at least.
PASSES = 3
#: So many boxes at most stand for a loop's passes.
TEN = 10
#: The longest pass that is looked for.
LONGEST = 2000


@dataclass(eq=False)
class Fold:
    """A box that holds others, in the order in which they were computed.

    ``kind`` is what it stands for: a whole loop, some of its passes, one pass, one line of code,
    one function, a part of a long program. ``first`` and ``count`` number the passes from 1.
    """

    kind: Literal["loop", "passes", "pass", "line", "function", "part"]
    children: list[Item]
    first: int = 1
    count: int = 1


Item = Step | Fold


def steps_of(item: Item) -> Iterator[Step]:
    """The operations in an item, oldest first."""
    if isinstance(item, Step):
        yield item
    else:
        for child in item.children:
            yield from steps_of(child)


def folded(steps: Sequence[Step], fold: bool = True) -> list[Item]:
    """The operations of a picture, repeated ones in boxes.

    Parameters
    ----------
    steps : oldest first.
    fold : whether to fold at all; a short program is shown as it is in any case.
    """
    items: list[Item] = list(steps)
    if not fold or len(items) <= WHOLE:
        return items
    symbols = _Symbols()
    items, names = _loops(items, [symbols.of(step) for step in steps], symbols)
    if len(items) > 3 * MANY:
        items = _uneven_loop(items, names)
    return _in_parts(items)


class _Symbols:
    """A number for everything that can be alike."""

    def __init__(self) -> None:
        self._known: dict[Hashable, int] = {}

    def of(self, step: Step) -> int:
        return self.number((step.name, step.place.spot if step.place else None))

    def number(self, sign: Hashable) -> int:
        return self._known.setdefault(sign, len(self._known))


def _loops(items: list[Item], names: list[int], symbols: _Symbols) -> tuple[list[Item], list[int]]:
    """Put the passes of loops, inner ones first, into boxes."""
    period = 1
    while period <= min(len(items) // PASSES, LONGEST):
        runs = list(_runs(np.array(names), period))
        ends = [0, *[end for _, end in runs]]
        for (start, end), free in reversed(list(zip(runs, ends, strict=False))):
            cut = _first_cut(items, start, period)
            start = min(start, max(free, _first_pass(items, cut, period)))
            bounds = [start, *[i for i in range(cut, end, period) if i > start], end]
            bodies = [items[a:b] for a, b in pairwise(bounds)]
            sign = symbols.number(("loop", *sorted(names[cut : cut + period])))
            items[start:end], names[start:end] = [_loop(bodies)], [sign]
        period = 1 if runs else period + 1
    return items, names


def _runs(names: Any, period: int) -> Iterator[tuple[int, int]]:
    """Where something of a length is repeated, and where that ends."""
    same = np.concatenate([[False], names[period:] == names[:-period], [False]])
    edges = np.flatnonzero(same[1:] != same[:-1])
    free = 0
    for start, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        start = max(start, free)
        if last - start >= (PASSES - 1) * period:
            free = last + period
            yield start, free


def _first_cut(items: list[Item], start: int, period: int) -> int:
    """Where a pass of a loop begins: where the program goes back.

    The function in which the loop stands goes back once in each pass; those that it calls may do so
    more often. What is called between the last of its operations and the first may belong to either
    end: to that at which the repetition starts, if that is where a call starts.
    """
    spots: dict[Any, list[tuple[int, int]]] = {}
    places = [next(steps_of(item)).place for item in items[start : start + period]]
    for i, place in enumerate(places):
        if place is not None:
            spots.setdefault(place.code, []).append((i, place.order))
    back: list[tuple[int, int, int]] = []
    for found in spots.values():
        around = [*found, (found[0][0] + period, found[0][1])]
        gaps = [(a, b) for (a, before), (b, after) in pairwise(around) if after <= before]
        if len(gaps) == 1:
            back.append((len(found), *gaps[0]))
    if not back:
        return start
    _, last, first = max(back)
    is_start = first >= period and not _goes_on(places[-1], places[0])
    return start if is_start else start + last + 1


def _goes_on(before: Place | None, after: Place | None) -> bool:
    """Whether a function goes on from one place to another."""
    if before is None or after is None:
        return False
    return before.code is after.code and before.order <= after.order


def _first_pass(items: list[Item], start: int, period: int) -> int:
    """Where a loop begins whose first pass does other operations on the same lines.

    So it is where a loop begins with a bare value.
    """
    body = [_line(step) for item in items[start : start + period] for step in steps_of(item)]
    found, held = start, 0
    while found > 0:
        lines = [_line(step) for step in steps_of(items[found - 1])]
        held += len(lines)
        if held > len(body) or not set(lines) <= set(body):
            break
        found -= 1
    if found == start or len(set(body)) == 1:
        return start  # a single line may do many things
    before = [_line(step) for item in items[found:start] for step in steps_of(item)]
    return found if before[-1] == body[-1] and set(before) == set(body) else start


def _line(step: Step) -> Any:
    return step.place and (step.place.file, step.place.line)


def _loop(bodies: list[list[Item]]) -> Fold:
    """A loop of passes: each in a box, and those in boxes of ten, a hundred and so on."""
    passes = [body[0] if len(body) == 1 else Fold("pass", _in_parts(body)) for body in bodies]
    for number, one in enumerate(passes, 1):
        if isinstance(one, Fold) and one.kind == "pass":
            one.first = number
    boxes: list[Item] = list(passes)
    size = 1
    while len(boxes) > TEN:
        size *= TEN
        groups = [boxes[i : i + TEN] for i in range(0, len(boxes), TEN)]
        boxes = [
            Fold("passes", group, i * size + 1, min(size, len(passes) - i * size))
            for i, group in enumerate(groups)
        ]
    return Fold("loop", boxes, 1, len(passes))


def _uneven_loop(items: list[Item], names: list[int]) -> list[Item]:
    """Cut a long sequence where the same operation comes again, as a loop with branches has it."""
    counts = Counter(names)
    often = [name for name in dict.fromkeys(names) if counts[name] >= PASSES]
    if not often:
        return items
    where = {name: [i for i, other in enumerate(names) if other == name] for name in often}
    head = max(often, key=lambda name: where[name][-1] - where[name][0])
    starts = where[head]
    if max([b - a for a, b in pairwise(starts)]) > len(items) // 2:
        return items
    seen = set(names[starts[0] : starts[-1]])
    end = starts[-1] + 1
    while end < len(items) and names[end] in seen and names[end] != head:
        end += 1
    bodies = [items[a:b] for a, b in pairwise([*starts, end])]
    return [*items[: starts[0]], _loop(bodies), *items[end:]]


def _in_parts(items: list[Item]) -> list[Item]:
    """A long sequence in boxes of what belongs together: a function, a line, or a tenth of it."""
    if len(items) <= MANY:
        return items
    ways: list[tuple[Literal["function", "line"], Callable[[Step], Any]]] = [
        ("function", lambda step: step.place and (step.place.file, step.place.function)),
        ("line", lambda step: step.place and (step.place.file, step.place.line)),
    ]
    for kind, sign in ways:
        signs = [sign(next(steps_of(item))) for item in items]
        pairs = groupby(zip(signs, items, strict=True), lambda pair: pair[0])
        groups = [[item for _, item in group] for _, group in pairs]
        if 1 < len(groups) <= MANY:
            return [g[0] if len(g) == 1 else Fold(kind, _in_parts(g)) for g in groups]
    size = -(-len(items) // TEN)
    parts = [items[i : i + size] for i in range(0, len(items), size)]
    return [Fold("part", _in_parts(part)) for part in parts]
