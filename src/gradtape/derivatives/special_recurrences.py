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
    pair_product,
    pair_quotient,
    plus,
    times,
    two_product,
    two_sum,
)
from gradtape.derivatives.special_parts import piece
from gradtape.rules import Elementwise

__all__ = ["MOST", "gegenbauer", "hermite", "legendre_slope"]

#: Up to this degree; further on the steps of the recurrence would cost too much.
MOST = 64


def _recurrence(n: Any, x: Any, following: Callable[[int, Pair, Pair], Pair]) -> Pair:
    """What follows from 0 and 1, the polynomials of degrees -1 and 0; 0 for negative degrees."""
    zero = np.zeros(x.shape)
    before, value = (zero, zero), (zero + 1, zero)
    found = [np.where(n == 0, 1.0, 0.0), zero]
    for k in range(1, int(np.max(n, initial=0)) + 1):
        before, value = value, following(k, value, before)
        found = [np.where(n == k, v, f) for v, f in zip(value, found, strict=True)]
    return found[0], found[1]


def _finite(value: Any, plain: Any, n: Any, x: Any) -> Any:
    """A value; where its two parts overflow SciPy's, or else the infinity of the leading term."""
    other = np.where(np.isfinite(plain), plain, np.sign(x) ** n * np.inf)
    return np.where(np.isfinite(value), value, other)


def _gegenbauer_pair(n: Any, alpha: Any, more: Any, x: Any) -> Pair:
    """Of the parameter alpha + more, which is not rounded (18.9.1, 18.9.2)."""

    def following(k: int, value: Pair, before: Pair) -> Pair:
        rising = pair_product(times(value, 2 * x), two_sum(alpha, more + k - 1))
        falling = pair_product(before, two_sum(-2 * alpha, 2 - k - 2 * more))
        return pair_quotient(plus(rising, falling), float(k))

    return _recurrence(n, x, following)


def _gegenbauer(n: Any, alpha: Any, more: Any, x: Any) -> Any:
    value = _gegenbauer_pair(n, alpha, more, x)[0]
    plain = special.eval_gegenbauer(np.maximum(n, 0), alpha + more, x)
    return _finite(value, plain, n, x)


#: Gegenbauer's polynomials of whole degrees n up to MOST and parameters alpha + more, where more is
#: whole; their slopes are (18.9.19).
gegenbauer: Elementwise = piece(
    _gegenbauer,
    (
        None,
        None,
        None,
        lambda n, alpha, more, x: 2 * (alpha + more) * gegenbauer(n - 1, alpha, more + 1, x),
    ),
    ("n", "alpha", "more", "x"),
)


def _hermite(n: Any, x: Any) -> Any:
    """(18.9.1), as SciPy's eval_hermitenorm."""

    def following(k: int, value: Pair, before: Pair) -> Pair:
        return plus(times(value, x), times(before, 1.0 - k))

    value = _recurrence(n, x, following)[0]
    plain = special.eval_hermitenorm(np.maximum(n, 0).astype(np.int64), x)
    return _finite(value, plain, n, x)


#: Hermite's polynomials with weight exp(-x x / 2).
hermite: Elementwise = piece(_hermite, (None, lambda n, x: n * hermite(n - 1, x)), ("n", "x"))


def _legendre_slope(m: Any, n: Any, x: Any) -> Any:
    one_less_square = plus((np.ones(x.shape), np.zeros(x.shape)), two_product(-x, x))
    upper = times(_gegenbauer_pair(n - 1, m, 1.5, x), 2 * m + 1)
    lower = times(times(_gegenbauer_pair(n, m, 0.5, x), x), -m)
    return plus(pair_product(one_less_square, upper), lower)[0]


def _legendre_curvature(m: Any, n: Any, x: Any) -> Any:
    upper = (2 * m + 1) * gegenbauer(n - 1, m, 1.5, x)
    inner = (2 * m + 1) * (2 * m + 3) * (1 - x) * (1 + x) * gegenbauer(n - 2, m, 2.5, x)
    return inner - (m + 2) * x * upper - m * gegenbauer(n, m, 0.5, x)


#: (1 - x x) C' - m x C for C Gegenbauer's polynomial of degree n and parameter m + 1/2, which is
#: (1 - x x)**(1 - m/2) times the slope of (1 - x x)**(m/2) C.
legendre_slope: Elementwise = piece(
    _legendre_slope, (None, None, _legendre_curvature), ("m", "n", "x")
)
