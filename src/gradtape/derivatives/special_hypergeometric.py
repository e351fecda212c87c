"""Derivatives of hypergeometric functions by their argument.

By the parameters of hypergeometric functions none is known in closed form. Numbers in parentheses
are those of the NIST Digital Library (DLMF).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from gradtape.derivatives.special_arguments import PARAMETER, refusing_ufuncs
from gradtape.derivatives.special_gamma_pairs import reciprocal_gamma
from gradtape.derivatives.special_gauss import connected, ends, gauss
from gradtape.derivatives.special_incomplete import chosen
from gradtape.derivatives.special_limit import limit
from gradtape.derivatives.special_pairs import Pair, pair_over, plus, times, two_sum
from gradtape.derivatives.special_parts import piece
from gradtape.derivatives.special_power_series import asymptotic, summed, trusted
from gradtape.derivatives.special_units import close_log, exponential
from gradtape.rules import Elementwise, elementwise

__all__ = ["kummer"]

# Kummer's function ------------------------------------------------------------------------------

#: Up to this size of x the series is summed; further out the asymptotic one.
_FAR = 100.0


def _kummer(a: Any, b: Any, x: Any, n: Any) -> Any:
    """M(a + n, b + n, x); of negative numbers exp(x) M(b - a, b + n, -x) (13.2.39)."""
    if x.dtype.kind == "c":
        return special.hyp1f1((a + n).real, (b + n).real, x)
    first, second, gap = two_sum(a, n), two_sum(b, n), two_sum(b, -a)
    polynomial = ends(first)
    turned = (x < 0) & ~polynomial
    whole = polynomial | (turned & ends(gap))
    above = np.where(turned, gap[0], first[0]), np.where(turned, gap[1], first[1])
    place = np.where(turned, -x, x)
    result = np.full(x.shape, np.nan)
    near = (np.abs(x) <= _FAR) | (whole & (np.abs(x) < np.inf))
    if np.any(near):
        parts = [(p[0][near], p[1][near]) for p in (above, second)]
        found = trusted(*summed(parts[:1], parts[1:], (place[near], 0 * place[near])))
        result[near] = found * np.where(turned[near], np.exp(x[near]), 1)
    far = ~near & (np.abs(x) < np.inf)
    if np.any(far):
        parts = [(p[0][far], p[1][far]) for p in (above, second)]
        result[far] = _kummer_far(parts[0], parts[1], place[far], turned[far])
    other = np.isnan(result)
    result[other] = special.hyp1f1((a + n)[other], (b + n)[other], x[other])
    return result


def _kummer_far(a: Pair, b: Pair, x: Any, turned: Any) -> Any:
    """By the asymptotic series (13.7.2), of x > 0, and times exp(-x) where it was turned."""
    gap = plus(b, times(a, -1.0))
    factor = pair_over(reciprocal_gamma(a), reciprocal_gamma(b))[0]
    power = np.power(x, -gap[0]) * (1 - gap[1] * np.log(x))
    half = np.exp(np.where(turned, 0, x / 2))  # twice a half does not overflow early
    found = factor * asymptotic(1 - a[0], gap[0], 1 / x) * power * half * half
    return np.where(factor == 0, np.nan, found)


#: 1F1(a + n; b + n; x).
kummer: Elementwise = piece(
    _kummer,
    (None, None, lambda a, b, x, n: kummer(a, b, x, n + 1) * ((a + n) / (b + n)), None),
    ("a", "b", "x", "n"),
)

# Tricomi's function -----------------------------------------------------------------------------


#: The places of the integral are multiples of this, and so not rounded.
_GRID = 2.0**-40


def _ends(a: Any, gap: Any, x: Any) -> tuple[Any, Any]:
    """Where, in log t, the integrand times t has fallen to exp(-42) of what it is at most."""

    def height(s: Any) -> Any:
        t = np.exp(s)
        return a * s - x * t + gap * np.log1p(t)

    fall = x - a - gap  # the largest is where x t t + fall t = a
    root = np.sqrt(fall * fall + 4 * a * x)
    top = np.log(np.where(fall > 0, 2 * a / (fall + root), (root - fall) / (2 * x)))
    level = height(top) - 42
    found = []
    for outside in (
        top - (42 + x * np.exp(top) + np.maximum(-gap, 0) * np.log1p(np.exp(top))) / a,
        np.log((60 + 4 * (a + np.abs(gap + a + 1))) / x),
    ):
        inside = top
        for _ in range(10):
            middle = (inside + outside) / 2
            inner = height(middle) > level
            inside, outside = np.where(inner, middle, inside), np.where(inner, outside, middle)
        found.append(outside)
    return found[0], found[1]


def _laplace(a: Any, a_lost: Any, gap: Any, gap_lost: Any, x: Any) -> Any:
    """The integral (13.4.4) of t**(a-1) (1 + t)**gap exp(-x t) over t > 0, over Gamma(a).

    By the trapezoidal rule in log t, whose error falls exponentially. The exponent has twice the
    precision, since large parameters multiply what t and its logarithms lost.
    """
    over = reciprocal_gamma((a, a_lost))[0]
    a, a_lost, gap, gap_lost, x = [v[:, None] for v in (a, a_lost, gap, gap_lost, x)]
    left, right = _ends(a, gap, x)
    step = (right - left) / 255
    step = np.ceil(step / _GRID) * _GRID
    s = np.rint(left / _GRID) * _GRID + step * np.arange(256)
    t = np.exp(s)
    log = close_log((t, 0 * t))
    t_lost = t * ((s - log[0]) - log[1])
    grown = close_log(plus(two_sum(1.0, t), (t_lost, 0.0)))
    exponent = plus(times((s, 0.0), a), times(grown, gap))
    exponent = plus(exponent, times((t, t_lost), -x))
    exponent = exponent[0], exponent[1] + (a_lost * s + gap_lost * grown[0])
    return np.sum(exponential(exponent), axis=-1) * (step[:, 0] * over)


def _tricomi(a: Any, b: Any, x: Any, n: Any) -> Any:
    """U(a + n, b + n, x)."""
    if x.dtype.kind == "c":
        return special.hyperu(a + n, b + n, x)
    result = np.full(x.shape, np.nan)
    for way in (_tricomi_far, _tricomi_between, _tricomi_near):
        where = (x > 0) & (x < np.inf) & np.isnan(result)
        if np.any(where):
            result[where] = way(*[v[where] for v in (a, b, x, n)])
    other = np.isnan(result)
    result[other] = special.hyperu((a + n)[other], (b + n)[other], x[other])
    return result


#: The integral serves parameters up to this, and such x.
_LARGE, _FIRST, _LAST = 70.0, 1e-8, 1e8


def _tricomi_between(a: Any, b: Any, x: Any, n: Any) -> Any:
    """By the integral, or by that of x**(b-1) U (13.2.40)."""
    first, other = two_sum(a, n), plus(two_sum(a, -b), (1.0, 0.0))
    gap = plus(two_sum(b, -a), (-1.0, 0.0))
    usual = (x > _FIRST) & (x < _LAST)
    direct = usual & (first[0] >= 1) & (first[0] < _LARGE) & (np.abs(b + n) < _LARGE)
    turned = usual & ~direct & (other[0] >= 1) & (other[0] < _LARGE) & (np.abs(2 - b - n) < _LARGE)
    power = plus(two_sum(-b, -n), (1.0, 0.0))
    scale = np.power(x, power[0]) * (1 + power[1] * np.log(x))
    found = np.where(
        turned, chosen(turned, _laplace, *other, *times(first, -1.0), x) * scale, np.nan
    )
    return np.where(direct, chosen(direct, _laplace, *first, *gap, x), found)


def _tricomi_near(a: Any, b: Any, x: Any, n: Any) -> Any:
    """By two of Kummer's functions (13.2.42), in twice the precision."""
    gap = plus(two_sum(-b, -n), (1.0, 0.0))
    return trusted(*connected(two_sum(a, n), None, gap, (x, 0 * x)))


