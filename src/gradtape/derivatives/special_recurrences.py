"""Polynomials by their recurrences in twice the precision: to the last digits beside zeros too.

They are the slopes of other polynomials. Numbers in parentheses are those of the NIST Digital
Library (DLMF).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

from gradtape.derivatives.special_pairs import (
    Pair,
    pair_over,
    pair_product,
    pair_quotient,
    plus,
    times,
    two_product,
    two_sum,
)
from gradtape.derivatives.special_parts import piece
from gradtape.rules import Elementwise

__all__ = [
    *("MOST", "binomial", "gegenbauer", "gegenbauer_pair", "hermite", "jacobi", "laguerre"),
    *("legendre_slope", "legendre_slope_pair", "total_of"),
]

#: Up to this degree; further on the steps of the recurrence would cost too much.
MOST = 512


def _recurrence(n: Any, x: Any, following: Callable[[int, Pair, Pair], Pair]) -> Pair:
    """What follows from 0 and 1, the polynomials of degrees -1 and 0; 0 for negative degrees."""
    one = isinstance(x, float)
    zero: Any = 0.0 if one else np.zeros(x.shape)
    before, value = (zero, zero), (zero + 1, zero)
    found = [np.where(n == 0, 1.0, 0.0), zero]
    for k in range(1, int(np.max(n, initial=0)) + 1):
        before, value = value, following(k, value, before)
        chosen = False if one else n == k
        if np.any(chosen):
            found = [np.where(chosen, v, f) for v, f in zip(value, found, strict=True)]
    if one:
        return value if n > 0 else (float(n == 0), zero)
    return found[0], found[1]


def _numbers(*arrays: Any) -> Any:
    """Arrays of one entry as Python's numbers, which are quicker; others as they are."""
    return [a.item() for a in arrays] if arrays[0].size == 1 else arrays


def _finite(value: Any, n: Any, x: Any, plain: Callable[[Any], Any]) -> Any:
    """A value; where its two parts overflow SciPy's, or else the infinity of the leading term.

    ``plain`` gives SciPy's at the chosen entries.
    """
    value, x = np.broadcast_to(value, n.shape), np.broadcast_to(x, n.shape)
    lost = ~np.isfinite(value)
    if np.any(lost):
        scipys, leading = plain(lost), np.sign(x[lost]) ** n[lost] * np.inf
        value = value.copy()
        value[lost] = np.where(np.isfinite(scipys), scipys, leading)
    return value


def _argument(shift: Any, x: Any) -> Pair:
    """x, or 2x - 1 of the shifted polynomials, which is not rounded."""
    return two_sum((1 + shift) * x, -shift)


def gegenbauer_pair(n: Any, alpha: Any, more: Any, x: Pair) -> Pair:
    """Those at a pair, of the parameter alpha + more, which is not rounded (18.9.1, 18.9.2)."""
    double = 2 * x[0], 2 * x[1]

    def following(k: int, value: Pair, before: Pair) -> Pair:
        rising = pair_product(pair_product(value, double), two_sum(alpha, more + k - 1))
        falling = pair_product(before, two_sum(-2 * alpha, 2 - k - 2 * more))
        return pair_quotient(plus(rising, falling), float(k))

    return _recurrence(n, x[0], following)


def _gegenbauer(n: Any, alpha: Any, more: Any, shift: Any, x: Any) -> Any:
    degree, first, second, *place = _numbers(n, alpha, more, *_argument(shift, x))
    value = gegenbauer_pair(degree, first, second, (place[0], place[1]))[0]
    rounded = (1 + shift) * x - shift

    def plain(lost: Any) -> Any:
        parameter = (alpha + more)[lost]
        return special.eval_gegenbauer(np.maximum(n[lost], 0), parameter, rounded[lost])

    return _finite(value, n, rounded, plain)


#: Gegenbauer's polynomials of whole degrees n up to MOST and parameters alpha + more, where more is
#: whole, at x or, where shift is 1 and not 0, at 2x - 1; their slopes are (18.9.19).
gegenbauer: Elementwise = piece(
    _gegenbauer,
    (
        *[None] * 4,
        lambda n, alpha, more, shift, x: (
            (1 + shift) * 2 * (alpha + more) * gegenbauer(n - 1, alpha, more + 1, shift, x)
        ),
    ),
    ("n", "alpha", "more", "shift", "x"),
)


def _hermite(n: Any, weight: Any, x: Any) -> Any:
    """(18.9.1), as SciPy's eval_hermitenorm for the weight 1, and eval_hermite for 2."""
    degree, factor, place = _numbers(n, weight, x)

    def following(k: int, value: Pair, before: Pair) -> Pair:
        return plus(times(value, factor * place), times(before, factor * (1.0 - k)))

    value = _recurrence(degree, place, following)[0]

    def plain(lost: Any) -> Any:
        degree = np.maximum(n[lost], 0).astype(np.int64)
        evaluations = (
            special.eval_hermitenorm(degree, x[lost]),
            special.eval_hermite(degree, x[lost]),
        )
        return np.where(weight[lost] == 1, *evaluations)

    return _finite(value, n, x, plain)


#: Hermite's polynomials with weight exp(-c x x / 2), c being 1 or 2.
hermite: Elementwise = piece(
    _hermite,
    (None, None, lambda n, weight, x: n * weight * hermite(n - 1, weight, x)),
    ("n", "weight", "x"),
)


def _laguerre(n: Any, alpha: Any, more: Any, x: Any) -> Any:
    """(18.9.1, 18.9.2)."""
    degree, first, second, place = _numbers(n, alpha, more, x)

    def following(k: int, value: Pair, before: Pair) -> Pair:
        rising = pair_product(value, plus(two_sum(first, second + (2.0 * k - 1)), (-place, 0.0)))
        falling = pair_product(before, two_sum(-first, 1 - k - second))
        return pair_quotient(plus(rising, falling), float(k))

    value = _recurrence(degree, place, following)[0]

    def plain(lost: Any) -> Any:
        return special.eval_genlaguerre(np.maximum(n[lost], 0), (alpha + more)[lost], x[lost])

    return _finite(value, n, -x, plain)


