"""Parabolic cylinder functions D and V and their slopes, to the last digits beside zeros too.

Near 0 by two power series in twice the precision, far out by asymptotic ones; SciPy's functions
beside the other ones lose what the terms of slopes cancel. Numbers in parentheses are those of the
NIST Digital Library (DLMF), whose U(a, x) is D of the order v = -a - 1/2.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from scipy import special

from gradtape.derivatives.special_gamma_pairs import reciprocal_gamma
from gradtape.derivatives.special_pairs import (
    Pair,
    as_pair,
    pair_product,
    pair_quotient,
    plus,
    times,
    two_product,
    two_sum,
)
from gradtape.derivatives.special_parts import piece
from gradtape.derivatives.special_power_series import ROUNDING, summed, trusted
from gradtape.derivatives.special_precision import BLOCK, blockwise
from gradtape.derivatives.special_weber_places import weber_by_places
from gradtape.rules import Elementwise, strip

__all__ = ["curvature", "weber_d", "weber_v"]

_ROOT_2 = as_pair(Fraction("1.41421356237309504880168872420969807856967"))
#: So many terms of the asymptotic series; the error at which they count, and how much may cancel.
_TERMS, _ENOUGH, _CANCEL = 40, 2.0**-56, 2.0
#: Below this its square is 0.
_TINY = 1e-150


def _weber(kind: int, v: Any, x: Any, primed: Any) -> Any:
    """D (kind 0) or V (kind 1) of the order v, or the slope."""
    result = np.empty(x.shape)
    for n in (0, 1):
        which = primed == n
        if np.any(which):
            result[which] = _one_of_both(kind, v[which], x[which], n)
    return result


def _one_of_both(kind: int, v: Any, x: Any, primed: int) -> Any:
    result = _near(kind, v, x, primed)
    for way in (_far, _by_places, _by_scipy):
        left = np.isnan(result)
        if np.any(left):
            result[left] = way(kind, v[left], x[left], primed)
    return result


def _by_places(kind: int, v: Any, x: Any, primed: int) -> Any:
    return np.full(x.shape, np.nan) if kind else weber_by_places(v, x, primed)


def _by_scipy(kind: int, v: Any, x: Any, primed: int) -> Any:
    return (special.pbvv if kind else special.pbdv)(v, x)[primed]


def _solution(kind: int, name: str) -> Elementwise:
    def run(v: Any, x: Any, primed: Any) -> Any:
        with np.errstate(all="ignore"):
            return blockwise(
                lambda v, x, primed: _weber(kind, v, x, primed), v, x, primed, block=BLOCK
            )

    def by_x(v: Any, x: Any, primed: Any) -> Any:
        function, slope = solution(v, x, 0), solution(v, x, 1)
        return np.where(np.equal(strip(primed), 0), slope, curvature(v, x) * function)

    solution = Elementwise(run, (None, by_x, None), names=("v", "x", "primed"), name=name)
    return solution


#: D and V of the order v, or their slopes where ``primed`` is 1.
weber_d = _solution(0, "special.weber_d")
weber_v = _solution(1, "special.weber_v")


def _curvature(v: Any, x: Any) -> Any:
    """Of both over the function: x x/4 - v - 1/2 (12.2.4), in twice the precision."""
    return plus(two_product(x / 2, x / 2), two_sum(-v, -0.5))[0]


curvature: Elementwise = piece(_curvature, (None, lambda v, x: x / 2), ("v", "x"))


# Near 0 -------------------------------------------------------------------------------------------


def _at_zero(kind: int, v: Any) -> tuple[Pair, Pair, Any]:
    """The function and its slope at 0, but for a factor (12.2.6 to 12.2.9)."""
    half, other = (-v / 2, np.zeros(v.shape)), times(two_sum(1.0, -v), 0.5)
    if not kind:
        even, odd = _apart(reciprocal_gamma(_together(other, half)), 2)
        return even, times(pair_product(odd, _ROOT_2), -1.0), np.sqrt(np.pi) * np.exp2(v / 2)
    above = two_sum(1.0, v / 2), times(two_sum(1.0, v), 0.5)
    found = _apart(reciprocal_gamma(_together(*above, half, other)), 4)
    even, odd = [pair_product(pair_product(found[i], found[i]), found[i + 2]) for i in (0, 1)]
    return even, pair_product(odd, _ROOT_2), np.pi * np.exp2(-v / 2)


def _together(*pairs: Pair) -> Pair:
    return np.concatenate([p[0] for p in pairs]), np.concatenate([p[1] for p in pairs])


def _apart(pair: Pair, count: int) -> list[Pair]:
    return list(zip(np.split(pair[0], count), np.split(pair[1], count), strict=True))


def _near(kind: int, v: Any, x: Any, primed: int) -> Any:
    """By the even and the odd solution (12.7.12, 12.7.13), and their slopes term by term."""
    at_zero, slope, scale = _at_zero(kind, v)
    square = two_product(x, x)
    square = square[0] / 2, np.where(np.abs(x) < _TINY, 0, square[1] / 2)
    a, ones, zero = two_sum(-v, -0.5), np.ones(v.shape), np.zeros(v.shape)

    def slopes(k: Any) -> Pair:  # of the even one over x
        even = pair_quotient(plus(a, (k, 0.0)), 2 * k + 1)
        odd = plus((2 * k + 1, 0.0), (-square[0], -square[1]))
        return np.concatenate([even[0], odd[0]], axis=1), np.concatenate([even[1], odd[1]], axis=1)

    above = _together((-v / 2, zero), times(two_sum(1.0, -v), 0.5))
    below = np.concatenate([ones / 2, 1.5 * ones])
    sums, off = summed([above], [below], _together(square, square), slopes if primed else None)
    even, odd = _apart(sums, 2)
    off, odd_off = np.split(off, 2)
    even, odd = (times(even, x), odd) if primed else (even, times(odd, x))
    off, odd_off = (off * np.abs(x), odd_off) if primed else (off, odd_off * np.abs(x))
    first, second = pair_product(at_zero, even), pair_product(slope, odd)
    error = off * np.abs(at_zero[0]) + odd_off * np.abs(slope[0])
    error = error + ROUNDING * (np.abs(first[0]) + np.abs(second[0]))
    fall = np.exp(-square[0] / 2) * (1 - square[1] / 2)
    return trusted(plus(first, second), error) * fall * scale


# Far out ------------------------------------------------------------------------------------------


def _far(kind: int, v: Any, x: Any, primed: int) -> Any:
    """By the asymptotic series, of negative numbers by both functions (12.2.15, 12.2.16)."""
    size, left = np.abs(x), x < 0
    value = _outwards(kind, v, size, primed)
    if not np.any(left):
        return value
    order, size = v[left], size[left]
    sine, cosine = _turn(order)
    other = _outwards(1 - kind, order, size, primed)
    zero = np.zeros(order.shape)
    if kind:
        over = reciprocal_gamma(two_sum(1.0, order))[0]
        first, second = -cosine * value[left], -sine * over * other
    else:
        first = cosine * value[left]
        second = np.pi * reciprocal_gamma((-order, zero))[0] * other
    total = first + second
    sure = np.abs(first) + np.abs(second) < _CANCEL * np.abs(total)
    value[left] = np.where(sure, -total if primed else total, np.nan)
    return value


def _turn(v: Any) -> tuple[Any, Any]:
    """The sine and the cosine of pi v, beside their zeros too."""
    whole = np.rint(2 * v)
    rest = np.pi * (v - whole / 2)
    parts = [np.sin(rest), np.cos(rest), -np.sin(rest), -np.cos(rest)]
    sine, cosine = [
        np.select([np.mod(whole + more, 4) == i for i in range(4)], parts, np.nan)
        for more in (0, 1)
    ]
    return sine, cosine


def _outwards(kind: int, v: Any, x: Any, primed: int) -> Any:
    """The series (12.9.1, 12.9.2), up to their smallest term, of x > 0."""
    high, low = two_product(x / 2, x / 2)
    power, sign = (-v - 1, 1) if kind else (v, -1)
    k = np.arange(_TERMS)[:, None]
    ratio = (2 * k - power) * (2 * k + 1 - power) / (k + 1) * (sign / (8 * high))
    falling = np.cumprod(np.abs(ratio) < 1, axis=0)
    terms = np.cumprod(ratio, axis=0)
    terms = np.concatenate([np.ones((1, *x.shape)), terms * falling])
    smallest = np.min(np.where(falling == 1, np.abs(terms[1:]), 1.0), axis=0)
    if primed:
        k = np.arange(_TERMS + 1)[:, None]
        terms = terms * ((power - 2 * k) / x + sign * x / 2)
        smallest = smallest * x
    total = np.sum(terms[::-1], axis=0)
    cancelled = np.sum(np.abs(terms), axis=0) > _CANCEL * np.abs(total)
    sure = (smallest <= _ENOUGH * np.abs(total)) & ~cancelled
    scale = np.sqrt(2 / np.pi) if kind else 1.0
    grown = np.exp(sign * high) * (1 + sign * low) * np.power(x, power) * scale
    return np.where(sure, total * grown, np.nan)
