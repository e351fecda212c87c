"""Slopes of scaled Hankel functions, part by part, in twice the precision.

h = H exp(-ix), whose parts do not oscillate, has x x h'' + (2i x x + x) h' + (i x - v v) h = 0.
Where one part of its slope is small beside the other, and where x is tiny, that part comes from
Taylor's series about a place near x, which decimals give once for each; far out from its asymptotic
series. The number in parentheses is the NIST Digital Library's (DLMF).
"""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from gradtape.derivatives.special_decimals import bessel, pi, settings, sine_and_cosine
from gradtape.derivatives.special_hankel import FIRST, LARGEST, turned_slope
from gradtape.derivatives.special_pairs import (
    Pair,
    as_pair,
    pair_over,
    pair_product,
    plus,
    times,
    two_product,
)
from gradtape.derivatives.special_precision import BLOCK, blockwise
from gradtape.derivatives.special_taylor import TERMS, about_places, for_each, high_and_low
from gradtape.rules import Elementwise

__all__ = ["turned_corrected"]

#: Orders up to this, and x from here on; larger orders where they are at most twice x.
_LARGEST, _FIRST = 40.0, 1e-10
#: From here on SciPy's functions are NaN.
_LAST = 1e9
#: Places are by eighths of powers of 2 below the first of these, then by halves; from the second
#: and the order on, and a share of its square, there is the asymptotic series.
_NEAR, _FAR, _SQUARE = 8.0, 60.0, 0.05
#: A part that is less than that share of the slope.
_SHARE = 0.35
#: Digits of its coefficients, and when the asymptotic series ends.
_DIGITS, _LEAST = 50, 1e-26


def _near(part: Any, v: Any, x: Any, direct: Any) -> Any:
    order = np.abs(v)
    known = order <= np.where(order <= LARGEST, np.maximum(_LARGEST, 2 * x), 0)
    known &= (x >= _FIRST) & (x < _LAST)
    return known & ((np.abs(part) < _SHARE * np.abs(direct)) | (x < FIRST))


def _turned_slope(part: int, v: Any, x: Any) -> Any:
    """The slope of the real part (0) or the imaginary one (1)."""
    result, far = np.empty_like(x), x >= np.maximum(_FAR + np.abs(v), _SQUARE * v * v)
    for where, function in ((~far, _by_places), (far, _by_powers)):
        if np.any(where):
            result[where] = function(part, v[where], x[where])
    return result


def turned_corrected(i: complex) -> Elementwise:
    """The slope of a scaled Hankel function of the order and a real x, and as it is otherwise."""
    sign = i.imag

    def run(v: Any, x: Any, direct: Any) -> Any:
        order, place, result = np.broadcast_arrays(v, x, direct)
        result = np.array(result)
        between = (np.abs(order) <= LARGEST) & (place >= FIRST) & (place < _LAST)
        between &= np.isfinite(result)
        if np.any(between):
            slope = turned_slope(order[between], place[between])
            result[between] = slope.real + 1j * sign * slope.imag
        for k, part, turn in ((0, result.real, 1), (1, result.imag, sign)):
            near = _near(part, order, place, result)
            if np.any(near):
                given = order[near], place[near]
                found = blockwise(lambda v, x, k=k: _turned_slope(k, v, x), *given, block=BLOCK)
                part[near] = np.where(np.isfinite(found), turn * found, part[near])
        return result[()]

    name = "scaled hankel slope" if sign > 0 else "scaled hankel slope conjugate"
    return Elementwise(run, (None, None, 1), names=("v", "x", "direct"), name=name)


# Taylor's series ----------------------------------------------------------------------------------


def _by_places(part: int, v: Any, x: Any) -> Any:
    place = np.where(x < _NEAR, np.exp2(np.rint(8 * np.log2(x)) / 8), np.rint(2 * x) / 2)
    return about_places(_coefficients, part, (v,), x, place)


@lru_cache(maxsize=4096)
def _coefficients(v: float, place: float) -> Any:
    """Those of the slopes of both parts about a place, high and low, along the last axis."""
    with localcontext(settings(_DIGITS)):
        c, square = Decimal(place), Decimal(v) * Decimal(v)
        found = bessel(v, c)
        sine, cosine = sine_and_cosine(c, _DIGITS)
        h = found.j * cosine + found.y * sine, found.y * cosine - found.j * sine
        slope = (
            found.j_slope * cosine + found.y_slope * sine + h[1],
            found.y_slope * cosine - found.j_slope * sine - h[0],
        )
        zero = Decimal(0)
        a = [(zero, zero), h, slope]  # one before the first
        for j in range(TERMS):
            below, here, above = a[j], a[j + 1], a[j + 2]
            turned = [
                2 * c * c * (j + 1) * u + (4 * j + 1) * c * w + (2 * j - 1) * z
                for u, w, z in zip(above, here, below, strict=True)
            ]
            own = [
                c * (j + 1) * (2 * j + 1) * u + (j * j - square) * w
                for u, w in zip(above, here, strict=True)
            ]
            bottom = c * c * (j + 2) * (j + 1)
            a.append(((turned[1] - own[0]) / bottom, (-turned[0] - own[1]) / bottom))
        return high_and_low([[k * a[k + 1][i] for k in range(1, TERMS)] for i in (0, 1)])


# Far out ------------------------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def _phase(v: float) -> Any:
    """The cosine and the sine of -(v/2 + 1/4) pi, high and low."""
    with localcontext(settings(_DIGITS)):
        sine, cosine = sine_and_cosine(-(2 * Decimal(v) + 1) / 4 * pi(_DIGITS), _DIGITS)
        return np.array(as_pair([Fraction(cosine), Fraction(sine)]))


def _by_powers(part: int, v: Any, x: Any) -> Any:
    """By the slopes of the terms of (10.17.5)."""
    (cosine, sine), (cosine_low, sine_low) = for_each(_phase, v)
    term: Pair = np.ones(x.shape), np.zeros(x.shape)
    square, sums = two_product(2 * v, 2 * v), [times(term, -0.5), times(term, 0.0)]
    k = 0
    while np.any(np.abs(term[0]) > _LEAST) and k < 4 * _FAR:
        k += 1
        ratio = pair_over(plus(square, (-((2.0 * k - 1) ** 2), 0.0)), two_product(8.0 * k, x))
        term = pair_product(term, ratio)
        sums[k % 2] = plus(sums[k % 2], times(term, (1 if k % 4 > 1 else -1) * (k + 0.5)))
    first, second = ((cosine, cosine_low), (-sine, -sine_low))
    if part:
        first, second = (sine, sine_low), (cosine, cosine_low)
    total = plus(pair_product(first, sums[0]), pair_product(second, sums[1]))
    return total[0] * np.sqrt(2 / np.pi / x) / x
