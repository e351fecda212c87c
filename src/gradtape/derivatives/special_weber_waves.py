"""The parabolic cylinder function W and its slope, by power series in twice the precision.

It solves w'' = (a - x x/4) w, and SciPy has it for a and x up to 5 in size. Numbers in parentheses
are those of the NIST Digital Library (DLMF).
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
from scipy import special

from gradtape.derivatives.special_pairs import (
    Pair,
    as_pair,
    pair_exp,
    pair_over,
    pair_product,
    pair_quotient,
    pair_root,
    plus,
    times,
    two_product,
)
from gradtape.derivatives.special_parts import piece
from gradtape.derivatives.special_power_series import ROUNDING, trusted
from gradtape.derivatives.special_precision import BLOCK, blockwise
from gradtape.rules import Elementwise, strip

__all__ = ["waving", "weber_w"]

# What it is at 0 ----------------------------------------------------------------------------------

#: From that whole number on its asymptotic series has digits enough with so many terms.
_FAR, _TERMS = 16, 14


def _coefficients() -> list[Fraction]:
    """Of the logarithm of Gamma(z + 3/4)/Gamma(z + 1/4)/sqrt(z) by powers of 1/z**2 (5.11.8)."""
    euler = [1]
    for n in range(1, _TERMS + 1):
        euler.append(-sum(math.comb(2 * n, 2 * k) * e for k, e in enumerate(euler)))
    return [Fraction(-e, 4 * m * 16**m) for m, e in enumerate(euler) if m]


_COEFFICIENTS = as_pair(_coefficients())
_ROOT_HALF = as_pair(Fraction("0.70710678118654752440084436210484903928484"))


def _at_zero(a: Any) -> tuple[Pair, Pair]:
    """W and its slope (12.14.2, 12.14.3), of |Gamma(1/4 + i a/2)/Gamma(3/4 + i a/2)|."""
    zero = np.zeros(a.shape)
    square = two_product(a / 2, a / 2)
    size = plus(square, (float(_FAR**2), 0.0))
    over = pair_over((zero + 1, zero), pair_product(size, size))
    real = pair_product(plus((float(_FAR**2), 0.0), times(square, -1.0)), over)
    total, before, power = (zero, zero), (zero + 1, zero), real  # of (16 + i a/2)**-2, real parts
    for c in zip(*_COEFFICIENTS, strict=True):
        total = plus(total, pair_product(power, c))
        following = plus(
            times(pair_product(real, power), 2.0), times(pair_product(over, before), -1.0)
        )
        before, power = power, following
    ratio = pair_exp(times(total, -2.0))
    j = np.arange(_FAR)[:, None]
    above, below = [_product(plus(square, ((j + part) ** 2, 0.0))) for part in (0.75, 0.25)]
    ratio = pair_product(ratio, pair_over(above, pair_product(below, pair_root(*size))))
    value = pair_root(*times(pair_product(pair_root(*ratio), _ROOT_HALF), 0.5))
    return value, pair_over((zero - 0.5, zero), value)


def _product(factors: Pair) -> Pair:
    """Along the first axis, of a power of 2 in length."""
    high, low = factors
    while len(high) > 1:
        high, low = pair_product((high[::2], low[::2]), (high[1::2], low[1::2]))
    return high[0], low[0]


# Elsewhere ----------------------------------------------------------------------------------------

#: So many terms at most, the share of the largest at which they end, and below what a square is 0.
_POWERS, _LEFT, _TINY = 60, 2.0**-106, 1e-100


def _solutions(a: Any, x: Any, primed: int) -> tuple[list[Pair], list[Any]]:
    """The even solution and the odd one (12.14.8 to 12.14.10), or their slopes, and errors."""
    shape, zero = (2, len(x)), np.zeros((2, len(x)))
    odd = np.arange(2.0)[:, None]
    square = two_product(x, x)
    first, second = times(square, a), pair_product(square, square)
    second = second[0] / -4, second[1] / -4
    before, term = (zero, zero), (np.ones(shape), zero)
    largest, total = np.ones(shape), (zero + (odd if primed else 1), zero)
    for start in range(2, 2 * _POWERS, 2):
        k = odd + start
        following = plus(pair_product(first, term), pair_product(second, before))
        before, term = term, pair_quotient(following, k * (k - 1))
        total = plus(total, times(term, k) if primed else term)
        size = np.abs(term[0]) * k
        largest = np.maximum(largest, size)
        if np.all((size + np.abs(before[0])) < _LEFT * largest):
            break
    even, other = [(total[0][i], total[1][i]) for i in range(2)]
    errors = [ROUNDING * largest[0], ROUNDING * largest[1]]
    if primed:
        near = np.abs(x) < _TINY
        even = pair_quotient(even, np.where(near, 1.0, x))
        errors[0] = errors[0] / np.where(near, 1.0, np.abs(x))
    else:
        other, errors[1] = times(other, x), errors[1] * np.abs(x)
    return [even, other], errors


def _one_of_both(a: Any, x: Any, primed: int) -> Any:
    known = special.pbwa(a, x)[primed]
    solutions, errors = _solutions(a, x, primed)
    parts, error = [], 0.0
    for value, solution, off in zip(_at_zero(a), solutions, errors, strict=True):
        parts.append(pair_product(value, solution))
        error = error + off * np.abs(value[0]) + ROUNDING * np.abs(parts[-1][0])
    found = trusted(plus(parts[0], parts[1]), error)
    return np.where(np.isnan(found) | np.isnan(known), known, found)


def _weber_w(a: Any, x: Any, primed: Any) -> Any:
    result = np.empty(x.shape)
    for n in (0, 1):
        which = primed == n
        if np.any(which):
            result[which] = _one_of_both(a[which], x[which], n)
    return result


def _run(a: Any, x: Any, primed: Any) -> Any:
    with np.errstate(all="ignore"):
        return blockwise(_weber_w, a, x, primed, block=BLOCK)


def _by_x(a: Any, x: Any, primed: Any) -> Any:
    function, slope = weber_w(a, x, 0), weber_w(a, x, 1)
    return np.where(np.equal(strip(primed), 0), slope, waving(a, x) * function)


#: W of the parameter a, or its slope where ``primed`` is 1.
weber_w: Elementwise = Elementwise(
    _run, (None, _by_x, None), names=("a", "x", "primed"), name="special.weber_w"
)


def _waving(a: Any, x: Any) -> Any:
    """What the second derivative is over W: a - x x/4 (12.2.3), in twice the precision."""
    return plus((a, 0.0), times(two_product(x / 2, x / 2), -1.0))[0]


waving: Elementwise = piece(_waving, (None, lambda a, x: -x / 2), ("a", "x"))
