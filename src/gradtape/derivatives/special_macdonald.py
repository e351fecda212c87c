"""Slopes of K and I of real numbers: K by recurrence upwards, I by K and Wronski's determinant.

I(v+1)/I(v) is a continued fraction whose terms are positive (10.33.1), and I(v) K(v+1) +
I(v+1) K(v) = 1/x (10.28.2), so that nothing cancels; in twice the precision not beside a zero of
the slope of I exp(-x) either. Numbers in parentheses are those of the NIST Digital Library (DLMF).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from gradtape.derivatives.special_hankel import FIRST, LARGEST, add, by_blocks, upwards
from gradtape.derivatives.special_pairs import (
    Pair,
    pair_over,
    pair_product,
    pair_quotient,
    plus,
    two_sum,
)
from gradtape.rules import Elementwise

__all__ = [
    *("i_corrected", "i_scaled_slope", "is_known", "k_corrected", "k_scaled_slope"),
    "spherical_k_corrected",
]

#: From here on K is 0 to SciPy, and the continued fraction of I is too long.
_LAST = 1e3
#: The continued fraction has the root of that times x terms, and some more.
_DEPTH, _TERMS = 60.0, 12
#: That of pi/2.
_ROOT = math.sqrt(math.pi / 2)


def is_known(v: Any, x: Any) -> Any:
    """Where these slopes are at hand."""
    return np.less_equal(np.abs(v), LARGEST) & np.greater_equal(x, FIRST) & np.less(x, _LAST)


def _k_slope(v: Any, x: Any) -> Any:
    below, here = upwards(v, x, False, False)
    high, low = add(below, here, pair_quotient((np.abs(v), 0.0), x))[0]
    return -np.exp(-x) * (high + low)


def _spherical_k_slope(v: Any, x: Any) -> Any:
    """Of the root of pi/(2x) times K (10.47.9)."""
    below, here = upwards(v, x, False, False)
    high, low = add(below, here, pair_quotient((v + 0.5, 0.0), x))[0]
    return -np.exp(-x) / np.sqrt(x) * (_ROOT * (high + low))


def k_scaled_slope(v: Any, x: Any) -> Any:
    """The slope of K exp(x), for x from FIRST on."""
    return by_blocks(lambda v, x: upwards(v, x, True, False)[3][0][0] + 0 * x, v, x).real


def _i_parts(v: Any, x: Any, scaled: bool) -> Any:
    """I' exp(-x), or the slope of I exp(-x), of orders from 0 on."""
    below, here = upwards(v, x, False, False)
    terms = _TERMS + int(np.sqrt(_DEPTH * np.max(x)))
    if x.size == 1:  # Python's numbers are quicker
        v, x = v.item(), x.item()
    rate = pair_quotient((v, 0.0), x)
    double = 2 * rate[0], 2 * rate[1]
    above = add(below, here, double)[0]
    over = pair_quotient((2.0, 0.0), x)
    ratio: Pair = 0.0, 0.0
    for k in range(terms, 0, -1):
        own = pair_product(two_sum(v, float(k)), over)
        ratio = pair_over((1.0, 0.0), plus(own, ratio))
    rise = plus(ratio, rate)
    if scaled:
        rise = plus(rise, (-1.0, 0.0))
    whole = plus(above, pair_product(here[0], ratio))
    return rise[0] / x / whole[0]


def i_scaled_slope(v: Any, x: Any) -> Any:
    """The slope of I exp(-x) where that is known, of orders from 0 on."""
    return by_blocks(lambda v, x: _i_parts(v, x, True), v, x).real


def _i_slope(v: Any, x: Any) -> Any:
    half = np.exp(x / 2)  # which does not overflow early
    return half * _i_parts(v, x, False) * half


def _corrected(function: Callable[..., Any], sides: bool, name: str) -> Elementwise:
    """The slope of an order and a real x, and as it is otherwise; on both sides of 0 or not."""

    def run(v: Any, x: Any, direct: Any) -> Any:
        order, place, result = np.broadcast_arrays(v, x, direct)
        whole = order == np.rint(order)
        known = is_known(order, np.abs(place) if sides else place) & np.isfinite(result)
        if sides:
            known = known & (whole | (order > 0) & (place > 0))
        if not np.any(known):
            return direct
        order, place, result = np.abs(order[known]), place[known], np.array(result)
        with np.errstate(all="ignore"):
            found = by_blocks(function, order, np.abs(place)).real
        found = np.where((place < 0) & (np.fmod(order, 2) == 0), -found, found)
        result[known] = np.where(np.isfinite(found), found, result[known])
        return result[()]

    return Elementwise(run, (None, None, 1), names=("v", "x", "direct"), name=name)


#: K' and I' of an order, a real x, and as they are otherwise.
k_corrected = _corrected(_k_slope, False, "bessel k slope")
i_corrected = _corrected(_i_slope, True, "bessel i slope")
#: The slope of the spherical one, of K's order.
spherical_k_corrected = _corrected(_spherical_k_slope, False, "spherical bessel k slope")
