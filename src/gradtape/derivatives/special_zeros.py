"""Slopes of Bessel functions beside their zeros: power series in twice the precision, and phases.

There the ways of ``special_bessel`` lose as many digits as the slope is smaller than it is
elsewhere. Numbers in parentheses are those of the NIST Digital Library (DLMF).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from scipy import special

from gradtape.derivatives.special_pairs import (
    Pair,
    as_pair,
    chain,
    pair_log,
    pair_over,
    pair_product,
    plus,
    sine_and_cosine,
    times,
    two_product,
    two_sum,
)
from gradtape.derivatives.special_precision import BLOCK, blockwise
from gradtape.rules import Elementwise

__all__ = [
    *("corrected", "hankel_corrected", "j_corrected", "scaled_i_series", "y_corrected"),
]


def corrected(
    names: tuple[str, ...], near: Callable[..., Any], function: Callable[..., Any], name: str
) -> Elementwise:
    """A primitive of bare arrays and of a value, which it corrects; its slope is the value's own.

    ``near`` of them all says where, ``function`` of the arrays what the value is there.
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
            result[chosen] = blockwise(function, *[a[chosen] for a in arrays[2:]], block=BLOCK)
            return result[()]

    return Elementwise(run, (*[None] * len(names), 1), names=(*names, "direct"), name=name)


#: Below this the power series have all digits, and so the asymptotic ones beyond it and the order.
_SERIES = 25.0
#: Up to here squares may vanish.
_TINY = 1e-100
#: A share of J that is nothing beside Y.
_NOTHING = 1e-20
#: Up to this order SciPy's Y is corrected below that.
_ORDERS = 20
#: Smaller than this share of the amplitude counts as beside a zero.
_SHARE = 0.25

_PI = as_pair(Fraction("3.14159265358979323846264338327950288419716939937510582097"))
_EULER = as_pair(Fraction("0.57721566490153286060651209008240243104215933593992359880"))


# The power series ---------------------------------------------------------------------------------


def _count(x: Any) -> Any:
    """So many terms give all digits of J and Y, as a column."""
    largest = np.max(x, initial=0.0)
    return np.arange(64.0 if largest > 10 else 32 if largest > 2.5 else 16)[:, None]


def _j_series(v: Any, x: Any) -> Any:
    """J' for orders that are no negative whole number (10.2.2)."""
    k = _count(x)
    ratio = pair_over(times(two_product(x, x), -0.25), times(two_sum(v, k + 1), k + 1))
    return _first(v, x) * chain(ratio, two_sum(v, 2 * k))[0]


def _first(v: Any, x: Any) -> Any:
    """(x/2)^v / (x Gamma(v + 1))."""
    large = v >= 1  # v + 1 is rounded
    scale = np.where(large, special.rgamma(v) / np.where(large, v, 1), special.rgamma(v + 1))
    root = (x / 2) ** (v / 2)  # which does not vanish early
    return root * (root / x) * scale


def scaled_i_series(v: Any, x: Any) -> Any:
    """The slope of I exp(-x) for such orders and 0 < x < 50 (10.25.2)."""
    k = _count(x)
    ratio = pair_over(times(two_product(x, x), 0.25), times(two_sum(v, k + 1), k + 1))
    weight = plus(two_sum(v, 2 * k), (-x, 0.0))
    return _first(v, x) * np.exp(-x) * chain(ratio, weight)[0]


#: The harmonic numbers, and the sums of neighbours.
_SUMS = list(accumulate([Fraction(0), *[Fraction(1, k) for k in range(1, 65)]]))
_TWO = [a + b for a, b in pairwise(_SUMS)]
#: The weights of J, and of what Y has beside it, of the orders 0 and 1.
_WEIGHTS = as_pair(
    [
        [[[Fraction(1)], [Fraction(1)]], [[one], [two]]]
        for one, two in zip(_SUMS[:-1], _TWO, strict=True)
    ]
)


def _y_first(x: Any) -> tuple[Pair, Pair]:
    """pi/2 times Y of the orders 0 and 1 (10.8.1)."""
    k = _count(x)[..., None, None]
    minus = times(two_product(x, x), -0.25)
    ratio = pair_over(minus, ((k + 1) * (k + 1 + np.array([[0.0], [1.0]])), 0.0))
    j, rest = zip(*chain(ratio, (_WEIGHTS[0][: len(k)], _WEIGHTS[1][: len(k)])), strict=True)
    both = pair_product(plus(pair_log((x / 2, 0.0)), _EULER), j)
    first, second = [tuple([part[i] for part in both]) for i in range(2)]
    first = plus(first, (-rest[0][0], -rest[1][0]))
    second = plus(times(second, 2.0), (-rest[0][1], -rest[1][1]))
    return first, plus(times(second, x / 4), pair_over((-1.0, 0.0), (x, 0.0)))


def _y_series(n: Any, x: Any) -> Any:
    """Y' for whole orders from 0 on, by the recurrence (10.6.1) from order to order."""
    below, value = _y_first(x)
    slope = np.where(n == 0, -value[0], 0)
    for k in range(1, int(np.max(n, initial=0)) + 1):
        quotient = pair_over(times(value, float(k)), (x, 0.0))
        found = plus(below, times(quotient, -1.0))
        slope = np.where(n == k, found[0], slope)
        below, value = value, plus(times(quotient, 2.0), times(below, -1.0))
    return slope * (2 / math.pi)


