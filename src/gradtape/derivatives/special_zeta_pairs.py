"""Slopes of the zeta functions in twice the precision: for what is beside their zeros.

The numbers in parentheses are those of the NIST Digital Library (DLMF).
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from gradtape.derivatives.special_pairs import (
    Pair,
    as_pair,
    horner,
    pair_exp,
    pair_log,
    pair_over,
    pair_product,
    plus,
    times,
    two_sum,
)
from gradtape.derivatives.special_turns import QUARTER, pair_sine_and_cosine

__all__ = ["hurwitz_slope", "reflected_slope"]

#: Terms that are added one by one, and those of the series that follow.
_TERMS, _FURTHER = 24, 14
_ONE: Pair = (1.0, 0.0)
_LOG_TURN = as_pair(Fraction("1.83787706640934548356065947281123527972279494727556682563430"))


def _bernoulli(count: int) -> list[Fraction]:
    """B_2, B_4, and so on (24.5.3)."""
    found = [Fraction(1)]
    for n in range(1, 2 * count + 1):
        total = sum([math.comb(n + 1, k) * b for k, b in enumerate(found)], Fraction(0))
        found.append(-total / (n + 1))
    return found[2::2]


_BERNOULLI = _bernoulli(_FURTHER)
_OVER_FACTORIALS = as_pair([b / math.factorial(2 * j) for j, b in enumerate(_BERNOULLI, 1)])
#: Those of psi (5.11.2) and of the logarithm of Gamma (5.11.1), from the constant ones on.
_OF_PSI = as_pair([-b / (2 * j) for j, b in enumerate(_BERNOULLI, 1)])
_OF_LOG_GAMMA = as_pair([b / (2 * j * (2 * j - 1)) for j, b in enumerate(_BERNOULLI, 1)])


def _minus(a: Pair) -> Pair:
    return -a[0], -a[1]


def _zeta(x: Pair, q: Any) -> tuple[Pair, Pair]:
    """zeta(x, q) and its slope by x, by Euler and Maclaurin (25.11.5)."""
    zero = np.zeros(x[0].shape)
    value: Pair = zero, zero
    slope: Pair = zero, zero
    for k in range(_TERMS):
        log = pair_log(two_sum(q, float(k)))
        power = pair_exp(_minus(pair_product(x, log)))
        value, slope = plus(value, power), plus(slope, _minus(pair_product(log, power)))
    base = two_sum(q, float(_TERMS))
    log = pair_log(base)
    power = pair_exp(_minus(pair_product(x, log)))
    # The rest is the power times this, which has a slope of its own.
    below = plus(x, (-1.0, 0.0))
    first = pair_over(base, below)
    rest, change = plus(first, (0.5, 0.0)), _minus(pair_over(first, below))
    over = pair_over(_ONE, base)
    square = pair_product(over, over)
    rising, by_x, scale = x, (zero + 1, zero), over  # of x (x + 1) ... (x + 2j - 2)
    for j in range(1, _FURTHER + 1):
        number = pair_product((_OVER_FACTORIALS[0][j - 1], _OVER_FACTORIALS[1][j - 1]), scale)
        rest = plus(rest, pair_product(number, rising))
        change = plus(change, pair_product(number, by_x))
        for more in (2.0 * j - 1, 2.0 * j):
            factor = plus(x, (more, 0.0))
            by_x = plus(pair_product(by_x, factor), rising)
            rising = pair_product(rising, factor)
        scale = pair_product(scale, square)
    value = plus(value, pair_product(power, rest))
    outer = plus(change, _minus(pair_product(log, rest)))
    return value, plus(slope, pair_product(power, outer))


def hurwitz_slope(x: Any, q: Any) -> Any:
    """The slope of zeta(x, q) by x > 1."""
    return _zeta((x, 0 * x), q)[1][0]


def _gamma_and_psi(x: Pair) -> tuple[Pair, Pair]:
    """Gamma over the power (2 pi)^x, times its root, and psi.

    By recurrence and the asymptotic series (5.5.1, 5.11.1, 5.5.2, 5.11.2).
    """
    zero = 0 * x[0]
    rising: Pair = zero + 1, zero
    total: Pair = zero, zero
    for k in range(_TERMS):
        factor = plus(x, (float(k), 0.0))
        rising, total = pair_product(rising, factor), plus(total, _minus(pair_over(_ONE, factor)))
    far = plus(x, (float(_TERMS), 0.0))
    log, over = pair_log(far), pair_over(_ONE, far)
    square = pair_product(over, over)
    series = pair_product(square, horner(_OF_PSI, square))
    psi = plus(plus(total, log), plus(times(over, -0.5), series))
    # The logarithm of Gamma, less that of the power; the root of 2 pi is in both.
    logs = plus(pair_product(plus(far, (-0.5, 0.0)), log), _minus(far))
    logs = plus(logs, pair_product(over, horner(_OF_LOG_GAMMA, square)))
    logs = plus(logs, _minus(pair_product(x, _LOG_TURN)))
    return pair_over(pair_exp(logs), rising), psi


def reflected_slope(x: Any) -> Any:
    """The slope of zeta(x) for x < 0 by that of its reflection (25.4.1)."""
    mirrored = two_sum(1.0 + 0 * x, -x)
    value, slope = _zeta(mirrored, np.float64(1.0))
    gamma, psi = _gamma_and_psi(mirrored)
    inner = plus(pair_product(plus(_LOG_TURN, _minus(psi)), value), _minus(slope))
    sine, cosine = pair_sine_and_cosine(times(QUARTER, x - 4 * np.rint(x / 4)))
    outer = pair_product(pair_product(QUARTER, cosine), value)
    total = plus(pair_product(sine, inner), outer)
    return pair_product(gamma, total)[0] * (2 * math.sqrt(2 * math.pi))