#: Laguerre's polynomials of parameters alpha + more; their slopes are (18.9.23).
laguerre: Elementwise = piece(
    _laguerre,
    (*[None] * 3, lambda n, alpha, more, x: -laguerre(n - 1, alpha, more + 1, x)),
    ("n", "alpha", "more", "x"),
)


def _jacobi(n: Any, p: Any, q: Any, more: Any, shift: Any, x: Any) -> Any:
    try:
        value: Any = _jacobi_pair(*_numbers(n, p, q, more, shift, x))[0]
    except ZeroDivisionError:  # of Python's numbers, where the parameters leave no recurrence
        value = np.nan

    def plain(lost: Any) -> Any:
        first, second = (p - shift * q + more)[lost], (q - shift + more)[lost]
        place = ((1 + shift) * x - shift)[lost]
        return special.eval_jacobi(np.maximum(n[lost], 0), first, second, place)

    return _finite(value, n, (1 + shift) * x - shift, plain)


def _jacobi_pair(n: Any, p: Any, q: Any, more: Any, shift: Any, x: Any) -> Pair:
    """(18.9.1, 18.9.2), where a and b are the parameters, neither of them rounded."""
    place = _argument(shift, x)
    a, b = plus(two_sum(p, -shift * q), (more, 0.0)), two_sum(q, more - shift)
    total, apart = plus(a, b), plus(a, (-b[0], -b[1]))
    squares = pair_product(total, apart)

    def following(k: int, value: Pair, before: Pair) -> Pair:
        if k == 1:  # a + 1 + (a + b + 2)(x - 1)/2
            rise = pair_product(plus(total, (2.0, 0.0)), plus(place, (-1.0, 0.0)))
            return plus(plus(a, (1.0, 0.0)), times(rise, 0.5))
        here, below = plus(total, (2.0 * k, 0.0)), plus(total, (2.0 * k - 2, 0.0))
        slope = plus(pair_product(pair_product(here, below), place), squares)
        rising = pair_product(pair_product(plus(total, (2.0 * k - 1, 0.0)), slope), value)
        sides = pair_product(plus(a, (k - 1.0, 0.0)), plus(b, (k - 1.0, 0.0)))
        falling = times(pair_product(pair_product(sides, here), before), -2.0)
        over = times(pair_product(plus(total, (float(k), 0.0)), below), 2.0 * k)
        return pair_over(plus(rising, falling), over)

    return _recurrence(n, x, following)


def total_of(*terms: Any) -> Any:
    """A sum of three numbers, rounded once."""
    high, low = two_sum(terms[0], terms[1])
    total, lost = two_sum(high, terms[2])
    return total + (low + lost)


def _jacobi_slope(n: Any, p: Any, q: Any, more: Any, shift: Any, x: Any) -> Any:
    """(18.9.15)."""
    factor = np.where(shift == 1, n + p + 2 * more, total_of(p, q, n + 1 + 2 * more) / 2)
    return factor * jacobi(n - 1, p, q, more + 1, shift, x)


#: Jacobi's polynomials at x of the parameters p + more and q + more, or, where shift is 1 and not
#: 0, at 2x - 1 of p - q + more and q - 1 + more.
jacobi: Elementwise = piece(
    _jacobi, (*[None] * 5, _jacobi_slope), ("n", "p", "q", "more", "shift", "x")
)


def binomial(n: Any, p: Any) -> Any:
    """That of 2n + p - 1 over n, for whole n from 0 on."""
    n, p = np.broadcast_arrays(np.asarray(n, float), np.asarray(p, float))
    total: Pair = np.ones(n.shape), np.zeros(n.shape)
    for k in range(1, int(np.max(n, initial=0)) + 1):
        larger = pair_product(total, pair_quotient(two_sum(p, n + (k - 1)), float(k)))
        total = np.where(k <= n, larger[0], total[0]), np.where(k <= n, larger[1], total[1])
    return total[0]


def legendre_slope_pair(m: Any, n: Any, x: Pair, one_less_square: Pair) -> Pair:
    """(1 - x x) C' - m x C, as below, at a pair."""
    upper = times(gegenbauer_pair(n - 1, m, 1.5, x), 2 * m + 1)
    lower = times(pair_product(gegenbauer_pair(n, m, 0.5, x), x), -m)
    return plus(pair_product(one_less_square, upper), lower)


def _legendre_slope(m: Any, n: Any, x: Any) -> Any:
    zero = np.zeros(x.shape)
    one_less_square = plus((zero + 1, zero), two_product(-x, x))
    return legendre_slope_pair(m, n, (x, zero), one_less_square)[0]


def _legendre_curvature(m: Any, n: Any, x: Any) -> Any:
    upper = (2 * m + 1) * gegenbauer(n - 1, m, 1.5, 0.0, x)
    inner = (2 * m + 1) * (2 * m + 3) * (1 - x) * (1 + x) * gegenbauer(n - 2, m, 2.5, 0.0, x)
    return inner - (m + 2) * x * upper - m * gegenbauer(n, m, 0.5, 0.0, x)


#: (1 - x x) C' - m x C for C Gegenbauer's polynomial of degree n and parameter m + 1/2, which is
#: (1 - x x)**(1 - m/2) times the slope of (1 - x x)**(m/2) C.
legendre_slope: Elementwise = piece(
    _legendre_slope, (None, None, _legendre_curvature), ("m", "n", "x")
)