def _y_small(v: Any, x: Any) -> Any:
    """Y' for broken orders above 0 and x so small that J is nothing beside Y (10.2.2, 10.2.3)."""
    k = _count(x)
    ratio = (x / 2) ** 2 / ((k + 1) * (v - k - 1))
    total = chain((ratio, 0 * ratio), (2 * k - v, 0 * ratio))[0]
    root = (x / 2) ** (-v / 2)
    return root * (root / x) * special.gamma(v) / -math.pi * total


# The phase ----------------------------------------------------------------------------------------


def _far(v: Any, x: Any) -> tuple[Any, Any]:
    """J' and Y' far out (10.17.9, 10.17.10), of an angle in two parts."""
    square, k = 4 * v * v, 1
    factor = np.ones(x.shape)
    first, second = np.ones(x.shape), np.zeros(x.shape)
    while k < 50:
        size = factor * ((square + (4.0 * k * k - 1)) / (8 * k * x))
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
    sine, cosine = sine_and_cosine(angle)
    scale = np.sqrt(2 / math.pi / x)
    return -scale * (first * sine + second * cosine), scale * (first * cosine - second * sine)


# Where they take over -----------------------------------------------------------------------------


def _is_far(v: Any, x: Any) -> Any:
    return (x >= _SERIES + v * v / 2) & (x < 1e8)


def _small(x: Any, slope: Any) -> Any:
    return np.abs(slope) < _SHARE * np.sqrt(2 / math.pi / x)


def _j_near(v: Any, x: Any, direct: Any) -> Any:
    size = np.abs(np.asarray(x, float))
    known = (size < _SERIES) & (size > np.maximum(np.abs(v) / 8, _TINY)) | _is_far(v, size)
    # SciPy's J is not good either of negative numbers and orders, and where x is like the order.
    poor = np.less(x, 0) | np.less(v, 0) | (size < 1.2 * np.abs(v))
    return known & (poor | _small(size, direct)) & ~np.isnan(direct)


def _y_near(v: Any, x: Any, direct: Any) -> Any:
    whole = np.equal(v, np.rint(v)) & (np.abs(v) <= _ORDERS)
    known = whole & np.less(x, _SERIES) & np.greater(x, np.abs(v) / 2) | _is_far(v, x)
    small = known & _small(np.asarray(x, float), direct)
    return small | _is_small(v, x) & np.isfinite(direct)


def _is_small(v: Any, x: Any) -> Any:
    broken = np.not_equal(v, np.rint(v)) & np.greater(v, 0) & np.less(v, 100)
    return broken & np.greater(x, _TINY) & (np.multiply(x, 0.5) ** (2 * np.abs(v)) < _NOTHING)


def _split(near: Any, far: Any, v: Any, x: Any) -> Any:
    is_far = _is_far(v, x)
    result = np.empty_like(x)
    result[is_far] = far(v[is_far], x[is_far])
    result[~is_far] = near(v[~is_far], x[~is_far])
    return result


def _j_slope(v: Any, x: Any) -> Any:
    """For negative x too, where the order is whole (10.4.1, 10.11.1)."""
    odd = (v == np.rint(v)) & (np.fmod(v, 2) != 0)
    mirrored = (v < 0) & (v == np.rint(v))
    sign = np.where(odd & mirrored, -1, 1) * np.where((x < 0) & ~odd, -1, 1)
    order = np.where(mirrored, -v, v)
    return sign * _split(_j_series, lambda v, x: _far(v, x)[0], order, np.abs(x))


def _y_slope(v: Any, x: Any) -> Any:
    mirrored = (v < 0) & (v == np.rint(v))
    sign = np.where(mirrored & (np.fmod(v, 2) != 0), -1, 1)
    order = np.where(mirrored, -v, v)
    small = _is_small(order, x)
    result = np.empty_like(x)
    result[small] = _y_small(order[small], x[small])
    result[~small] = _split(_y_series, lambda v, x: _far(v, x)[1], order[~small], x[~small])
    return sign * result


#: J' and Y', of the order, a real x and the slope as it is otherwise.
j_corrected = corrected(("v", "x"), _j_near, _j_slope, "bessel j slope")
y_corrected = corrected(("v", "x"), _y_near, _y_slope, "bessel y slope")


def hankel_corrected(i: complex) -> Elementwise:
    """J' + i Y' of a real x > 0; of a negative one the slope stays."""
    sign = i.imag

    def run(v: Any, x: Any, direct: Any) -> Any:
        x = np.where(np.greater(x, 0), x, np.nan)
        real = j_corrected.compute(v, x, np.real(direct))
        imaginary = y_corrected.compute(v, x, np.imag(direct) * sign) * sign
        result = np.array(direct)
        result.real, result.imag = real, imaginary
        return result[()]

    name = "hankel slope" if sign > 0 else "hankel slope conjugate"
    return Elementwise(run, (None, None, 1), names=("v", "x", "direct"), name=name)
