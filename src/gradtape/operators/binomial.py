"""Binomial checkpointing: which states of a long loop to keep, so that going back costs least.

A. Griewank and A. Walther, "Algorithm 799: revolve: an implementation of checkpointing for the
reverse or adjoint mode of computational differentiation", ACM TOMS 26 (2000), 19-45. In its terms a
loop of ``n`` steps is reversed with ``c`` snapshots, of which the first is the starting state.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import comb
from typing import Literal, NamedTuple

__all__ = ["Action", "default_snapshots", "forward_steps", "repetitions", "schedule"]


class Action(NamedTuple):
    """One action of a schedule.

    ``advance``: from the snapshot of ``state`` run to state ``until``, which is then the current
    one. ``keep``: take a snapshot of the current state, ``state``. ``reverse``: go back through
    step ``state``, which leads from that state (a snapshot or the current one) to the next.
    ``free``: the snapshot of ``state`` is not needed any more.
    """

    what: Literal["advance", "keep", "reverse", "free"]
    state: int
    until: int = 0


def _reach(c: int, r: int) -> int:
    """How many steps ``c`` snapshots reverse if none is run more than ``r`` times (section 2)."""
    return comb(c + r, c) if r >= 0 else 0


def repetitions(n: int, c: int) -> int:
    """How often a step is run at most before it is reversed: the least r with C(c + r, c) >= n."""
    if c == 1:
        return max(n - 1, 0)
    r = 0
    while _reach(c, r) < n:
        r += 1
    return r


def forward_steps(n: int, c: int) -> int:
    """The least number of steps run ahead to reverse ``n`` with ``c`` snapshots.

    The paper's ``t(n, c) = r n - C(c + r, c + 1)``. The runs under a tape that reverse each step
    are not counted.
    """
    r = repetitions(n, c)
    return r * n - comb(c + r, c + 1)


def default_snapshots(n: int) -> int:
    """The fewest snapshots with which no step is run more often than there are snapshots.

    ``C(2 c, c) >= n``: both grow like half the binary logarithm of ``n``.
    """
    c = 1
    while _reach(c, c) < n:
        c += 1
    return c


def schedule(n: int, c: int) -> Iterator[Action]:
    """The actions that reverse ``n`` steps with ``c`` snapshots in ``forward_steps(n, c)`` steps.

    State 0 is a snapshot from the beginning; at no time are there more than ``c``.

    Examples
    --------
    >>> from gradtape.operators.binomial import schedule
    >>> [tuple(action[:2]) for action in schedule(2, 2)]
    [('advance', 0), ('keep', 1), ('reverse', 1), ('free', 1), ('reverse', 0), ('free', 0)]
    """
    # What is yet to be reversed: steps first, ..., last - 1, with c snapshots, one of them of
    # ``first``.
    parts = [(0, n, c)] if n else []
    while parts:
        first, last, c = parts.pop()
        if last - first > 1 and c > 1:
            middle = first + _split(last - first, c)
            yield Action("advance", first, middle)
            yield Action("keep", middle)
            parts += [(first, middle, c), (middle, last, c - 1)]
            continue
        for i in range(last - 1, first, -1):
            yield Action("advance", first, i)
            yield Action("reverse", i)
        yield Action("reverse", first)
        yield Action("free", first)


def _split(n: int, c: int) -> int:
    """How far from the start of ``n`` steps the next snapshot is taken.

    Every number of steps is optimal that leaves both sides within the reach of their snapshots
    (section 2): with r repetitions, at least C(c + r - 2, c) ahead, and at most C(c - 1 + r, r)
    behind.
    """
    r = repetitions(n, c)
    return max(_reach(c, r - 2), n - _reach(c - 1, r), 1)