def _tricomi_far(a: Any, b: Any, x: Any, n: Any) -> Any:
    """By the asymptotic series (13.7.3)."""
    high, low = two_sum(a, n)
    total = asymptotic(high, a - b + 1, -1 / x)
    return total * np.power(x, -high) * (1 - low * np.log(x))


#: U(a + n, b + n, x), of which SciPy's loses up to twelve digits.
tricomi: Elementwise = piece(
    _tricomi,
    (None, None, lambda a, b, x, n: -(a + n) * tricomi(a, b, x, n + 1), None),
    ("a", "b", "x", "n"),
)

elementwise({special.hyp0f1: (None, lambda v, z: limit(v, z, 1) / v)}, names=("v", "z"))
elementwise(
    {
        special.hyp1f1: (None, None, lambda a, b, x: kummer(a, b, x, 1) * (a / b)),  # (13.3.15)
        special.hyperu: (None, None, lambda a, b, x: -a * tricomi(a, b, x, 1)),  # (13.3.22)
    },
    names=("a", "b", "x"),
)

elementwise(
    {
        special.hyp2f1: (  # (15.5.1)
            None,
            None,
            None,
            lambda a, b, c, z: gauss(a, b, c, z, 1) * (a * b / c),
        ),
    },
    names=("a", "b", "c", "z"),
)

refusing_ufuncs({0: PARAMETER}, special.hyp0f1)
refusing_ufuncs({0: PARAMETER, 1: PARAMETER}, special.hyp1f1, special.hyperu)
refusing_ufuncs({0: PARAMETER, 1: PARAMETER, 2: PARAMETER}, special.hyp2f1)
