"""Slopes of Bessel functions where they are small: by their zeros, their phase, or power series.

There other ways lose as many digits as the slope is smaller than it is elsewhere; between zeros it
comes from Hankel functions. Numbers in parentheses are those of the NIST Digital Library (DLMF).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from scipy import special

from gradtape.derivatives.special_hankel import FIRST, LARGEST, hankel_slope, j_slope_inside
from gradtape.derivatives.special_pairs import (
    as_pair,
    chain,
    pair_over,
    pair_product,
    plus,
    sine_and_cosine,
    times,
    two_product,
    two_sum,
)
from gradtape.derivatives.special_precision import BLOCK, blockwise
from gradtape.derivatives.special_stationary import slope_beside_zero
from gradtape.rules import Elementwise

__all__ = [
    *("SERIES", "TINY", "beside_zeros", "by_phase", "corrected", "has_series", "is_far"),
    *("is_poor", "is_small", "j_series", "j_value", "mirrored", "oscillates"),
    *("scaled_i_series", "spherical_corrected", "y_leading", "y_outwards", "y_series"),
]


def corrected(
    names: tuple[str, ...],
    near: Callable[..., Any],
    function: Callable[..., Any],
    name: str,
    block: int = BLOCK,
) -> Elementwise:
    """A primitive of bare arrays and of a value, which it corrects; its slope is the value's own.

    ``near`` of them all says where, ``function`` of them all what the value is there, or NaN.
    """

    def run(*arguments: Any) -> Any:
        *given, direct = arguments
        with np.errstate(all="ignore"):
            where = near(*given, direct)
            if not np.any(where):
                return direct
            arrays = np.broadcast_arrays(where, direct, *[np.asarray(g, float) for g in given])
            result = arrays[1].copy()
            chosen = arrays[0]
            given = [a[chosen] for a in (*arrays[2:], arrays[1])]
            found = blockwise(function, *given, block=block)
            result[chosen] = np.where(np.isnan(found), result[chosen], found)
            return result[()]

    return Elementwise(run, (*[None] * len(names), 1), names=(*names, "direct"), name=name)


#: Below this the power series have all digits, and so the asymptotic ones beyond it and the order.
SERIES = 25.0
#: From here on recurrences are not good; and then SciPy's functions.
_LAST, _END = 1e8, 1e15
#: Up to here squares may vanish.
TINY = 1e-100
#: J of broken orders comes by the power series that far beyond the order.
_NEAR = 2.0
#: From this order on the reciprocal of the gamma function is too small.
_MOST = 150.0
#: Smaller than this share of the amplitude counts as beside a zero.
_SHARE = 0.25
#: Entries at a time, so many that some have the same place.
_MANY = 1 << 14

_PI = as_pair(Fraction("3.14159265358979323846264338327950288419716939937510582097"))


# The power series ---------------------------------------------------------------------------------


def _count(x: Any) -> Any:
    """So many terms give all digits of J and Y, as a column."""
    largest = np.max(x, initial=0.0)
    return np.arange(64.0 if largest > 10 else 32 if largest > 2.5 else 16)[:, None]


def _sum(v: Any, x: Any, s: float = 0.0) -> Any:
    """What (x/2)^v / (x^(1+s) Gamma(v + 1)) times it is the slope of J x^-s (10.2.2).

    For orders that are no negative whole number.
    """
    k = _count(x)
    ratio = pair_over(times(two_product(x, x), -0.25), times(two_sum(v, k + 1), k + 1))
    return chain(ratio, two_sum(v - s, 2 * k))[0]


def j_series(v: Any, x: Any) -> Any:
    """J' for such orders."""
    return _first(v, x) * _sum(v, x)


def j_value(v: Any, x: Any) -> Any:
    """J itself, of the same terms without their weights."""
    k = _count(x)
    ratio = pair_over(times(two_product(x, x), -0.25), times(two_sum(v, k + 1), k + 1))
    return x * _first(v, x) * chain(ratio, (1 + 0 * ratio[0], 0 * ratio[1]))[0]


