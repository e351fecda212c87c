"""Gauss's and Tricomi's hypergeometric functions in twice the precision, to the last digits.

Their series cancel, and so do the two terms of a connection formula where its exponents differ by
about a whole number. Numbers in parentheses are those of the NIST Digital Library (DLMF).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from gradtape.derivatives.special_gamma_pairs import reciprocal_gamma
from gradtape.derivatives.special_pairs import (
    Pair,
    pair_over,
    pair_power,
    pair_product,
    plus,
    times,
    two_sum,
)
from gradtape.derivatives.special_parts import piece
from gradtape.derivatives.special_power_series import ROUNDING, summed, trusted
from gradtape.rules import Elementwise

__all__ = ["connected", "ends", "gauss"]

#: The series is used up to here, and as far to the left; a polynomial's up to this degree.
_INSIDE, _LEFT, _DEGREE = 0.7, -0.6, 512
#: And up to here where nothing else has digits enough.
_MANY = 0.92
#: That near a whole number the exponents' difference is taken from others at these distances.
_NEAR = 2.0**-26
_NODES = -_NEAR, _NEAR, 2 * _NEAR


def ends(a: Pair) -> Any:
    """Whether a series with this parameter ends."""
    return (a[0] <= 0) & (a[0] >= -_DEGREE) & (a[0] == np.rint(a[0])) & (a[1] == 0)


# Connection formulas ------------------------------------------------------------------------------


def connected(p: Pair, q: Pair | None, g: Pair, y: Pair) -> tuple[Pair, Any]:
    """F(p, q; p + q + g; 1 - y), by two series of powers of y (15.8.4), and its error.

    Without q it is Tricomi's U(p, 1 - g, y) (13.2.42), its limit. Where g is about whole, where the
    formula is 0 times infinity, it is interpolated between others.
    """
    whole = np.rint(g[0])
    beside = plus(g, (-whole, 0.0))[0]
    close = np.abs(beside) < _NEAR
    result = np.full((3, *whole.shape), np.nan)
    for where, way in ((~close, _two_series), (close, _interpolated)):
        if np.any(where):
            other = None if q is None else _at(q, where)
            (high, low), error = way(_at(p, where), other, _at(g, where), _at(y, where))
            result[:, where] = high, low, error
    return (result[0], result[1]), result[2]


def _interpolated(p: Pair, q: Pair | None, g: Pair, y: Pair) -> tuple[Pair, Any]:
    """The same from three numbers beside a whole one."""
    whole = np.rint(g[0])
    place, count = plus(g, (-whole, 0.0))[0], len(_NODES)
    nodes = _together(*[two_sum(whole, node) for node in _NODES])
    others = None if q is None else _together(*[q] * count)
    values, errors = _two_series(_together(*[p] * count), others, nodes, _together(*[y] * count))
    total, off = (0 * whole, 0 * whole), 0 * whole
    parts = zip(_NODES, _apart(values, count), np.split(errors, count), strict=True)
    for node, value, error in parts:
        weight = np.ones(whole.shape)
        for other in _NODES:
            if other != node:
                weight = weight * (place - other) / (node - other)
        total = plus(total, times(value, weight))
        off = off + error * np.abs(weight)
    return total, off


def _two_series(p: Pair, q: Pair | None, g: Pair, y: Pair) -> tuple[Pair, Any]:
    minus, both = times(g, -1.0), ([p] if q is None else [p, q])
    moved = [plus(a, g) for a in both]
    gammas = [*both, *moved, g, minus]
    if q is not None:
        gammas.append(plus(plus(p, q), g))
    found = _apart(reciprocal_gamma(_together(*gammas)), len(gammas))
    above = [_together(a, b) for a, b in zip(both, moved, strict=True)]
    below = _together(plus(minus, (1.0, 0.0)), plus(g, (1.0, 0.0)))
    sums, off = summed(above, [below], _together(y, y))
    parts, errors = _apart(sums, 2), np.split(off, 2)
    factors = [found[len(both)], found[0]]
    if q is not None:
        factors = [pair_product(factors[0], found[3]), pair_product(factors[1], found[1])]
    factors = [pair_over(f, found[2 * len(both) + i]) for i, f in enumerate(factors)]
    factors[1] = pair_product(factors[1], pair_power(y, g))
    if q is not None:
        factors = [pair_over(f, found[-1]) for f in factors]
    first, second = [pair_product(f, s) for f, s in zip(factors, parts, strict=True)]
    error = errors[0] * np.abs(factors[0][0]) + errors[1] * np.abs(factors[1][0])
    error = error + ROUNDING * (np.abs(first[0]) + np.abs(second[0]))
    return plus(first, second), error


def _at(a: Pair, where: Any) -> Pair:
    return a[0][where], a[1][where]


def _together(*pairs: Pair) -> Pair:
    return np.concatenate([p[0] for p in pairs]), np.concatenate([p[1] for p in pairs])


def _apart(pair: Pair, count: int) -> list[Pair]:
    return list(zip(np.split(pair[0], count), np.split(pair[1], count), strict=True))


# Gauss's function ---------------------------------------------------------------------------------


def _gauss(a: Any, b: Any, c: Any, z: Any, n: Any) -> Any:
    """F(a + n, b + n; c + n; z)."""
    if z.dtype.kind == "c":
        a, b, c, n = a.real, b.real, c.real, n.real
        return special.hyp2f1(a + n, b + n, c + n, z)
    result = np.full(z.shape, np.nan)
    given = two_sum(a, n), two_sum(b, n), two_sum(c, n)
    whole = ends(given[0]) | ends(given[1])
    middle = whole | (np.abs(z) <= _INSIDE) & (z >= _LEFT)
    pole = ends(given[2])
    right = ~middle & ~pole & (z > 0) & (z < 1)
    for where, way in ((middle, _by_series), (right, _beside_1)):
        if np.any(where):
            first, second, third = [_at(p, where) for p in given]
            result[where] = way(first, second, third, (z[where], 0 * z[where]))
    left = ~middle & ~pole & (z < 0) & (z > -np.inf)
    if np.any(left):
        result[left] = _turned(a[left], b[left], c[left], z[left], n[left])
    other = np.isnan(result)
    if np.any(other):
        result[other] = special.hyp2f1((a + n)[other], (b + n)[other], (c + n)[other], z[other])
    return result


def _by_series(a: Pair, b: Pair, c: Pair, z: Pair) -> Any:
    return trusted(*summed([a, b], [c], z))


def _beside_1(a: Pair, b: Pair, c: Pair, z: Pair) -> Any:
    y = plus((1.0, 0.0), times(z, -1.0))
    return _connected_or_summed(a, b, c, plus(c, times(plus(a, b), -1.0)), z, y)


def _connected_or_summed(a: Pair, b: Pair, c: Pair, gap: Pair, z: Pair, y: Pair) -> Any:
    """By the connection formula, and by many terms where it has too few digits beside a zero."""
    result = trusted(*connected(a, b, gap, y))
    left = np.isnan(result) & (z[0] < _MANY)
    if np.any(left):
        result[left] = _by_series(_at(a, left), _at(b, left), _at(c, left), _at(z, left))
    return result


def _turned(a: Any, b: Any, c: Any, z: Any, n: Any) -> Any:
    """By the function of z/(z - 1), times (1 - z)**(-a - n) (15.8.1)."""
    one_less = two_sum(1.0, -z)
    y = pair_over((np.ones(z.shape), 0 * z), one_less)
    first, second, third = two_sum(a, n), two_sum(c, -b), two_sum(c, n)
    near = (-z <= _INSIDE * one_less[0]) | ends(second)
    w, gap = pair_product((-z, 0 * z), y), two_sum(b, -a)
    result = np.empty(z.shape)
    for where in (near, ~near):
        if np.any(where):
            given = [_at(p, where) for p in (first, second, third)]
            more = _at(gap, where), _at(w, where), _at(y, where)
            result[where] = (
                _by_series(given[0], given[1], given[2], more[1])
                if where is near
                else _connected_or_summed(given[0], given[1], given[2], *more)
            )
    power = pair_power(one_less, times(first, -1.0))
    return result * power[0]


#: F(a + n, b + n; c + n; z).
gauss: Elementwise = piece(
    _gauss,
    (
        None,
        None,
        None,
        lambda a, b, c, z, n: gauss(a, b, c, z, n + 1) * ((a + n) * (b + n) / (c + n)),
        None,
    ),
    ("a", "b", "c", "z", "n"),
)
