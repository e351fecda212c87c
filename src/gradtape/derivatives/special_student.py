"""How fast Student's distribution function changes with the degrees of freedom n, by power series.

The general way in ``special_ratios`` loses digits of few degrees of freedom, and in the middle and
far out. P(T < -|t|) is I(w)/2 with w = n/(n + t t) and the parameters n/2 and 1/2, and 1/2 less
I(1 - w)/2 with these exchanged. The number in parentheses is the NIST Digital Library's (DLMF).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradtape.derivatives.special_pairs import (
    Pair,
    pair_quotient,
    plus,
    times,
    two_product,
)
from gradtape.derivatives.special_polygamma import psi_rise
from gradtape.derivatives.special_precision import BLOCK, blockwise
from gradtape.derivatives.special_steps import half_step, half_step_rate
from gradtape.derivatives.special_units import close_log, exponential

__all__ = ["power_logarithm", "tail_by_df"]

#: From so many degrees of freedom on the middle has its own series; up to so many there is another
#: where n is at most that share of t t, or below 2 as large.
_FEW, _MANY, _SHARE = 0.1, 30.0, 0.1
#: Enough terms of powers of at most 1/2, and the logarithm of what is nothing.
_TERMS, _DEPTH = 54, 38.0
#: From here on 1 + t t/n is t t/n, unless n is huge.
_FAR = 1e100


def tail_by_df(n: Any, t: Any) -> Any:
    """The derivative of P(T < -|t|) by n where a series is good, and NaN elsewhere."""
    square = t * t
    out = (n <= np.where(n < 2, square, _SHARE * square)) & (n <= _MANY)
    middle = ~out & (n >= _FEW) & (square <= np.minimum(n / 2, 1))
    few = ~out & ~middle & (n < 2)
    result = np.full(n.shape, np.nan)
    for where, function in ((out, _far_out), (middle, _middle), (few, _middle_of_few)):
        if np.any(where):
            result[where] = blockwise(function, n[where], np.abs(t[where]), block=BLOCK)
    return result


def power_logarithm(n: Any, t: Any) -> Pair:
    """log(1 + t t/n); of large t, whose square may overflow, without the 1."""
    far = np.abs(t) > _FAR
    near = np.where(far, 1, t)
    place = plus((1.0, 0.0), pair_quotient(two_product(near, near), n))
    log = close_log((np.where(far, np.abs(t), place[0]), np.where(far, 0, place[1])))
    if not np.any(far):
        return log
    less = close_log((n, np.zeros(n.shape)))
    double = plus(times(log, 2.0), (-less[0], -less[1]))
    return np.where(far, double[0], log[0]), np.where(far, double[1], log[1])


def _shares(n: Any, t: Any) -> tuple[Any, Any]:
    """w and 1 - w."""
    total = n + t * t
    return n / total, t / total * t


def _far_out(n: Any, t: Any) -> Any:
    """By the logarithm of w^a/(a B(a, 1/2)) F(a, 1/2; a + 1; w) with a = n/2 (8.17.7)."""
    a = n / 2
    w, v = _shares(n, t)
    value, by_log, by_a = np.ones(n.shape), np.zeros(n.shape), np.zeros(n.shape)
    term, most = np.ones(n.shape), np.max(w, initial=0.0)
    count = min(_TERMS, 2 + int(_DEPTH / -np.log(max(most, 1e-300))))
    for k in range(1, count):
        term = term * ((k - 0.5) / k) * w
        value = value + term * (a / (a + k))
        by_log = by_log + term * (k * a / (a + k))
        by_a = by_a + term * (k / (a + k) ** 2)
    log = power_logarithm(n, t)
    power = exponential(times(log, -a))
    scale = power * half_step.compute(a) / np.sqrt(math.pi * a)
    rate = (-log[0] + v) / 2 - psi_rise.compute(a + 0.5, np.full_like(a, 0.5)) / 2
    return scale / 2 * (rate * value + by_a / 2 + by_log * (v / n))


def _middle(n: Any, t: Any) -> Any:
    """By powers of t t/n, of 1/2 less the probability."""
    a = n / 2
    share = t / n * t
    term, fall = np.ones(n.shape), np.zeros(n.shape)
    value, change = np.ones(n.shape), np.zeros(n.shape)
    for k in range(_TERMS):
        term = term * (-(a + 0.5 + k) / (k + 1) * share)
        fall = fall + (1 + 2 * k) / (n + 1 + 2 * k)
        value = value + term / (2 * k + 3)
        change = change - term * fall / (2 * k + 3)
    density = half_step.compute(a) / math.sqrt(2 * math.pi)
    return -density * t * (half_step_rate.compute(a) / 2 * value + change / n)


def _middle_of_few(n: Any, t: Any) -> Any:
    """By powers of 1 - w, of 1/2 less the probability."""
    a = n / 2
    w, v = _shares(n, t)
    term, change = np.ones(n.shape), np.zeros(n.shape)
    value, total = np.ones(n.shape), np.zeros(n.shape)
    for k in range(1, _TERMS):
        change = (change * (k - a) - term / 2) / k * v - term * ((k - a) / k) * v * (w / n)
        term = term * ((k - a) / k) * v
        value = value + term / (2 * k + 1)
        total = total + change / (2 * k + 1)
    scale = np.sqrt(a / math.pi * v) * half_step.compute(a)
    return -scale * ((half_step_rate.compute(a) + v / n) / 2 * value + total)