def _first(v: Any, x: Any) -> Any:
    """(x/2)^v / (x Gamma(v + 1)); of large orders by two halves, which do not vanish (5.5.5)."""
    large, most = v >= 1, v > _MOST  # v + 1 is rounded
    scale = np.where(large, special.rgamma(v) / np.where(large, v, 1), special.rgamma(v + 1))
    root = np.where(most, x / 4, x / 2) ** (v / 2)  # which does not vanish early
    halves = root * special.rgamma(v / 2), root / x * special.rgamma((v + 1) / 2)
    two = halves[0] * halves[1] * (2 * math.sqrt(math.pi)) / np.where(most, v, 1)
    return np.where(most, two, root * (root / x) * scale)


def scaled_i_series(v: Any, x: Any) -> Any:
    """The slope of I exp(-x) for such orders and 0 < x < 50 (10.25.2)."""
    k = _count(x)
    ratio = pair_over(times(two_product(x, x), 0.25), times(two_sum(v, k + 1), k + 1))
    weight = plus(two_sum(v, 2 * k), (-x, 0.0))
    return _first(v, x) * np.exp(-x) * chain(ratio, weight)[0]


def y_leading(v: Any, x: Any) -> Any:
    """Y' of orders above 1 and tiny x (10.7.4)."""
    root = (x / 2) ** (-v / 2)
    return root * (root / x) * special.gamma(v) * (v / math.pi)


def y_series(v: Any, x: Any) -> Any:
    """Y' for broken orders above 0, as long as the second term is small (10.2.3, 5.5.3)."""
    first = y_leading(v, x) * (_sum(-v, x) / -v)
    return first + j_series(v, x) / np.tan(math.pi * (v - np.rint(v)))


def y_outwards(v: Any, x: Any) -> Any:
    """Y' for broken orders near 0, by the order above (10.6.2), which is not rounded."""
    above, lost = two_sum(v, 1.0)
    return v / x * special.yv(v, x) - special.yv(above, x) * (1 - lost * np.log(x / 2))


# The phase ----------------------------------------------------------------------------------------


def by_phase(v: Any, x: Any, s: float) -> tuple[Any, Any]:
    """The slopes of J and Y times x**-s far out, of an angle in two parts.

    By (10.17.9) and (10.17.10), with -s/x times (10.17.3) and (10.17.4) in their sums.
    """
    square, k = 4 * v * v, 1
    factor = np.ones(x.shape)
    first, second = np.ones(x.shape), np.zeros(x.shape)
    while k < 50:
        size = factor * ((square + (4.0 * k * k - 1)) / (8 * k * x) + s / x)
        if k % 2:
            second = second + (1 if k % 4 == 1 else -1) * size
        else:
            first = first + (1 if k % 4 == 0 else -1) * size
        factor = factor * ((square - (2 * k - 1) ** 2) / (8 * k * x))
        k += 1
        if np.all(np.abs(factor) < 1e-19):
            break
    shift = pair_product(_PI, two_sum(np.fmod(v, 4.0) / 2, 0.25))
    angle = plus((x, 0.0), times(shift, -1.0))
    sine, cosine = sine_and_cosine((angle[0], np.where(x < _LAST, angle[1], 0)))
    if np.any(x >= _LAST):  # the rounding of the angle is no small one
        more_sine, more_cosine = sine_and_cosine((np.where(x < _LAST, 0, angle[1]), 0))
        parts = sine * more_cosine, cosine * more_cosine
        sine, cosine = parts[0] + cosine * more_sine, parts[1] - sine * more_sine
    scale = np.sqrt(2 / math.pi / x) * x**-s
    return -scale * (first * sine + second * cosine), scale * (first * cosine - second * sine)


# Where they take over -----------------------------------------------------------------------------


def is_far(v: Any, x: Any) -> Any:
    return (x >= SERIES + v * v / 2) & (x < _END)


def is_small(x: Any, slope: Any) -> Any:
    return np.abs(slope) < _SHARE * np.sqrt(2 / math.pi / x)


