"""Colourings of patterns: which columns, or rows, can share a pass.

Two columns that have no row in common can: their derivatives do not mix (A. R. Curtis, M. J. D.
Powell and J. K. Reid, "On the estimation of sparse Jacobian matrices", J. Inst. Maths Applics 13,
1974). Of a symmetric matrix more can, since each entry may be read in two places (T. F. Coleman and
J. J. Moré, "Estimation of sparse Hessian matrices and graph coloring problems", Math. Programming
28, 1984): a star colouring, in which no path on four vertices has two colours only. The survey is
A. H. Gebremedhin, F. Manne and A. Pothen, "What color is your Jacobian?", SIAM Review 47 (2005).

Both are greedy: each column in turn gets the first colour that it may have. They are taken in
several orders, and the fewest colours count: as they stand; by falling number of entries; and, of a
square pattern, in the order of the reverse Cuthill-McKee algorithm, which finds a hidden band (E.
Cuthill and J. McKee, "Reducing the bandwidth of sparse symmetric matrices", ACM '69). Sets of
colours are the bits of Python's integers, so that the time is about linear in the number of
entries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from gradtape.patterns.library import sparse

__all__ = ["column_colours", "star_colours"]

#: Above this many entries, one order of the columns is tried only.
_MANY = 1 << 20


def column_colours(pattern: Any) -> Any:
    """A colour for each column, such that columns of one colour have no row in common.

    Parameters
    ----------
    pattern : a ``csr_array``; give its transpose for the colours of rows.

    Returns
    -------
    An integer array of ``pattern.shape[1]`` entries; the colours are 0, 1, ...
    """
    fullest = int(np.diff(pattern.indptr).max(initial=0))
    if fullest <= 1:
        return np.zeros(pattern.shape[1], np.intp)
    by_column = pattern.tocsc()
    rows, starts = by_column.indices.tolist(), by_column.indptr.tolist()
    orders = _orders(pattern, np.diff(by_column.indptr))
    # The columns of the fullest row all differ: fewer colours than that there cannot be.
    return _fewest(lambda order: _first_fit(rows, starts, pattern.shape[0], order), orders, fullest)


def _fewest(colour: Callable[[Any], Any], orders: Iterator[Any], enough: int) -> Any:
    """The colouring with the fewest colours of those in several orders, or the first with few."""
    best = None
    for order in orders:
        colours = colour(order)
        if best is None or colours.max(initial=0) < best.max(initial=0):
            best = colours
        if best.max(initial=0) < enough:
            break
    return best


def _orders(pattern: Any, degrees: Any) -> Iterator[Any]:
    """The orders in which columns, or vertices, are coloured."""
    yield range(len(degrees))
    if pattern.nnz <= _MANY:
        yield np.argsort(-degrees, kind="stable").tolist()
        if pattern.shape[0] == pattern.shape[1]:
            both = (pattern + pattern.T).tocsr()
            yield sparse().csgraph.reverse_cuthill_mckee(both, symmetric_mode=True).tolist()


def _first_fit(rows: list[int], starts: list[int], height: int, order: Any) -> Any:
    """The first colour for each column, in an order, that no column in its rows has."""
    used = [0] * height  # of each row, the colours of its columns
    colours = np.zeros(len(starts) - 1, np.intp)
    for column in order:
        own = rows[starts[column] : starts[column + 1]]
        taken = 0
        for row in own:
            taken |= used[row]
        bit = ~taken & (taken + 1)  # the lowest bit that is not set
        for row in own:
            used[row] |= bit
        colours[column] = bit.bit_length() - 1
    return colours


def star_colours(pattern: Any) -> Any:
    """A colour for each vertex of a symmetric pattern, such that each entry can be read off.

    Adjacent vertices differ, and no path on four vertices has two colours only.

    Parameters
    ----------
    pattern : a symmetric ``csr_array``. Its diagonal counts as full.
    """
    neighbours, starts = pattern.indices.tolist(), pattern.indptr.tolist()
    orders = _orders(pattern, np.diff(pattern.indptr))
    return _fewest(lambda order: _stars(neighbours, starts, order), orders, enough=3)


def _stars(neighbours: list[int], starts: list[int], order: Any) -> Any:
    """The first colour for each vertex, in an order, that keeps the colouring a star colouring.

    A path on four vertices gets its second colour too many with the last vertex of it that is
    coloured. If that is an inner one, v, between two vertices of one colour b, it may have no
    colour of a further neighbour of those. If it is the end, next to w, it may not have the colour
    of a neighbour of w that has another neighbour of w's colour: of a hub around which w lies.
    """
    n = len(starts) - 1
    colour_bit = [0] * n
    once = [0] * n  # of each vertex, the colours of its neighbours
    twice = [0] * n  # those that several neighbours have
    around = [0] * n  # the colours of the hubs around which it lies
    first: list[dict[int, int]] = [{} for _ in range(n)]  # the first neighbour of a colour
    for v in order:
        own = [w for w in neighbours[starts[v] : starts[v + 1]] if w != v]
        taken, shared = once[v], twice[v]
        for w in own:
            if colour_bit[w]:
                taken |= once[w] if colour_bit[w] & shared else around[w]
        bit = colour_bit[v] = ~taken & (taken + 1)
        for w in own:
            if colour_bit[w] & shared:
                around[w] |= bit
            if bit & once[w]:
                twice[w] |= bit
                around[first[w][bit]] |= colour_bit[w]
                around[v] |= colour_bit[w]
            else:
                once[w] |= bit
                first[w][bit] = v
    return np.array([bit.bit_length() - 1 for bit in colour_bit], np.intp)