def oscillates(v: Any, x: Any) -> Any:
    """Where there are zeros: none up to an order above 0 (10.21.3)."""
    size = np.abs(v)
    return (x > np.where(np.less(v, 0), np.minimum(size, np.sqrt(size)), size)) & (x < _END)


def has_series(size: Any) -> Any:
    return (size < SERIES) & (size > TINY)


def is_poor(v: Any, x: Any) -> Any:
    """SciPy's J is not good of negative numbers and orders, and where x is like the order."""
    near = np.abs(x) < np.where(np.equal(v, np.rint(v)), 1.2 * np.abs(v), _NEAR + np.abs(v))
    return np.less(x, 0) | np.less(v, 0) | near


def beside_zeros(kind: int, v: Any, x: Any, slope: Any, s: float = 0.0) -> Any:
    """The slope of J or Y times x**-s at x > 0 where it is small, and NaN elsewhere."""
    result = np.full(x.shape, np.nan)
    size = np.abs(slope) * x**s
    small, far = is_small(x, size), is_far(v, x)
    phase = small & far
    if np.any(phase):
        result[phase] = by_phase(v[phase], x[phase], s)[kind]
    # The second sum of the phase is smaller than that, and so is what is lost in it.
    deep = size < (v * v + 1) / x * np.sqrt(2 / math.pi / x)
    left = small & (~far | deep) & oscillates(v, x)
    if np.any(left):
        found = slope_beside_zero(kind, v[left], x[left], s)
        result[left] = np.where(np.isnan(found), result[left], found)
    return result


def mirrored(v: Any) -> tuple[Any, Any]:
    """The order without the sign of a negative whole one, and the sign of the function (10.4.1)."""
    mirrored = (v < 0) & (v == np.rint(v))
    return np.where(mirrored, -v, v), np.where(mirrored & (np.fmod(v, 2) != 0), -1, 1)


def _between(v: Any, x: Any) -> Any:
    return np.less_equal(np.abs(v), LARGEST) & (np.abs(x) >= FIRST) & (np.abs(x) < _LAST)


def _spherical_series(v: Any, x: Any) -> Any:
    """The slope of J / sqrt(x), of the order v."""
    return _first(v, x) * _sum(v, x, 0.5) / np.sqrt(x)


def spherical_corrected(kind: int) -> Elementwise:
    """The slope of j or y, of the degree, a real x and the slope as it is otherwise (10.47.3)."""

    def near(n: Any, x: Any, direct: Any) -> Any:
        size = np.abs(np.asarray(x, float))
        small = oscillates(n, size) & is_small(size, np.multiply(direct, np.sqrt(size)))
        poor = (kind == 0) & has_series(size) & is_poor(n + 0.5, size)
        return (small | poor | _between(n + 0.5, size)) & np.isfinite(direct)

    def slope(n: Any, x: Any, direct: Any) -> Any:
        odd = np.fmod(n + kind, 2) != 0
        sign = np.where((x < 0) & ~odd, -1, 1) * math.sqrt(math.pi / 2)
        order, size = n + 0.5, np.abs(x)
        result = beside_zeros(kind, order, size, direct, 0.5)
        rest = np.isnan(result) & (kind == 0) & has_series(size)
        if np.any(rest):
            v, x = order[rest], size[rest]
            result[rest] = blockwise(_spherical_series, v, x, block=BLOCK)
        rest = np.isnan(result) & _between(order, size)
        inside = rest & (kind == 0) & (size <= order)
        rest &= ~inside
        if np.any(rest):
            slope = hankel_slope(order[rest], size[rest], 0.5)
            result[rest] = (slope.imag if kind else slope.real) / np.sqrt(size[rest])
        if np.any(inside):
            slope = j_slope_inside(order[inside], size[inside], 0.5)
            result[inside] = slope / np.sqrt(size[inside])
        return sign * result

    name = f"spherical bessel {'jy'[kind]} slope"
    return corrected(("n", "x"), near, slope, name, _MANY)
